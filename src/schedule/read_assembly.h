// The generators' assembly read back: each line as the schedulers see it, and what it does to the integers that decide
// where a branch goes (counters, pointers, limits). For estimates; what is not known is a plain ALU instruction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schedule/assembly.h"

namespace mote::schedule {

struct AssemblyLine {
  /// kSum: target = a + sign * b + number. kLoad, kStore: target and the word at a + number. kBranch: to line
  /// `goes_to`.
  enum class Effect : uint8_t { kOther, kSum, kLoad, kStore, kBranch, kReturn };
  enum class Condition : uint8_t { kAlways, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

  Instruction instruction;
  Effect effect = Effect::kOther;
  Reg target = -1, a = -1, b = -1;  // -1: none; of a comparison there is no target
  int sign = 1;
  int64_t number = 0;
  bool sets_flags = false;                   // to how kSum compares with 0
  Condition condition = Condition::kAlways;  // of a branch, and of an instruction in an IT block
  int goes_to = -1;                          // -1: somewhere else
};

/// The lines behind a label that is a name; jumps stay among them.
struct AssemblyFunction {
  std::string name;  // "": lines before any name
  std::vector<AssemblyLine> lines;
};

/// The functions of `text`: lines of assembly, or C in which they stand as string literals, of which those before the
/// first "#else" count. Directives and comments are left out.
std::vector<AssemblyFunction> read_assembly(std::string_view text);

}  // namespace mote::schedule
