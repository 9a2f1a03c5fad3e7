// The functions that mote annotate shows: of a model, of a library folder, of a linked program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/deployment.h"
#include "support/bytes.h"
#include "target/board.h"

namespace mote::cli {

struct AnnotateOptions {
  DeploymentOptions deployment;  // its model may be a library's folder or an ELF file
  std::vector<std::string> functions;
  int operator_index = -1;
  bool run = false;  // and say what that has shown
  std::string profile, memory = "zero-wait";
  bool json = false;
};

struct MachineFunction {
  std::string name;
  uint32_t address = 0;
  Bytes code;
};

struct AnnotatedProgram {
  target::Board board;
  std::vector<MachineFunction> functions;  // by address
  Bytes elf;                               // that they are of; empty for a library's folder
};

/// Throws InputError when there is no such model, library, program, operator or function. With `options.run` a model's
/// program runs it once.
AnnotatedProgram find_functions(const AnnotateOptions& options);

}  // namespace mote::cli
