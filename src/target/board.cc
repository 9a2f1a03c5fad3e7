#include "target/board.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <sstream>

#include "support/data_dir.h"
#include "support/error.h"
#include "support/toml.h"
#include "target/console.h"

namespace mote::target {

namespace {

using Kind = MemoryRegion::Kind;

const std::vector<std::string> kKinds = {"flash", "ram", "itcm", "dtcm"};  // in the order of MemoryRegion::Kind

const MemoryRegion& first_of(const Board& board, bool (*wanted)(const MemoryRegion&)) {
  const auto found = std::find_if(board.regions.begin(), board.regions.end(), wanted);
  check(found != board.regions.end(), "load_board() lets no board through without flash and RAM");
  return *found;
}

bool is_flash(const MemoryRegion& region) {
  return region.kind == Kind::kFlash;
}
bool is_ram(const MemoryRegion& region) {
  return region.kind == Kind::kRam;
}

MemoryRegion read_region(const TomlTable& table) {
  MemoryRegion region;
  region.name = table.text("name");
  region.kind = static_cast<Kind>(table.one_of("kind", kKinds));
  region.address = table.address("address");
  region.size = table.size("size");
  region.wait_states = static_cast<int>(table.integer("wait_states", 0, 1000, 0));
  region.executable = table.flag("executable", region.kind != Kind::kTightlyCoupledData);
  if (table.has("alias")) region.alias = table.address("alias");
  if (region.size == 0) table.fail("size", "is 0");
  if (region.end() > uint64_t{1} << 32) table.fail("size", "runs past the end of the address space");
  uint64_t total = 0;
  for (const TomlTable& sectors : table.tables("sectors")) {
    Sectors group;
    group.count = static_cast<uint32_t>(sectors.integer("count", 1, 1 << 20));
    group.size = sectors.size("size");
    total += uint64_t{group.count} * group.size;
    region.sectors.push_back(group);
  }
  if (!region.sectors.empty() && total != region.size) {
    table.fail("sectors", fmt::format("add up to {} bytes, the region has {}", total, region.size));
  }
  return region;
}

void read_regions(const TomlTable& root, Board& board) {
  for (const TomlTable& table : root.tables("memory")) {
    MemoryRegion region = read_region(table);
    for (const MemoryRegion& other : board.regions) {
      if (region.name == other.name) table.fail("name", fmt::format("\"{}\" is given twice", region.name));
      if (region.address < other.end() && other.address < region.end()) {
        table.fail("address", fmt::format("overlaps the region '{}'", other.name));
      }
    }
    board.regions.push_back(std::move(region));
  }
  if (std::none_of(board.regions.begin(), board.regions.end(), is_ram)) {
    root.fail("memory", "needs at least one region with kind = \"ram\"");
  }
  if (board.target.cortex_m() && std::none_of(board.regions.begin(), board.regions.end(), is_flash)) {
    root.fail("memory", "needs at least one region with kind = \"flash\"");
  }
}

CycleCounter read_counter(const TomlTable& table, const Target& target) {
  CycleCounter counter;
  const bool has_dwt = target.cortex_m() && target.isa != "armv6-m";
  static const std::vector<std::string> kCounters = {"dwt", "systick", "timer", "none"};
  counter.kind = has_dwt ? CycleCounter::Kind::kDwt : CycleCounter::Kind::kNone;
  if (table.has("kind")) counter.kind = static_cast<CycleCounter::Kind>(table.one_of("kind", kCounters));
  if (counter.kind == CycleCounter::Kind::kTimer) {
    counter.address = table.address("address");
    counter.counts_down = table.has("counts") && table.one_of("counts", {"up", "down"}) == 1;
  }
  if (counter.kind == CycleCounter::Kind::kDwt && !has_dwt) table.fail("kind", "is \"dwt\", which this target has not");
  counter.dwt_lock = table.flag("lock", false);
  counter.cycles_per_tick = static_cast<uint32_t>(table.integer("cycles_per_tick", 1, 1 << 16, 1));
  return counter;
}

Cache read_cache(const TomlTable& table) {
  Cache cache;
  cache.size = table.size("size", 0);
  cache.ways = static_cast<uint32_t>(table.integer("ways", 1, 64, 1));
  cache.line = static_cast<uint32_t>(table.integer("line", 8, 256, 32));
  if (cache.size % (cache.ways * cache.line) != 0) table.fail("size", "is not a multiple of ways times line");
  if (!std::has_single_bit(cache.line)) table.fail("line", "is not a power of two");
  const uint32_t sets = cache.size / cache.ways / cache.line;
  if (sets != 0 && !std::has_single_bit(sets)) table.fail("size", "makes a number of sets that is not a power of two");
  return cache;
}

OpenOcd read_openocd(const TomlTable& table) {
  OpenOcd openocd;
  openocd.target_script = table.text("target");
  openocd.interface_script = table.text("interface");
  openocd.commands = table.texts("commands");
  static const std::vector<std::string> kResets = {"sysresetreq", "vectreset", "srst"};
  if (table.has("reset")) openocd.reset = kResets[table.one_of("reset", kResets)];
  return openocd;
}

/// 'init' or 'init_assembly'. Its text may begin on the line of its opening quotes or on the next: its end does not
/// lie.
Init read_init(const TomlTable& root) {
  Init init;
  init.assembly = root.has("init_assembly");
  const char* const key = init.assembly ? "init_assembly" : "init";
  if (init.assembly && root.has("init")) root.fail(key, "cannot stand beside 'init'");
  init.text = root.text(key, "");
  init.line = root.last_line(key) - static_cast<int>(std::count(init.text.begin(), init.text.end(), '\n'));
  return init;
}

GdbServer read_gdb(const TomlTable& table) {
  GdbServer server;
  server.host = table.text("host", server.host);
  if (server.host.empty()) table.fail("host", "is empty");
  server.port = static_cast<uint16_t>(table.integer("port", 1, 65535));
  return server;
}

struct NamedLimit {
  const char* name;
  std::chrono::milliseconds Limits::*limit;
};
constexpr NamedLimit kLimits[] = {
    {"connect", &Limits::connect}, {"reply", &Limits::reply}, {"flash", &Limits::flash}, {"run", &Limits::run}};
constexpr double kLeastLimit = 0.01, kMostLimit = 86'400;  // seconds

std::chrono::milliseconds from_seconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

Limits read_limits(const TomlTable& table) {
  Limits limits;
  for (const NamedLimit& known : kLimits) {
    const double seconds = static_cast<double>((limits.*known.limit).count()) / 1000;
    limits.*known.limit = from_seconds(table.number(known.name, kLeastLimit, kMostLimit, seconds));
  }
  return limits;
}

Simulation read_simulation(const TomlTable& table) {
  Simulation simulation;
  simulation.idcode_address = table.address("idcode_address", 0);
  simulation.idcode = table.address("idcode", 0);
  simulation.flash_size_address = table.address("flash_size_address", 0);
  static const std::vector<std::string> kAccelerators = {"", "art-l4"};
  if (table.has("accelerator")) simulation.accelerator = kAccelerators[table.one_of("accelerator", kAccelerators)];
  simulation.flash_miss_cycles = static_cast<int>(table.integer("flash_miss_cycles", 0, 1000, 0));
  simulation.ram_miss_cycles = static_cast<int>(table.integer("ram_miss_cycles", 0, 1000, 0));
  simulation.fetch_miss_cycles = static_cast<int>(table.integer("fetch_miss_cycles", 0, 1000, 0));
  return simulation;
}

}  // namespace

void set_limit(Limits& limits, const std::string& text, const std::string& what) {
  const size_t equals = std::min(text.find('='), text.size());
  std::string names;
  for (const NamedLimit& known : kLimits) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
    if (text.substr(0, equals) != known.name) continue;
    double seconds = 0;
    const char *const begin = text.data() + std::min(equals + 1, text.size()), *const end = text.data() + text.size();
    const std::from_chars_result read = std::from_chars(begin, end, seconds);
    if (read.ec != std::errc() || read.ptr != end || !(seconds >= kLeastLimit && seconds <= kMostLimit)) break;
    limits.*known.limit = from_seconds(seconds);
    return;
  }
  throw InputError(
      what, fmt::format("needs NAME=SECONDS, {} to {} of them; NAME is one of: {}", kLeastLimit, kMostLimit, names));
}

