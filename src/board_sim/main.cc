// The program mote-board: a virtual microcontroller behind a debug port, or running a firmware image by itself.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "board_sim/bitbang_server.h"
#include "board_sim/channel.h"
#include "board_sim/elf_file.h"
#include "board_sim/gdb_server.h"
#include "board_sim/machine.h"
#include "board_sim/profile.h"
#include "support/error.h"
#include "target/board.h"

namespace mote::board_sim {
namespace {

constexpr int kJobFailed = 1, kBadInput = 2;
constexpr const char* kVersion = "mote-board " MOTE_VERSION
                                 "\nContains the Unicorn emulator (GPL-2.0); the program as a whole is therefore under "
                                 "the GPL-2.0.";

struct Options {
  std::string board, gdb, bitbang, elf, profile, memory = "zero-wait";
  std::vector<std::string> folders;
  bool once = false, die_with_parent = false, statistics = false;
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

void serve_gdb(Machine& machine, const Options& options) {
  if (options.gdb == "-") {  // GDB's own `target remote | mote-board ...`
    Channel channel(dup(STDIN_FILENO));
    GdbServer(machine).serve(channel);
    return;
  }
  Listener listener(options.gdb);
  fmt::print("gdb: {}\n", listener.name());
  std::fflush(stdout);
  GdbServer server(machine);
  for (;;) {
    GdbServer::End end;
    {
      Channel channel(listener.accept());
      end = server.serve(channel);
    }
    if (options.once || end == GdbServer::End::kKilled) return;
    if (end != GdbServer::End::kDetached) continue;
    // A debugger that detaches lets the program run, until the next one attaches.
    machine.poll = [&listener] { return listener.ready(); };
    machine.run();
    machine.poll = [] { return false; };
  }
}

void serve_bitbang(Machine& machine, const Options& options) {
  Listener listener(options.bitbang);
  fmt::print("remote-bitbang: {}\n", listener.name());
  std::fflush(stdout);
  BitbangServer server(machine);
  do {
    Channel channel(listener.accept());
    server.serve(channel);
  } while (!options.once);
}

int run_alone(Machine& machine) {
  machine.print = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); };
  const Halt halt = machine.run();
  std::fflush(stdout);
  if (halt.reason == Halt::Reason::kExit) return halt.exit_code;
  fmt::print(stderr, "mote-board: locked up: {}\n", halt.fault ? describe(*halt.fault) : "");
  return kJobFailed;
}

void report_unmodelled(const Machine& machine) {
  for (const auto& [address, accesses] : machine.peripherals().unmodelled()) {
    fmt::print(stderr, "mote-board: {} accesses to the peripheral at {:#010x}, which is not modelled\n", accesses,
               address);
  }
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
  const Profile result = profile(machine, read_elf(options.elf).symbols);
  std::ofstream file(options.profile);
  file << to_json(machine, result, options.elf);
  file.close();
  if (!file) throw JobError(options.profile + ": cannot be written");
}

int run(const Options& options) {
  if (options.die_with_parent) die_with_parent();
  if (options.gdb.empty() && options.bitbang.empty() && options.elf.empty()) {
    throw InputError("mote-board", "needs --gdb, --remote-bitbang or --elf");
  }
  if (!options.gdb.empty() && !options.bitbang.empty()) throw InputError("mote-board", "has one debug port at a time");
  if (!options.profile.empty() && options.elf.empty()) throw InputError("--profile", "needs --elf");
  const target::Board board = target::load_board(options.board, options.folders);
  Machine machine(board, options.memory == "flash" ? MemoryProfile::kFlash : MemoryProfile::kZeroWait);
  if (!options.elf.empty()) load(machine, options.elf);
  if (!options.gdb.empty() || !options.bitbang.empty()) {
    if (!options.gdb.empty()) serve_gdb(machine, options);
    if (!options.bitbang.empty()) serve_bitbang(machine, options);
    if (!options.profile.empty()) write_profile(machine, options);
    return 0;
  }
  const int code = run_alone(machine);
  if (!options.profile.empty()) write_profile(machine, options);
  if (options.statistics) report_statistics(machine);
  report_unmodelled(machine);
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
  app.add_option("--elf", options.elf, "load this firmware; without --gdb, run it: its output and exit code are ours");
  app.add_option("--memory", options.memory, "what memory costs: zero-wait, or flash (wait states and caches)")
      ->check(CLI::IsMember({"zero-wait", "flash"}))
      ->capture_default_str();
  app.add_option("--profile", options.profile, "with --elf: write cycles per function and block to this file, as JSON");
  app.add_flag("--statistics", options.statistics, "with --elf: print instructions and cycles to stderr at the end");
  app.add_flag("--once", options.once, "end when the debugger disconnects");
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
