// An ST-Link V3 behind the network protocol of ST's stlink-server, as OpenOCD's `st-link backend tcp` speaks it. The
// client sends the probe's USB commands, wrapped; the requests have no length, it follows from their first byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "board_sim/dap.h"

namespace mote::board_sim {

class StLink {
 public:
  static constexpr size_t kLargestTransfer = 1 << 16;  // bytes of data with one command; a client who wants more is cut

  StLink(CoreDebug& core, DebugAccessPort& port) : core_(core), port_(port) {}

  /// Acts on the whole requests at the front of `input`, consumes them, and returns the responses. False in `open` when
  /// the client asks for what no stlink-server knows: there is no way to tell where its next request begins.
  std::string handle(std::string& input, bool& open);

 private:
  using Bytes = std::vector<uint8_t>;

  std::string respond(std::string_view request);
  void usb(std::span<const uint8_t> command, std::span<const uint8_t> sent, Bytes& answer);
  void debug(std::span<const uint8_t> command, std::span<const uint8_t> sent, Bytes& answer);
  void debug_register(std::span<const uint8_t> command, Bytes& answer);
  void access_register(std::span<const uint8_t> command, bool read, Bytes& answer);
  bool access_debug_port(uint32_t address, bool read, uint32_t value);
  void drive_reset(uint8_t how);
  uint8_t read_memory(std::span<const uint8_t> command, int bytes, bool increment, Bytes& answer);
  uint8_t write_memory(std::span<const uint8_t> command, int bytes, bool increment, std::span<const uint8_t> sent);
  void miscellany(Bytes& answer);

  CoreDebug& core_;
  DebugAccessPort& port_;
  bool debugging_ = false;
  uint8_t last_status_ = 0x80;
  uint32_t failed_at_ = 0;
  std::vector<uint8_t> items_;  // of the last "miscellany" command
  uint32_t item_count_ = 0;
};

}  // namespace mote::board_sim
