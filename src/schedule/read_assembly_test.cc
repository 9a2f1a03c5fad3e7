#include "schedule/read_assembly.h"

#include <gtest/gtest.h>

#include "support/random.h"

namespace mote::schedule {
namespace {

using Effect = AssemblyLine::Effect;
using Condition = AssemblyLine::Condition;

std::vector<Instruction> one_of_each() {
  std::vector<Instruction> code = {smlad(1, 2, 3, 4),
                                   smuad(1, 2, 3),
                                   smla_halves("tb", 1, 2, 3, 1),
                                   smmla(5, 6, 7, 8, true),
                                   smlaw('t', 5, 6, 7, 8),
                                   mla(1, 2, 3, 4),
                                   sxtb(1, 2, 3),
                                   sxtb16(11, 9, true),
                                   sxtab16(1, 2, 3, false),
                                   add_halves("ssub16", 1, 2, 3),
                                   pkhbt(1, 2, 3),
                                   pkhtb(1, 2, 3),
                                   ssat(1, 8, 2, 3),
                                   usat(1, 8, 2, 0),
                                   qadd8(1, 2, 3),
                                   add(1, 2, 3),
                                   add_asr(1, 2, 3, 4),
                                   sub(1, 2, 3),
                                   add_immediate(1, 2, -77),
                                   mov(1, kLr),
                                   mov_immediate(1, 4000),
                                   mov_top(1, 3),
                                   lsl(1, 2, 3),
                                   asr(1, 2, 3),
                                   asr_by(1, 2, 3),
                                   compare(1, 12),
                                   subs(1, 2),
                                   ldr(1, kSp, 8),
                                   ldr_post(1, 2, -8),
                                   load_signed_byte_post(1, 2, 1),
                                   store(2, 1, 2, 6),
                                   store_post(1, 1, 2, 1),
                                   vmov_to_core(1, 2),
                                   vmov_to_fpu(2, 1),
                                   vadd(kFpu, kFpu + 1, kFpu + 31),
                                   vmul(kFpu, kFpu + 1, kFpu + 2),
                                   vfma(kFpu, kFpu + 1, kFpu + 2),
                                   vselect("vmaxnm", kFpu, kFpu + 1, kFpu + 2),
                                   vldr(kFpu + 3, 1, 8),
                                   vldm(1, true, kFpu + 4, 3),
                                   vstm(1, false, kFpu + 4, 3)};
  for (const Instruction& part : add_constant(2, 1, 123456)) code.push_back(part);
  return code;
}

std::vector<AssemblyLine> lines_of(const std::string& text) {
  const std::vector<AssemblyFunction> functions = read_assembly(text);
  EXPECT_EQ(functions.size(), 1u);
  return functions.empty() ? std::vector<AssemblyLine>{} : functions.front().lines;
}

TEST(ReadAssembly, UnderstandsWhatTheGeneratorsWrite) {
  for (const Instruction& written : one_of_each()) {
    SCOPED_TRACE(written.text);
    const std::vector<AssemblyLine> lines = lines_of(text_of({written}));
    ASSERT_EQ(lines.size(), 1u);
    const Instruction& read = lines.front().instruction;
    EXPECT_EQ(read.text, written.text);
    EXPECT_EQ(read.kind, written.kind);
    EXPECT_EQ(read.writes, written.writes);
    EXPECT_EQ(read.writeback, written.writeback);
    ASSERT_EQ(read.reads.size(), written.reads.size());
    for (size_t i = 0; i < read.reads.size(); ++i) {
      EXPECT_EQ(read.reads[i].reg, written.reads[i].reg);
      EXPECT_EQ(read.reads[i].role, written.reads[i].role);
    }
  }
}

TEST(ReadAssembly, KnowsWhatHappensToCountersAndPointers) {
  const std::vector<AssemblyLine> lines = lines_of(
      "  push {r4-r11, lr}\n  subs r2, r2, #16\n  addw r1, r3, #40\n  movt r5, #2\n  ldr r1, [sp, #12]\n"
      "  cmp r1, r2\n");
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0].target, kSp);
  EXPECT_EQ(lines[0].number, -36);
  EXPECT_EQ(lines[1].number, -16);
  EXPECT_TRUE(lines[1].sets_flags);
  EXPECT_EQ(lines[2].a, 3);
  EXPECT_EQ(lines[2].number, 40);
  EXPECT_EQ(lines[3].a, 5);
  EXPECT_EQ(lines[3].number, 131072);
  EXPECT_EQ(lines[4].effect, Effect::kLoad);
  EXPECT_EQ(lines[4].number, 12);
  EXPECT_EQ(lines[5].target, -1);
  EXPECT_EQ(lines[5].sign, -1);
  EXPECT_EQ(lines[5].b, 2);
}

TEST(ReadAssembly, FollowsBranchesWithinTheirFunction) {
  const std::vector<AssemblyFunction> functions = read_assembly(
      "void f(void);\n"
      "__asm__(\n"
      "\"  .text\\n\"\n"
      "\"f:\\n\"\n"
      "\"  @ a comment\\n\"\n"
      "\"1:\\n\"\n"
      "\"  subs r0, r0, #1  @ another\\n\"\n"
      "\"  blt 2f\\n\"\n"
      "\"  bne 1b\\n\"\n"
      "\"2:\\n\"\n"
      "\"  it eq\\n\"\n"
      "\"  subweq r1, r1, #4\\n\"\n"
      "\"  bx lr\\n\"\n"
      "\"g:\\n\"\n"
      "\"  bne 1b\\n\"\n"
      ");\n#else\n\"  nop\\n\"\nvoid f(void) {}\n#endif\n");
  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[0].name, "f");
  const std::vector<AssemblyLine>& f = functions[0].lines;
  ASSERT_EQ(f.size(), 5u);
  EXPECT_EQ(f[1].goes_to, 3);
  EXPECT_EQ(f[1].condition, Condition::kLess);
  EXPECT_EQ(f[2].goes_to, 0);
  EXPECT_EQ(f[3].condition, Condition::kEqual);
  EXPECT_EQ(f[3].effect, Effect::kSum);
  EXPECT_EQ(f[4].effect, Effect::kReturn);
  EXPECT_EQ(functions[1].name, "g");
  EXPECT_EQ(functions[1].lines.at(0).goes_to, -1);
}

TEST(ReadAssembly, MakesSomethingOfAnyText) {
  EXPECT_TRUE(read_assembly("").empty());
  const std::string alphabet = "rs12,#[]{}- lbd:mv\n\"\\n@.fq";
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string text = text_of(one_of_each());
    for (int i = 0; i < 60; ++i) text[random.below(text.size())] = alphabet[random.below(alphabet.size())];
    read_assembly(text);
  }
}

}  // namespace
}  // namespace mote::schedule
