// mote boards and mote targets: what there is, and whether a board file of the user's own is right.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/terminal.h"
#include "session/runner.h"
#include "support/error.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;
using target::Board;
using target::MemoryRegion;
using target::Target;

struct Options {
  std::vector<std::string> folders;
  std::string check;
  bool json = false;
};

uint64_t total(const Board& board, bool writable) {
  uint64_t bytes = 0;
  for (const MemoryRegion& region : board.regions) bytes += region.writable() == writable ? region.size : 0;
  return bytes;
}

std::string kibibytes(uint64_t bytes) {
  return bytes == 0 ? "-" : grouped(static_cast<int64_t>(bytes / 1024)) + " KiB";
}

Json json_of(const Board& board) {
  Json memory = Json::array();
  for (const MemoryRegion& region : board.regions) {
    memory.push_back({{"name", region.name},
                      {"kind", name_of(region.kind)},
                      {"address", region.address},
                      {"bytes", region.size},
                      {"wait_states", region.wait_states},
                      {"executable", region.executable}});
  }
  return {{"name", board.name},
          {"description", board.description},
          {"file", board.file},
          {"target", board.target.name},
          {"clock_hz", board.clock_hz},
          {"flash_bytes", total(board, false)},
          {"ram_bytes", total(board, true)},
          {"memory", memory}};
}

int list_boards(const Options& options) {
  Json document{{"boards", Json::array()}};
  Table table({"board", "target", ">MHz", ">flash", ">RAM", "description"});
  int code = 0;
  for (const std::string& name : target::board_names(options.folders)) {
    try {
      const Board board = target::load_board(name, options.folders);
      document["boards"].push_back(json_of(board));
      table.add({printable(name), printable(board.target.name), fmt::format("{:.0f}", board.clock_hz / 1e6),
                 kibibytes(total(board, false)), kibibytes(total(board, true)), printable(board.description)});
    } catch (const InputError& error) {  // one bad file does not hide the others
      print_error(error.what());
      code = 2;
    }
  }
  if (options.json) {
    print_json(document);
  } else {
    fmt::print("{}", table.text());
  }
  return code;
}

constexpr const char* kOpenOcdScripts = "/usr/share/openocd/scripts";  // where Debian puts them

std::vector<std::string> missing_openocd_scripts(const Board& board) {
  std::vector<std::string> missing;
  if (!board.openocd || !std::filesystem::is_directory(kOpenOcdScripts)) return missing;
  for (const std::string& script : {board.openocd->target_script, board.openocd->interface_script}) {
    if (!std::filesystem::exists(std::filesystem::path(kOpenOcdScripts) / script)) missing.push_back(script);
  }
  return missing;
}

/// Everything that can be said of a board file without the board. Problems that only some uses meet are warnings.
int check_board(const Options& options) {
  const Board board = target::load_board(options.check, options.folders);
  std::vector<std::string> warnings;
  try {
    toolchain::Toolchain toolchain(board);
    session::Arena arena(board);
    const session::Runner runner = session::build_runner(board, toolchain, arena);
    if (board.counter.kind == target::CycleCounter::Kind::kNone && board.target.cortex_m()) {
      warnings.emplace_back("it has no cycle counter: nothing can be tuned on it");
    }
  } catch (const JobError& error) {
    warnings.emplace_back(error.what());
  }
  for (const std::string& script : missing_openocd_scripts(board)) {
    warnings.push_back(fmt::format("OpenOCD's script {} is not in {}", script, kOpenOcdScripts));
  }
  if (options.json) {
    Json document = json_of(board);
    document["warnings"] = warnings;
    print_json(document);
    return 0;
  }
  for (const std::string& warning : warnings) print_warning(fmt::format("{}: {}", board.file, warning));
  fmt::print("{}: good: {}, {}, {:.0f} MHz, {} of flash, {} of RAM\n", printable(board.file),
             printable(board.description), board.target.name, board.clock_hz / 1e6, kibibytes(total(board, false)),
             kibibytes(total(board, true)));
  return 0;
}

int list_targets(const Options& options) {
  Json document{{"targets", Json::array()}};
  Table table({"target", "ISA", "DSP", "FPU", "timing model", "description"});
  for (const std::string& name : target::target_names()) {
    const Target target = target::load_target(name);
    document["targets"].push_back({{"name", target.name},
                                   {"isa", target.isa},
                                   {"dsp", target.dsp},
                                   {"fpu", target.fpu},
                                   {"pipeline", target.pipeline},
                                   {"flags", target.flags},
                                   {"description", target.description}});
    table.add({target.name, target.isa, target.dsp ? "yes" : "no", target.fpu ? "yes" : "no",
               target.pipeline.empty() ? "-" : target.pipeline, target.description});
  }
  if (options.json) {
    print_json(document);
  } else {
    fmt::print("{}", table.text());
  }
  return 0;
}

}  // namespace

void add_boards(CLI::App& app, Run& run) {
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  CLI::App& command = add_command(app, "boards", "List the boards, or check a board file",
                                  "mote boards\nmote boards --check my-board.toml");
  command.add_option("--boards", options->folders, "Folder with further board files")->type_name("DIR");
  command.add_option("--check", options->check, "Check this board file, down to compiling its init snippet")
      ->type_name("FILE");
  add_json_flag(command, options->json);
  command.callback([options, &run] {
    run = [options] { return options->check.empty() ? list_boards(*options) : check_board(*options); };
  });
}

void add_targets(CLI::App& app, Run& run) {
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  CLI::App& command = add_command(app, "targets", "List the CPUs that code can be made for", "mote targets");
  add_json_flag(command, options->json);
  command.callback([options, &run] { run = [options] { return list_targets(*options); }; });
}

}  // namespace mote::cli
