// STRIDED_SLICE, SPLIT, SPLIT_V, PACK, UNPACK and TRANSPOSE, which move elements, as operators that mote has:
// TensorFlow Lite Micro's kernels copy stored values here, whatever the quantisation says. And what is computed from
// shapes alone.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "import/tflite/activation.h"
#include "import/tflite/operators.h"
#include "ir/verify.h"

namespace mote::import {

namespace {

constexpr uint32_t kMostParts = 1 << 16;
constexpr int64_t kMostIntegers = 1024;  // that are computed here: parameters of operators, not tables

uint32_t input_count(const OpReader& reader) {
  return reader.op.inputs() == nullptr ? 0 : reader.op.inputs()->size();
}

uint32_t output_count(const OpReader& reader) {
  return reader.op.outputs() == nullptr ? 0 : reader.op.outputs()->size();
}

int output_index(const OpReader& reader, uint32_t position) {
  const int index = reader.op.outputs()->Get(position);
  tensor_at(reader.source, index);
  return index;
}

/// A tensor between two operators, like tensor `like` but for its shape.
int between(const OpReader& reader, int like, ir::Shape shape) {
  const ir::Tensor& model = reader.source.draft.tensor(like);
  ir::Tensor tensor;
  tensor.name = model.name;
  tensor.dtype = model.dtype;
  tensor.shape = std::move(shape);
  tensor.quant = model.quant;
  reader.source.draft.tensors.push_back(std::move(tensor));
  return static_cast<int>(reader.source.draft.tensors.size() - 1);
}

ir::Operator operator_of(ir::OpAttributes attributes, std::vector<int> inputs, int result) {
  ir::Operator op{.attributes = std::move(attributes)};
  op.inputs = std::move(inputs);
  op.output = result;
  return op;
}

/// Consecutive parts of operand `x` along `axis`, one for each result.
std::vector<ir::Operator> parts(const OpReader& reader, uint32_t x, int64_t axis, const std::vector<int64_t>& sizes) {
  const ir::Shape whole = input(reader, x).shape;
  const size_t along = static_cast<size_t>(positive_axis(axis, whole));
  if (sizes.size() != output_count(reader))
    throw Refusal(fmt::format("has {} results and should have {}", output_count(reader), sizes.size()));
  std::vector<ir::Operator> slices;
  ir::Slice slice{std::vector<int32_t>(whole.size(), 0)};
  int64_t at = 0;
  for (uint32_t i = 0; i < sizes.size(); ++i) {
    const int index = output_index(reader, i);
    ir::Shape shape = whole;
    shape[along] = static_cast<int32_t>(std::clamp<int64_t>(sizes[i], 0, ir::kMaxDimension));
    if (sizes[i] < 1 || reader.source.draft.tensor(index).shape != shape) {
      throw Refusal(fmt::format("result {} is {} but {} along axis {} of {} is asked for", i,
                                ir::text_of(reader.source.draft.tensor(index).shape), sizes[i], along,
                                ir::text_of(whole)));
    }
    slice.begin[along] = static_cast<int32_t>(at);
    slices.push_back(operator_of(slice, {input_index(reader, x)}, index));
    at += sizes[i];
  }
  if (at != whole[along])
    throw Refusal(fmt::format("the parts have {} of the {} along axis {}", at, whole[along], along));
  return slices;
}

/// The operand's one value.
int64_t integer_at(const OpReader& reader, uint32_t position) {
  const std::vector<int64_t> values = integers_at(reader.source, input_index(reader, position));
  if (values.size() != 1) throw Refusal(fmt::format("operand {} must be one number", position));
  return values[0];
}

/// `shape` without, and with, a 1 at `axis`.
ir::Shape without(ir::Shape shape, size_t axis) {
  shape.erase(shape.begin() + static_cast<ptrdiff_t>(axis));
  return shape;
}
ir::Shape with_one(ir::Shape shape, size_t axis) {
  shape.insert(shape.begin() + static_cast<ptrdiff_t>(axis), 1);
  return shape;
}

int64_t pack_axis(const OpReader& reader) {
  const tflite::PackOptions* const options = reader.op.builtin_options_as_PackOptions();
  return options == nullptr ? 0 : options->axis();
}

/// No farther from 0 than any tensor reaches: sums stay small.
int64_t limited(int64_t place) {
  constexpr int64_t kBound = std::numeric_limits<int32_t>::max();
  return std::clamp(place, -kBound, kBound);
}

/// Where a slice begins, or ends, along a dimension of `size`: TensorFlow's rules for negative and too large values.
int64_t bounded(int64_t place, int64_t size, bool forwards) {
  if (place < 0) place += size;
  return forwards ? std::clamp<int64_t>(place, 0, size) : std::clamp<int64_t>(place, -1, size - 1);
}

bool has_bit(int32_t mask, size_t bit) {
  return ((static_cast<uint32_t>(mask) >> bit) & 1u) != 0;
}

bool is_constant_integers(const OpReader& reader, uint32_t position) {
  const int index = input_index(reader, position);
  if (index < 0) return false;
  const ir::Tensor& tensor = tensor_at(reader.source, index);
  const bool is_integer = tensor.dtype == ir::DType::kInt32 || tensor.dtype == ir::DType::kInt64;
  return is_integer && tensor.is_constant() && tensor.shape.size() <= 1 && ir::elements(tensor.shape) <= kMostIntegers;
}

/// The integers that the operator computes; nothing when it is none of those that do.
std::optional<std::vector<int64_t>> computed_integers(const OpReader& reader) {
  using Code = tflite::BuiltinOperator;
  const Code code = operator_code(reader.source, reader.op);
  if (code == Code::SHAPE) {
    expect_arity(reader, 1, 1);
    const ir::Shape& shape = input(reader, 0).shape;
    return std::vector<int64_t>(shape.begin(), shape.end());
  }
  if (code == Code::STRIDED_SLICE && is_constant_integers(reader, 0) && input(reader, 0).shape.size() == 1) {
    expect_arity(reader, 4, 4);
    const std::vector<int64_t> from = integers_at(reader.source, input_index(reader, 0));
    const Strided strided = strided_of(reader);
    std::vector<int64_t> values;
    for (int64_t i = 0; i < strided.extent.at(0); ++i) {
      values.push_back(from.at(static_cast<size_t>(strided.begin[0] + i * strided.stride[0])));
    }
    return values;
  }
  if (code != Code::PACK && code != Code::CONCATENATION) return std::nullopt;
  std::vector<int64_t> values;
  for (uint32_t i = 0; i < input_count(reader); ++i) {
    if (!is_constant_integers(reader, i)) return std::nullopt;
    if ((code == Code::PACK) != input(reader, i).shape.empty()) return std::nullopt;
    const std::vector<int64_t> more = integers_at(reader.source, input_index(reader, i));
    values.insert(values.end(), more.begin(), more.end());
    if (static_cast<int64_t>(values.size()) > kMostIntegers) throw Refusal("too many integers to be parameters");
  }
  expect_arity(reader, 1, kMostParts);
  return values;
}

}  // namespace

Strided strided_of(const OpReader& reader) {
  const ir::Shape& from = input(reader, 0).shape;
  const std::vector<int64_t> begin = integers_at(reader.source, input_index(reader, 1));
  const std::vector<int64_t> end = integers_at(reader.source, input_index(reader, 2));
  const std::vector<int64_t> stride = integers_at(reader.source, input_index(reader, 3));
  if (begin.size() > from.size() || end.size() != begin.size() || stride.size() != begin.size()) {
    throw Refusal(fmt::format("{} begins, {} ends and {} strides for {} dimensions", begin.size(), end.size(),
                              stride.size(), from.size()));
  }
  tflite::StridedSliceOptionsT options;
  if (const auto* const stored = reader.op.builtin_options_as_StridedSliceOptions()) stored->UnPackTo(&options);
  if (options.ellipsis_mask != 0 || options.new_axis_mask != 0) throw Refusal("an ellipsis or a new axis");
  Strided strided;
  for (size_t d = 0; d < from.size(); ++d) {
    const int64_t size = from[d];
    // Dimensions that are not spoken of are taken whole.
    const bool is_said = d < begin.size();
    const int64_t step = is_said ? stride[d] : 1;
    if (step == 0 || std::abs(step) > ir::kMaxExtent) throw Refusal(fmt::format("a stride of {}", step));
    int64_t first = step > 0 ? 0 : size - 1, last = step > 0 ? size : -1;
    if (is_said && !has_bit(options.begin_mask, d)) first = bounded(limited(begin[d]), size, step > 0);
    const int64_t given = is_said ? limited(end[d]) + (options.offset ? first : 0) : 0;
    if (is_said && !has_bit(options.end_mask, d)) last = bounded(given, size, step > 0);
    const bool shrinks = is_said && has_bit(options.shrink_axis_mask, d);
    if (shrinks) last = first + (step > 0 ? 1 : -1);
    const int64_t extent = (last - first + step - (step > 0 ? 1 : -1)) / step;
    if (extent < 1 || first < 0 || first >= size) throw Refusal(fmt::format("nothing is left of dimension {}", d));
    strided.begin.push_back(first);
    strided.stride.push_back(step);
    strided.extent.push_back(extent);
    if (!shrinks) strided.shape.push_back(static_cast<int32_t>(extent));
  }
  if (strided.shape != output(reader).shape) {
    throw Refusal(fmt::format("the output is {} but {} is asked for", ir::text_of(output(reader).shape),
                              ir::text_of(strided.shape)));
  }
  return strided;
}

/// The part that holds all that is wanted; then, along each dimension with a stride, every n-th element: a pool
/// with a window of one element.
std::vector<ir::Operator> read_strided_slice(const OpReader& reader) {
  expect_arity(reader, 4, 4);
  const Strided strided = strided_of(reader);
  const int result = output_index(reader, 0);
  const ir::Clamp clamp = fused_clamp(reader, tflite::Activation::NONE);
  ir::Shape shape;
  ir::Slice slice;
  for (size_t d = 0; d < strided.begin.size(); ++d) {
    if (strided.stride[d] < 1 && strided.extent[d] > 1) throw Refusal("a negative stride");
    slice.begin.push_back(static_cast<int32_t>(strided.begin[d]));
    shape.push_back(static_cast<int32_t>((strided.extent[d] - 1) * strided.stride[d] + 1));
  }
  std::vector<ir::Operator> ops;
  int last = input_index(reader, 0);
  const auto add = [&](ir::OpAttributes attributes, ir::Shape to) {
    const int next = between(reader, result, std::move(to));
    ops.push_back(operator_of(std::move(attributes), {last}, next));
    last = next;
  };
  add(slice, shape);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (strided.extent[d] == 1 || strided.stride[d] == 1) continue;
    const auto product = [&](size_t from, size_t to) {
      return std::accumulate(shape.begin() + static_cast<ptrdiff_t>(from), shape.begin() + static_cast<ptrdiff_t>(to),
                             1, std::multiplies<>());
    };
    const int32_t outer = product(0, d), inner = product(d + 1, shape.size());
    add(ir::Reshape{}, {outer, shape[d], 1, inner});
    shape[d] = static_cast<int32_t>(strided.extent[d]);
    const ir::Size2D stride{static_cast<int32_t>(strided.stride[d]), 1};
    add(ir::MaxPool2D{.window = {1, 1}, .stride = stride, .clamp = clamp}, {outer, shape[d], 1, inner});
  }
  if (reader.source.draft.tensor(last).shape == strided.shape) {
    ops.back().output = result;
  } else {
    ops.push_back(operator_of(ir::Reshape{}, {last}, result));
  }
  return ops;
}

