#include "execute/painted_stack.h"

#include <fmt/format.h>

#include <algorithm>

#include "deploy/firmware.h"
#include "execute/flash.h"
#include "support/error.h"

namespace mote::execute {
namespace {

constexpr std::byte kPaint{0xA5};
constexpr uint32_t kThumb = 1u << 24;

uint32_t address_of(const toolchain::Image& image, const char* symbol) {
  const toolchain::Symbol* const found = image.find(symbol);
  check(found != nullptr, "the firmware has no symbol " + std::string(symbol));
  return found->address();
}

void go_to(device::Device& device, device::Registers& registers, uint32_t address) {
  const device::Stop stop = device.run(registers, address, std::chrono::minutes(10));
  if (stop.kind != device::Stop::Kind::kBreakpoint) {
    throw JobError(fmt::format("the firmware on {} does not come to {:#010x}: {}", device.name(), address, stop.text));
  }
  registers = stop.registers;
}

}  // namespace

uint32_t painted_stack(device::Device& device, const target::Board& board, const deploy::Library& library,
                       toolchain::Toolchain& toolchain, uint32_t stack) {
  const toolchain::Image image = deploy::build_firmware(library, board, toolchain, deploy::FirmwareKind::kPlain);
  flash(device, board, image, library.network.prefix);
  device.reset();
  device::Registers registers;
  const uint32_t vectors = address_of(image, "mote_vectors");
  registers.r[13] = read_word(device, vectors);
  registers.r[14] = 0xFFFFFFFFu;
  registers.r[15] = read_word(device, vectors + 4) & ~1u;
  registers.xpsr = kThumb;
  go_to(device, registers, address_of(image, "mote_ready"));

  const uint32_t top = registers.r[13];
  const uint32_t bottom = std::max(top - std::min(top, stack), address_of(image, "mote_bss_end"));
  Bytes memory(top - bottom, kPaint);
  device.write(bottom, memory);
  registers.r[15] = registers.r[14] & ~1u;  // as if mote_ready() had returned
  go_to(device, registers, address_of(image, "mote_done"));
  device.read(bottom, memory);
  const auto touched = std::find_if(memory.begin(), memory.end(), [](std::byte b) { return b != kPaint; });
  return static_cast<uint32_t>(memory.end() - touched);
}

}  // namespace mote::execute
