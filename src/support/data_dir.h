// Where mote's own data files are: boards/, targets/ and runtime/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mote {

/// The shipped folder `kind` ("boards", "targets", "runtime"): of the source tree mote was built from when that is
/// still there, else share/mote beside the running program's bin, else the installation prefix. Throws JobError when
/// none exists.
std::filesystem::path data_folder(const std::string& kind);

/// The file a user means by `name_or_file`: a path when it has a slash or ends in ".toml", otherwise NAME.toml in
/// `folders`, then in the shipped folder `kind`. Throws InputError that lists what there is when no such file exists.
std::filesystem::path find_data_file(const std::string& kind, const std::string& name_or_file,
                                     const std::vector<std::string>& folders = {});

/// Names (without ".toml") of the files in `folders` and in the shipped folder `kind`, sorted, each once.
std::vector<std::string> data_file_names(const std::string& kind, const std::vector<std::string>& folders = {});

/// The source tree this program was built from. It may be gone: for tests, and to look there first.
std::filesystem::path source_dir();

/// The running program's own path, or an empty path where the system does not tell.
std::filesystem::path own_program();

}  // namespace mote