std::vector<ir::Operator> read_split(const OpReader& reader) {
  expect_arity(reader, 2, 2, std::max(1u, output_count(reader)));
  const ir::Shape& shape = input(reader, 1).shape;
  const int64_t axis = positive_axis(integer_at(reader, 0), shape);
  const int64_t size = shape[static_cast<size_t>(axis)] / int64_t{output_count(reader)};
  return parts(reader, 1, axis, std::vector<int64_t>(output_count(reader), size));
}

std::vector<ir::Operator> read_split_v(const OpReader& reader) {
  expect_arity(reader, 3, 3, std::max(1u, output_count(reader)));
  const ir::Shape& shape = input(reader, 0).shape;
  const int64_t axis = positive_axis(integer_at(reader, 2), shape);
  std::vector<int64_t> sizes = integers_at(reader.source, input_index(reader, 1));
  if (sizes.size() > kMostParts) throw Refusal(fmt::format("{} parts", sizes.size()));
  int64_t known = 0;  // one size may be left open
  for (const int64_t size : sizes) known += size > 0 && size <= ir::kMaxDimension ? size : 0;
  const auto open = std::find(sizes.begin(), sizes.end(), -1);
  if (open != sizes.end()) *open = shape[static_cast<size_t>(axis)] - known;
  return parts(reader, 0, axis, sizes);
}

