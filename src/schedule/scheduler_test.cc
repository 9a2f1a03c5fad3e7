#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "schedule/colouring.h"
#include "schedule/list.h"
#include "schedule/modulo.h"
#include "support/random.h"

namespace mote::schedule {
namespace {

TEST(Colouring, ArcsThatOverlapDiffer) {
  int solved = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const int period = static_cast<int>(random.between(4, 24));
    std::vector<Arc> arcs;
    for (int64_t i = random.between(1, 10); i > 0; --i) {
      const int begin = static_cast<int>(random.between(-30, 30));
      arcs.push_back({begin, begin + static_cast<int>(random.between(0, period))});
    }
    const std::optional<std::vector<int>> colours = colour_arcs(arcs, period, 4);
    if (!colours) continue;
    ++solved;
    std::map<std::pair<int, int>, size_t> owner;  // (colour, position)
    for (size_t i = 0; i < arcs.size(); ++i) {
      ASSERT_GE((*colours)[i], 0);
      ASSERT_LT((*colours)[i], 4);
      for (int x = arcs[i].begin + 1; x <= arcs[i].end; ++x) {
        const std::pair<int, int> place{(*colours)[i], ((x % period) + period) % period};
        EXPECT_TRUE(owner.try_emplace(place, i).second) << "seed " << seed;
      }
    }
  }
  EXPECT_GT(solved, 50);
}

TEST(Colouring, GivesUpWhereTooManyLiveAtOnce) {
  const std::vector<Arc> arcs{{0, 4}, {1, 5}, {2, 6}};
  EXPECT_TRUE(colour_arcs(arcs, 8, 3));
  EXPECT_FALSE(colour_arcs(arcs, 8, 2));
  EXPECT_FALSE(colour_arcs({{0, 9}}, 8, 2)) << "longer than the period";
}

/// Two channels times `positions` positions, int8 weights: a load of weights, two extensions, loads, multiplies.
LoopBody product(int positions) {
  LoopBody body;
  const auto make = [&](Kind kind, std::vector<ValueUse> uses) {
    body.ops.push_back({.kind = kind, .makes = body.values, .uses = std::move(uses)});
    return body.values++;
  };
  const int raw = make(Kind::kLoad, {});
  const std::array<int, 2> weights{make(Kind::kExtend, {{raw, Role::kAlu}}), make(Kind::kExtend, {{raw, Role::kAlu}})};
  for (int j = 0; j < positions; ++j) {
    const int activation = make(Kind::kLoad, {});
    std::vector<int>& run = body.runs.emplace_back();
    for (const int weight : weights) {
      run.push_back(static_cast<int>(body.ops.size()));
      body.ops.push_back(
          {.kind = Kind::kMultiply, .makes = -1, .uses = {{weight, Role::kMultiply}, {activation, Role::kMultiply}}});
    }
  }
  return body;
}

void expect_valid(const LoopBody& body, const Rules& rules, const ModuloSchedule& schedule, int registers) {
  // Latencies within an iteration.
  std::vector<size_t> maker(static_cast<size_t>(body.values));
  for (size_t op = 0; op < body.ops.size(); ++op) {
    if (body.ops[op].makes >= 0) maker[static_cast<size_t>(body.ops[op].makes)] = op;
  }
  for (size_t op = 0; op < body.ops.size(); ++op) {
    for (const ValueUse& use : body.ops[op].uses) {
      const size_t from = maker[static_cast<size_t>(use.value)];
      EXPECT_GE(schedule.time[op] - schedule.time[from], rules.latency(body.ops[from].kind, use.role));
    }
  }
  // No more in a cycle than the core issues, and only what pairs.
  std::map<int, std::map<bool, size_t>> cycles;
  for (size_t op = 0; op < body.ops.size(); ++op) {
    const int cycle = ((schedule.time[op] % schedule.interval) + schedule.interval) % schedule.interval;
    EXPECT_TRUE(cycles[cycle].try_emplace(schedule.younger[op], op).second);
  }
  for (const auto& [cycle, slots] : cycles) {
    if (slots.size() == 2) {
      EXPECT_TRUE(rules.can_pair(body.ops[slots.at(false)].kind, body.ops[slots.at(true)].kind));
    }
    EXPECT_TRUE(slots.contains(false));
  }
  // Run it: each read must find the value of its own iteration in the register.
  struct Event {
    int time;
    bool younger;
    size_t op;
    int iteration;
  };
  std::vector<Event> events;
  constexpr int kIterations = 12;
  for (int i = 0; i < kIterations; ++i) {
    for (size_t op = 0; op < body.ops.size(); ++op) {
      events.push_back({schedule.time[op] + i * schedule.interval, schedule.younger[op], op, i});
    }
  }
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return std::pair(a.time, a.younger) < std::pair(b.time, b.younger); });
  std::vector<std::pair<int, int>> contents(static_cast<size_t>(registers), {-1, -1});  // value, iteration
  const auto home = [&](int value, int iteration) {
    return static_cast<size_t>(
        schedule.registers[static_cast<size_t>(value)][static_cast<size_t>(iteration % schedule.unroll)]);
  };
  for (const Event& event : events) {
    for (const ValueUse& use : body.ops[event.op].uses) {
      EXPECT_EQ(contents[home(use.value, event.iteration)], std::pair(use.value, event.iteration));
    }
    const int made = body.ops[event.op].makes;
    if (made >= 0) contents[home(made, event.iteration)] = {made, event.iteration};
  }
}

