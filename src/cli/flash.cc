// mote flash: a firmware into a board's flash, to stay there.
#include "execute/flash.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/terminal.h"
#include "deploy/firmware.h"
#include "deploy/manifest.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

struct Options {
  DeploymentOptions deployment;  // .model is whatever is to be flashed
  std::string via = "sim";
  double watch = 1;  // seconds
  bool json = false;
};

/// The one ELF file of a folder that a firmware was built in; nothing when there is none.
std::optional<std::filesystem::path> elf_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  for (const std::filesystem::path& place : {folder, folder / "build"}) {
    if (!std::filesystem::is_directory(place)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
      if (entry.is_regular_file() && entry.path().extension() == ".elf") found.push_back(entry.path());
    }
  }
  std::ranges::sort(found);
  if (found.empty()) return std::nullopt;
  if (found.size() > 1) {
    throw InputError(folder.string(), fmt::format("holds several firmwares, {} and {}: name the one to flash",
                                                  found[0].filename().string(), found[1].filename().string()));
  }
  return found.front();
}

/// The firmware with which `mote run` runs a library.
toolchain::Image firmware_of(const deploy::Parts& parts, const target::Board& board) {
  toolchain::Toolchain toolchain(board, toolchain::Compiler::kGcc, cache_folder());
  return deploy::build_firmware(parts, board, toolchain, deploy::FirmwareKind::kProfile);
}

/// The library in a folder, with a firmware around it.
toolchain::Image firmware_around(const std::string& folder, const target::Board& board) {
  const std::optional<deploy::Found> found = deploy::find_library(folder);
  if (!found) {
    throw InputError(
        folder,
        "holds no .elf file, nor does its build folder, and no library of mote's: build the firmware first "
        "(`mote compile --package firmware` does)");
  }
  if (found->board != board.name) {
    throw InputError(folder, fmt::format("holds a library for {}, not for {}", found->board, board.name));
  }
  toolchain::Image image = firmware_of(found->parts, board);
  print_note(
      fmt::format("{} is a library, so a firmware was built around it: `mote run` feeds it, with the model and "
                  "the options that the library was compiled with",
                  folder));
  return image;
}

/// An .elf file, the one in a folder, or the firmware with which `mote run` runs a model or a library.
toolchain::Image image_of(const DeploymentOptions& options, const target::Board& board, std::string& name) {
  if (name.ends_with(".tflite")) return firmware_of(deploy::parts_of(make_deployment(options).library), board);
  if (std::filesystem::is_directory(name)) {
    const std::optional<std::filesystem::path> elf = elf_in(name);
    if (!elf) return firmware_around(name, board);
    name = elf->string();
  }
  return toolchain::read_image(read_bytes(name), name);
}

/// How the board does after the reset, for people; "" when all is well.
std::string trouble(const device::Stop& stop, const toolchain::Image& image) {
  using Kind = device::Stop::Kind;
  if (stop.kind == Kind::kTimeout || (stop.kind == Kind::kExit && stop.exit_code == 0)) return "";
  const std::string where = image.describe(stop.registers.r[15] & ~1u);
  return fmt::format("{}{}", stop.text, where.empty() ? "" : ", in " + where);
}

/// What a firmware printed, safe for a terminal, and with a line's end at its end.
std::string lines_of(std::string output) {
  const auto harmless = [](char c) { return c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20; };
  for (char& c : output) c = harmless(c) && c != 0x7F ? c : '?';
  if (!output.empty() && output.back() != '\n') output += '\n';
  return output;
}

int flash(const Options& options) {
  target::Board board = target::load_board(options.deployment.board, options.deployment.board_folders);
  apply_limits(options.deployment.limits, board);
  if (!board.target.cortex_m()) throw InputError(board.name, "has no flash to boot from; choose one of `mote boards`");
  std::string name = options.deployment.model;
  const toolchain::Image image = image_of(options.deployment, board, name);
  const std::unique_ptr<device::Device> device = device::open_device(options.via, board);
  device->reset();
  const execute::Flashed flashed = execute::flash(*device, board, image, name);
  device->reset();
  device->take_output();
  const device::Stop stop = device->resume(milliseconds(static_cast<int64_t>(options.watch * 1000)));
  const std::string output = device->take_output(), wrong = trouble(stop, image);
  device->let_go();
  if (options.json) {
    print_json(Json{{"image", name},
                    {"board", board.name},
                    {"via", options.via},
                    {"bytes", flashed.bytes},
                    {"was_there", flashed.was_there},
                    {"verified", true},
                    {"stop", std::string(device::name_of(stop.kind))},
                    {"trouble", wrong},
                    {"output", output}});
  } else {
    fmt::print("{}: {} bytes {} {}\n", name, grouped(flashed.bytes),
               flashed.was_there ? "were already in the flash of" : "programmed into the flash of and read back from",
               board.name);
    fmt::print("{}", lines_of(output));
    if (wrong.empty())
      fmt::print("booted, {}\n", stop.kind == device::Stop::Kind::kTimeout ? "and it runs" : stop.text);
  }
  if (!wrong.empty()) print_error(fmt::format("{}: it was booted, and {}", name, wrong));
  return wrong.empty() ? 0 : 1;
}

}  // namespace

void add_flash(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "flash", "Program a firmware into a board, verify and boot it",
                                  "mote flash firmware/ --board nucleo-f746zg --via openocd\n"
                                  "mote flash firmware.elf --board nucleo-f746zg --via gdb:localhost:3333\n"
                                  "mote flash model.tflite --board nucleo-f746zg --records tuning.db --via openocd");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  command
      .add_option("FIRMWARE", options->deployment.model,
                  "An .elf file, a folder with one (or with one in its build folder), or a library's folder or a "
                  "model: the firmware with which `mote run` runs it, which that uses then")
      ->required();
  command
      .add_option("--board", options->deployment.board, "The board: a name that `mote boards` lists, or a board file")
      ->required();
  command.add_option("--boards", options->deployment.board_folders, "A folder with more board files")->type_name("DIR");
  command.add_option("--records", options->deployment.records, "With a model: what `mote tune` has measured");
  command.add_option("--name", options->deployment.name, "With a model: prefix of all C names");
  add_goal_options(command, options->deployment.goal);
  command
      .add_option("--via", options->via,
                  "How the board is reached: gdb[:HOST:PORT], openocd[:HOST:PORT], or a virtual board that is gone "
                  "afterwards: sim, sim:st-link, sim:jtag")
      ->capture_default_str();
  add_limit_option(command, options->deployment.limits);
  command.add_option("--watch", options->watch, "Seconds to watch it run, for faults and for what it prints")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return flash(*options); }; });
}

}  // namespace mote::cli
