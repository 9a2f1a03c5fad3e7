#include "schedule/annotate.h"

#include <fmt/format.h>

namespace mote::schedule {
namespace {

constexpr int kWarmUp = 8;  // repetitions of a loop until its state repeats

/// Issue times of one run, added to `annotation` with weight `weight`.
void add_run(const PipelineModel& model, bool same_bank, bool loop, double weight, Annotation& annotation) {
  PipelineState state;
  const bool branches = !annotation.insns.empty() && annotation.insns.back().insn.branch;
  uint32_t length = 0;
  for (const AnnotatedInsn& line : annotation.insns) length += line.insn.size;
  const int rounds = loop ? kWarmUp + 1 : 1;
  for (int round = 0; round < rounds; ++round) {
    int cycles = 0;
    for (AnnotatedInsn& line : annotation.insns) {
      Insn insn = line.insn;
      if (!branches) insn.address += static_cast<uint32_t>(round) * length;
      const Issue issue = model.issue(state, insn, same_bank);
      if (round == rounds - 1) {
        line.cycle += weight * (cycles + issue.wait);
        line.wait += weight * issue.wait;
        if (issue.cause != Wait::kNone) {
          line.cause = issue.cause;
          line.blocker = issue.blocker;
        }
        line.paired |= issue.paired;
      }
      cycles += issue.cycles;
    }
    if (loop && branches) cycles += model.take_branch(state, annotation.insns.back().insn);
    if (round == rounds - 1) annotation.cycles += weight * (cycles + (!loop && state.half_filled ? 1 : 0));
  }
}

}  // namespace

std::string_view name_of(Wait cause) {
  switch (cause) {
    case Wait::kNone:
      return "";
    case Wait::kDependency:
      return "dependency";
    case Wait::kConflict:
      return "conflict";
    case Wait::kFetch:
      return "fetch";
  }
  return "";
}

std::string name_of_register(uint8_t reg) {
  if (reg == 13) return "sp";
  if (reg == 14) return "lr";
  if (reg == kFlagsRegister) return "flags";
  return reg >= kFirstFp ? fmt::format("s{}", reg - kFirstFp) : fmt::format("r{}", reg);
}

Annotation annotate(const PipelineModel& model, uint32_t address, std::span<const std::byte> code, bool loop) {
  Annotation annotation;
  for (const Insn& insn : decode(address, code)) {
    AnnotatedInsn& line = annotation.insns.emplace_back();
    line.insn = insn;
    line.text = disassemble(insn.address, code.subspan(insn.address - address, insn.size));
  }
  if (model.dual()) {
    add_run(model, false, loop, 0.5, annotation);
    add_run(model, true, loop, 0.5, annotation);
  } else {
    add_run(model, false, loop, 1, annotation);
  }
  return annotation;
}

std::string to_text(const Annotation& annotation) {
  std::string text;
  for (const AnnotatedInsn& line : annotation.insns) {
    std::string why;
    if (line.wait > 0 && line.cause != Wait::kNone) {
      why = fmt::format("; {} {}", line.wait, name_of(line.cause));
      if (line.cause == Wait::kDependency && line.blocker != kNoRegister)
        why += " on " + name_of_register(line.blocker);
    }
    text += fmt::format("{:>7} {} {:08x}  {:<32}{}", line.cycle, line.paired ? '|' : ' ', line.insn.address, line.text,
                        why);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text + fmt::format("{:>7} cycles\n", annotation.cycles);
}

}  // namespace mote::schedule
