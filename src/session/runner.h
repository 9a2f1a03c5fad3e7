// The on-device runner, built for one board. Its source is runtime/runner.c.
#pragma once

#include "session/arena.h"
#include "toolchain/toolchain.h"

namespace mote::session {

struct Runner {
  toolchain::Image image;
  Block code;                                             // what the image takes
  Block stack;                                            // with its guard at the low end
  uint32_t entry = 0;                                     // mote_run
  uint32_t stop = 0;                                      // where a breakpoint ends a run
  uint32_t state = 0;                                     // struct mote_runner
  uint32_t nothing = 0, fill_random = 0, fill_bytes = 0;  // tasks
};

/// Compiles and links the runner and takes its memory from `arena`. Throws JobError when it does not fit, InputError
/// when the board's init snippet does not compile.
Runner build_runner(const target::Board& board, toolchain::Toolchain& toolchain, Arena& arena);

/// The preprocessor flags by which runtime/ learns of a board: -DMOTE_COUNTER_DWT and so on.
std::vector<std::string> runtime_flags(const target::Board& board);

/// A file of runtime/ as a source. Throws InputError when it is missing.
toolchain::Source runtime_source(const std::string& name);

}  // namespace mote::session
