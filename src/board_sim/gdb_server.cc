#include "board_sim/gdb_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "board_sim/gdb_registers.h"
#include "board_sim/profile.h"

namespace mote::board_sim {
namespace {

constexpr uint64_t kPacketSize = 0x20000;  // bytes, as announced
constexpr uint64_t kLongestRead = kPacketSize / 2 - 16;
constexpr size_t kProfileLines = 20;
constexpr const char* kOk = "OK";
constexpr const char* kBadPacket = "E01";
constexpr const char* kBadAddress = "E0e";

// Signals as GDB numbers them.
enum Signal : int { kSigInt = 2, kSigIll = 4, kSigTrap = 5, kSigFpe = 8, kSigBus = 10, kSigSegv = 11 };

int signal_of(const Halt& halt) {
  if (halt.reason == Halt::Reason::kRequested) return kSigInt;
  if (!halt.fault) return kSigTrap;
  switch (halt.fault->status) {
    case kCfsrDivbyzero:
      return kSigFpe;
    case kCfsrUnaligned:
      return kSigBus;
    case kCfsrUndefinstr:
    case kCfsrInvstate:
    case kCfsrInvpc:
    case kCfsrNocp:
      return kSigIll;
    default:
      return kSigSegv;
  }
}

struct Range {
  uint32_t address = 0;
  uint64_t bytes = 0;
};

/// "ADDR,LENGTH" at the front of `text`.
std::optional<Range> take_range(std::string_view& text) {
  const std::optional<uint64_t> address = take_number(text);
  if (!address || !take(text, ",")) return std::nullopt;
  const std::optional<uint64_t> bytes = take_number(text);
  if (!bytes || *address > 0xFFFFFFFF || *bytes > 0x100000000 || *address + *bytes > 0x100000000) return std::nullopt;
  return Range{static_cast<uint32_t>(*address), *bytes};
}

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

uint64_t from_little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = std::min<size_t>(bytes.size(), 8); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

GdbServer::End GdbServer::serve(Channel& channel) {
  channel_ = &channel;
  reader_ = GdbReader();
  acknowledge_ = true;
  end_.reset();
  last_stop_ = "T05thread:1;";
  machine_.debugger = true;
  machine_.poll = [this] { return interrupted(); };
  machine_.print = [this](std::string_view text) { send("O" + to_hex(text)); };
  std::string input;
  while (!end_) {
    if (const std::optional<GdbReader::Event> event = reader_.next()) {
      if (event->kind == GdbReader::Event::Kind::kDamaged && acknowledge_) channel.send("-");
      if (event->kind != GdbReader::Event::Kind::kPacket) continue;
      if (acknowledge_) channel.send("+");
      if (const std::optional<std::string> reply = handle(event->packet)) send(*reply);
      continue;
    }
    input.clear();
    if (!channel.receive(input, true)) end_ = End::kGone;
    reader_.feed(input);
  }
  machine_.debugger = false;
  machine_.poll = [] { return false; };
  machine_.print = [](std::string_view) {};
  return *end_;
}

void GdbServer::send(std::string_view packet) {
  if (!channel_->send(frame_packet(packet))) end_ = End::kGone;
}

// While the machine runs the client may only ask it to stop.
bool GdbServer::interrupted() {
  std::string input;
  if (!channel_->receive(input, false)) {
    end_ = End::kGone;
    return true;
  }
  reader_.feed(input);
  bool stop = false;
  while (!stop) {  // a break may have come along with the packet that set the machine running
    const std::optional<GdbReader::Event> event = reader_.next();
    if (!event) break;
    stop = event->kind == GdbReader::Event::Kind::kBreak;
  }
  return stop || end_.has_value();
}

std::optional<std::string> GdbServer::handle(std::string_view packet) {
  if (packet.empty()) return "";
  const char command = packet[0];
  const std::string_view rest = packet.substr(1);
  switch (command) {
    case '!':
      return kOk;
    case '?':
      return last_stop_;
    case 'g':
      return all_registers();
    case 'G':
      return set_all_registers(rest);
    case 'p':
      return one_register(rest);
    case 'P':
      return set_one_register(rest);
    case 'm':
    case 'x':
      return read_memory(rest, command == 'x');
    case 'M':
    case 'X':
      return write_memory(rest, command == 'X');
    case 'Z':
    case 'z':
      return breakpoint(packet);
    case 'c':
    case 's':
      return resume(rest, command == 's');
    case 'H':
    case 'T':
      return kOk;
    case 'D':
      end_ = End::kDetached;
      return kOk;
    case 'k':
      end_ = End::kKilled;
      return std::nullopt;
    case 'R':
      machine_.reset();
      return std::nullopt;
    case 'v':
      return v_packet(packet);
    case 'q':
    case 'Q':
      return query(packet);
    default:
      return "";
  }
}

std::string GdbServer::query(std::string_view packet) {
  if (take(packet, "qSupported")) {
    return fmt::format(
        "PacketSize={:x};QStartNoAckMode+;qXfer:features:read+;qXfer:memory-map:read+;vContSupported+;"
        "binary-upload+",
        kPacketSize);
  }
  if (packet == "QStartNoAckMode") {
    acknowledge_ = false;
    return kOk;
  }
  if (packet == "qAttached") return "1";
  if (packet == "qC") return "QC1";
  if (packet == "qfThreadInfo") return "m1";
  if (packet == "qsThreadInfo") return "l";
  if (take(packet, "qXfer:")) return transfer(packet);
  if (take(packet, "qRcmd,")) {
    const std::optional<std::string> command = from_hex(packet);
    if (!command) return kBadPacket;
    const std::string text = monitor(*command);
    return text.empty() ? kOk : to_hex(text);  // an empty answer would mean that the command is not known
  }
  return "";
}

std::string GdbServer::transfer(std::string_view packet) {
  std::string document;
  if (take(packet, "features:read:target.xml:")) {
    document = target_xml(machine_.processor());
  } else if (take(packet, "memory-map:read::")) {
    document = memory_map_xml(machine_.board());
  } else {
    return "E00";
  }
  const std::optional<Range> range = take_range(packet);
  if (!range) return kBadPacket;
  if (range->address >= document.size()) return "l";
  const std::string part = document.substr(range->address, std::min(range->bytes, kLongestRead));
  return (range->address + part.size() < document.size() ? "m" : "l") + part;
}

std::string GdbServer::monitor(std::string_view command) {
  if (command == "reset halt" || command == "reset init" || command == "reset") {
    machine_.reset();
    return "";
  }
  if (command == "halt") return "";
  const std::string caveat = machine_.timer().has_model() ? "" : " (no timing model: one for each instruction)";
  if (command == "cycles") return fmt::format("{}{}\n", machine_.cycles(), caveat);
  if (command == "instructions") return fmt::format("{}\n", machine_.instructions());
  if (command == "profile") {
    return (caveat.empty() ? "" : "cycles:" + caveat + "\n") + to_text(profile(machine_, {}), kProfileLines);
  }
  if (command == "peripherals") return machine_.peripherals().summary() + "no other was touched\n";
  return "commands: reset halt | halt | cycles | instructions | profile | peripherals\n";
}

std::string GdbServer::read_memory(std::string_view arguments, bool binary) {
  const std::optional<Range> range = take_range(arguments);
  if (!range || !arguments.empty()) return kBadPacket;
  std::vector<std::byte> bytes(std::min(range->bytes, kLongestRead));
  // A shorter answer than asked for is allowed: up to the end of the memory.
  while (!bytes.empty() && !machine_.read(range->address, bytes)) bytes.resize(bytes.size() / 2);
  if (bytes.empty() && range->bytes != 0) return kBadAddress;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return binary ? "b" + std::string(text) : to_hex(text);
}

std::string GdbServer::write_memory(std::string_view arguments, bool binary) {
  const std::optional<Range> range = take_range(arguments);
  if (!range || !take(arguments, ":")) return kBadPacket;
  std::optional<std::string> decoded;
  if (!binary) {
    decoded = from_hex(arguments);
    if (!decoded) return kBadPacket;
    arguments = *decoded;
  }
  if (arguments.size() != range->bytes) return kBadPacket;
  return machine_.write(range->address, as_bytes(arguments)) ? kOk : kBadAddress;
}

std::string GdbServer::breakpoint(std::string_view packet) {
  const bool add = packet[0] == 'Z';
  packet.remove_prefix(1);
  const std::optional<uint64_t> kind = take_number(packet);
  if (!kind || !take(packet, ",")) return kBadPacket;
  const std::optional<Range> range = take_range(packet);
  if (!range) return kBadPacket;
  if (*kind > 4) return "";
  if (*kind > 1) return watchpoint({range->address, range->bytes, *kind != 2, *kind != 3}, add);
  if (add) {
    machine_.add_breakpoint(range->address & ~1u);
  } else {
    machine_.remove_breakpoint(range->address & ~1u);
  }
  return kOk;
}

std::string GdbServer::watchpoint(const Watchpoint& watchpoint, bool add) {
  if (watchpoint.bytes == 0) return kBadPacket;
  machine_.remove_watchpoint(watchpoint);  // setting it twice is setting it once
  if (add) machine_.add_watchpoint(watchpoint);
  return kOk;
}

std::string GdbServer::all_registers() {
  std::string text;
  for (int n = 0; n < kGdbCoreRegisters; ++n) {
    text += to_hex(little_endian(gdb_register(machine_.processor(), n), 4));
  }
  return text;
}

std::string GdbServer::set_all_registers(std::string_view arguments) {
  const std::optional<std::string> bytes = from_hex(arguments);
  if (!bytes || bytes->size() % 4 != 0) return kBadPacket;
  std::string_view rest = *bytes;
  for (int n = 0; n < kGdbCoreRegisters && !rest.empty(); ++n, rest.remove_prefix(4)) {
    set_gdb_register(machine_.processor(), n, from_little_endian(rest.substr(0, 4)));
  }
  return kOk;
}

std::string GdbServer::one_register(std::string_view arguments) {
  const std::optional<uint64_t> n = take_number(arguments);
  if (!n || *n > 1000) return kBadPacket;
  const int bytes = gdb_register_bytes(machine_.processor(), static_cast<int>(*n));
  if (bytes == 0) return kBadPacket;
  return to_hex(little_endian(gdb_register(machine_.processor(), static_cast<int>(*n)), bytes));
}

std::string GdbServer::set_one_register(std::string_view arguments) {
  const std::optional<uint64_t> n = take_number(arguments);
  if (!n || *n > 1000 || !take(arguments, "=")) return kBadPacket;
  const std::optional<std::string> bytes = from_hex(arguments);
  const int expected = gdb_register_bytes(machine_.processor(), static_cast<int>(*n));
  if (expected == 0 || !bytes || bytes->size() != static_cast<size_t>(expected)) return kBadPacket;
  set_gdb_register(machine_.processor(), static_cast<int>(*n), from_little_endian(*bytes));
  return kOk;
}

std::string GdbServer::resume(std::string_view packet, bool single) {
  if (const std::optional<uint64_t> address = take_number(packet)) {
    machine_.processor().set_reg(15, static_cast<uint32_t>(*address) & ~1u);
  }
  const Halt halt = single ? machine_.step() : machine_.run();
  last_stop_ = stop_reply(halt);
  return last_stop_;
}

std::string GdbServer::stop_reply(const Halt& halt) {
  if (halt.reason == Halt::Reason::kExit) return fmt::format("W{:02x}", halt.exit_code & 0xFF);
  if (halt.fault) send("O" + to_hex(describe(*halt.fault) + "\n"));
  std::string why;
  if (const std::optional<Watchpoint>& hit = halt.watchpoint) {
    const char* const kind = hit->reads && hit->writes ? "awatch" : hit->reads ? "rwatch" : "watch";
    why = fmt::format("{}:{:x};", kind, hit->address);
  }
  return fmt::format("T{:02x}{}thread:1;", signal_of(halt), why);
}

std::string GdbServer::v_packet(std::string_view packet) {
  if (packet == "vCont?") return "vCont;c;C;s;S";
  if (take(packet, "vCont;")) {
    const bool single = !packet.empty() && (packet[0] == 's' || packet[0] == 'S');
    const bool run = !packet.empty() && (packet[0] == 'c' || packet[0] == 'C');
    return single || run ? resume("", single) : kBadPacket;
  }
  if (packet.substr(0, 5) == "vKill") {
    end_ = End::kKilled;
    return kOk;
  }
  if (packet.substr(0, 6) == "vFlash") return flash(packet);
  return "";
}

std::string GdbServer::flash(std::string_view packet) {
  if (take(packet, "vFlashErase:")) {
    const std::optional<Range> range = take_range(packet);
    if (!range || machine_.memory().find(range->address, range->bytes) == nullptr) return kBadAddress;
    const std::vector<std::byte> blank(range->bytes, std::byte{0xFF});
    return machine_.write(range->address, blank) ? kOk : kBadAddress;
  }
  if (take(packet, "vFlashWrite:")) {
    const std::optional<uint64_t> address = take_number(packet);
    if (!address || *address > 0xFFFFFFFF || !take(packet, ":")) return kBadPacket;
    return machine_.write(static_cast<uint32_t>(*address), as_bytes(packet)) ? kOk : kBadAddress;
  }
  return packet == "vFlashDone" ? kOk : "";
}

}  // namespace mote::board_sim
