#include "schedule/annotate.h"

#include <fmt/format.h>

#include "schedule/basic_blocks.h"

namespace mote::schedule {
namespace {

constexpr int kWarmUp = 8;  // repetitions of a loop until its state repeats

// What the pipeline is before some code, for each answer to whether loads of unknown banks conflict.
struct Pipelines {
  PipelineState apart, conflicting;
};

/// Issue times of one run from `state`, added to `annotation` with weight `weight`. `state` becomes that after the
/// code, when the branch at its end is not taken.
void add_run(const PipelineModel& model, bool same_bank, bool loop, double weight, PipelineState& state,
             Annotation& annotation) {
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
    const PipelineState fallen_through = state;
    if (loop && branches) cycles += model.take_branch(state, annotation.insns.back().insn);
    if (round != rounds - 1) continue;
    annotation.cycles += weight * (cycles + (!loop && state.half_filled ? 1 : 0));
    state = fallen_through;
  }
}

void add_runs(const PipelineModel& model, bool loop, Pipelines& pipelines, Annotation& annotation) {
  if (!model.dual()) return add_run(model, false, loop, 1, pipelines.apart, annotation);
  add_run(model, false, loop, 0.5, pipelines.apart, annotation);
  add_run(model, true, loop, 0.5, pipelines.conflicting, annotation);
}

void add_line(const Insn& insn, uint32_t address, std::span<const std::byte> code, Annotation& annotation) {
  AnnotatedInsn& line = annotation.insns.emplace_back();
  line.insn = insn;
  line.text = disassemble(insn.address, code.subspan(insn.address - address, insn.size));
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
  for (const Insn& insn : decode(address, code)) add_line(insn, address, code, annotation);
  Pipelines pipelines;
  add_runs(model, loop, pipelines, annotation);
  return annotation;
}

std::vector<AnnotatedBlock> annotate_function(const PipelineModel& model, uint32_t address,
                                              std::span<const std::byte> code) {
  std::vector<AnnotatedBlock> blocks;
  Pipelines pipelines;
  uint32_t falls_to = address;  // where the block before goes on when it does not branch; 0: it always does
  for (const BasicBlock& insns : basic_blocks(address, code)) {
    AnnotatedBlock& block = blocks.emplace_back();
    block.address = insns.front().address;
    const Insn& last = insns.back();
    block.loop = last.branch && !last.call && last.branch_target == block.address;
    for (const Insn& insn : insns) add_line(insn, address, code, block.annotation);
    if (falls_to != block.address) pipelines = Pipelines();
    add_runs(model, block.loop, pipelines, block.annotation);
    falls_to = last.branch && (!last.conditional || last.call) ? 0 : last.address + last.size;
  }
  return blocks;
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
    if (!line.measured.empty()) why += "; " + line.measured;
    text += fmt::format("{:>7} {} {:08x}  {:<31} {}", line.cycle, line.paired ? '|' : ' ', line.insn.address, line.text,
                        why);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text + fmt::format("{:>7} cycles\n", annotation.cycles);
}

std::string to_text(const AnnotatedBlock& block) {
  return fmt::format("{:#010x}{}\n{}", block.address, block.loop ? ", a loop: one more time round" : "",
                     to_text(block.annotation));
}

}  // namespace mote::schedule