/// A concatenation along a new dimension.
std::vector<ir::Operator> read_pack(const OpReader& reader) {
  expect_arity(reader, 1, kMostParts);
  const ir::Shape to = output(reader).shape;
  const size_t axis = static_cast<size_t>(positive_axis(pack_axis(reader), to));
  std::vector<ir::Operator> ops;
  std::vector<int> operands;
  for (uint32_t i = 0; i < input_count(reader); ++i) {
    const ir::Shape shape = input(reader, i).shape;
    if (shape != without(to, axis)) {
      throw Refusal(
          fmt::format("operand {} is {}, which the output, {}, does not have", i, ir::text_of(shape), ir::text_of(to)));
    }
    operands.push_back(between(reader, input_index(reader, i), with_one(shape, axis)));
    ops.push_back(operator_of(ir::Reshape{}, {input_index(reader, i)}, operands.back()));
  }
  ops.push_back(operator_of(ir::Concat{static_cast<int32_t>(axis)}, operands, output_index(reader, 0)));
  return ops;
}

std::vector<ir::Operator> read_unpack(const OpReader& reader) {
  const uint32_t count = output_count(reader);
  expect_arity(reader, 1, 1, std::max(1u, count));
  const ir::Shape from = input(reader, 0).shape;
  const tflite::UnpackOptions* const options = reader.op.builtin_options_as_UnpackOptions();
  const size_t axis = static_cast<size_t>(positive_axis(options == nullptr ? 0 : options->axis(), from));
  if (from[axis] != static_cast<int64_t>(count))
    throw Refusal(fmt::format("has {} results and should have {}", count, from[axis]));
  ir::Slice slice{std::vector<int32_t>(from.size(), 0)};
  std::vector<ir::Operator> ops;
  for (uint32_t i = 0; i < count; ++i) {
    const int result = output_index(reader, i);
    if (reader.source.draft.tensor(result).shape != without(from, axis))
      throw Refusal(fmt::format("result {} is {}", i, ir::text_of(reader.source.draft.tensor(result).shape)));
    const int part = between(reader, result, with_one(without(from, axis), axis));
    slice.begin[axis] = static_cast<int32_t>(i);
    ops.push_back(operator_of(slice, {input_index(reader, 0)}, part));
    ops.push_back(operator_of(ir::Reshape{}, {part}, result));
  }
  return ops;
}

