// What every instruction of a program took when the virtual board ran it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "deploy/library.h"
#include "support/bytes.h"
#include "target/board.h"

namespace mote::execute {

/// All runs of one instruction.
struct InsnRuns {
  uint64_t executions = 0;
  double cycles = 0;                                   // in which it waited or issued; 0 for an older one of a pair
  std::vector<std::pair<std::string, double>> stalls;  // cycles it waited, by reason: "dependency", "memory", ...
};

/// By address.
using CodeProfile = std::map<uint32_t, InsnRuns>;

/// Reads what `mote-board --profile` writes. Throws InputError naming `file` when `text` is something else.
CodeProfile parse_code_profile(const std::string& text, const std::string& file);

struct ProfiledRun {
  CodeProfile profile;
  int exit_code = 0;     // the program's own, or 1 when it locked up
  std::string messages;  // of the virtual board: what locked up
};

/// Runs a program, the bytes of an ELF file, on a virtual board until it exits by semihosting or locks up. `memory`:
/// "zero-wait" or "flash". Throws InputError when `board` has no figures for that or no memory where the program lies,
/// JobError when there is no virtual board, or when the program does not end in ten minutes.
ProfiledRun profile_program(const target::Board& board, const Bytes& elf, const std::string& memory);

/// The C text of a main() that runs `library` once and exits by semihosting. `inputs` in the order of the graph's, of
/// their exact sizes.
std::string main_of_one_run(const deploy::Library& library, const std::vector<Bytes>& inputs);

}  // namespace mote::execute
