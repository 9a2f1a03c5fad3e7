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
  return product({choice("layout", {"direct", "im2col", "winograd-2x2"}, "how"), divisors("tile", 12, 6, "width"),
                  power_of_two("unroll", 1, 8, "times"), flag("packed", "weights"),
                  one_of("offset", {-4, 0, 7}, "bytes")});
}

/// 6 points, 1 point, and 2 * 3 * 2 points.
Space alternatives() {
  Space space;
  space.alternatives = {{"direct", {one_of("tile", {4, 1, 2}, ""), flag("packed", "")}, {}},
                        {"winograd", {}, {}},
                        {"im2col", {flag("packed", ""), split("k", 4, 2, {}, ""), order("o", {"x", "y"}, {}, "")}, {}}};
  return space;
}

/// Up to five knobs of every kind.
std::vector<Knob> random_knobs(Random& random) {
  std::vector<Knob> knobs;
  const int count = static_cast<int>(random.between(0, 5));
  for (int i = 0; i < count; ++i) {
    const std::string name = "knob_" + std::to_string(i);
    switch (random.below(7)) {
      case 0: {
        std::vector<std::string> labels;
        const int choices = static_cast<int>(random.between(1, 4));
        for (int l = 0; l < choices; ++l) labels.push_back("way-" + std::to_string(l * 3 + 1));
        knobs.push_back(choice(name, labels, ""));
        break;
      }
      case 1:
        knobs.push_back(flag(name, ""));
        break;
      case 2: {
        std::set<int64_t> values = {static_cast<int64_t>(random.bits())};
        while (random.below(4) != 0) values.insert(random.between(-9, 9));
        knobs.push_back(one_of(name, {values.begin(), values.end()}, ""));
        break;
      }
      case 3:
        knobs.push_back(power_of_two(name, random.between(1, 3), random.between(3, 64), ""));
        break;
      case 4:
        knobs.push_back(split(name, random.between(1, 40), static_cast<int>(random.between(2, 4)), {}, ""));
        break;
      case 5:
        knobs.push_back(order(name, {"n", "oy", "co"}, {}, ""));
        break;
      default:
        knobs.push_back(divisors(name, random.between(1, 60), random.between(1, 60), ""));
        break;
    }
  }
  return knobs;
}

