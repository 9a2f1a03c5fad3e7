// A GDB server: the machine as a remote target. One client at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "board_sim/channel.h"
#include "board_sim/gdb_packet.h"
#include "board_sim/machine.h"

namespace mote::board_sim {

class GdbServer {
 public:
  explicit GdbServer(Machine& machine) : machine_(machine) {}

  enum class End : uint8_t { kDetached, kKilled, kGone };
  /// Serves one client until it leaves. The machine is halted while the client does not let it run.
  End serve(Channel& channel);

 private:
  // Each handles one kind of packet and returns the reply; nullopt: none.
  std::optional<std::string> handle(std::string_view packet);
  std::string query(std::string_view packet);
  std::string transfer(std::string_view packet);
  std::string monitor(std::string_view command);
  std::string read_memory(std::string_view arguments, bool binary);
  std::string write_memory(std::string_view arguments, bool binary);
  std::string breakpoint(std::string_view packet);
  std::string watchpoint(const Watchpoint& watchpoint, bool add);
  std::string flash(std::string_view packet);
  std::string all_registers();
  std::string set_all_registers(std::string_view arguments);
  std::string one_register(std::string_view arguments);
  std::string set_one_register(std::string_view arguments);
  std::string resume(std::string_view packet, bool single);
  std::string v_packet(std::string_view packet);
  std::string stop_reply(const Halt& halt);
  void send(std::string_view packet);
  bool interrupted();

  Machine& machine_;
  Channel* channel_ = nullptr;
  GdbReader reader_;
  bool acknowledge_ = true;
  std::optional<End> end_;
  std::string last_stop_ = "S05";
};

}  // namespace mote::board_sim
