#include "board_sim/debug_ports.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace mote::board_sim {
namespace {

constexpr uint64_t kPollInterval = 5'000;  // cycles: a probe looks often

/// Bytes within which a transfer address counts up: 4 KiB in the debug port of a Cortex-M3 or M4, 1 KiB in the others.
uint32_t increment_window(const target::Board& board) {
  return board.target.name == "cortex-m3" || board.target.name == "cortex-m4" ? 4096 : 1024;
}

}  // namespace

DebugPorts::DebugPorts(Machine& machine)
    : machine_(machine), core_(machine), access_port_(core_, increment_window(machine.board())), gdb_(machine) {}

const std::string& DebugPorts::open(Kind kind, const std::string& address) {
  ports_.push_back({kind, std::make_unique<Listener>(address)});
  return ports_.back().listener->name();
}

void DebugPorts::serve(bool once) {
  bool killed = false;
  do killed = serve(wait_for_debugger());
  while (!once && !killed);
}

const DebugPorts::Port& DebugPorts::wait_for_debugger() {
  const auto ready = [](const Port& port) { return port.listener->ready(); };
  while (started_ && core_.running() && std::ranges::none_of(ports_, ready)) {
    machine_.poll = [&] { return std::ranges::any_of(ports_, ready); };
    core_.stopped(machine_.run());
    machine_.poll = [] { return false; };
  }
  for (;;) {
    const auto port = std::ranges::find_if(ports_, ready);
    if (port != ports_.end()) return *port;
    std::vector<pollfd> wanted;
    for (const Port& each : ports_) wanted.push_back({each.listener->fd(), POLLIN, 0});
    ::poll(wanted.data(), wanted.size(), -1);
  }
}

void DebugPorts::turn_away(const Port& port) const {
  close(port.listener->accept());
  fmt::print(stderr, "mote-board: turned a debugger away at {}: another is attached, and there is one at a time\n",
             port.listener->name());
}

bool DebugPorts::serve(const Port& port) {
  started_ = true;
  std::vector<int> others;
  for (const Port& each : ports_) others.push_back(each.listener->fd());
  Channel channel(port.listener->accept(), others, [this](size_t i) { turn_away(ports_[i]); });
  switch (port.kind) {
    case Kind::kGdb:
      return serve_gdb(channel);
    case Kind::kBitbang: {
      BitbangServer server(core_, access_port_, machine_.board());
      serve_probe(channel, [&](std::string& input, bool& open) {
        const std::string answers = server.handle(input, open);
        input.clear();
        return answers;
      });
      return false;
    }
    case Kind::kStLink: {
      StLink server(core_, access_port_);
      serve_probe(channel, [&](std::string& input, bool& open) { return server.handle(input, open); });
      return false;
    }
  }
  return false;
}

bool DebugPorts::serve_gdb(Channel& channel) {
  const GdbServer::End end = gdb_.serve(channel);
  machine_.clear_breakpoints();
  machine_.clear_watchpoints();
  // GDB detaches to let the program run; when its connection is lost the core stays where it is.
  core_.set_running(end == GdbServer::End::kDetached);
  return end == GdbServer::End::kKilled;
}

/// `handle(input, open)` acts on what has come, takes it from `input`, and gives the answers. Between its calls the
/// core runs, unless it is halted.
template <typename Handle>
void DebugPorts::serve_probe(Channel& channel, Handle handle) {
  std::string input;
  bool open = true;
  core_.attach();
  const uint64_t interval = std::exchange(machine_.poll_interval, kPollInterval);
  size_t seen = 0;
  machine_.poll = [&] {
    open = channel.receive(input, false);
    return !open || input.size() != seen;
  };
  while (open) {
    seen = input.size();
    if (core_.running()) core_.stopped(machine_.run());
    if (!open || (input.size() == seen && !channel.receive(input, !core_.running()))) break;
    if (!channel.send(handle(input, open))) break;
  }
  machine_.poll = [] { return false; };
  machine_.poll_interval = interval;
  core_.detach();
}

}  // namespace mote::board_sim
