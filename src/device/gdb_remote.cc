#include "device/gdb_remote.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace mote::device {

using std::chrono::milliseconds;
using Clock = Connection::Clock;

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<uint32_t> word_from_hex(std::string_view text) {
  const std::optional<Bytes> bytes = from_hex(text);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  return to_values<uint32_t>(*bytes)[0];
}

bool must_escape(char c) {
  return c == '$' || c == '#' || c == '}' || c == '*';
}

std::string escaped(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    const char c = static_cast<char>(byte);
    if (must_escape(c)) text += '}';
    text += must_escape(c) ? static_cast<char>(c ^ 0x20) : c;
  }
  return text;
}

bool is_error(std::string_view reply) {
  return reply.size() == 3 && reply[0] == 'E' && digit_of(reply[1]) >= 0 && digit_of(reply[2]) >= 0;
}

/// The value of attribute `name` within one XML tag.
std::string attribute(std::string_view tag, std::string_view name) {
  const std::string start = fmt::format(" {}=\"", name);
  const size_t at = tag.find(start);
  if (at == std::string_view::npos) return "";
  const size_t begin = at + start.size(), end = tag.find('"', begin);
  return std::string(tag.substr(begin, end == std::string_view::npos ? 0 : end - begin));
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  static const char* const kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<int>(byte) >> 4];
    text += kDigits[std::to_integer<int>(byte) & 15];
  }
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::byte>(high << 4 | low);
  }
  return bytes;
}

GdbRemote::GdbRemote(const Endpoint& endpoint, const std::string& name, const Limits& limits)
    : limits_(limits), connection_(endpoint, name, limits.connect) {
  negotiate();
}

void GdbRemote::nonsense(std::string_view request, std::string_view reply) const {
  throw ConnectionError(fmt::format("{}: answers \"{}\" to \"{}\"; is it a GDB server for a Cortex-M?",
                                    connection_.name(), reply.substr(0, 60), request.substr(0, 30)));
}

void GdbRemote::send(std::string_view payload) {
  unsigned sum = 0;
  for (const char c : payload) sum += static_cast<unsigned char>(c);
  connection_.send(fmt::format("${}#{:02x}", payload, sum & 0xFF), limits_.reply);
}