TEST(Modulo, SchedulesAreValidAndReachTheBound) {
  const Rules rules("m7");
  for (const auto& [positions, registers, interval] : {std::array{3, 6, 6}, {2, 6, 5}, {1, 6, 3}}) {
    const LoopBody body = product(positions);
    const std::optional<ModuloSchedule> schedule = modulo_schedule(body, rules, registers);
    ASSERT_TRUE(schedule);
    EXPECT_EQ(schedule->interval, interval);
    expect_valid(body, rules, *schedule, registers);
    EXPECT_FALSE(schedule->free_at_boundary.empty());
  }
}

TEST(Modulo, ALongerLoadLatencyIsKept) {
  const Rules rules("m7", 3);
  const LoopBody body = product(3);
  const std::optional<ModuloSchedule> schedule = modulo_schedule(body, rules, 6);
  ASSERT_TRUE(schedule);
  expect_valid(body, rules, *schedule, 6);
}

TEST(Modulo, FewerRegistersTakeMoreCyclesOrNone) {
  const Rules rules("m7");
  const LoopBody body = product(3);
  const std::optional<ModuloSchedule> tight = modulo_schedule(body, rules, 5);
  ASSERT_TRUE(tight);
  expect_valid(body, rules, *tight, 5);
  EXPECT_FALSE(modulo_schedule(body, rules, 1));
}

/// A toy machine on which order matters: every instruction hashes what it reads into what it writes.
std::array<uint64_t, 64> run(const std::vector<Instruction>& code) {
  std::array<uint64_t, 64> registers;
  for (size_t i = 0; i < registers.size(); ++i) registers[i] = i;
  for (const Instruction& instruction : code) {
    uint64_t hash = std::hash<std::string>()(instruction.text);
    for (const Use& use : instruction.reads)
      hash = (hash ^ registers[static_cast<size_t>(use.reg)]) * 0x9E3779B97F4A7C15u;
    for (const Reg reg : instruction.writes) registers[static_cast<size_t>(reg)] = hash;
    if (instruction.writeback >= 0) registers[static_cast<size_t>(instruction.writeback)] += 1;
    if (instruction.kind == Kind::kStore) registers[63] = (registers[63] ^ hash) * 31;  // stores stay in order
  }
  return registers;
}

std::vector<Instruction> random_code(Random& random, int count) {
  const auto reg = [&] { return static_cast<Reg>(random.between(0, 11)); };
  std::vector<Instruction> code;
  while (static_cast<int>(code.size()) < count) {
    const Reg d = reg(), base = 12;
    switch (random.below(8)) {
      case 0:
        code.push_back(smlad(d, reg(), reg(), d));
        break;
      case 1:
        code.push_back(ldr_post(d, base, 4));
        break;
      case 2:
        code.push_back(ldr(d, base, 8));
        break;
      case 3:
        code.push_back(store(1, d, kLr, 4));
        break;
      case 4:
        code.push_back(sxtb16(d, reg(), true));
        break;
      case 5:
        code.push_back(ssat(d, 8, reg(), 4));
        break;
      case 6:
        code.push_back(add_asr(d, reg(), reg(), 31));
        break;
      default:
        code.push_back(random.below(2) ? vmov_to_core(d, 3) : vmov_to_fpu(3, d));
        break;
    }
  }
  return code;
}

