// The models with generated weights are what examples/README.md says of them.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "generated/models.h"
#include "gtest/gtest.h"
#include "import/tflite/reader.h"
#include "import/tflite/writer.h"
#include "ir/quantized.h"
#include "reference/interpret.h"
#include "support/data_dir.h"
#include "support/files.h"
#include "support/random.h"
#include "tests/channel_ranges.h"

namespace mote::examples {

namespace {

const std::filesystem::path kFolder = mote::source_dir() / "examples/models";

ir::Graph kept(const std::string& file) {
  return import::read_tflite((kFolder / file).string());
}

int64_t macs_of(const ir::Graph& model) {
  int64_t sum = 0;
  for (const ir::Operator& op : model.operators) sum += ir::macs_of(model, op);
  return sum;
}

std::vector<Bytes> run(const ir::Graph& model, uint64_t seed) {
  Random random(seed);
  Bytes input(model.tensor(model.inputs.at(0)).size_bytes());
  random.fill(input);
  return reference::interpret(model, {input});
}

TEST(Generated, KeptFilesAreWhatTheGeneratorWrites) {
  for (const GeneratedModel& model : generated_models()) {
    EXPECT_TRUE(read_bytes(kFolder / model.file) == import::write_tflite(model.make())) << model.file;
  }
}

TEST(Generated, HaveTheWorkOfTheirOriginals) {
  const std::map<std::string, int64_t> expected = {{"article_cnn.tflite", 12'298'240},
                                                   {"ds_cnn.tflite", 2'656'768},
                                                   {"resnet_8.tflite", 12'501'632},
                                                   {"auto_encoder.tflite", 264'192},
                                                   {"mobilenet_v1.tflite", 7'489'664}};
  for (const auto& [file, macs] : expected) EXPECT_EQ(macs_of(kept(file)), macs) << file;
}

TEST(Generated, ActivationsAreWellSpread) {
  for (const GeneratedModel& entry : generated_models()) {
    const ir::Graph model = kept(entry.file);
    std::vector<std::set<std::byte>> seen(model.tensors.size());
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      const std::vector<Bytes> tensors = run(model, seed);
      for (size_t t = 0; t < tensors.size(); ++t) seen[t].insert(tensors[t].begin(), tensors[t].end());
    }
    for (const ir::Operator& op : model.operators) {
      const auto output = static_cast<size_t>(op.output);
      const int64_t values = ir::elements(model.tensors[output].shape);
      EXPECT_GE(static_cast<int64_t>(seen[output].size()), std::min<int64_t>(values, 60))
          << entry.file << ": " << model.tensors[output].name;
    }
  }
}

TEST(Generated, MobileNetHasConstantChannels) {
  const ir::Graph model = kept("mobilenet_v1.tflite");
  for (bool with_borders : {false, true}) {
    EXPECT_NEAR(static_cast<double>(live_macs(model, channel_ranges(model, with_borders))), 3.73e6, 0.01 * 3.73e6);
  }

  const std::vector<std::vector<ChannelRange>> ranges = channel_ranges(model, true);
  int dead = 0, at_zero = 0, at_top = 0, between = 0, without_bias = 0, saturated = 0;
  for (const ir::Operator& op : model.operators) {
    const auto* conv = std::get_if<ir::Conv2D>(&op.attributes);
    if (conv == nullptr) continue;
    const ir::Tensor& out = model.tensor(op.output);
    const std::vector<int8_t> weights = to_values<int8_t>(*model.tensor(op.inputs[1]).data);
    const std::vector<int32_t> bias = to_values<int32_t>(*model.tensor(op.inputs[2]).data);
    const size_t fan_in = weights.size() / bias.size();
    for (size_t c = 0; c < bias.size(); ++c) {
      const ChannelRange range = ranges[static_cast<size_t>(op.output)][c];
      if (!range.constant()) continue;
      ++dead;
      at_zero += range.lo == out.zero_point();
      at_top += range.lo == ir::clamp_i8(op).hi;
      between += range.lo != out.zero_point() && range.lo != ir::clamp_i8(op).hi;
      without_bias += bias[c] == 0;
      const auto first = weights.begin() + static_cast<std::ptrdiff_t>(c * fan_in);
      saturated += std::any_of(first, first + static_cast<std::ptrdiff_t>(fan_in), [](int8_t w) { return w != 0; });
    }
  }
  EXPECT_GT(dead, 700);
  EXPECT_GT(at_zero, 600);
  EXPECT_GT(at_top, 5);
  EXPECT_GT(between, 5);
  EXPECT_GT(without_bias, 100);
  EXPECT_GT(saturated, 100);
}

TEST(Generated, ConstantChannelsStayConstant) {
  const ir::Graph model = kept("mobilenet_v1.tflite");
  const std::vector<std::vector<ChannelRange>> ranges = channel_ranges(model, true);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<Bytes> tensors = run(model, seed);
    for (const ir::Operator& op : model.operators) {
      const std::vector<ChannelRange>& channels = ranges[static_cast<size_t>(op.output)];
      const std::vector<int8_t> values = to_values<int8_t>(tensors[static_cast<size_t>(op.output)]);
      for (size_t i = 0; i < values.size(); ++i) {
        const ChannelRange range = channels[i % channels.size()];
        ASSERT_TRUE(range.lo <= values[i] && values[i] <= range.hi)
            << model.tensor(op.output).name << " channel " << i % channels.size() << ", seed " << seed;
      }
    }
  }
}

}  // namespace

}  // namespace mote::examples
