// MEAN, PAD and PADV2, RESHAPE, CONCATENATION.
#include <fmt/format.h>

#include <algorithm>

#include "import/tflite/operators.h"

namespace mote::import {

namespace {

constexpr size_t kMaxRank = 4;  // of the tensors that TensorFlow Lite Micro's kernels for these take

void expect_low_rank(const ir::Tensor& tensor) {
  if (tensor.shape.size() <= kMaxRank) return;
  throw Refusal(fmt::format("{} has more than {} dimensions", ir::text_of(tensor.shape), kMaxRank));
}

// The axis counted from the front.
int32_t positive_axis(int64_t axis, size_t rank) {
  const int64_t positive = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
  if (positive < 0 || positive >= static_cast<int64_t>(rank)) {
    throw Refusal(fmt::format("axis {} of a tensor of {} dimensions", axis, rank));
  }
  return static_cast<int32_t>(positive);
}

// The shape that RESHAPE asks for: its second operand, or else its option. Empty optional: it asks for nothing.
std::optional<std::vector<int64_t>> requested_shape(const OpReader& reader) {
  if (const int index = input_index(reader, 1); index >= 0) return integers_at(reader.source, index);
  const tflite::ReshapeOptions* options = reader.op.builtin_options_as_ReshapeOptions();
  if (options == nullptr || options->new_shape() == nullptr) return std::nullopt;
  return std::vector<int64_t>(options->new_shape()->begin(), options->new_shape()->end());
}

bool fits_request(const ir::Shape& shape, const std::vector<int64_t>& request) {
  if (shape.empty() && request == std::vector<int64_t>{0}) return true;  // how old models ask for a scalar
  return std::equal(shape.begin(), shape.end(), request.begin(), request.end(),
                    [](int32_t size, int64_t wanted) { return wanted == -1 || wanted == size; });
}

// The stored value that PAD fills with.
double pad_value(const OpReader& reader, const ir::Tensor& y) {
  const int index = input_index(reader, 2);
  if (index < 0) return y.dtype == ir::DType::kInt8 ? y.zero_point() : 0;
  const ir::Tensor& value = tensor_at(reader.source, index);
  expect_activation_like(value, y, "the padding value");
  expect_same_quantization(value, y, 0, "the padding value and the output");
  if (!value.is_constant() || ir::elements(value.shape) != 1) throw Refusal("the padding value must be one constant");
  if (y.dtype == ir::DType::kFloat32) return static_cast<double>(to_values<float>(*value.data).at(0));
  return to_values<int8_t>(*value.data).at(0);
}

}  // namespace

ReadOp read_mean(const OpReader& reader) {
  expect_arity(reader, 2, 2);
  const tflite::ReducerOptions* options = reader.op.builtin_options_as_ReducerOptions();
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  expect_low_rank(x);
  ir::Mean mean;
  for (const int64_t axis : integers_at(reader.source, input_index(reader, 1))) {
    mean.axes.push_back(positive_axis(axis, x.shape.size()));
  }
  std::sort(mean.axes.begin(), mean.axes.end());
  mean.axes.erase(std::unique(mean.axes.begin(), mean.axes.end()), mean.axes.end());
  if (mean.axes.empty()) throw Refusal("a mean over no axis");
  const bool keep = options != nullptr && options->keep_dims();
  ir::Shape shape;
  for (int32_t i = 0; i < static_cast<int32_t>(x.shape.size()); ++i) {
    const bool reduced = std::binary_search(mean.axes.begin(), mean.axes.end(), i);
    if (!reduced || keep) shape.push_back(reduced ? 1 : x.shape[static_cast<size_t>(i)]);
  }
  expect_shape(y, shape, "the output");
  if (x.dtype == ir::DType::kInt8) expect_multiplier(static_cast<double>(x.scale()) / static_cast<double>(y.scale()));
  return {mean, {input_index(reader, 0)}, output_index(reader)};
}

ReadOp read_pad(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  expect_low_rank(x);
  const std::vector<int64_t> amounts = integers_at(reader.source, input_index(reader, 1));
  if (amounts.size() != 2 * x.shape.size()) {
    throw Refusal(fmt::format("{} padding amounts for {} dimensions", amounts.size(), x.shape.size()));
  }
  ir::Pad pad;
  ir::Shape shape;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    const int64_t before = amounts[2 * i];
    const int64_t after = amounts[2 * i + 1];
    if (before < 0 || after < 0 || before > INT32_MAX || after > INT32_MAX || before + x.shape[i] + after > INT32_MAX) {
      throw Refusal(fmt::format("padding of {} and {} in dimension {}", before, after, i));
    }
    pad.before.push_back(static_cast<int32_t>(before));
    pad.after.push_back(static_cast<int32_t>(after));
    shape.push_back(static_cast<int32_t>(before + x.shape[i] + after));
  }
  expect_shape(y, shape, "the output");
  pad.value = pad_value(reader, y);
  return {pad, {input_index(reader, 0)}, output_index(reader)};
}

ReadOp read_reshape(const OpReader& reader) {
  expect_arity(reader, 1, 2);
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  if (ir::elements(x.shape) != ir::elements(y.shape)) {
    throw Refusal(fmt::format("{} cannot become {}", ir::text_of(x.shape), ir::text_of(y.shape)));
  }
  const std::optional<std::vector<int64_t>> request = requested_shape(reader);
  if (request && !fits_request(y.shape, *request)) {
    throw Refusal(
        fmt::format("the output is {} but shape {} is asked for", ir::text_of(y.shape), fmt::join(*request, "x")));
  }
  return {ir::Reshape{}, {input_index(reader, 0)}, output_index(reader)};
}

ReadOp read_concatenation(const OpReader& reader) {
  constexpr uint32_t kMaxInputs = 1 << 16;
  expect_arity(reader, 1, kMaxInputs);
  const tflite::ConcatenationOptions* options = reader.op.builtin_options_as_ConcatenationOptions();
  if (options != nullptr && options->activation() != tflite::Activation::NONE) {
    throw Refusal("a fused activation is not supported here");
  }
  const ir::Tensor& y = output(reader);
  expect_activation(y, "the output");
  expect_low_rank(y);
  ir::Concat concat{positive_axis(options == nullptr ? 0 : options->axis(), y.shape.size())};
  const size_t axis = static_cast<size_t>(concat.axis);
  ReadOp op{concat, {}, output_index(reader)};
  int64_t total = 0;
  for (uint32_t i = 0; i < reader.op.inputs()->size(); ++i) {
    const ir::Tensor& x = input(reader, i);
    const std::string role = fmt::format("operand {}", i);
    expect_activation_like(x, y, role);
    expect_same_quantization(x, y, 0, role + " and the output");
    expect_rank(x, y.shape.size(), role);
    ir::Shape alike = y.shape;
    alike[axis] = x.shape[axis];
    expect_shape(x, alike, role);
    total += x.shape[axis];
    op.inputs.push_back(input_index(reader, i));
  }
  if (total != y.shape[axis]) {
    throw Refusal(
        fmt::format("the operands add up to {} along axis {}, the output has {}", total, axis, y.shape[axis]));
  }
  return op;
}

}  // namespace mote::import
