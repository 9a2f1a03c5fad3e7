#include "lib/quantize.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"
#include "lib/model_builder.h"
#include "reference/interpret.h"
#include "support/random.h"

namespace mote::examples {

namespace {

std::vector<float> normal_values(size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

std::vector<int8_t> stored(const std::vector<float>& values, const ir::Tensor& tensor) {
  std::vector<int8_t> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double real = std::round(values[i] / tensor.scale()) + tensor.zero_point();
    result[i] = static_cast<int8_t>(std::clamp(real, -128.0, 127.0));
  }
  return result;
}

/// Convolution, depthwise convolution, addition, pool, dense: all that quantize() treats differently.
ir::Graph small_model(Random& random) {
  ModelBuilder builder("small");
  ir::TensorId x = builder.input({1, 6, 5, 2});
  const ir::TensorId a =
      builder.conv(x, {{3, 3}, {1, 1}}, normal_values(4 * 9 * 2, random), normal_values(4, random), Activation::kRelu);
  const ir::TensorId b = builder.depthwise(a, {{3, 2}, {1, 1}}, normal_values(6 * 4, random), normal_values(4, random),
                                           Activation::kRelu6);
  x = builder.add(a, b, Activation::kNone);
  x = builder.average_pool(x, {{2, 2}, {2, 2}});
  x = builder.reshape(x, {1, 3 * 3 * 4});
  return builder.finish(builder.dense(x, normal_values(5 * 36, random), normal_values(5, random), Activation::kNone));
}

TEST(Quantize, Int8ModelFollowsTheFloatOne) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const ir::Graph model = small_model(random);
    std::vector<std::vector<float>> inputs;
    for (int i = 0; i < 10; ++i) inputs.push_back(normal_values(60, random));
    const ir::Graph int8_model = quantize(model, observe(model, inputs));

    const auto output = static_cast<size_t>(model.outputs.at(0));
    const ir::Tensor& int8_output = int8_model.tensors[output];
    double error = 0, size = 0;
    for (const std::vector<float>& input : inputs) {
      const Bytes int8_input = to_bytes(stored(input, int8_model.tensor(int8_model.inputs.at(0))));
      const std::vector<float> exact = to_values<float>(reference::interpret(model, {to_bytes(input)})[output]);
      const std::vector<int8_t> got = to_values<int8_t>(reference::interpret(int8_model, {int8_input})[output]);
      for (size_t i = 0; i < exact.size(); ++i) {
        const double real = int8_output.scale() * (got[i] - int8_output.zero_point());
        error += (real - exact[i]) * (real - exact[i]);
        size += exact[i] * exact[i];
      }
    }
    EXPECT_LT(std::sqrt(error / size), 0.05) << "seed " << seed;
  }
}

TEST(Quantize, RangesHoldZeroAndEveryValueSeen) {
  ModelBuilder builder("one");
  const ir::TensorId x = builder.input({1, 3});
  const ir::Graph model = builder.finish(builder.reshape(x, {3, 1}));
  const std::vector<Range> ranges = observe(model, {{0.3f, 0.1f, 0.7f}, {0.2f, 0.9f, 0.5f}});
  EXPECT_EQ(ranges.at(0).lo, 0);
  EXPECT_GE(ranges.at(0).hi, 0.9f);
  EXPECT_LT(ranges.at(0).hi, 0.91f);
}

}  // namespace

}  // namespace mote::examples
