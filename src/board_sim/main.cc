// The program mote-board: a virtual microcontroller behind a debug port, or running a firmware image by itself.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "board_sim/channel.h"
#include "board_sim/debug_ports.h"
#include "board_sim/elf_file.h"
#include "board_sim/gdb_server.h"
#include "board_sim/machine.h"
#include "board_sim/profile.h"
#include "board_sim/serial_line.h"
#include "support/error.h"
#include "target/board.h"

namespace mote::board_sim {
namespace {

constexpr int kJobFailed = 1, kBadInput = 2;
constexpr const char* kVersion = "mote-board " MOTE_VERSION
                                 "\nContains the Unicorn emulator (GPL-2.0); the program as a whole is therefore under "
                                 "the GPL-2.0.";

struct Options {
  std::string board, gdb, bitbang, st_link, uart, elf, profile, memory = "zero-wait";
  std::vector<std::string> folders;
  bool once = false, die_with_parent = false, statistics = false;
  bool has_port() const { return !gdb.empty() || !bitbang.empty() || !st_link.empty(); }
};

void die_with_parent() {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent || parent == 1) raise(SIGKILL);  // it was gone already
}

void load(Machine& machine, const std::string& path) {
  for (const ElfSegment& segment : read_elf(path).segments) {
    if (!machine.write(segment.address, segment.bytes)) {
      throw InputError(path, fmt::format("{} bytes at {:#010x} do not fit the memory of board {}", segment.bytes.size(),
                                         segment.address, machine.board().name));
    }
  }
  machine.reset();
}

void announce(const char* what, const std::string& name) {
  fmt::print("{}: {}\n", what, name);
  std::fflush(stdout);
}

void serve_ports(Machine& machine, const Options& options) {
  if (options.gdb == "-") {  // GDB's own `target remote | mote-board ...`
    Channel channel(dup(STDIN_FILENO));
    GdbServer(machine).serve(channel);
    return;
  }
  DebugPorts ports(machine);
  using Kind = DebugPorts::Kind;
  if (!options.gdb.empty()) announce("gdb", ports.open(Kind::kGdb, options.gdb));
  if (!options.bitbang.empty()) announce("remote-bitbang", ports.open(Kind::kBitbang, options.bitbang));
  if (!options.st_link.empty()) announce("st-link", ports.open(Kind::kStLink, options.st_link));
  ports.serve(options.once);
}

int run_alone(Machine& machine) {
  machine.print = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); };
  const Halt halt = machine.run();
  std::fflush(stdout);
  if (halt.reason == Halt::Reason::kExit) return halt.exit_code;
  fmt::print(stderr, "mote-board: locked up: {}\n", halt.fault ? describe(*halt.fault) : "");
  return kJobFailed;
}

void report_statistics(const Machine& machine) {
  fmt::print(stderr, "{} instructions, ", machine.instructions());
  if (machine.timer().has_model()) {
    fmt::print(stderr, "{} cycles ({} of them waiting for memory), {} mispredicted branches\n", machine.cycles(),
               machine.memory_cycles(), machine.timer().mispredicts());
  } else {
    fmt::print(stderr, "no timing model for {}\n", machine.board().target.name);
  }
}

void write_profile(const Machine& machine, const Options& options) {
  const std::vector<ElfSymbol> symbols = options.elf.empty() ? std::vector<ElfSymbol>() : read_elf(options.elf).symbols;
  const Profile result = profile(machine, symbols);
  std::ofstream file(options.profile);
  file << to_json(machine, result, options.elf);
  file.close();
  if (!file) throw JobError(options.profile + ": cannot be written");
}

int run(const Options& options) {
  if (options.die_with_parent) die_with_parent();
  if (!options.has_port() && options.elf.empty()) {
    throw InputError("mote-board", "needs --gdb, --remote-bitbang, --st-link or --elf");
  }
  const bool uses_stdio = options.gdb == "-";
  if (uses_stdio && (!options.bitbang.empty() || !options.st_link.empty())) {
    throw InputError("--gdb -", "cannot be combined with another debug port");
  }
  if (uses_stdio && options.uart == "stdout") throw InputError("--uart stdout", "standard output is GDB's");
  const target::Board board = target::load_board(options.board, options.folders);
  Machine machine(board, options.memory == "flash" ? MemoryProfile::kFlash : MemoryProfile::kZeroWait);
  if (!options.elf.empty()) load(machine, options.elf);
  std::unique_ptr<SerialLine> line;
  if (!options.uart.empty()) {
    line = std::make_unique<SerialLine>(options.uart);
    if (options.uart != "stdout") announce("uart", line->name());
    machine.peripherals().print = [&line](std::string_view bytes) { line->send(bytes); };
    machine.peripherals().receive = [&line] { return line->receive(); };
  }
  int code = 0;
  if (options.has_port()) {
    serve_ports(machine, options);
  } else {
    code = run_alone(machine);
  }
  if (!options.profile.empty()) write_profile(machine, options);
  if (options.statistics) report_statistics(machine);
  fmt::print(stderr, "{}", machine.peripherals().summary());
  return code;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("A virtual microcontroller: an emulated Cortex-M with a timing model, behind a debug port.",
               "mote-board");
  Options options;
  app.add_option("--board", options.board, "name of a shipped board, or a board file")->required();
  app.add_option("--boards", options.folders, "folder with further board files");
  app.add_option(
      "--gdb", options.gdb,
      "serve GDB on this port of 127.0.0.1 (0: any; prints 'gdb: PORT'), this Unix socket, or - for standard input");
  app.add_option("--remote-bitbang", options.bitbang, "the same for OpenOCD's remote_bitbang adapter: a JTAG chain");
  app.add_option("--st-link", options.st_link, "the same for OpenOCD's `st-link backend tcp`: an ST-Link V3");
  app.add_option(
      "--uart", options.uart,
      "where UARTs lead: stdout, pty (prints 'uart: PATH'), a port of 127.0.0.1 or a Unix socket; by default "
      "to GDB's console, or to standard output when the firmware runs by itself");
  app.add_option("--elf", options.elf,
                 "load this firmware; without a debug port, run it: its output and exit code are ours");
  app.add_option("--memory", options.memory, "what memory costs: zero-wait, or flash (wait states and caches)")
      ->check(CLI::IsMember({"zero-wait", "flash"}))
      ->capture_default_str();
  app.add_option(
      "--profile", options.profile,
      "write cycles per function (of --elf), block and instruction to this file, as JSON, at the end: when the "
      "firmware exits, or the debugger kills the board or leaves it with --once");
  app.add_flag("--statistics", options.statistics, "print instructions and cycles to stderr at the end");
  app.add_flag("--once", options.once, "end when the first debugger disconnects");
  app.add_flag("--die-with-parent", options.die_with_parent, "end when the process that started this one does");
  app.set_version_flag("--version", kVersion);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadInput;
  }
  return run(options);
}

}  // namespace
}  // namespace mote::board_sim

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  try {
    return mote::board_sim::parse_and_run(argc, argv);
  } catch (const mote::InputError& error) {
    fmt::print(stderr, "mote-board: {}\n", error.what());
    return mote::board_sim::kBadInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mote-board: {}\n", error.what());
    return mote::board_sim::kJobFailed;
  }
}
