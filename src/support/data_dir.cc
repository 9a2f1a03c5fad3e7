#include "support/data_dir.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <set>

#include "support/error.h"

namespace mote {

namespace fs = std::filesystem;

fs::path source_dir() {
  return MOTE_SOURCE_DIR;
}

fs::path own_program() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : path;
}

fs::path data_folder(const std::string& kind) {
  std::error_code error;
  const fs::path candidates[] = {source_dir() / kind, own_program().parent_path().parent_path() / "share/mote" / kind,
                                 fs::path(MOTE_INSTALL_DATA_DIR) / kind};
  for (const fs::path& folder : candidates) {
    if (fs::is_directory(folder, error)) return folder;
  }
  throw JobError(fmt::format("mote's data folder '{}' is missing; looked in {}, {} and {}", kind,
                             candidates[0].string(), candidates[1].string(), candidates[2].string()));
}

namespace {

std::vector<fs::path> all_folders(const std::string& kind, const std::vector<std::string>& folders) {
  std::vector<fs::path> result(folders.begin(), folders.end());
  for (const fs::path& folder : result) {
    if (!fs::is_directory(folder)) throw InputError(folder.string(), "is not a folder");
  }
  result.push_back(data_folder(kind));
  return result;
}

}  // namespace

fs::path find_data_file(const std::string& kind, const std::string& name_or_file,
                        const std::vector<std::string>& folders) {
  if (name_or_file.find('/') != std::string::npos || name_or_file.ends_with(".toml")) {
    std::error_code error;
    if (!fs::is_regular_file(name_or_file, error)) throw InputError(name_or_file, "no such file");
    return name_or_file;
  }
  for (const fs::path& folder : all_folders(kind, folders)) {
    fs::path file = folder / (name_or_file + ".toml");
    if (!name_or_file.empty() && fs::is_regular_file(file)) return file;
  }
  throw InputError(name_or_file, fmt::format("unknown; {} known: {} (or give a file: ./NAME.toml)", kind,
                                             fmt::join(data_file_names(kind, folders), ", ")));
}

std::vector<std::string> data_file_names(const std::string& kind, const std::vector<std::string>& folders) {
  std::set<std::string> names;
  for (const fs::path& folder : all_folders(kind, folders)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".toml") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace mote
