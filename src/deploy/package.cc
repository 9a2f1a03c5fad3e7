#include "deploy/package.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "deploy/describe.h"
#include "deploy/manifest.h"
#include "deploy/template.h"
#include "support/data_dir.h"
#include "support/error.h"
#include "support/files.h"
#include "target/console.h"

namespace mote::deploy {
namespace {

using nlohmann::json;

std::filesystem::path packages() {
  return data_folder("runtime") / "packages";
}

json layout_of(const std::string& name) {
  const std::vector<std::string> names = package_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw InputError("--package", fmt::format("there is no package '{}'; there are {}", name, fmt::join(names, ", ")));
  }
  const std::filesystem::path file = packages() / name / "layout.json";
  try {
    return json::parse(read_text(file));
  } catch (const json::exception& error) {
    throw JobError(file.string() + ": " + error.what());
  }
}

/// Statements of a board file as the body of a function has them, each line with its end.
std::string indented(const std::string& statements) {
  std::string text;
  std::istringstream lines(statements);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) text += "    " + line + "\n";
  }
  return text;
}

/// What firmware prints on, for the templates.
json describe_console(const target::Board& board, const std::string& name) {
  using Kind = target::Console::Kind;
  const std::optional<target::Console> console = target::load_console(board);
  if (!console) {
    throw InputError(board.file, fmt::format("says nothing about [console], which --package {} prints on", name));
  }
  return {{"uart_address", fmt::format("{:#010x}", console->address)},
          {"uart_clock", console->clock_hz},
          {"uart_baud", console->baud},
          {"uart_divider", console->divider()},
          {"uart_init_text", indented(console->init)},
          {"stm32", console->kind == Kind::kStm32 || console->kind == Kind::kStm32LowPower},
          {"stm32_old", console->kind == Kind::kStm32Old},
          {"cmsdk", console->kind == Kind::kCmsdk}};
}

}  // namespace

std::vector<std::string> package_names() {
  std::vector<std::string> names;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(packages())) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool package_boots(const std::string& name) {
  return layout_of(name).value("boots", false);
}

std::vector<File> package_of(const Library& library, const std::string& name, const target::Board& board,
                             const std::optional<Measured>& measured, const std::optional<File>& weights) {
  const json layout = layout_of(name);
  if (weights && !layout.value("takes_objects", false)) {
    throw InputError("--weights object", fmt::format("--package {} takes C files only; cmake, firmware and make take "
                                                     "objects, and so does a library without --package",
                                                     name));
  }
  const bool boots = layout.value("boots", false);
  if (boots && !board.target.cortex_m()) {
    throw InputError(board.name, fmt::format("cannot boot a firmware; for --package {} choose another board", name));
  }
  json values = describe(library.network, library.arena, library.origin);
  if (boots) {
    values.update(describe_board(board));
    values.update(describe_placements({parts_of(library)}, board));
  }
  if (layout.value("needs_console", false)) values.update(describe_console(board, name));
  values.update(layout.value("values", json::object()));
  values["short_name"] = library.network.prefix.substr(0, 32);  // the most that catalogues of packages take
  const auto path_of = [&](const std::string& pattern) { return render_text(pattern, values); };
  try {
    const std::string sources = path_of(layout.at("sources")), headers = path_of(layout.at("headers"));
    std::vector<File> files;
    values["sources"] = values["flags"] = json::array();
    const File header = emit_header(library.network, library.arena, library.origin, measured);
    for (const File& file : library.sources) {
      if (weights && holds_weights(library, file)) continue;
      const bool is_source = file.path.ends_with(".c");
      files.push_back({(is_source ? sources : headers) + file.path, is_source ? file.text : header.text});
      if (!is_source) continue;
      values["sources"].push_back(
          {{"file", files.back().path}, {"stem", files.back().path.substr(0, files.back().path.size() - 2)}});
    }
    values["objects"] = json::array();
    if (weights) {
      files.push_back({sources + weights->path, weights->text});
      values["objects"].push_back({{"file", files.back().path}});
    }
    for (const std::string& flag : library.origin.flags) values["flags"].push_back({{"flag", flag}});
    values["flags_text"] = fmt::format("{}", fmt::join(library.origin.flags, " "));
    values["cpu_flags"] = fmt::format("{}", fmt::join(library.origin.cpu_flags, " "));
    for (const auto& [source, path] : layout.at("files").items()) {
      files.push_back({path_of(path), render("packages/" + name + "/" + source, values)});
    }
    const std::string example = path_of(layout.at("example"));
    std::vector<std::string> made_of;
    for (const File& file : files) made_of.push_back(file.path);
    if (weights) made_of.push_back(weights->path);  // last, as emit_extras() has it
    for (File& file : emit_extras(library.network, library.arena, library.origin, measured, made_of,
                                  {sources, headers, example, true})) {
      if (file.path == "README.md")
        files.push_back(std::move(file));
      else if (file.path == "example_main.c" && !example.empty())
        files.push_back({example, std::move(file.text)});
    }
    if (boots) return files;  // whose linker script has the placement
    for (File& file : linker_fragments(library.placement, library.network.prefix)) files.push_back(std::move(file));
    files.push_back(manifest_of(library, files));
    return files;
  } catch (const json::exception& error) {
    throw JobError(fmt::format("the package '{}': {}", name, error.what()));
  }
}

}  // namespace mote::deploy
