// A library's folder is written beside its place and then renamed, so that nobody ever sees half of it.

#include <fmt/format.h>

#include <set>
#include <system_error>

#include "deploy/library.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::deploy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileList = "mote_files.txt";  // names every file of the folder, this one too

/// What mote wrote to `folder` earlier.
std::set<std::string> files_of_before(const fs::path& folder) {
  std::set<std::string> names;
  if (!fs::exists(folder / kFileList)) return names;
  const std::string list = read_text(folder / kFileList);
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find('\n', at), list.size());
    names.insert(list.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

/// Throws when `folder` is anything but absent, empty, or written by mote.
void require_ours(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  if (!fs::is_directory(folder)) throw InputError(folder.string(), "is a file; a folder for the library is wanted");
  const std::set<std::string> ours = files_of_before(folder);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    if (entry.is_directory() || ours.count(name) > 0) continue;
    throw InputError(folder.string(), fmt::format("holds {}, which mote did not write; choose another folder", name));
  }
}

void write_all(const fs::path& folder, const std::vector<File>& files) {
  std::string list;
  for (const File& file : files) {
    fs::create_directories((folder / file.path).parent_path());
    write_file(folder / file.path, file.text);
    list += file.path + "\n";
  }
  write_file(folder / kFileList, list + kFileList + "\n");
}

/// A folder that is gone at the end, unless it was given its place.
struct Draft {
  fs::path folder;
  ~Draft() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
};

}  // namespace

void write_folder(const fs::path& folder, const std::vector<File>& files) {
  try {
    const fs::path place = fs::absolute(folder).lexically_normal();
    const fs::path target = place.has_filename() ? place : place.parent_path();
    require_ours(target);
    fs::create_directories(target.parent_path());
    const fs::path fresh = target.parent_path() / ("." + target.filename().string() + ".new");
    const fs::path old = target.parent_path() / ("." + target.filename().string() + ".old");
    fs::remove_all(fresh);
    fs::remove_all(old);
    const Draft draft{fresh};
    fs::create_directory(fresh);
    write_all(fresh, files);
    if (fs::exists(target)) fs::rename(target, old);
    fs::rename(fresh, target);
    fs::remove_all(old);
  } catch (const fs::filesystem_error& error) {
    throw JobError(fmt::format("{}: cannot write the library: {}", folder.string(), error.code().message()));
  }
}

}  // namespace mote::deploy
