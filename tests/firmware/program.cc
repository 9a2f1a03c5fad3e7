#include "program.h"

#include <gtest/gtest.h>

#include "deploy/stack.h"
#include "import/tflite/reader.h"
#include "reference/interpret.h"
#include "support/data_dir.h"
#include "support/error.h"

namespace mote::tests {

ir::Graph model_of(const std::string& name) {
  const std::filesystem::path folder = source_dir() / "examples" / (name == "digits" ? "digits" : "models");
  return import::read_tflite((folder / (name + ".tflite")).string());
}

Bytes reference_output(const ir::Graph& graph, const Bytes& input) {
  return reference::interpret(graph, {input}).at(static_cast<size_t>(graph.outputs.front()));
}

Bytes filled(size_t size, uint32_t seed) {
  Bytes bytes(size);
  for (std::byte& value : bytes) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<std::byte>(seed >> 24);
  }
  return bytes;
}

uint32_t hashed(const Bytes& bytes, uint32_t hash) {
  for (const std::byte b : bytes) hash = (hash ^ static_cast<uint8_t>(b)) * 16777619u;
  return hash;
}

Program::Program(const std::string& main, const std::vector<deploy::Library>& libraries, const target::Board& board,
                 const std::vector<std::string>& defines)
    : board_(board), toolchain_(board_), device_(device::open_device("sim", board_)) {
  std::vector<std::string> flags = deploy::kKernelFlags;
  flags.insert(flags.end(), defines.begin(), defines.end());
  image_ = deploy::build_program(libraries, main, board_, toolchain_, flags);
  for (const toolchain::Segment& segment : image_.segments) {
    if (!segment.bytes.empty()) device_->program(segment.load_address, segment.bytes);
  }
  device_->reset();
  const uint32_t vectors = address_of("mote_vectors");
  registers_.r[13] = read_word(*device_, vectors);
  registers_.r[14] = 0xFFFFFFFFu;
  registers_.r[15] = read_word(*device_, vectors + 4) & ~1u;
  registers_.xpsr = 1u << 24;
}

void Program::run() {
  if (started_) registers_.r[15] = registers_.r[14] & ~1u;
  started_ = true;
  const device::Stop stop = device_->run(registers_, address_of("example_done"), std::chrono::minutes(10));
  ASSERT_EQ(stop.kind, device::Stop::Kind::kBreakpoint) << stop.text << image_.describe(stop.registers.r[15]);
  registers_ = stop.registers;
}

uint32_t Program::stack_bound(const std::string& function) const {
  const std::optional<uint32_t> bound = deploy::stack_bound(image_, function);
  check(bound.has_value(), "no bound is known of " + function);
  return *bound;
}

uint32_t Program::address_of(const std::string& symbol) const {
  const toolchain::Symbol* const found = image_.find(symbol);
  check(found != nullptr, "the firmware has no symbol " + symbol);
  return found->address();
}

}  // namespace mote::tests
