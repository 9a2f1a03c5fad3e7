// What of a library only a compiler can decide: what to copy to fast memory, and that a budget of flash is really kept.
#pragma once

#include <string>

#include "deploy/library.h"
#include "toolchain/toolchain.h"

namespace mote::deploy {

/// make_library(), and what `goal.fast_bytes` asks for placed (see place()). `goal.flash_bytes` is kept by the linked
/// firmware (see measure()), start-up code and all: kernels are chosen by what is known before compiling, and where
/// that was too little, chosen again within as much less. Throws InputError as make_library() does, also with the
/// fewest bytes found when no firmware keeps the budget; JobError when a source does not compile.
Library make_linked_library(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                            const target::Board& board, const Choose& choose, const Goal& goal,
                            toolchain::Toolchain& toolchain);

}  // namespace mote::deploy
