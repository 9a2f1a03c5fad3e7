#include "execute/booted.h"

#include <fmt/format.h>

#include "deploy/firmware.h"
#include "deploy/shared_code.h"
#include "execute/flash.h"
#include "support/error.h"

namespace mote::execute {
namespace {

constexpr uint32_t kThumb = 1u << 24;  // the only bit of xPSR that is set out of reset

}  // namespace

Booted::Booted(device::Device& device, const target::Board& board, const deploy::Library& library,
               toolchain::Toolchain& toolchain, const std::vector<std::string>& flags)
    : device_(device), library_(library), cycles_per_tick_(board.counter.cycles_per_tick), limit_(board.limits.run) {
  image_ = deploy::build_firmware(library, board, toolchain, deploy::FirmwareKind::kProfile, flags);
  was_there_ = flash(device_, board, image_, library.network.prefix).was_there;
  device_.reset();
  const uint32_t vectors = address_of("mote_vectors");
  registers_.r[13] = read_word(device_, vectors);
  registers_.r[14] = 0xFFFFFFFFu;
  registers_.r[15] = read_word(device_, vectors + 4) & ~1u;
  registers_.xpsr = kThumb;
  go_to("mote_ready");
}

uint32_t Booted::address_of(const std::string& symbol) const {
  const toolchain::Symbol* const found = image_.find(symbol);
  check(found != nullptr, "the firmware has no symbol " + symbol);
  return found->address();
}

uint32_t Booted::address_of(ir::TensorId id) const {
  const int region = library_.arena.region_of_tensor[static_cast<size_t>(id)];
  if (region < 0) {
    const ir::TensorId constant = deploy::constant_behind(library_.network, id);
    return address_of(fmt::format("{}_constant_{}", library_.network.prefix, constant));
  }
  const deploy::Arena& arena = library_.arena;
  return address_of(library_.network.prefix + "_arena" + arena.suffix_of(arena.region_of(id))) +
         static_cast<uint32_t>(arena.offset_of(id));
}

Bytes Booted::read(ir::TensorId id) {
  Bytes bytes(library_.network.graph.tensor(id).size_bytes());
  device_.read(address_of(id), bytes);
  return bytes;
}

void Booted::go_to(const std::string& function) {
  const device::Stop stop = device_.run(registers_, address_of(function), limit_);
  registers_ = stop.registers;
  if (stop.kind == device::Stop::Kind::kBreakpoint) return;
  const std::string where = image_.describe(stop.registers.r[15]);
  const std::string how = stop.kind == device::Stop::Kind::kTimeout ? "does not end" : "failed";
  throw JobError(fmt::format("the firmware on {} {}: {}, at {:#010x}{}", device_.name(), how,
                             stop.text.empty() ? "no further word" : stop.text, stop.registers.r[15],
                             where.empty() ? "" : " in " + where));
}

/// A core that stands at the first instruction of a function, as if that had returned already.
device::Registers Booted::registers_to_return() const {
  device::Registers registers = registers_;
  registers.r[15] = registers.r[14] & ~1u;
  return registers;
}

void Booted::write_inputs(const std::vector<Bytes>& inputs) {
  const ir::Graph& graph = library_.network.graph;
  check(inputs.size() == graph.inputs.size(), "one value for every input is wanted");
  for (size_t i = 0; i < inputs.size(); ++i) device_.write(address_of(graph.inputs[i]), inputs[i]);
}

void Booted::halt_at(size_t operator_index, const std::vector<Bytes>& inputs) {
  const std::optional<deploy::Kernel>& kernel = library_.network.kernels.at(operator_index);
  check(kernel.has_value(), "the operator has a kernel");
  write_inputs(inputs);
  // Several operators may call one function: the right call comes after the checkpoint before the operator.
  write_word(device_, address_of("mote_stop"), 1);
  for (size_t i = 0; i <= operator_index; ++i) {
    registers_ = registers_to_return();
    go_to("mote_checkpoint");
  }
  write_word(device_, address_of("mote_stop"), 0);
  registers_ = registers_to_return();
  go_to(deploy::called_by(library_.network, operator_index));
}

Inference Booted::run(const std::vector<Bytes>& inputs, const Observer& observer) {
  const ir::Graph& graph = library_.network.graph;
  write_inputs(inputs);
  const size_t count = graph.operators.size();
  write_word(device_, address_of("mote_stop"), observer ? 1u : 0u);
  if (observer) {
    // It stops before each operator, when the one before has computed its output, and after the last.
    for (size_t i = 0; i <= count; ++i) {
      registers_ = registers_to_return();
      go_to("mote_checkpoint");
      if (i > 0) observer(i - 1, read(graph.operators[i - 1].output));
    }
  }
  registers_ = registers_to_return();
  go_to("mote_done");

  Inference result;
  for (const ir::TensorId id : graph.outputs) result.outputs.push_back(read(id));
  Bytes bytes((count + 1) * sizeof(uint32_t));
  device_.read(address_of("mote_cycles"), bytes);
  const std::vector<uint32_t> stamps = to_values<uint32_t>(bytes);
  const uint32_t overhead = read_word(device_, address_of("mote_overhead"));
  for (size_t i = 0; i < count; ++i) {
    const uint32_t passed = stamps[i + 1] - stamps[i];  // the counter may have wrapped around once
    result.cycles.push_back(passed > overhead ? uint64_t{passed - overhead} * cycles_per_tick_ : 0);
  }
  registers_ = registers_to_return();
  go_to("mote_ready");
  return result;
}

}  // namespace mote::execute
