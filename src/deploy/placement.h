// What of a library lies in memory that the core reads without waiting: its arena, and copies of hot code and weights,
// which start-up code makes. Flash is slow on most boards, and the caches in front of it are small.
//
// The C sources know nothing of it. The linker does it, by the sections that -ffunction-sections and -fdata-sections
// make: ".text.kws_02_conv_2d_gemm", ".rodata.kws_02_conv_2d_weights", ".bss.kws_arena".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/emit.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::deploy {

struct Library;

/// The code or the constants of one operator's kernel.
struct Copy {
  size_t index = 0;    // operator; of code that several share, its owner
  std::string name;    // of the kernel: the beginning of its sections' names
  uint32_t bytes = 0;  // code: as compiled
  uint64_t saves = 0;  // cycles of one inference: an estimate
};

struct Placement {
  std::string code_memory, data_memory;  // names of target::fast_code_memory() and fast_data_memory(); "": none
  bool arena = false;                    // in data_memory, where that is not the board's main RAM; one that is not
                                         // divided (pools.h)
  std::vector<Copy> code, data;          // in code_memory and in data_memory
  bool empty() const { return !arena && code.empty() && data.empty(); }
  uint32_t code_bytes() const;
  uint32_t data_bytes() const;
};

/// The placement of `library` that saves most, with at most `budget` bytes of copies; the arena takes none of it.
/// Compiles the sources, to know how large code is. Nothing is copied where flash is as fast as the core, or no memory
/// faster.
///
/// The estimate: what is larger than the cache in front of it is read from flash again each time, what is smaller once
/// in an inference. Throws JobError when a source does not compile.
Placement place(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain, int64_t budget);

/// The cycles of one inference that all copies save, as estimated.
uint64_t saved_by(const Placement& placement);

/// Patterns of the linker's input sections, one for each copy: "*(.text.kws_02_conv_2d .text.kws_02_conv_2d_*)".
std::vector<std::string> code_sections(const Placement& placement);
std::vector<std::string> data_sections(const Placement& placement);

/// The same for linker scripts of users: PREFIX_fast_code.ld and PREFIX_fast_data.ld, as far as there is something to
/// say, with what to do with them.
std::vector<File> linker_fragments(const Placement& placement, const std::string& prefix);

}  // namespace mote::deploy
