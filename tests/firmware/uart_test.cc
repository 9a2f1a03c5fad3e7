// The firmware that prints on a UART, on the virtual board.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "codegen/emit.h"
#include "deploy/firmware.h"
#include "deploy/package.h"
#include "device/device.h"
#include "execute/flash.h"
#include "import/tflite/reader.h"
#include "reference/interpret.h"
#include "support/data_dir.h"
#include "support/subprocess.h"

namespace mote {
namespace {

/// The lines for output 0, computed from the pattern that the firmware's main fills in.
std::string expected_lines(const ir::Graph& graph) {
  Bytes input(graph.tensor(graph.inputs[0]).size_bytes());
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i % 17);
  const Bytes output = reference::interpret(graph, {input}).at(static_cast<size_t>(graph.outputs[0]));
  std::string lines;
  size_t i = 0;
  for (const int8_t value : to_values<int8_t>(output)) {
    lines += fmt::format("{}[{}] = {}\n", codegen::identifier(graph.tensor(graph.outputs[0]).name), i++, value);
  }
  return lines;
}

uint32_t address_of(const toolchain::Image& image, const char* symbol) {
  const toolchain::Symbol* const found = image.find(symbol);
  check(found != nullptr, "the firmware has no symbol " + std::string(symbol));
  return found->address();
}

class FirmwareWithAUart : public testing::TestWithParam<const char*> {};

TEST_P(FirmwareWithAUart, BootsAndPrintsWhatTheReferenceTells) {
  if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  const target::Board board = target::load_board(GetParam());
  toolchain::Toolchain toolchain(board);
  const ir::Graph graph = import::read_tflite(source_dir() / "examples/digits/digits.tflite");
  const deploy::Library library = deploy::make_library(graph, "digits.tflite", "digits", board);
  const std::vector<deploy::File> files = deploy::package_of(library, "firmware-uart", board, std::nullopt);
  const toolchain::Image image = deploy::build_package(files, toolchain, library.origin.flags);

  const std::unique_ptr<device::Device> device = device::open_device("sim", board);
  execute::flash(*device, board, image, "digits");
  device->reset();
  device->take_output();
  device::Registers registers;
  const uint32_t vectors = address_of(image, "mote_vectors");
  registers.r[13] = read_word(*device, vectors);
  registers.r[14] = 0xFFFFFFFFu;
  registers.r[15] = read_word(*device, vectors + 4) & ~1u;
  registers.xpsr = 1u << 24;
  const device::Stop stop = device->run(registers, address_of(image, "leave"), std::chrono::minutes(10));
  ASSERT_EQ(stop.kind, device::Stop::Kind::kBreakpoint) << stop.text;
  EXPECT_EQ(device->take_output(), expected_lines(graph));
}

INSTANTIATE_TEST_SUITE_P(Boards, FirmwareWithAUart,
                         testing::Values("nucleo-f746zg", "nucleo-l4r5zi", "nucleo-u575zi", "mps2-an386"));

}  // namespace
}  // namespace mote