std::optional<std::string> GdbRemote::receive(Clock::time_point deadline) {
  for (;;) {
    size_t skipped = 0;
    for (std::optional<char> c; (c = connection_.next(deadline)) != '$';) {  // acknowledgements, and line noise
      if (!c) return std::nullopt;
      if (*c == '-') throw ConnectionError(connection_.name() + ": rejects what it is sent");
      if (++skipped > 100'000) nonsense("", "endless noise");
    }
    std::string payload;
    unsigned sum = 0;
    bool escape = false;
    for (;;) {
      const std::optional<char> c = connection_.next(deadline);
      if (!c) return std::nullopt;
      if (*c == '#') break;
      sum += static_cast<unsigned char>(*c);
      if (escape) {
        payload += static_cast<char>(*c ^ 0x20);
        escape = false;
      } else if (*c == '}') {
        escape = true;
      } else if (*c == '*' && !payload.empty()) {  // the next byte says how often the last one repeats
        const std::optional<char> count = connection_.next(deadline);
        if (!count) return std::nullopt;
        sum += static_cast<unsigned char>(*count);
        payload.append(static_cast<size_t>(std::max(0, static_cast<unsigned char>(*count) - 29)), payload.back());
      } else {
        payload += *c;
      }
      if (payload.size() > (16u << 20)) nonsense("", "an endless packet");
    }
    const std::optional<char> high = connection_.next(deadline);
    const std::optional<char> low = high ? connection_.next(deadline) : std::nullopt;
    if (!low) return std::nullopt;
    const bool good = digit_of(*high) * 16 + digit_of(*low) == static_cast<int>(sum & 0xFF);
    if (acknowledge_) connection_.send(good ? "+" : "-", limits_.reply);
    if (!good && !acknowledge_) nonsense("", "a packet with a wrong checksum");
    if (!good) continue;
    const std::optional<Bytes> text =
        payload.starts_with('O') ? from_hex(payload.substr(1)) : std::nullopt;  // "OK" is not hexadecimal
    if (!text) return payload;
    output_.append(reinterpret_cast<const char*>(text->data()), text->size());
  }
}

std::string GdbRemote::ask(std::string_view payload) {
  return ask(payload, limits_.reply);
}

std::string GdbRemote::ask(std::string_view payload, milliseconds limit) {
  send(payload);
  const std::optional<std::string> reply = receive(Clock::now() + limit);
  if (!reply) {
    throw ConnectionError(
        fmt::format("{}: no answer to \"{}\" within {} ms; is it a GDB server, and its target attached?",
                    connection_.name(), payload.substr(0, 30), limit.count()));
  }
  return *reply;
}

void GdbRemote::negotiate() {
  const std::string supported = ask("qSupported:swbreak+;hwbreak+;xmlRegisters=arm");
  if (const size_t at = supported.find("PacketSize="); at != std::string::npos) {
    size_t size = 0;
    const char* begin = supported.data() + at + 11;
    std::from_chars(begin, supported.data() + supported.size(), size, 16);
    packet_size_ = std::clamp<size_t>(size, 64, 1u << 20);
  }
  if (supported.find("QStartNoAckMode+") != std::string::npos && ask("QStartNoAckMode") == "OK") acknowledge_ = false;
  if (supported.find("qXfer:features:read+") != std::string::npos) read_description();
  binary_writes_ = ask("X20000000,0:") == "OK";
}

void GdbRemote::read_description() {
  // QEMU lets registers be accessed one by one only after its description was read. Of that, only xPSR's number
  // matters.
  std::string pending = "target.xml", xml;
  for (int files = 0; !pending.empty() && files < 16; ++files) {
    const std::string annex = pending;
    pending.clear();
    std::string text;
    for (bool more = true; more && text.size() < (1u << 20);) {
      const std::string reply =
          ask(fmt::format("qXfer:features:read:{}:{:x},{:x}", annex, text.size(), packet_size_ - 16));
      if (reply.empty() || (reply[0] != 'm' && reply[0] != 'l')) return;
      more = reply[0] == 'm' && reply.size() > 1;
      text += reply.substr(1);
    }
    xml += text;
    if (files == 0) {
      const size_t include = text.find("<xi:include");
      if (include != std::string::npos)
        pending = attribute(text.substr(include, text.find('>', include) - include), "href");
    }
  }
  int number = -1;
  for (size_t at = 0; (at = xml.find("<reg ", at)) != std::string::npos;) {
    const size_t end = std::min(xml.find('>', at), xml.size());
    const std::string_view tag = std::string_view(xml).substr(at, end - at);
    const std::string given = attribute(tag, "regnum");
    ++number;
    if (!given.empty()) std::from_chars(given.data(), given.data() + given.size(), number);
    std::string name = attribute(tag, "name");
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name == "xpsr" || name == "cpsr") xpsr_number_ = number;
    at = end;
  }
}

void GdbRemote::read(uint32_t address, std::span<std::byte> out) {
  const size_t most = (packet_size_ - 8) / 2;
  while (!out.empty()) {
    const size_t size = std::min(most, out.size());
    const std::string request = fmt::format("m{:x},{:x}", address, size);
    const std::string reply = ask(request);
    if (is_error(reply))
      throw AccessError(fmt::format("{}: cannot read {} bytes at {:#x}", connection_.name(), size, address));
    const std::optional<Bytes> bytes = from_hex(reply);
    if (!bytes || bytes->empty() || bytes->size() > size) nonsense(request, reply);
    std::copy(bytes->begin(), bytes->end(), out.begin());
    out = out.subspan(bytes->size());
    address += static_cast<uint32_t>(bytes->size());
  }
}

void GdbRemote::write(uint32_t address, std::span<const std::byte> bytes) {
  // In binary a byte may need two; in hexadecimal each does.
  const size_t most = std::min<size_t>((packet_size_ - 32) / 2, binary_writes_ ? ~size_t{0} : 2000);
  while (!bytes.empty()) {
    const std::span<const std::byte> part = bytes.first(std::min(most, bytes.size()));
    const std::string request = fmt::format("{}{:x},{:x}:", binary_writes_ ? 'X' : 'M', address, part.size());
    const std::string reply = ask(request + (binary_writes_ ? escaped(part) : to_hex(part)));
    if (is_error(reply)) {
      throw AccessError(fmt::format("{}: cannot write {} bytes at {:#x}", connection_.name(), part.size(), address));
    }
    if (reply != "OK") nonsense(request, reply);
    bytes = bytes.subspan(part.size());
    address += static_cast<uint32_t>(part.size());
  }
}