std::string c_statements(const Init& init, const std::string& source) {
  std::string file = source;
  std::replace_if(
      file.begin(), file.end(), [](char c) { return c == '"' || c == '\\' || c == '\n'; }, '?');
  const std::string at = file.empty() ? "" : fmt::format("{} \"{}\"\n", init.line, file);
  if (!init.assembly || init.text.empty()) return (file.empty() ? "" : "#line " + at) + init.text;
  // A comment of the compiler's own is no place: the assembler is told the line itself.
  std::string lines = file.empty() ? "" : fmt::format("    \"\\n# {} \\\"{}\\\"\\n\"\n", init.line, file);
  std::istringstream text(init.text);
  for (std::string line; std::getline(text, line);) {
    std::string quoted;
    for (const char c : line) quoted += c == '%' ? "%%" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    lines += fmt::format("    \"{}\\n\"\n", quoted);
  }
  return fmt::format("__asm volatile(\n{}    ::: \"r0\", \"r1\", \"r2\", \"r3\", \"r12\", \"lr\", \"cc\", \"memory\");",
                     lines);
}

std::string_view name_of(MemoryRegion::Kind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

const MemoryRegion& Board::flash() const {
  return first_of(*this, is_flash);
}
const MemoryRegion& Board::ram() const {
  return first_of(*this, is_ram);
}

Board load_board(const std::string& name_or_file, const std::vector<std::string>& folders) {
  const std::filesystem::path file = find_data_file("boards", name_or_file, folders);
  const TomlTable root = TomlTable::load(file);
  Board board;
  board.name = file.stem().string();
  board.file = file.string();
  board.description = root.text("description");
  try {
    board.target = load_target(root.text("target"));
  } catch (const InputError& error) {
    root.fail("target", fmt::format("cannot be loaded: {}", error.what()));
  }
  board.clock_hz = static_cast<uint32_t>(root.integer("clock_hz", 1, 4'000'000'000));
  board.stack_bytes = root.size("stack", 4096);
  board.init = read_init(root);
  read_regions(root, board);
  if (board.stack_bytes < 512 || board.stack_bytes > board.ram().size / 2) {
    root.fail("stack", "must be from 512 bytes to half of the first RAM region");
  }
  board.counter = read_counter(root.table("counter"), board.target);
  board.instruction_cache = read_cache(root.table("instruction_cache"));
  board.data_cache = read_cache(root.table("data_cache"));
  const TomlTable toolchain = root.table("toolchain");
  board.toolchain_prefix = toolchain.text("prefix", board.target.cortex_m() ? "arm-none-eabi-" : "");
  board.flags = toolchain.texts("flags");
  if (root.has("openocd")) board.openocd = read_openocd(root.table("openocd"));
  if (root.has("gdb")) board.gdb = read_gdb(root.table("gdb"));
  board.limits = read_limits(root.table("limits"));
  const TomlTable controller = root.table("flash_controller");
  static const std::vector<std::string> kControllers = {"stm32f4", "stm32f7", "stm32l4", "stm32h7", "stm32u5", "nrf52"};
  if (controller.has("kind")) {
    board.flash_controller = kControllers[controller.one_of("kind", kControllers)];
    board.flash_controller_address = controller.address("address");
  }
  board.simulation = read_simulation(root.table("simulation"));
  board.qemu_machine = root.table("qemu").text("machine", "");
  if (root.has("console")) read_console(root.table("console"));  // as load_console() will
  root.reject_unknown_keys();
  return board;
}

std::vector<std::string> board_names(const std::vector<std::string>& folders) {
  return data_file_names("boards", folders);
}

}  // namespace mote::target
