// A library in the form that a build system or an IDE takes. What a form consists of is data: runtime/packages/NAME has
// its templates, and a layout.json that says where the library's sources, its header and each template go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deploy/library.h"

namespace mote::deploy {

/// "cmake", "make", ...: the shipped forms, sorted.
std::vector<std::string> package_names();

/// Whether the form is a whole firmware, to be built and booted. Throws InputError when there is no such form.
bool package_boots(const std::string& name);

/// All files of the package. `board`: the library's. `weights`: an object that takes the place of the C files with
/// weights (see weights_object()). Throws InputError when there is no form of this name, or it is not for such a board
/// or takes no object, JobError when its data is malformed.
std::vector<File> package_of(const Library& library, const std::string& name, const target::Board& board,
                             const std::optional<Measured>& measured,
                             const std::optional<File>& weights = std::nullopt);

}  // namespace mote::deploy
