#include "deploy/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/files.h"

namespace mote::deploy {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kManifest = "mote_library.json";

bool is_part(const Library& library, const File& file) {
  const std::string name = fs::path(file.path).filename();
  const auto has_its_name = [&](const File& source) { return source.path == name; };
  return name.ends_with(".o") || std::ranges::any_of(library.sources, has_its_name);
}

ordered_json names_of(const std::vector<Copy>& copies) {
  ordered_json names = ordered_json::array();
  for (const Copy& copy : copies) names.push_back(copy.name);
  return names;
}

/// A name that goes into C text and a linker script.
std::string checked_name(const fs::path& manifest, const std::string& name) {
  const auto is_part_of_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0 ||
      !std::ranges::all_of(name, is_part_of_name)) {
    throw InputError(manifest.string(), fmt::format("'{}' is no name of C", name));
  }
  return name;
}

std::vector<Copy> copies_of(const fs::path& manifest, const ordered_json& names) {
  std::vector<Copy> copies;
  for (const ordered_json& name : names) {
    Copy copy;
    copy.name = checked_name(manifest, name.get<std::string>());
    copies.push_back(std::move(copy));
  }
  return copies;
}

/// A file of the library, by its own name: folders are the form's affair.
File read_part(const fs::path& folder, const std::string& path) {
  const fs::path relative = fs::path(path).lexically_normal();
  if (relative.is_absolute() || relative.empty() || *relative.begin() == "..") {
    throw InputError((folder / kManifest).string(), fmt::format("'{}' is not within the folder", path));
  }
  return {relative.filename(), read_text(folder / relative)};
}

}  // namespace

File manifest_of(const Library& library, const std::vector<File>& files) {
  ordered_json document{{"mote", MOTE_VERSION},
                        {"name", library.network.prefix},
                        {"board", library.origin.board},
                        {"flags", library.origin.flags},
                        {"fast_memory", library.placement.data_memory},
                        {"fast_arena", library.placement.arena},
                        {"fast_code", names_of(library.placement.code)},
                        {"fast_data", names_of(library.placement.data)},
                        {"arenas", ordered_json::array()},
                        {"files", ordered_json::array()}};
  for (const ArenaPool& pool : library.arena.pools) {
    document["arenas"].push_back({{"memory", pool.memory}, {"suffix", pool.suffix}, {"bytes", pool.bytes}});
  }
  for (const File& file : files) {
    if (is_part(library, file)) document["files"].push_back(file.path);
  }
  return {kManifest, document.dump(2) + "\n"};
}

std::optional<Found> find_library(const fs::path& folder) {
  const fs::path manifest = folder / kManifest;
  if (!fs::exists(manifest)) return std::nullopt;
  try {
    const ordered_json document = ordered_json::parse(read_text(manifest));
    Found found;
    found.board = document.at("board").get<std::string>();
    found.parts.prefix = checked_name(manifest, document.at("name").get<std::string>());
    found.parts.flags = document.at("flags").get<std::vector<std::string>>();
    if (found.parts.flags != kKernelFlags) {
      throw InputError(manifest.string(), "has other flags for the compiler than this mote: compile the model anew");
    }
    found.parts.placement.data_memory = document.at("fast_memory").get<std::string>();
    found.parts.placement.arena = document.at("fast_arena").get<bool>();
    found.parts.placement.code = copies_of(manifest, document.at("fast_code"));
    found.parts.placement.data = copies_of(manifest, document.at("fast_data"));
    for (const ordered_json& pool : document.at("arenas")) {
      const std::string suffix = pool.at("suffix").get<std::string>();
      found.parts.pools.push_back({pool.at("memory").get<std::string>(),
                                   suffix.empty() ? suffix : checked_name(manifest, suffix),
                                   pool.at("bytes").get<int64_t>()});
    }
    for (const ordered_json& path : document.at("files")) {
      found.parts.sources.push_back(read_part(folder, path.get<std::string>()));
    }
    return found;
  } catch (const ordered_json::exception& error) {
    throw InputError(manifest.string(), error.what());
  }
}

}  // namespace mote::deploy
