// The session's calls: the queue on the device, what came of each call, and going on after a fault.
#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "runtime/runner.h"
#include "session/session.h"
#include "support/random.h"

namespace mote::session {

using std::chrono::milliseconds;

// The structures are shared with the device as bytes: both sides must lay them out alike.
static_assert(sizeof(mote_task) == 56 && offsetof(mote_task, ticks) == 40);
static_assert(sizeof(mote_fault) == 96 && offsetof(mote_runner_state, fault) == 24 &&
              offsetof(mote_runner_state, tasks) == 120);

namespace {

mote_runner_state header_of(std::span<const std::byte> state) {
  mote_runner_state runner{};
  std::memcpy(&runner, state.data(), std::min(sizeof runner, state.size()));
  return runner;
}

/// While interrupts are masked every fault arrives as a HardFault; the status registers tell which it was.
Fault::Kind kind_of(const mote_fault& fault) {
  constexpr uint32_t kForced = 1u << 30;
  switch (fault.exception) {
    case 3:
      if (!(fault.hfsr & kForced)) return Fault::Kind::kHardFault;
      if (fault.cfsr & 0xFFFF0000) return Fault::Kind::kUsageFault;
      if (fault.cfsr & 0xFF00) return Fault::Kind::kBusFault;
      return fault.cfsr & 0xFF ? Fault::Kind::kMemManage : Fault::Kind::kHardFault;
    case 4:
      return Fault::Kind::kMemManage;
    case 5:
      return Fault::Kind::kBusFault;
    case 6:
      return Fault::Kind::kUsageFault;
    default:
      return Fault::Kind::kException;
  }
}

}  // namespace

void Session::fill_random(uint32_t address, uint32_t bytes, uint64_t seed) {
  if (device_.transfers_are_fast()) {
    Bytes made(bytes);
    Random(seed).fill(made);
    return write(address, made);
  }
  const uint32_t low = static_cast<uint32_t>(seed), high = static_cast<uint32_t>(seed >> 32);
  queue({runner_.fill_random, {address, bytes, low, high}}, false, {});
}

void Session::fill(uint32_t address, uint32_t bytes, std::byte value) {
  if (device_.transfers_are_fast()) return write(address, Bytes(bytes, value));
  queue({runner_.fill_bytes, {address, bytes, std::to_integer<uint32_t>(value)}}, false, {});
}

void Session::enqueue(const Call& call, Limit limit) {
  queue(call, true, limit);
}

void Session::queue(const Call& call, bool wanted, Limit limit) {
  check(call.arguments.size() <= MOTE_ARGUMENTS && call.repeats >= 1,
        "a call has at most 8 arguments and runs at least once");
  queue_.push_back({call, wanted, limit.value_or(board_.limits.run)});
  if (queue_.size() == MOTE_QUEUE) flush();
}

CallResult Session::call(const Call& call, Limit limit) {
  flush();
  const size_t before = results_.size();
  queue(call, true, limit);
  flush();
  CallResult result = std::move(results_.back());
  results_.resize(before);
  return result;
}

CallResult Session::call(const Module& module, const std::string& symbol, const std::vector<uint32_t>& arguments,
                         uint32_t repeats, Limit limit) {
  return call(Call{module.address_of(symbol), arguments, repeats}, limit);
}

std::vector<CallResult> Session::sync() {
  flush();
  return std::exchange(results_, {});
}

void Session::flush() {
  if (queue_.empty()) return;
  const std::vector<Queued> tasks = std::exchange(queue_, {});
  ensure_loaded();
  run_queue(tasks);
}

/// Runs the runner once over `tasks`. Sets how many were done and the runner's state afterwards; gives the fault, if
/// any.
std::optional<Fault> Session::run_runner(std::span<const Queued> tasks, uint32_t& done, Bytes& state) {
  mote_runner_state runner{};
  runner.count = static_cast<uint32_t>(tasks.size());
  runner.stack_low = runner_.stack.address;
  runner.stack_high = static_cast<uint32_t>(runner_.stack.end());
  runner.guard_words = kGuardWords;
  milliseconds limit{0};
  for (size_t i = 0; i < tasks.size(); ++i) {
    runner.tasks[i].function = tasks[i].call.function;
    runner.tasks[i].repeats = tasks[i].call.repeats;
    std::copy(tasks[i].call.arguments.begin(), tasks[i].call.arguments.end(), runner.tasks[i].arguments);
    limit = std::max(limit, tasks[i].limit);
  }
  const size_t size = offsetof(mote_runner_state, tasks) + tasks.size() * sizeof(mote_task);
  state.resize(size);
  done = 0;
  try {
    device_.write(runner_.state, std::as_bytes(std::span(&runner, 1)).first(size));
    device::Registers registers;
    registers.r[13] = static_cast<uint32_t>(runner_.stack.end() & ~7u);
    registers.r[14] = runner_.stop | 1;
    registers.r[15] = runner_.entry;
    const device::Stop stop = device_.run(registers, runner_.stop, limit);
    device_.read(runner_.state, state);
    const mote_runner_state after = header_of(state);
    const bool finished = stop.kind == device::Stop::Kind::kBreakpoint && after.event == MOTE_EVENT_NONE;
    done = after.done;
    if (finished && done == runner.count) return {};
    // Whoever ran last is to blame; a count that cannot be says that the runner's own memory was hit, by anyone.
    if (done >= runner.count) done = done == runner.count ? runner.count - 1 : 0;
    return fault_from(stop, state);
  } catch (const device::ConnectionError& error) {
    Fault fault;
    fault.kind = Fault::Kind::kConnection;
    fault.detail = error.what();
    return fault;
  }
}

void Session::run_queue(std::span<const Queued> tasks) {
  Bytes state;
  uint32_t done = 0;
  const std::optional<Fault> fault = run_runner(tasks, done, state);
  if (fault) recover();
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks[i].wanted) continue;
    CallResult result;
    if (i < done) {
      result = result_of(tasks[i].call, state, i);
    } else if (i == done && fault) {
      result.fault = *fault;
    } else {
      result.fault = Fault();
      result.fault->kind = Fault::Kind::kNotRun;
      result.fault->detail = "an earlier call in the queue failed";
    }
    results_.push_back(std::move(result));
  }
}

