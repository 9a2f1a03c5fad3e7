#include "target/pipeline.h"

#include <gtest/gtest.h>

#include "support/error.h"

namespace mote::target {
namespace {

constexpr const char* kSingle = R"(
slots = 1
[cycles]
multiple = 1
registers_per_cycle = 1
[single]
load_result = 1
address_after = 1
load_after_store = 1
store_indexed = 2
fp_result = 1
taken_direct = 1
taken_indirect = 2
taken_load = 1
taken_to_split = 1
unaligned_piece = 1
it_after_wide = 1
)";

TEST(Pipeline, ShippedTablesLoad) {
  const Pipeline m7 = load_pipeline("m7"), m4 = load_pipeline("m4");
  EXPECT_EQ(m7.slots, 2);
  EXPECT_EQ(m7.latency[static_cast<size_t>(Producer::kLoadWord)][static_cast<size_t>(Operand::kMultiply)], 2);
  EXPECT_EQ(m7.latency[static_cast<size_t>(Producer::kNone)][static_cast<size_t>(Operand::kMultiply)], 0);
  EXPECT_EQ(m7.cycles[static_cast<size_t>(Timing::kFpDivide)], 16);
  EXPECT_FALSE(m7.conflicts.empty());
  EXPECT_EQ(m4.slots, 1);
  EXPECT_EQ(m4.store_indexed, 2);
}

TEST(Pipeline, MistakesAreNamedWithTheirPlace) {
  EXPECT_NO_THROW(parse_pipeline(kSingle, "p.toml"));
  const auto message = [](const std::string& text) -> std::string {
    try {
      parse_pipeline(text, "p.toml");
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("slots = 3").find("p.toml:1"), std::string::npos);
  EXPECT_NE(message(std::string(kSingle) + "more = 1").find("more"), std::string::npos);
  std::string missing = kSingle;
  missing.erase(missing.find("taken_load"), sizeof "taken_load = 1");
  EXPECT_NE(message(missing).find("taken_load"), std::string::npos);
  EXPECT_THROW(load_pipeline("no-such-core"), InputError);
}

TEST(Pipeline, EveryNameIsThere) {
  for (size_t i = 0; i < kProducers; ++i) EXPECT_FALSE(name_of(static_cast<Producer>(i)).empty());
  for (size_t i = 0; i < kOperands; ++i) EXPECT_FALSE(name_of(static_cast<Operand>(i)).empty());
  for (size_t i = 0; i < kTimings; ++i) EXPECT_FALSE(name_of(static_cast<Timing>(i)).empty());
}

}  // namespace
}  // namespace mote::target
