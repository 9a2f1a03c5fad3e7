// A library that lies in a folder: what there says how a firmware is built around it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "deploy/firmware.h"
#include "deploy/library.h"

namespace mote::deploy {

/// mote_library.json: the library's name, its board, what of it is copied to fast memory, and which of `files` of the
/// folder it is made of: headers, C files, objects.
File manifest_of(const Library& library, const std::vector<File>& files);

/// A library of a folder.
struct Found {
  std::string board;  // its name
  Parts parts;
};

/// The library in `folder`, in any form that `mote compile` writes; nothing when there is none. Throws InputError when
/// its manifest is malformed, or what that names cannot be read.
std::optional<Found> find_library(const std::filesystem::path& folder);

}  // namespace mote::deploy