CallResult Session::result_of(const Call& call, std::span<const std::byte> state, size_t task) const {
  const mote_task done = header_of(state).tasks[task];
  const auto net = [&](uint64_t ticks, uint64_t calls) {
    const uint64_t cycles = ticks * board_.counter.cycles_per_tick, cost = overhead_ * calls;
    return cycles > cost ? cycles - cost : 0;
  };
  CallResult result;
  result.repeats = call.repeats;
  result.cycles = net(done.ticks, call.repeats);
  result.least = net(done.least, 1);
  result.most = net(done.most, 1);
  return result;
}

Fault Session::fault_from(const device::Stop& stop, std::span<const std::byte> state) {
  const mote_runner_state after = header_of(state);
  Fault fault;
  fault.registers = stop.registers;
  fault.registers_known = true;
  fault.detail = stop.text;
  // A host's function may use 128 bytes below its stack pointer.
  const uint32_t margin = kGuardWords * 4 + (board_.target.cortex_m() ? 0 : 128);
  const auto on_stack = [&](uint32_t sp) { return sp >= runner_.stack.address + margin && sp <= runner_.stack.end(); };
  const auto overflowed = [&](uint32_t sp) {  // whatever else was reported follows from that
    fault.kind = Fault::Kind::kStackOverflow;
    fault.detail = fmt::format("SP was {:#x}, the stack's low end is {:#x}", sp, runner_.stack.address);
  };
  if (after.event == MOTE_EVENT_STACK) {
    fault.kind = Fault::Kind::kStackOverflow;
    fault.registers_known = false;  // the function has returned already
    fault.detail = fmt::format("the guard below the stack of {} bytes was overwritten", board_.stack_bytes);
  } else if (after.event == MOTE_EVENT_FAULT) {
    const mote_fault& seen = after.fault;
    fault.kind = kind_of(seen);
    fault.cfsr = seen.cfsr;
    fault.hfsr = seen.hfsr;
    if (seen.cfsr & 1u << 7) fault.address = seen.mmfar;
    if (seen.cfsr & 1u << 15) fault.address = seen.bfar;
    fault.registers_known = seen.frame_valid != 0;
    fault.registers = {};
    std::copy(seen.frame, seen.frame + 4, fault.registers.r);
    std::copy(seen.r4_to_r11, seen.r4_to_r11 + 8, fault.registers.r + 4);
    fault.registers.r[12] = seen.frame[4];
    fault.registers.r[13] = seen.sp + 32;
    fault.registers.r[14] = seen.frame[5];
    fault.registers.r[15] = seen.frame[6];
    fault.registers.xpsr = seen.frame[7];
    fault.detail = fmt::format("exception {}", seen.exception);
    constexpr uint32_t kStackingFailed = 1u << 4 | 1u << 12 | 1u << 20;
    if (seen.cfsr & kStackingFailed || !on_stack(seen.sp)) overflowed(seen.sp);
  } else {
    fault.kind = stop.kind == device::Stop::Kind::kTimeout  ? Fault::Kind::kTimeout
                 : stop.kind == device::Stop::Kind::kLockup ? Fault::Kind::kLockup
                                                            : Fault::Kind::kCrash;
    if (!on_stack(stop.registers.r[13])) overflowed(stop.registers.r[13]);
  }
  fault.reasons = decode_status(fault.cfsr, fault.hfsr);
  locate(fault);
  return fault;
}

void Session::locate(Fault& fault) {
  if (!fault.registers_known) return;
  const uint32_t pc = fault.registers.r[15];
  for (const Loaded& module : modules_) {
    fault.function = module.image.describe(pc);
    if (fault.function.empty()) continue;
    fault.source_line = toolchain_.source_line(module.image, pc);
    return;
  }
  fault.function = runner_.image.describe(pc);
}

void Session::recover() {
  ++generation_;
  try {
    device_.reset();
    start();
  } catch (const device::ConnectionError&) {
    device_.reset();  // once more: the first may have brought the peer back without its memory
    start();
  }
}

}  // namespace mote::session
