#include "space/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "support/random.h"

namespace mote::space {
namespace {

using ::testing::ElementsAre;

Space example() {
  return {{choice("algorithm", {"direct", "im2col", "winograd-2x2"}, "how"), divisors("tile", 12, 6, "width"),
           power_of_two("unroll", 1, 8, "times"), flag("packed", "weights"), one_of("offset", {-4, 0, 7}, "bytes")},
          {}};
}

/// A space of up to five knobs of every kind.
Space random_space(Random& random) {
  Space space;
  const int knobs = static_cast<int>(random.between(0, 5));
  for (int i = 0; i < knobs; ++i) {
    const std::string name = "knob_" + std::to_string(i);
    switch (random.below(5)) {
      case 0: {
        std::vector<std::string> labels;
        const int count = static_cast<int>(random.between(1, 4));
        for (int l = 0; l < count; ++l) labels.push_back("way-" + std::to_string(l * 3 + 1));
        space.knobs.push_back(choice(name, labels, ""));
        break;
      }
      case 1:
        space.knobs.push_back(flag(name, ""));
        break;
      case 2: {
        std::set<int64_t> values = {static_cast<int64_t>(random.bits())};
        while (random.below(4) != 0) values.insert(random.between(-9, 9));
        space.knobs.push_back(one_of(name, {values.begin(), values.end()}, ""));
        break;
      }
      case 3:
        space.knobs.push_back(power_of_two(name, random.between(1, 3), random.between(3, 64), ""));
        break;
      default:
        space.knobs.push_back(divisors(name, random.between(1, 60), random.between(1, 60), ""));
        break;
    }
  }
  return space;
}

TEST(Knob, KindsReduceToValues) {
  EXPECT_THAT(choice("k", {"a", "b"}, "").values, ElementsAre(0, 1));
  EXPECT_THAT(flag("k", "").values, ElementsAre(0, 1));
  EXPECT_THAT(one_of("k", {7, -2}, "").values, ElementsAre(7, -2));
  EXPECT_THAT(power_of_two("k", 1, 8, "").values, ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(power_of_two("k", 3, 20, "").values, ElementsAre(3, 6, 12));
  EXPECT_THAT(divisors("k", 12, 100, "").values, ElementsAre(1, 2, 3, 4, 6, 12));
  EXPECT_THAT(divisors("k", 12, 5, "").values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(divisors("k", 1, 1, "").values, ElementsAre(1));
}

TEST(Knob, PowersStopBeforeTheyOverflow) {
  const Knob knob = power_of_two("k", int64_t{1} << 61, std::numeric_limits<int64_t>::max(), "");
  EXPECT_THAT(knob.values, ElementsAre(int64_t{1} << 61, int64_t{1} << 62));
}

TEST(KnobDeathTest, RefusesWhatATemplateMustNotDeclare) {
  EXPECT_DEATH(one_of("k", {}, ""), "no values");
  EXPECT_DEATH(one_of("k", {1, 1}, ""), "twice");
  EXPECT_DEATH(flag("two words", ""), "must be a word");
  EXPECT_DEATH(flag("", ""), "must be a word");
  EXPECT_DEATH(flag("a=b", ""), "must be a word");
  EXPECT_DEATH(choice("k", {"a", "a"}, ""), "label twice");
  EXPECT_DEATH(choice("k", {"12"}, ""), "no word");
  EXPECT_DEATH(power_of_two("k", 0, 4, ""), "positive");
  EXPECT_DEATH(divisors("k", 0, 4, ""), "positive");
}

TEST(Config, LooksKnobsUpByName) {
  const Config config{{{"a", 3}, {"b", -1}}};
  EXPECT_EQ(config.at("b"), -1);
  EXPECT_EQ(config.get("a", 9), 3);
  EXPECT_EQ(config.get("c", 9), 9);
  EXPECT_DEATH(config.at("c"), "no knob 'c'");
}

TEST(Space, LastKnobVariesFastest) {
  const Space space{{flag("a", ""), one_of("b", {5, 6, 7}, "")}, {}};
  EXPECT_EQ(space.size(), 6u);
  EXPECT_EQ(space.at(0), (Config{{{"a", 0}, {"b", 5}}}));
  EXPECT_EQ(space.at(1), (Config{{{"a", 0}, {"b", 6}}}));
  EXPECT_EQ(space.at(5), (Config{{{"a", 1}, {"b", 7}}}));
  EXPECT_DEATH(space.at(6), "outside");
}

TEST(Space, WithoutKnobsHasOnePoint) {
  const Space space;
  EXPECT_EQ(space.size(), 1u);
  EXPECT_EQ(space.at(0), Config{});
  EXPECT_EQ(space.index_of(Config{}), 0u);
  EXPECT_EQ(space.text_of(Config{}), "");
  EXPECT_EQ(space.parse(" \n"), Config{});
  EXPECT_EQ(space.parse("a=1"), std::nullopt);
}

TEST(Space, IndexAndTextRoundTrip) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const Space space = random_space(random);
    for (int i = 0; i < 20; ++i) {
      const uint64_t index = random.below(space.size());
      const Config config = space.at(index);
      EXPECT_EQ(space.index_of(config), index);
      EXPECT_EQ(space.why_illegal(config), std::nullopt);
      EXPECT_EQ(space.parse(space.text_of(config)), config) << space.text_of(config);
    }
  }
}

TEST(Space, DifferentPointsHaveDifferentText) {
  const Space space = example();
  std::set<std::string> texts;
  for (uint64_t i = 0; i < space.size(); ++i) texts.insert(space.text_of(space.at(i)));
  EXPECT_EQ(texts.size(), space.size());
}

TEST(Space, PrintsLabelsAndNumbers) {
  const Config config{{{"algorithm", 2}, {"tile", 3}, {"unroll", 8}, {"packed", 1}, {"offset", -4}}};
  EXPECT_EQ(example().text_of(config), "algorithm=winograd-2x2 tile=3 unroll=8 packed=1 offset=-4");
}

TEST(Space, ParsesKnobsInAnyOrder) {
  const std::optional<Config> config = example().parse("  unroll=8\ttile=3 offset=-4  packed=1 algorithm=direct ");
  ASSERT_TRUE(config);
  EXPECT_EQ(example().text_of(*config), "algorithm=direct tile=3 unroll=8 packed=1 offset=-4");
}

TEST(Space, RefusesTextThatDoesNotFit) {
  const Space space = example();
  const std::string good = "algorithm=direct tile=3 unroll=8 packed=1 offset=7";
  ASSERT_TRUE(space.parse(good));
  for (const char* bad :
       {"", "algorithm=direct tile=3 unroll=8 packed=1", "algorithm=fft tile=3 unroll=8 packed=1 offset=7",
        "algorithm=0 tile=3 unroll=8 packed=1 offset=7", "algorithm=direct tile=5 unroll=8 packed=1 offset=7",
        "algorithm=direct tile=3 unroll=8 packed=1 offset=7 more=1",
        "algorithm=direct tile=3 tile=3 unroll=8 packed=1 offset=7",
        "algorithm=direct tile=3 unroll=8 packed=1 offset=7x", "algorithm=direct tile=3 unroll=8 packed=1 offset=",
        "algorithm=direct tile=3 unroll=8 packed=1 offset=99999999999999999999",
        "algorithm=direct tile=3 unroll=8 packed offset=7", "= = = = ="}) {
    EXPECT_EQ(space.parse(bad), std::nullopt) << bad;
  }
}

TEST(Space, ParsingGarbageNeverYieldsAPointOutsideTheSpace) {
  const Space space = example();
  const std::string alphabet = "algorithmdirectunrolltilepackedoffset=== 0123478-\t\n";
  int understood = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string text = space.text_of(space.at(random.below(space.size())));
    for (uint64_t edits = random.below(4); edits > 0; --edits) {
      const size_t place = random.below(text.size() + 1);
      const char letter =
          random.below(8) == 0 ? static_cast<char>(random.bits()) : alphabet[random.below(alphabet.size())];
      if (random.below(2) == 0 && place < text.size())
        text[place] = letter;
      else
        text.insert(place, 1, letter);
    }
    const std::optional<Config> config = space.parse(text);
    if (!config) continue;
    ++understood;
    EXPECT_TRUE(space.index_of(*config)) << text;
    EXPECT_EQ(space.parse(space.text_of(*config)), config) << text;
  }
  EXPECT_GT(understood, 500);
  EXPECT_LT(understood, 2900);
}

TEST(Space, SaysWhyAPointIsIllegal) {
  Space space{{flag("a", ""), one_of("b", {5, 6}, "")}, {}};
  space.illegal = [](const Config& config) -> std::optional<std::string> {
    if (config.at("a") == 1 && config.at("b") == 6) return "needs 70 KB of scratch, the board has 64";
    return std::nullopt;
  };
  EXPECT_EQ(space.why_illegal(space.at(0)), std::nullopt);
  EXPECT_EQ(space.why_illegal(space.at(3)), "needs 70 KB of scratch, the board has 64");
  EXPECT_EQ(space.why_illegal(Config{{{"a", 1}, {"b", 7}}}), "knob 'b' has no value 7");
  EXPECT_EQ(space.why_illegal(Config{{{"b", 5}, {"a", 1}}}), "knob 'b' stands where 'a' is expected");
  EXPECT_EQ(space.why_illegal(Config{}), "has 0 knobs, the space has 2");
}

TEST(Space, IndexOfRefusesForeignConfigs) {
  const Space space{{flag("a", ""), one_of("b", {5, 6}, "")}, {}};
  EXPECT_EQ(space.index_of(Config{{{"a", 1}}}), std::nullopt);
  EXPECT_EQ(space.index_of(Config{{{"b", 5}, {"a", 1}}}), std::nullopt);
  EXPECT_EQ(space.index_of(Config{{{"a", 2}, {"b", 5}}}), std::nullopt);
}

TEST(SpaceDeathTest, SizeDoesNotOverflowSilently) {
  std::vector<int64_t> values(256);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i);
  Space space;
  for (int i = 0; i < 7; ++i) space.knobs.push_back(one_of("k" + std::to_string(i), values, ""));
  EXPECT_EQ(space.size(), uint64_t{1} << 56);
  EXPECT_EQ(space.index_of(space.at(space.size() - 1)), space.size() - 1);
  space.knobs.push_back(one_of("last", values, ""));
  EXPECT_DEATH(space.size(), "64 bits");
}

}  // namespace
}  // namespace mote::space