/// One alternative without a name, or up to four with names.
Space random_space(Random& random) {
  if (random.below(3) == 0) return product(random_knobs(random));
  Space space;
  space.alternatives.clear();
  for (uint64_t count = 1 + random.below(4); count > 0; --count) {
    space.alternatives.push_back({"kind-" + std::to_string(count), random_knobs(random), {}});
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

TEST(Knob, ASplitHoldsItsFactors) {
  const Knob all = split("k", 8, 2, {}, "");
  EXPECT_THAT(all.labels, ElementsAre("1x8", "2x4", "4x2", "8x1"));
  const Knob few = split(
      "k", 12, 3, [](const std::vector<int64_t>& f) { return f[1] == 2 && f[2] <= 3; }, "");
  EXPECT_THAT(few.labels, ElementsAre("2x2x3", "3x2x2", "6x2x1"));
  EXPECT_THAT(Config({"", {{"k", few.values[1]}}}).factors("k"), ElementsAre(3, 2, 2));
  for (const std::vector<int64_t>& factors : {std::vector<int64_t>{32767, 1, 32767, 32767}, {1}, {7, 1}}) {
    EXPECT_GT(pack_factors(factors), 0);
    EXPECT_EQ(unpack_factors(pack_factors(factors)), factors);
  }
}

TEST(Knob, AnOrderHoldsPlacesOfAxes) {
  const Knob all = order("o", {"y", "x", "c"}, {}, "");
  EXPECT_THAT(all.labels, ElementsAre("y,x,c", "y,c,x", "x,y,c", "x,c,y", "c,y,x", "c,x,y"));
  const Knob few = order(
      "o", {"y", "x", "c"}, [](const std::vector<size_t>& o) { return o.back() == 0; }, "");
  EXPECT_THAT(few.labels, ElementsAre("x,c,y", "c,x,y"));
  EXPECT_THAT(Config({"", {{"o", few.values[1]}}}).order("o"), ElementsAre(2, 1, 0));
}

TEST(Knob, TheGuessComesFirst) {
  EXPECT_THAT(guess_first(one_of("k", {1, 2, 3}, ""), 3).values, ElementsAre(3, 1, 2));
  const Knob named = guess_first(choice("k", {"a", "b", "c"}, ""), 1);
  EXPECT_THAT(named.values, ElementsAre(1, 0, 2));
  EXPECT_THAT(named.labels, ElementsAre("b", "a", "c"));
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
  EXPECT_DEATH(flag("algorithm", ""), "must not be called");
  EXPECT_DEATH(split("k", 8, 5, {}, ""), "no such split");
  EXPECT_DEATH(split("k", 32768, 2, {}, ""), "out of range");
  EXPECT_DEATH(split(
                   "k", 8, 2, [](const std::vector<int64_t>&) { return false; }, ""),
               "no values");
  EXPECT_DEATH(guess_first(flag("k", ""), 2), "no such value");
}

TEST(Config, LooksKnobsUpByName) {
  Config config{"", {{"a", 3}, {"b", -1}}};
  EXPECT_EQ(config.at("b"), -1);
  EXPECT_EQ(config.get("a", 9), 3);
  EXPECT_EQ(config.get("c", 9), 9);
  EXPECT_DEATH(config.at("c"), "no knob 'c'");
  config.set("a", 5);
  EXPECT_EQ(config.at("a"), 5);
  EXPECT_DEATH(config.set("c", 1), "no knob 'c'");
}

TEST(Space, LastKnobVariesFastest) {
  const Space space = product({flag("a", ""), one_of("b", {5, 6, 7}, "")});
  EXPECT_EQ(space.size(), 6u);
  EXPECT_EQ(space.at(0), (Config{"", {{"a", 0}, {"b", 5}}}));
  EXPECT_EQ(space.at(1), (Config{"", {{"a", 0}, {"b", 6}}}));
  EXPECT_EQ(space.at(5), (Config{"", {{"a", 1}, {"b", 7}}}));
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
  const Config config{"", {{"layout", 2}, {"tile", 3}, {"unroll", 8}, {"packed", 1}, {"offset", -4}}};
  EXPECT_EQ(example().text_of(config), "layout=winograd-2x2 tile=3 unroll=8 packed=1 offset=-4");
}

TEST(Space, ParsesKnobsInAnyOrder) {
  const std::optional<Config> config = example().parse("  unroll=8\ttile=3 offset=-4  packed=1 layout=direct ");
  ASSERT_TRUE(config);
  EXPECT_EQ(example().text_of(*config), "layout=direct tile=3 unroll=8 packed=1 offset=-4");
}

TEST(Space, RefusesTextThatDoesNotFit) {
  const Space space = example();
  const std::string good = "layout=direct tile=3 unroll=8 packed=1 offset=7";
  ASSERT_TRUE(space.parse(good));
  for (const char* bad :
       {"nothing", "layout=fft tile=3 unroll=8 packed=1 offset=7", "layout=0 tile=3 unroll=8 packed=1 offset=7",
        "layout=direct tile=5 unroll=8 packed=1 offset=7", "layout=direct tile=3 unroll=8 packed=1 offset=7 more=1",
        "layout=direct tile=3 tile=3 unroll=8 packed=1 offset=7", "layout=direct tile=3 unroll=8 packed=1 offset=7x",
        "layout=direct tile=3 unroll=8 packed=1 offset=",
        "layout=direct tile=3 unroll=8 packed=1 offset=99999999999999999999",
        "layout=direct tile=3 unroll=8 packed offset=7", "= = = = ="}) {
    EXPECT_EQ(space.parse(bad), std::nullopt) << bad;
  }
}

TEST(Space, AKnobThatIsLeftOutHasItsFirstValue) {
  EXPECT_EQ(example().parse(""), example().at(0));
  const std::optional<Config> config = alternatives().parse("algorithm=direct packed=1");
  ASSERT_TRUE(config);
  EXPECT_EQ(alternatives().text_of(*config), "algorithm=direct tile=4 packed=1");
}

TEST(Space, AlternativesFollowEachOther) {
  const Space space = alternatives();
  EXPECT_EQ(space.size(), 6u + 1 + 12);
  EXPECT_EQ(space.text_of(space.at(0)), "algorithm=direct tile=4 packed=0");
  EXPECT_EQ(space.text_of(space.at(5)), "algorithm=direct tile=2 packed=1");
  EXPECT_EQ(space.text_of(space.at(6)), "algorithm=winograd");
  EXPECT_EQ(space.text_of(space.at(7)), "algorithm=im2col packed=0 k=1x4 o=x,y");
  EXPECT_EQ(space.text_of(space.at(18)), "algorithm=im2col packed=1 k=4x1 o=y,x");
  for (uint64_t i = 0; i < space.size(); ++i) EXPECT_EQ(space.index_of(space.at(i)), i);
  for (const char* bad : {"packed=1", "algorithm=fft", "algorithm=winograd packed=1", "algorithm=direct k=1x4",
                          "algorithm=direct algorithm=direct", "algorithm=", "algorithm=im2col k=8x1"}) {
    EXPECT_EQ(space.parse(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(space.why_illegal(Config{"fft", {}}), "there is no algorithm 'fft'");
  EXPECT_EQ(space.index_of(Config{"winograd", {{"packed", 1}}}), std::nullopt);
  EXPECT_EQ(space.alternative("im2col")->with({{"packed", 1}}), space.at(13));
}

TEST(Space, ParsingGarbageNeverYieldsAPointOutsideTheSpace) {
  const Space space = example();
  const std::string alphabet = "layoutdirectunrolltilepackedoffset=== 0123478-\t\n";
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
  Space space = product({flag("a", ""), one_of("b", {5, 6}, "")});
  space.alternatives.front().illegal = [](const Config& config) -> std::optional<std::string> {
    if (config.at("a") == 1 && config.at("b") == 6) return "needs 70 KB of scratch, the board has 64";
    return std::nullopt;
  };
  EXPECT_EQ(space.why_illegal(space.at(0)), std::nullopt);
  EXPECT_EQ(space.why_illegal(space.at(3)), "needs 70 KB of scratch, the board has 64");
  EXPECT_EQ(space.why_illegal(Config{"", {{"a", 1}, {"b", 7}}}), "knob 'b' has no value 7");
  EXPECT_EQ(space.why_illegal(Config{"", {{"b", 5}, {"a", 1}}}), "knob 'b' stands where 'a' is expected");
  EXPECT_EQ(space.why_illegal(Config{}), "has 0 knobs, the space has 2");
}

TEST(Space, IndexOfRefusesForeignConfigs) {
  const Space space = product({flag("a", ""), one_of("b", {5, 6}, "")});
  EXPECT_EQ(space.index_of(Config{"", {{"a", 1}}}), std::nullopt);
  EXPECT_EQ(space.index_of(Config{"", {{"b", 5}, {"a", 1}}}), std::nullopt);
  EXPECT_EQ(space.index_of(Config{"", {{"a", 2}, {"b", 5}}}), std::nullopt);
}

TEST(SpaceDeathTest, SizeDoesNotOverflowSilently) {
  std::vector<int64_t> values(256);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i);
  Space space;
  for (int i = 0; i < 7; ++i) space.alternatives.front().knobs.push_back(one_of("k" + std::to_string(i), values, ""));
  EXPECT_EQ(space.size(), uint64_t{1} << 56);
  EXPECT_EQ(space.index_of(space.at(space.size() - 1)), space.size() - 1);
  space.alternatives.front().knobs.push_back(one_of("last", values, ""));
  EXPECT_DEATH(space.size(), "64 bits");
}

}  // namespace
}  // namespace mote::space
