// The GDB remote protocol's framing: $packet#checksum, acknowledgements, and the break byte. Bytes come from anyone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mote::board_sim {

/// Cuts a byte stream into events.
class GdbReader {
 public:
  static constexpr size_t kLargest = 0x22000;  // bytes of one packet as sent; what is longer is dropped as damaged

  struct Event {
    enum class Kind : uint8_t { kPacket, kDamaged, kBreak, kAck, kNack };
    Kind kind = Kind::kPacket;
    std::string packet;  // kPacket: unescaped
  };

  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next event of what was fed; nullopt when more bytes are needed. Bytes between packets are skipped.
  std::optional<Event> next();

 private:
  std::string buffer_;
  size_t scanned_ = 0;
};

/// "$packet#xx", with the bytes that have a meaning of their own escaped.
std::string frame_packet(std::string_view packet);

std::string to_hex(std::string_view bytes);
/// nullopt when `text` is not an even number of hexadecimal digits.
std::optional<std::string> from_hex(std::string_view text);
/// A hexadecimal number at the front of `text`, which is then consumed; nullopt when there is none or it is too large.
std::optional<uint64_t> take_number(std::string_view& text);
/// Consumes `expected` at the front of `text`.
bool take(std::string_view& text, std::string_view expected);

}  // namespace mote::board_sim
