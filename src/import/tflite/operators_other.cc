// ADD, MUL, SOFTMAX, MEAN, PAD and PADV2, RESHAPE, SLICE, CONCATENATION.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "import/tflite/operators.h"
#include "ir/verify.h"

namespace mote::import {

namespace {

// The shape that RESHAPE asks for: its second operand, or else its option, if there is one.
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

// The stored value that PAD or PADV2 fills with.
double pad_value(const OpReader& reader) {
  const ir::Tensor& y = output(reader);
  expect_activation(y, "the output");
  const bool is_i8 = y.dtype == ir::DType::kInt8;
  if (input_index(reader, 2) < 0) return is_i8 ? y.zero_point() : 0;
  const ir::Tensor& value = input(reader, 2);
  if (!value.is_constant() || ir::elements(value.shape) != 1 || value.dtype != y.dtype) {
    throw Refusal("the padding value must be one constant of the output's type");
  }
  if (value.quant != y.quant) throw Refusal("the padding value and the output must have one scale and zero point");
  if (is_i8) return to_values<int8_t>(*value.data).at(0);
  const float real = to_values<float>(*value.data).at(0);
  if (std::isnan(real)) throw Refusal("the padding value is no number");
  return static_cast<double>(real);
}

}  // namespace

ir::Operator read_add(const OpReader& reader) {
  expect_arity(reader, 2, 2);
  const tflite::AddOptions* options = reader.op.builtin_options_as_AddOptions();
  const tflite::Activation activation = options == nullptr ? tflite::Activation::NONE : options->activation();
  return make_operator(reader, ir::Add{fused_clamp(reader, activation)}, 2);
}

ir::Operator read_mul(const OpReader& reader) {
  expect_arity(reader, 2, 2);
  const tflite::MulOptions* options = reader.op.builtin_options_as_MulOptions();
  const tflite::Activation activation = options == nullptr ? tflite::Activation::NONE : options->activation();
  return make_operator(reader, ir::Mul{fused_clamp(reader, activation)}, 2);
}

ir::Operator read_softmax(const OpReader& reader) {
  const tflite::SoftmaxOptions* options = reader.op.builtin_options_as_SoftmaxOptions();
  return read_unary(reader, ir::Softmax{options == nullptr ? 0 : options->beta()});
}

ir::Operator read_mean(const OpReader& reader) {
  expect_arity(reader, 2, 2);
  ir::Mean mean;
  for (const int64_t axis : integers_at(reader.source, input_index(reader, 1))) {
    mean.axes.push_back(positive_axis(axis, input(reader, 0).shape));
  }
  std::sort(mean.axes.begin(), mean.axes.end());
  mean.axes.erase(std::unique(mean.axes.begin(), mean.axes.end()), mean.axes.end());
  return make_operator(reader, mean, 1);
}

ir::Operator read_pad(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const std::vector<int64_t> amounts = integers_at(reader.source, input_index(reader, 1));
  const size_t rank = input(reader, 0).shape.size();
  if (amounts.size() != 2 * rank)
    throw Refusal(fmt::format("{} padding amounts for {} dimensions", amounts.size(), rank));
  ir::Pad pad;
  for (size_t i = 0; i < amounts.size(); ++i) {
    if (amounts[i] < 0 || amounts[i] > ir::kMaxDimension) throw Refusal(fmt::format("a padding of {}", amounts[i]));
    (i % 2 == 0 ? pad.before : pad.after).push_back(static_cast<int32_t>(amounts[i]));
  }
  pad.value = pad_value(reader);
  return make_operator(reader, pad, 1);
}

ir::Operator read_reshape(const OpReader& reader) {
  expect_arity(reader, 1, 2);
  const ir::Shape& shape = output(reader).shape;
  const std::optional<std::vector<int64_t>> request = requested_shape(reader);
  if (request && !fits_request(shape, *request)) {
    throw Refusal(fmt::format("the output is {} but {} is asked for", ir::text_of(shape), fmt::join(*request, "x")));
  }
  return make_operator(reader, ir::Reshape{}, 1);
}

ir::Operator read_slice(const OpReader& reader) {
  expect_arity(reader, 3, 3);
  const ir::Shape& from = input(reader, 0).shape;
  const ir::Shape& to = output(reader).shape;
  const std::vector<int64_t> begin = integers_at(reader.source, input_index(reader, 1));
  const std::vector<int64_t> size = integers_at(reader.source, input_index(reader, 2));
  if (begin.size() != from.size() || size.size() != from.size() || to.size() != from.size())
    throw Refusal(fmt::format("{} places and {} sizes for {} dimensions", begin.size(), size.size(), from.size()));
  ir::Slice slice;
  for (size_t d = 0; d < from.size(); ++d) {
    if (begin[d] < 0 || begin[d] > from[d]) throw Refusal(fmt::format("{} has no place {}", from[d], begin[d]));
    const int64_t extent = size[d] == -1 ? from[d] - begin[d] : size[d];
    if (extent != to[d]) throw Refusal(fmt::format("the output is {} but {} is asked for", to[d], extent));
    slice.begin.push_back(static_cast<int32_t>(begin[d]));
  }
  return make_operator(reader, slice, 1);
}

ir::Operator read_concatenation(const OpReader& reader) {
  constexpr uint32_t kMostOperands = 1 << 16;
  expect_arity(reader, 1, kMostOperands);
  const tflite::ConcatenationOptions* options = reader.op.builtin_options_as_ConcatenationOptions();
  if (options != nullptr && options->activation() != tflite::Activation::NONE) {
    throw Refusal("a fused activation is not supported here");
  }
  const ir::Concat concat{positive_axis(options == nullptr ? 0 : options->axis(), output(reader).shape)};
  return make_operator(reader, concat, reader.op.inputs()->size());
}

}  // namespace mote::import
