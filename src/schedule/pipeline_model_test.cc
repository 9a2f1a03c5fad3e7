#include "schedule/pipeline_model.h"

#include <gtest/gtest.h>

#include <cstring>

#include "schedule/annotate.h"
#include "schedule/basic_blocks.h"
#include "support/random.h"

namespace mote::schedule {
namespace {

using target::Operand;
using target::Producer;

std::vector<std::byte> code_of(std::initializer_list<uint16_t> halfwords) {
  std::vector<std::byte> bytes(halfwords.size() * 2);
  std::memcpy(bytes.data(), std::data(halfwords), bytes.size());
  return bytes;
}

const PipelineModel& m7() {
  static const PipelineModel kModel(target::load_pipeline("m7"));
  return kModel;
}

const PipelineModel& m4() {
  static const PipelineModel kModel(target::load_pipeline("m4"));
  return kModel;
}

TEST(Decode, DescribesOperandsByUse) {
  // smlad r0, r1, r2, r3
  const Insn mac = decode(0, code_of({0xFB21, 0x3002})).front();
  EXPECT_EQ(mac.size, 4);
  EXPECT_EQ(mac.writes, register_bit(0));
  EXPECT_EQ(mac.result, Producer::kMultiply);
  EXPECT_EQ(mac.read_mask(), register_bit(1) | register_bit(2) | register_bit(3));
  EXPECT_EQ(mac.reads[2].reg, 3);
  EXPECT_EQ(mac.reads[2].use, Operand::kAccumulate);
  EXPECT_TRUE(mac.units & target::kUnitMac);
}

TEST(Decode, DataThatLooksLikeAnItBlockChangesNothing) {
  const uint16_t itt_eq = 0xBF04, push = 0xB510, pop = 0xBD10, jump_over_two = 0xE000;
  ASSERT_TRUE(decode(0, code_of({itt_eq, push})).back().conditional);
  decode(0, code_of({itt_eq}));
  EXPECT_FALSE(decode(0, code_of({push})).front().conditional);
  const std::vector<BasicBlock> blocks = basic_blocks(0, code_of({jump_over_two, itt_eq, push, pop}));
  ASSERT_EQ(blocks.size(), 2u);
  for (const Insn& insn : blocks.back()) EXPECT_FALSE(insn.conditional) << insn.address;
}

TEST(Decode, DescribesAccesses) {
  // ldr r0, [r4], #4
  const Insn post = decode(0, code_of({0xF854, 0x0B04})).front();
  EXPECT_EQ(post.access.base, 4);
  EXPECT_EQ(post.access.offset, 0);
  EXPECT_EQ(post.access.writeback, 4);
  EXPECT_EQ(post.base_writes, register_bit(4));
  // ldr r0, [r4, #-4]!
  const Insn pre = decode(0, code_of({0xF854, 0x0D04})).front();
  EXPECT_EQ(pre.access.offset, -4);
  EXPECT_EQ(pre.access.writeback, -4);
  // push {r4, lr}
  const Insn push = decode(0, code_of({0xB510})).front();
  EXPECT_EQ(push.access.base, 13);
  EXPECT_EQ(push.access.offset, -8);
  EXPECT_EQ(push.access.count, 2);
  EXPECT_EQ(push.registers, 2);
  // pop {r4, pc}
  const Insn pop = decode(0, code_of({0xBD10})).front();
  EXPECT_TRUE(pop.branch && pop.indirect);
  EXPECT_EQ(pop.access.count, 2);
  EXPECT_EQ(pop.writes, register_bit(4));
  // ldr r0, [r1, r2, lsl #2]
  const Insn indexed = decode(0, code_of({0xF851, 0x0022})).front();
  EXPECT_EQ(indexed.access.index, 2);
  EXPECT_EQ(indexed.access.shift, 2);
  EXPECT_EQ(indexed.bank, -1);
}

TEST(Decode, KeepsItsPlaceAfterWhatItDoesNotKnow) {
  const std::vector<Insn> insns = decode(0x100, code_of({0xFFFF, 0xFFFF, 0x3001}));
  ASSERT_EQ(insns.size(), 2u);
  EXPECT_EQ(insns[0].size, 4);
  EXPECT_EQ(insns[1].address, 0x104u);
  EXPECT_TRUE(decode(0, {}).empty());
  EXPECT_EQ(disassemble(0, code_of({0x3001})), "adds r0, #1");
  EXPECT_EQ(disassemble(0, code_of({0xFFFF, 0xFFFF})), "<undefined>");
}

TEST(PipelineModel, EqualStatesHashEqually) {
  PipelineState a, b;
  const Insn add = decode(0, code_of({0x3001})).front();
  m7().issue(a, add, false);
  m7().issue(b, add, false);
  EXPECT_EQ(a, b);
  EXPECT_EQ(PipelineStateHash()(a), PipelineStateHash()(b));
  EXPECT_NE(a, PipelineState());
}

TEST(PipelineModel, AChainIsAsSlowAsItsLatency) {
  // add r0, r0, #1 (wide) four times: one a cycle on both cores; adds on different registers pair on the M7 only.
  const std::vector<Insn> chain = decode(0, code_of({0xF100, 0x0001, 0xF100, 0x0001, 0xF100, 0x0001, 0xF100, 0x0001}));
  EXPECT_DOUBLE_EQ(estimate_loop_cycles(m7(), chain), 4);
  EXPECT_DOUBLE_EQ(estimate_loop_cycles(m4(), chain), 4);
  const std::vector<Insn> free = decode(0, code_of({0x3001, 0x3101, 0x3201, 0x3301}));
  EXPECT_DOUBLE_EQ(estimate_loop_cycles(m7(), free), 2);
  EXPECT_DOUBLE_EQ(estimate_loop_cycles(m4(), free), 4);
}

TEST(PipelineModel, ALoopPaysForItsBranch) {
  const std::vector<Insn> loop = decode(0, code_of({0x3801, 0xD1FD}));  // subs r0, #1; bne .-2
  EXPECT_GE(estimate_loop_cycles(m4(), loop), 3);
  EXPECT_GE(estimate_loop_cycles(m7(), loop), 1);
  EXPECT_EQ(estimate_loop_cycles(m7(), {}), 0);
}

TEST(Annotate, SaysWhatAnInstructionWaitedFor) {
  // ldr r0, [r4]; smlad r1, r0, r2, r1
  const std::vector<std::byte> code = code_of({0x6820, 0xFB20, 0x1102});
  const Annotation annotation = annotate(m7(), 0x20000000, code, false);
  ASSERT_EQ(annotation.insns.size(), 2u);
  EXPECT_EQ(annotation.insns[1].cause, Wait::kDependency);
  EXPECT_EQ(annotation.insns[1].blocker, 0);
  EXPECT_DOUBLE_EQ(annotation.insns[1].cycle - annotation.insns[0].cycle, 2);
  EXPECT_NE(to_text(annotation).find("dependency on r0"), std::string::npos);
  EXPECT_NE(to_text(annotation).find("smlad r1, r0, r2, r1"), std::string::npos);
}

TEST(Annotate, AddsUpToTheEstimate) {
  const std::vector<std::byte> code =
      code_of({0x6820, 0x6861, 0xFB20, 0x2201, 0x3401, 0xF854, 0x3B04, 0xFB23, 0x2203, 0x3801, 0xD1F4});
  for (const PipelineModel* model : {&m7(), &m4()}) {
    const std::vector<Insn> insns = decode(0, code);
    EXPECT_NEAR(annotate(*model, 0, code, true).cycles, estimate_loop_cycles(*model, insns), 0.51);
    EXPECT_DOUBLE_EQ(annotate(*model, 0, code, false).cycles, estimate_cycles(*model, insns));
  }
}

TEST(Annotate, MarksPairs) {
  const Annotation annotation = annotate(m7(), 0, code_of({0x3001, 0x3101}), false);
  EXPECT_FALSE(annotation.insns[0].paired);
  EXPECT_TRUE(annotation.insns[1].paired);
  EXPECT_EQ(annotation.cycles, 1);
}

// movs r0, #3; 1: subs r0, #1; bne 1b; cbz r1, 2f; ldr r2, [pc, #8]; bl elsewhere; 2: bx lr; literals
TEST(AnnotateFunction, FindsBlocksLoopsAndLeavesLiteralsOut) {
  const std::vector<std::byte> code =
      code_of({0x2003, 0x3801, 0xD1FD, 0xB111, 0x4A02, 0xF000, 0xF804, 0x4770, 0xFFFF, 0x1234, 0x5678, 0x4770});
  const std::vector<AnnotatedBlock> blocks = annotate_function(m7(), 0x1000, code);
  std::vector<uint32_t> starts;
  for (const AnnotatedBlock& block : blocks) starts.push_back(block.address - 0x1000);
  EXPECT_EQ(starts, (std::vector<uint32_t>{0, 2, 6, 8, 14}));
  EXPECT_TRUE(blocks[1].loop);
  EXPECT_FALSE(blocks[0].loop);
  EXPECT_NE(to_text(blocks[1]).find("a loop"), std::string::npos);
  for (const AnnotatedBlock& block : blocks) EXPECT_GT(block.annotation.cycles, 0) << block.address;
}

TEST(AnnotateFunction, FollowsTableBranches) {
  // tbb [pc, r0]; two entries; movs r1, #1; bx lr; movs r1, #2; bx lr
  const std::vector<std::byte> code = code_of({0xE8DF, 0xF000, 0x0301, 0x2101, 0x4770, 0x2102, 0x4770});
  const std::vector<AnnotatedBlock> blocks = annotate_function(m4(), 0x2000, code);
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[1].address, 0x2006u);
  EXPECT_EQ(blocks[2].address, 0x200Au);
}

TEST(AnnotateFunction, SurvivesAnyBytes) {
  const uint64_t seed = 20240607;
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::byte> code(static_cast<size_t>(random.between(0, 80)));
    random.fill(code);
    const std::vector<AnnotatedBlock> blocks = annotate_function(round % 2 == 0 ? m7() : m4(), 0x1000, code);
    size_t bytes = 0;
    for (const AnnotatedBlock& block : blocks) {
      for (const AnnotatedInsn& line : block.annotation.insns) bytes += line.insn.size;
    }
    EXPECT_LE(blocks.size(), code.size()) << seed;
    EXPECT_LE(bytes, 2 * code.size() + 4) << seed;  // halfwords may be read both ways
  }
}

}  // namespace
}  // namespace mote::schedule
