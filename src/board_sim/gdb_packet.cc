#include "board_sim/gdb_packet.h"

namespace mote::board_sim {
namespace {

constexpr char kEscape = '}', kEscapeBit = 0x20, kBreakByte = 0x03;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

uint8_t checksum(std::string_view bytes) {
  uint8_t sum = 0;
  for (const char c : bytes) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  return sum;
}

std::string unescape(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == kEscape && i + 1 < bytes.size()) {
      text += static_cast<char>(bytes[++i] ^ kEscapeBit);
    } else {
      text += bytes[i];
    }
  }
  return text;
}

}  // namespace

std::optional<GdbReader::Event> GdbReader::next() {
  const auto consume = [this](size_t count) {
    buffer_.erase(0, count);
    scanned_ = 0;
  };
  size_t junk = 0;
  while (junk < buffer_.size() && std::string_view("$+-\x03").find(buffer_[junk]) == std::string_view::npos) ++junk;
  if (junk != 0) consume(junk);
  if (buffer_.empty()) return std::nullopt;
  if (buffer_[0] != '$') {
    const char c = buffer_[0];
    consume(1);
    return Event{c == '+' ? Event::Kind::kAck : c == '-' ? Event::Kind::kNack : Event::Kind::kBreak, {}};
  }
  const size_t hash = buffer_.find('#', scanned_ == 0 ? 1 : scanned_);
  if (hash == std::string::npos || hash + 2 >= buffer_.size()) {
    scanned_ = hash == std::string::npos ? buffer_.size() : hash;
    if (scanned_ <= kLargest) return std::nullopt;
    consume(buffer_.size());
    return Event{Event::Kind::kDamaged, {}};
  }
  const std::string_view body = std::string_view(buffer_).substr(1, hash - 1);
  const int high = digit(buffer_[hash + 1]), low = digit(buffer_[hash + 2]);
  Event event{Event::Kind::kDamaged, {}};
  if (high >= 0 && low >= 0 && checksum(body) == high * 16 + low && body.size() <= kLargest) {
    event = {Event::Kind::kPacket, unescape(body)};
  }
  consume(hash + 3);
  return event;
}

std::string frame_packet(std::string_view packet) {
  std::string body;
  body.reserve(packet.size() + 8);
  for (const char c : packet) {
    if (c == '$' || c == '#' || c == kEscape || c == '*') {
      body += kEscape;
      body += static_cast<char>(c ^ kEscapeBit);
    } else {
      body += c;
    }
  }
  const uint8_t sum = checksum(body);
  return "$" + body + "#" + to_hex({reinterpret_cast<const char*>(&sum), 1});
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  size_t digits = 0;
  while (digits < text.size() && digit(text[digits]) >= 0) {
    if (digits == 16) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(digit(text[digits]));
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (text.substr(0, expected.size()) != expected) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace mote::board_sim
