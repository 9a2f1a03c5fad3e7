// A board behind a GDB server: mote-board, QEMU, OpenOCD, J-Link, pyOCD. Also the base of drivers that start such a
// server.
#pragma once

#include <optional>
#include <string>

#include "device/gdb_remote.h"
#include "device/semihosting.h"

namespace mote::device {

class GdbDevice : public Device {
 public:
  /// Connects when it is first used.
  GdbDevice(const Endpoint& endpoint, std::string name, const target::Board& board);

  std::string name() const override { return name_; }
  void read(uint32_t address, std::span<std::byte> out) override;
  void write(uint32_t address, std::span<const std::byte> bytes) override;
  Stop run(const Registers& registers, uint32_t until, std::chrono::milliseconds limit) override;
  Stop resume(std::chrono::milliseconds limit) override;
  void reset() override;
  void let_go() override;
  void program(uint32_t address, std::span<const std::byte> bytes) override;
  std::optional<std::string> hand_over() override;
  std::string take_output() override;
  uint64_t incarnation() const override { return incarnation_; }

 protected:
  /// Where the server is. A driver that starts one starts it here when it is not running, and calls memory_lost().
  virtual Endpoint peer() { return endpoint_; }
  /// What the server printed, for messages; "" when it is not ours.
  virtual std::string peer_output() { return ""; }
  void memory_lost() { ++incarnation_; }
  const target::Board& board() const { return board_; }

 private:
  GdbRemote& remote();
  template <typename Operation>
  void retried(Operation operation);
  template <typename Operation>
  Stop stopped(Operation operation);
  [[noreturn]] void give_up(const ConnectionError& error);
  Stop interpret(const std::optional<std::string>& reply);
  Stop go_on(std::chrono::milliseconds limit);
  std::optional<SemihostingAnswer> asked_for(const Stop& stop);
  void reset_connected();
  void write_verified(uint32_t address, std::span<const std::byte> bytes);

  Endpoint endpoint_, connected_;  // connected_: of remote_
  std::string name_;
  target::Board board_;
  std::optional<GdbRemote> remote_;
  std::string output_;                  // of connections that are gone
  std::optional<uint32_t> breakpoint_;  // set on the server
  std::optional<uint32_t> running_until_;
  uint64_t incarnation_ = 0;
};

/// Starts a mote-board for `board` and keeps it running. `via`: "sim", or "sim:flash" for memory that is not free.
std::unique_ptr<Device> open_sim(const std::string& via, const target::Board& board);

}  // namespace mote::device