/// One that leaves all elements in their order, because all dimensions that change places have one element.
ir::Operator read_transpose(const OpReader& reader) {
  expect_arity(reader, 2, 2);
  const ir::Shape &from = input(reader, 0).shape, &to = output(reader).shape;
  const std::vector<int64_t> order = integers_at(reader.source, input_index(reader, 1));
  std::vector<int64_t> sorted = order, moved;
  std::sort(sorted.begin(), sorted.end());
  bool is_order = order.size() == from.size() && to.size() == from.size();
  for (size_t d = 0; is_order && d < order.size(); ++d) is_order = sorted[d] == static_cast<int64_t>(d);
  if (!is_order) throw Refusal(fmt::format("{} is no order of {} dimensions", fmt::join(order, " "), from.size()));
  for (size_t d = 0; d < order.size(); ++d) {
    const int32_t size = from[static_cast<size_t>(order[d])];
    if (to[d] != size) throw Refusal(fmt::format("the output is {}", ir::text_of(to)));
    if (size != 1) moved.push_back(order[d]);
  }
  if (!std::is_sorted(moved.begin(), moved.end()))
    throw Refusal(
        fmt::format("transposing {} to {} moves elements, which is not supported", ir::text_of(from), ir::text_of(to)));
  return make_operator(reader, ir::Reshape{}, 1);
}

ir::Operator read_same_bytes(const OpReader& reader, uint32_t least, uint32_t most) {
  expect_arity(reader, least, most);
  return make_operator(reader, ir::Reshape{}, 1);
}

std::optional<Bytes> folded(const OpReader& reader) {
  const std::optional<std::vector<int64_t>> values = computed_integers(reader);
  if (!values) return std::nullopt;
  const ir::Tensor& y = output(reader);
  if (static_cast<int64_t>(values->size()) != ir::elements(y.shape))
    throw Refusal(fmt::format("the output is {} but {} values are computed", ir::text_of(y.shape), values->size()));
  if (y.dtype == ir::DType::kInt64) return to_bytes(*values);
  if (y.dtype != ir::DType::kInt32) throw Refusal("integers are wanted of it");
  std::vector<int32_t> narrow;
  for (const int64_t value : *values) {
    if (value != static_cast<int32_t>(value)) throw Refusal(fmt::format("{} is no int32", value));
    narrow.push_back(static_cast<int32_t>(value));
  }
  return to_bytes(narrow);
}

}  // namespace mote::import