TEST(List, KeepsTheMeaningAndIsNeverSlower) {
  const Rules rules("m7");
  int before = 0, after = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const std::vector<Instruction> code = random_code(random, static_cast<int>(random.between(1, 60)));
    const std::vector<Instruction> scheduled = list_schedule(code, rules, 20);
    ASSERT_EQ(scheduled.size(), code.size());
    EXPECT_EQ(run(scheduled), run(code)) << "seed " << seed;
    before += estimate_cycles(code, rules);
    after += estimate_cycles(scheduled, rules);
  }
  EXPECT_LT(after, before * 85 / 100);
}

TEST(List, LeavesASingleIssueCoreItsOrder) {
  Random random(1);
  const std::vector<Instruction> code = random_code(random, 30);
  EXPECT_EQ(text_of(list_schedule(code, Rules("m4"))), text_of(code));
}

TEST(Rules, FollowTheTables) {
  const Rules m7("m7"), m4("m4"), unknown("");
  EXPECT_EQ(m7.latency(Kind::kLoad, Role::kMultiply), 2);
  EXPECT_EQ(Rules("m7", 3).latency(Kind::kLoad, Role::kMultiply), 3);
  EXPECT_EQ(m7.latency(Kind::kMultiply, Role::kAccumulate), 1);
  EXPECT_TRUE(m7.can_pair(Kind::kExtend, Kind::kMultiply));
  EXPECT_FALSE(m7.can_pair(Kind::kMultiply, Kind::kExtend));
  EXPECT_FALSE(m7.can_pair(Kind::kMultiply, Kind::kMultiply));
  EXPECT_FALSE(m7.can_pair(Kind::kLoad, Kind::kLoad));
  EXPECT_FALSE(m4.dual_issue());
  EXPECT_FALSE(unknown.dual_issue());
}

TEST(List, OrdersCodesThatDifferInRegistersAndOffsetsAlike) {
  const Rules rules("m7");
  const auto code_of = [](Reg base, Reg value, Reg sum, int32_t offset) {
    std::vector<Instruction> code;
    for (int32_t i = 0; i < 6; ++i) {
      code.push_back(ldr(value, base, offset + 4 * i));
      code.push_back(smlad(sum, value, value, sum));
      code.push_back(add(base + 1, base + 1, base));
    }
    return code;
  };
  // What was found for the first must be put into the words of the others, and not be taken for another problem's.
  const std::vector<Instruction> first = list_schedule(code_of(0, 4, 6, 0), rules);
  const std::vector<Instruction> second = list_schedule(code_of(1, 5, 7, 40), rules);
  EXPECT_NE(text_of(first), text_of(second));
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].kind, second[i].kind) << i;
  EXPECT_EQ(estimate_cycles(first, rules), estimate_cycles(second, rules));
  std::vector<Instruction> longer = code_of(0, 4, 6, 0);
  longer.push_back(add(8, 6, 6));
  EXPECT_EQ(list_schedule(longer, rules).size(), longer.size());
  EXPECT_EQ(text_of(list_schedule(code_of(0, 4, 6, 0), rules)), text_of(first));
}

TEST(Assembly, ConstantsOfAnySizeAreAddedInFewInstructions) {
  EXPECT_TRUE(add_constant(3, 3, 0).empty());
  for (const int32_t value : {1, -1, 4095, -4095, 4096, 37888, 123456, -123456, 1 << 20, 0x7FFFFFFF}) {
    const std::vector<Instruction> code = add_constant(2, 1, value);
    EXPECT_LE(code.size(), 4u) << value;
    int64_t sum = 0;
    for (const Instruction& instruction : code) {
      const int64_t part = std::stoll(instruction.text.substr(instruction.text.find('#') + 1));
      sum += instruction.text.rfind("sub", 0) == 0 ? -part : part;
    }
    EXPECT_EQ(sum, value);
  }
}

}  // namespace
}  // namespace mote::schedule
