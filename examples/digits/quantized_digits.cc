#include "digits/quantized_digits.h"

#include <algorithm>

#include "lib/model_builder.h"
#include "lib/quantize.h"
#include "reference/interpret.h"

namespace mote::examples {

namespace {

ir::Graph float_model(const Network& network) {
  ModelBuilder builder("digits");
  ir::TensorId x = builder.input({1, kDigitSize, kDigitSize, 1});
  for (const ConvLayer& layer : network.convs) {
    x = builder.conv(x, {{3, 3}, {2, 2}}, layer.weights, layer.bias, Activation::kRelu);
  }
  x = builder.reshape(x, {1, network.dense.in});
  x = builder.dense(x, network.dense.weights, network.dense.bias, Activation::kNone);
  return builder.finish(builder.softmax(x));
}

}  // namespace

ir::Graph quantized(const Network& network, std::span<const Digit> calibration) {
  const ir::Graph model = float_model(network);
  std::vector<std::vector<float>> inputs;
  for (const Digit& digit : calibration) {
    std::vector<float>& ink = inputs.emplace_back(digit.pixels.size());
    std::transform(digit.pixels.begin(), digit.pixels.end(), ink.begin(), [](uint8_t p) { return p / 255.0f; });
  }
  std::vector<Range> ranges = observe(model, inputs);
  ranges.at(static_cast<size_t>(model.inputs.at(0))) = {0, 1};  // model_input() states the input's scale
  return quantize(model, ranges);
}

std::vector<int8_t> probabilities(const ir::Graph& model, const Digit& digit) {
  const std::vector<Bytes> tensors = reference::interpret(model, {to_bytes(model_input(digit))});
  return to_values<int8_t>(tensors.at(static_cast<size_t>(model.outputs.at(0))));
}

int most_probable(const std::vector<int8_t>& probabilities) {
  return static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

double int8_accuracy(const ir::Graph& model, std::span<const Digit> digits) {
  int right = 0;
  for (const Digit& digit : digits) right += most_probable(probabilities(model, digit)) == digit.label;
  return static_cast<double>(right) / static_cast<double>(digits.size());
}

}  // namespace mote::examples
