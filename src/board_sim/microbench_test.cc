// Sequences whose cycles are known from hardware, run on the machine and timed by its own cycle counter.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "board_sim/firmware_test.h"
#include "schedule/pipeline_model.h"
#include "support/data_dir.h"
#include "support/error.h"

namespace mote::board_sim {
namespace {

constexpr double kTolerance = 0.15;  // cycles of one repetition
constexpr int kRepetitions = 64;

struct Row {
  std::string name, sequence;
  std::optional<double> m7, m4;
};

/// `name`: microbench.tsv, or m4_manual.tsv, which has no column for the Cortex-M7.
std::vector<Row> read_table(const std::string& name) {
  std::ifstream file(source_dir() / "src/board_sim" / name);
  const bool both = name == "microbench.tsv";
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Row row;
    std::string m7, m4;
    std::getline(fields, row.name, '\t');
    std::getline(fields, row.sequence, '\t');
    if (both) std::getline(fields, m7, '\t');
    std::getline(fields, m4, '\t');
    if (both && m7 != "-") row.m7 = std::stod(m7);
    if (m4 != "-") row.m4 = std::stod(m4);
    std::ranges::replace(row.sequence, ';', '\n');
    rows.push_back(row);
  }
  return rows;
}

/// Runs `sequence` many times between two reads of CYCCNT; the second of two passes counts. r6 = cycles.
std::string program(const std::string& sequence, int repetitions) {
  return fmt::format(R"(
    ldr r0, =0xE000ED88
    ldr r1, =0x00F00000
    str r1, [r0]
    dsb
    isb
    ldr r0, =0xE0001FB0
    ldr r1, =0xC5ACCE55
    str r1, [r0]
    ldr r0, =0xE000EDFC
    ldr r1, =0x01000000
    str r1, [r0]
    ldr r12, =0xE0001000
    movs r1, #1
    str r1, [r12]
    ldr r4, =0x20000100
    str r4, [r4]
    movs r8, #3
    mov r9, #1
    movs r7, #2
    .balign 8
  1:
    mov r0, r4
    dsb
    ldr r10, [r12, #4]
    isb
    .balign 8
    .rept {}
    {}
    .endr
    .balign 8
    dsb
    ldr r11, [r12, #4]
    isb
    subs r7, #1
    bne 1b
    sub r6, r11, r10
    bkpt 0
    .ltorg
  )",
                     repetitions, sequence);
}

double measure(const std::string& board, const std::string& sequence) {
  uint32_t cycles[2] = {};
  for (int with = 0; with < 2; ++with) {
    Rig rig(board);
    rig.load(program(sequence, with * kRepetitions));
    rig.machine->debugger = true;
    const Halt halt = rig.machine->run();
    EXPECT_EQ(halt.reason, Halt::Reason::kBreakpoint) << (halt.fault ? describe(*halt.fault) : "");
    cycles[with] = rig.reg(6);
  }
  return static_cast<double>(cycles[1] - cycles[0]) / kRepetitions;
}

TEST(Microbench, EveryKnownSequenceTakesItsCycles) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  int compared = 0;
  for (const Row& row : read_table("microbench.tsv")) {
    for (const auto& [board, expected] : {std::pair("nucleo-f746zg", row.m7), std::pair("nucleo-l4r5zi", row.m4)}) {
      if (!expected) continue;
      EXPECT_NEAR(measure(board, row.sequence), *expected, kTolerance) << board << ": " << row.name;
      ++compared;
    }
  }
  EXPECT_GE(compared, 60);
}

TEST(Microbench, EveryInstructionOfTheCortexM4TakesTheCyclesOfItsManual) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const std::vector<Row> rows = read_table("m4_manual.tsv");
  EXPECT_GE(rows.size(), 60u);
  for (const Row& row : rows) EXPECT_NEAR(measure("nucleo-l4r5zi", row.sequence), *row.m4, kTolerance) << row.name;
}

TEST(Microbench, TheStaticEstimateAgrees) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const schedule::PipelineModel m7(target::load_pipeline("m7")), m4(target::load_pipeline("m4"));
  for (const Row& row : read_table("microbench.tsv")) {
    const std::vector<std::byte> code = assemble(row.sequence);
    const std::vector<schedule::Insn> insns = schedule::decode(kCode, code);
    for (const auto& [model, expected] : {std::pair(&m7, row.m7), std::pair(&m4, row.m4)}) {
      if (!expected) continue;
      EXPECT_NEAR(estimate_loop_cycles(*model, insns), *expected, kTolerance) << model->tables().name << row.name;
    }
  }
}

}  // namespace
}  // namespace mote::board_sim
