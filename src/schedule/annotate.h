// A piece of machine code with the cycles of each instruction and why it waited: what `mote annotate` prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schedule/pipeline_model.h"

namespace mote::schedule {

struct AnnotatedInsn {
  Insn insn;
  std::string text;  // disassembly
  double cycle = 0;  // at which it issues, from the start of the code (or of the repetition)
  double wait = 0;   // cycles it could not issue, or not beside its predecessor, though it was next
  Wait cause = Wait::kNone;
  uint8_t blocker = kNoRegister;  // kDependency: the register that was not ready
  bool paired = false;            // issued together with the instruction before it
  std::string measured;           // what a run has shown, for people; "" when there was none
};

struct Annotation {
  std::vector<AnnotatedInsn> insns;
  double cycles = 0;  // of all
};

/// `loop`: the code is the body of a loop in its steady state, as in estimate_loop_cycles(); otherwise it runs once
/// from an empty pipeline. Where banks of loads are unknown, waits are the mean of conflict and no conflict.
Annotation annotate(const PipelineModel& model, uint32_t address, std::span<const std::byte> code, bool loop);

/// A basic block of a function.
struct AnnotatedBlock {
  uint32_t address = 0;
  bool loop = false;  // it branches back to its own start: the figures are those of one more time round
  Annotation annotation;
};

/// The basic blocks of a function that can be reached from its start, by address. A block that the one before falls
/// into begins with the pipeline that one leaves, others with an empty one.
std::vector<AnnotatedBlock> annotate_function(const PipelineModel& model, uint32_t address,
                                              std::span<const std::byte> code);

/// One line for each instruction: cycle, pairing, address, text, and the reason it waited. Ends in a newline.
std::string to_text(const Annotation& annotation);
/// The same under a line that says where the block begins and how long it takes.
std::string to_text(const AnnotatedBlock& block);

/// "r3", "sp", "flags", "s7".
std::string name_of_register(uint8_t reg);
/// "", "dependency", "conflict", "fetch".
std::string_view name_of(Wait cause);

}  // namespace mote::schedule
