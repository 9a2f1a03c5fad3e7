// A library as a bootable firmware for a board: to measure it, and to run it where it will run.
#pragma once

#include <string>
#include <vector>

#include "deploy/emit.h"
#include "deploy/library.h"
#include "deploy/placement.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::deploy {

/// kPlain: what a user of the library gets. kProfile: with the per-operator hook, which counts cycles and can stop.
enum class FirmwareKind : uint8_t { kPlain, kProfile };

/// What a firmware takes of a library.
struct Parts {
  std::string prefix;
  std::vector<File> sources;  // headers, C files, and objects of the board's: NAME.o
  std::vector<std::string> flags;
  Placement placement;
  std::vector<ArenaPool> pools = {};  // of a divided arena
};

Parts parts_of(const Library& library);

/// The library's sources, each as an object of the source's name, compiled with its flags and `more_flags`. Throws
/// JobError with the messages when one does not compile.
std::vector<toolchain::Object> compile_library(const Library& library, toolchain::Toolchain& toolchain,
                                               const std::vector<std::string>& more_flags = {});

/// Compiles and links the library, each part where its placement says, with start-up code and a main that waits at
/// mote_ready() for inputs and at mote_done() with outputs; runtime/firmware/main.c has the protocol. `more_flags`
/// beyond the library's. Throws JobError with the messages when it does not compile or does not fit.
toolchain::Image build_firmware(const Parts& parts, const target::Board& board, toolchain::Toolchain& toolchain,
                                FirmwareKind kind, const std::vector<std::string>& more_flags = {});
toolchain::Image build_firmware(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain,
                                FirmwareKind kind, const std::vector<std::string>& more_flags = {});

/// A firmware of several libraries and a main of the user's, as C text, which includes their headers. `flags` are those
/// of everything. Throws JobError as build_firmware() does.
toolchain::Image build_program(const std::vector<Library>& libraries, const std::string& main,
                               const target::Board& board, toolchain::Toolchain& toolchain,
                               const std::vector<std::string>& flags);

/// The `firmware` package (see package.h), as its own Makefile builds it. Throws JobError as build_firmware() does.
toolchain::Image build_package(const std::vector<File>& files, toolchain::Toolchain& toolchain,
                               const std::vector<std::string>& flags);

/// The library's weights and tables as one relocatable object for the board, NAME_weights.o, which takes the place of
/// the C files with weights. Throws JobError when they do not compile.
File weights_object(const Library& library, toolchain::Toolchain& toolchain);

/// The sizes of a plain firmware, start-up code included, however large; for the host, those of the library's objects.
Measured measure(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain);

}  // namespace mote::deploy