Registers GdbRemote::registers() {
  Registers registers;
  const std::string all = ask("g");
  if (all.size() < 16 * 8) nonsense("g", all);
  for (size_t i = 0; i < 16; ++i) registers.r[i] = word_from_hex(std::string_view(all).substr(i * 8, 8)).value_or(0);
  const std::string xpsr = ask(fmt::format("p{:x}", xpsr_number_));
  registers.xpsr = word_from_hex(xpsr).value_or(0);
  return registers;
}

void GdbRemote::set_register(int number, uint32_t value) {
  const std::string request = fmt::format("P{:x}={}", number, to_hex(std::as_bytes(std::span(&value, 1))));
  const std::string reply = ask(request);
  if (reply != "OK") nonsense(request, reply);
}

void GdbRemote::set_xpsr(uint32_t value) {
  set_register(xpsr_number_, value);
}

bool GdbRemote::set_breakpoint(uint32_t address) {
  if (breakpoints_.contains(address)) return true;
  for (const char kind : {'1', '0'}) {
    if (ask(fmt::format("Z{},{:x},2", kind, address)) != "OK") continue;
    breakpoints_[address] = kind;
    return true;
  }
  return false;
}

void GdbRemote::clear_breakpoint(uint32_t address) {
  const auto found = breakpoints_.find(address);
  if (found == breakpoints_.end()) return;
  ask(fmt::format("z{},{:x},2", found->second, address));
  breakpoints_.erase(found);
}

std::optional<std::string> GdbRemote::resume(milliseconds limit) {
  send("c");
  if (std::optional<std::string> stop = receive(Clock::now() + limit)) return stop;
  connection_.send("\x03", limits_.reply);
  if (!receive(Clock::now() + limits_.reply)) {
    throw ConnectionError(connection_.name() + ": the core cannot be halted; try resetting the board");
  }
  return std::nullopt;
}

void GdbRemote::step() {
  ask("s");
}

std::optional<std::string> GdbRemote::monitor(const std::string& command) {
  const size_t before = output_.size();
  const std::string reply = ask("qRcmd," + to_hex(std::as_bytes(std::span(command))));
  std::string text = output_.substr(before);  // printed by the command, not by the firmware
  output_.resize(before);
  if (reply.empty() || is_error(reply)) return std::nullopt;
  if (reply != "OK") {
    const std::optional<Bytes> last = from_hex(reply);
    if (!last) nonsense("qRcmd", reply);
    text.append(reinterpret_cast<const char*>(last->data()), last->size());
  }
  return text;
}

bool GdbRemote::program(uint32_t address, std::span<const std::byte> bytes, uint32_t erase_from, uint32_t erase_bytes) {
  const std::string erased = ask(fmt::format("vFlashErase:{:x},{:x}", erase_from, erase_bytes), limits_.flash);
  if (erased.empty()) return false;
  if (erased != "OK")
    throw JobError(fmt::format("{}: flash at {:#x} cannot be erased", connection_.name(), erase_from));
  const size_t most = (packet_size_ - 32) / 2;
  while (!bytes.empty()) {
    const std::span<const std::byte> part = bytes.first(std::min(most, bytes.size()));
    if (ask(fmt::format("vFlashWrite:{:x}:", address) + escaped(part), limits_.flash) != "OK") {
      throw JobError(fmt::format("{}: flash at {:#x} cannot be written", connection_.name(), address));
    }
    bytes = bytes.subspan(part.size());
    address += static_cast<uint32_t>(part.size());
  }
  if (ask("vFlashDone", limits_.flash) != "OK") throw JobError(connection_.name() + ": programming flash failed");
  return true;
}

void GdbRemote::detach() {
  ask("D");
}

std::string GdbRemote::take_output() {
  return std::exchange(output_, {});
}

}  // namespace mote::device
