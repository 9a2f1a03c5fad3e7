// What every legal operator satisfies: one function per operator family, each stopping at its first violation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/quantized.h"
#include "ir/text_fields.h"
#include "ir/verify.h"
#include "ir/verify_checks.h"

namespace mote::ir {
namespace {

Problem check_extent(std::string_view what, Size2D size) {
  if (size.h >= 1 && size.w >= 1 && size.h <= kMaxExtent && size.w <= kMaxExtent) return {};
  return fmt::format("its {} {} is not between 1x1 and {}x{}", what, to_text(size), kMaxExtent, kMaxExtent);
}

/// Output height and width of windows of `window` over x.
Problem check_windows(const Call& call, Size2D window, Size2D stride, Size2D dilation, const Padding2D& padding) {
  if (Problem problem = check_extent("stride", stride)) return problem;
  if (Problem problem = check_extent("dilation", dilation)) return problem;
  if (Problem problem = check_extent("window", window)) return problem;
  for (int32_t side : {padding.top, padding.bottom, padding.left, padding.right}) {
    if (side < 0 || side > kMaxExtent) return fmt::format("its padding of {} is not in [0, {}]", side, kMaxExtent);
  }
  const Shape& x = call.input(0).shape;
  const auto positions = [](int64_t size, int64_t window, int64_t stride, int64_t dilation) {
    const int64_t room = size - ((window - 1) * dilation + 1);
    return room < 0 ? int64_t{0} : room / stride + 1;
  };
  const int64_t h = positions(int64_t{x[1]} + padding.top + padding.bottom, window.h, stride.h, dilation.h);
  const int64_t w = positions(int64_t{x[2]} + padding.left + padding.right, window.w, stride.w, dilation.w);
  const Shape& y = call.output().shape;
  if (y[0] == x[0] && y[1] == h && y[2] == w) return {};
  return fmt::format("its output {} should be {}x{}x{} over channels", text_of(y), x[0], h, w);
}

Problem check_images(std::initializer_list<const Tensor*> tensors) {
  for (const Tensor* tensor : tensors) {
    if (tensor->shape.size() != 4) return fmt::format("{} must have 4 dimensions", describe(*tensor));
  }
  return {};
}

/// Weights and bias of Conv2D, DepthwiseConv2D and Dense: constants; the output channel is dimension `axis` of the
/// weights.
Problem check_weights(const Call& call, int axis) {
  const Tensor& w = call.input(1);
  const int32_t channels = w.shape[static_cast<size_t>(axis)];
  if (!w.is_constant()) return fmt::format("its weights {} are no constant", describe(w));
  if (w.dtype != call.output().dtype) return fmt::format("its weights {} are of another type", describe(w));
  if (call.has(2)) {
    const Tensor& bias = call.input(2);
    if (!bias.is_constant()) return fmt::format("its bias {} is no constant", describe(bias));
    if (bias.dtype != (call.is_i8() ? DType::kInt32 : DType::kFloat32) || elements(bias.shape) != channels) {
      return fmt::format("its bias {} is not one {} per output channel", describe(bias), call.is_i8() ? "i32" : "f32");
    }
  }
  if (!call.is_i8()) return {};
  if (!w.quant) return fmt::format("its weights {} have no scale", describe(w));
  if (w.quant->per_channel() && w.quant->axis != axis) {
    return fmt::format("the scales of {} go along dimension {}, not {}", describe(w), w.quant->axis, axis);
  }
  if (w.quant->zero_points[0] != 0) return fmt::format("the zero point of {} is not 0", describe(w));
  const float greatest = *std::max_element(w.quant->scales.begin(), w.quant->scales.end());
  return check_factor(double{call.input(0).scale()} * double{greatest} / scale_out(call));
}

Problem check(const Call& call, const Conv2D& conv) {
  if (Problem problem = check_arity(call, 2, 3)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  if (Problem problem = check_images({&call.input(0), &call.input(1), &call.output()})) return problem;
  const Shape& w = call.input(1).shape;
  if (w[3] != call.input(0).shape[3] || w[0] != call.output().shape[3]) {
    return fmt::format("its weights {} do not take {} channels to {}", text_of(w), call.input(0).shape[3],
                       call.output().shape[3]);
  }
  if (Problem problem = check_windows(call, {w[1], w[2]}, conv.stride, conv.dilation, conv.padding)) return problem;
  if (Problem problem = check_weights(call, 0)) return problem;
  return check_clamp(call, conv.clamp);
}

Problem check(const Call& call, const DepthwiseConv2D& conv) {
  if (Problem problem = check_arity(call, 2, 3)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  if (Problem problem = check_images({&call.input(0), &call.input(1), &call.output()})) return problem;
  const Shape& w = call.input(1).shape;
  const int32_t channels = call.output().shape[3];
  if (conv.multiplier < 1 || int64_t{call.input(0).shape[3]} * conv.multiplier != channels) {
    return fmt::format("{} channels times a multiplier of {} are not {}", call.input(0).shape[3], conv.multiplier,
                       channels);
  }
  if (w[0] != 1 || w[3] != channels) return fmt::format("its weights {} are not for {} channels", text_of(w), channels);
  if (Problem problem = check_windows(call, {w[1], w[2]}, conv.stride, conv.dilation, conv.padding)) return problem;
  if (Problem problem = check_weights(call, 3)) return problem;
  return check_clamp(call, conv.clamp);
}

Problem check(const Call& call, const Dense& dense) {
  if (Problem problem = check_arity(call, 2, 3)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  const Shape& w = call.input(1).shape;
  const Shape& y = call.output().shape;
  if (w.size() != 2) return fmt::format("{} must have 2 dimensions", describe(call.input(1)));
  const int64_t inputs = elements(call.input(0).shape);
  if (inputs % w[1] != 0) return fmt::format("{} is no whole number of rows of {}", describe(call.input(0)), w[1]);
  if (y.empty() || y.back() != w[0] || elements(y) != inputs / w[1] * w[0]) {
    return fmt::format("its output {} should be {}x{}", text_of(y), inputs / w[1], w[0]);
  }
  if (Problem problem = check_weights(call, 0)) return problem;
  return check_clamp(call, dense.clamp);
}

/// Operands of Add and Mul.
Problem check_broadcast(const Call& call, const Clamp& clamp) {
  if (Problem problem = check_arity(call, 2, 2)) return problem;
  if (Problem problem = check_activations(call, 2)) return problem;
  const Shape& a = call.input(0).shape;
  const Shape& b = call.input(1).shape;
  Shape shape(std::max(a.size(), b.size()));
  for (size_t d = 1; d <= shape.size(); ++d) {
    const int32_t of_a = d <= a.size() ? a[a.size() - d] : 1;
    const int32_t of_b = d <= b.size() ? b[b.size() - d] : 1;
    if (of_a != of_b && of_a != 1 && of_b != 1) {
      return fmt::format("{} and {} cannot be broadcast to one shape", text_of(a), text_of(b));
    }
    shape[shape.size() - d] = std::max(of_a, of_b);
  }
  if (Problem problem = check_shape(call, shape)) return problem;
  return check_clamp(call, clamp);
}

Problem check(const Call& call, const Add& add) {
  if (Problem problem = check_broadcast(call, add.clamp)) return problem;
  if (!call.is_i8()) return {};
  const double greatest = std::max(call.input(0).scale(), call.input(1).scale());
  const double factor = 2 * greatest / (std::ldexp(1, 20) * scale_out(call));
  if (factor < 1) return {};
  return fmt::format("its output's scale {} is too small for operands of scale {}", scale_out(call), greatest);
}

Problem check(const Call& call, const Mul& mul) {
  if (Problem problem = check_broadcast(call, mul.clamp)) return problem;
  if (!call.is_i8()) return {};
  return check_factor(double{call.input(0).scale()} * double{call.input(1).scale()} / scale_out(call));
}

template <typename Pool>
Problem check_pool(const Call& call, const Pool& pool) {
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  if (Problem problem = check_images({&call.input(0), &call.output()})) return problem;
  const Shape& x = call.input(0).shape;
  const Shape& y = call.output().shape;
  if (y[3] != x[3]) return fmt::format("its output has {} channels, not {}", y[3], x[3]);
  if (Problem problem = check_windows(call, pool.window, pool.stride, {}, pool.padding)) return problem;
  const Padding2D& p = pool.padding;
  const bool covers = p.top < pool.window.h && p.left < pool.window.w &&
                      (y[1] - 1) * int64_t{pool.stride.h} < int64_t{x[1]} + p.top &&
                      (y[2] - 1) * int64_t{pool.stride.w} < int64_t{x[2]} + p.left;
  if (!covers) return fmt::format("with padding {}, a window covers nothing but padding", to_text(p));
  constexpr double kTolerance = 1e-6;  // TensorFlow Lite Micro's
  if (Problem problem = check_same_quantization(call, call.input(0), kTolerance)) return problem;
  return check_clamp(call, pool.clamp);
}

Problem check(const Call& call, const AveragePool2D& pool) {
  constexpr int64_t kMaxCount = 1 << 23;  // the sum of as many int8 values fits
  if (Problem problem = check_pool(call, pool)) return problem;
  if (int64_t{pool.window.h} * pool.window.w <= kMaxCount) return {};
  return fmt::format("its window {} covers more than {} elements", to_text(pool.window), kMaxCount);
}
Problem check(const Call& call, const MaxPool2D& pool) {
  return check_pool(call, pool);
}

Problem check(const Call& call, const Mean& mean) {
  constexpr int64_t kMaxCount = 1 << 23;  // the sum of as many differences of int8 values fits
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  const Shape& x = call.input(0).shape;
  Shape kept, dropped;
  int64_t count = 1;
  size_t next = 0;
  for (size_t d = 0; d < x.size(); ++d) {
    const bool reduced = next < mean.axes.size() && mean.axes[next] == static_cast<int32_t>(d);
    if (reduced) {
      ++next;
      count *= x[d];
    } else {
      dropped.push_back(x[d]);
    }
    kept.push_back(reduced ? 1 : x[d]);
  }
  if (next != mean.axes.size()) {
    return fmt::format("its axes {} are not ascending dimensions of {}", to_text(mean.axes), text_of(x));
  }
  if (call.output().shape != kept && call.output().shape != dropped) {
    return fmt::format("its output is {}, neither {} nor {}", text_of(call.output().shape), text_of(kept),
                       text_of(dropped));
  }
  if (!call.is_i8()) return {};
  if (count > kMaxCount) return fmt::format("it sums {} elements, more than {}", count, kMaxCount);
  return check_factor(double{call.input(0).scale()} / scale_out(call));
}

Problem check(const Call& call, const Softmax& softmax) {
  if (Problem problem = check_unary(call)) return problem;
  if (call.input(0).shape.empty()) return "its input has no dimension";
  if (!std::isfinite(softmax.beta)) return fmt::format("its beta {} is not finite", softmax.beta);
  if (!call.is_i8()) return {};
  const Quantization& y = computed_in(call.graph, call.op);
  if (y.scales[0] != 1.0f / 256 || y.zero_points[0] != -128) {
    return fmt::format("its output's quantisation {} is not 1/256:-128", to_text(y));
  }
  const double factor = double{softmax.beta} * double{call.input(0).scale()};
  if (factor > std::ldexp(1, -26)) return {};
  return fmt::format("beta {} times its input's scale {} is not above 2^-26", softmax.beta, call.input(0).scale());
}

Problem check(const Call& call, const Logistic&) {
  if (Problem problem = check_unary(call)) return problem;
  if (!call.is_i8() || computed_in(call.graph, call.op).zero_points[0] == -128) return {};
  return fmt::format("its output's zero point {} is not -128", computed_in(call.graph, call.op).zero_points[0]);
}

Problem check(const Call& call, const Tanh&) {
  return check_unary(call);
}

Problem check(const Call& call, const Relu&) {
  if (Problem problem = check_unary(call)) return problem;
  return call.is_i8() ? check_factor(double{call.input(0).scale()} / scale_out(call)) : Problem{};
}

Problem check(const Call& call, const Pad& pad) {
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  Shape shape = call.input(0).shape;
  if (pad.before.size() != shape.size() || pad.after.size() != shape.size()) {
    return fmt::format("it pads {} and {} dimensions of {}", pad.before.size(), pad.after.size(), shape.size());
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    const bool fits =
        pad.before[d] >= 0 && pad.before[d] <= kMaxDimension && pad.after[d] >= 0 && pad.after[d] <= kMaxDimension;
    if (!fits)
      return fmt::format("its padding {} and {} is not in [0, {}]", pad.before[d], pad.after[d], kMaxDimension);
    shape[d] += pad.before[d] + pad.after[d];
  }
  if (call.is_i8() && !(pad.value >= -128 && pad.value <= 127 && pad.value == std::floor(pad.value))) {
    return fmt::format("its value {} is no int8", pad.value);
  }
  return check_shape(call, shape);
}

Problem check(const Call& call, const Reshape&) {
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  if (elements(call.input(0).shape) == elements(call.output().shape)) return {};
  return fmt::format("{} and {} do not have as many elements", describe(call.input(0)), describe(call.output()));
}

Problem check(const Call& call, const Concat& concat) {
  if (Problem problem = check_arity(call, std::max<size_t>(call.op.inputs.size(), 1), call.op.inputs.size()))
    return problem;
  if (Problem problem = check_activations(call, call.op.inputs.size())) return problem;
  Shape shape = call.input(0).shape;
  const size_t axis = static_cast<size_t>(concat.axis);
  if (concat.axis < 0 || axis >= shape.size())
    return fmt::format("there is no axis {} of {}", concat.axis, text_of(shape));
  int64_t along = 0;
  for (size_t i = 0; i < call.op.inputs.size(); ++i) {
    Shape other = call.input(i).shape;
    if (other.size() == shape.size()) {
      along += other[axis];
      other[axis] = shape[axis];
    }
    if (other != shape) {
      return fmt::format("{} differs from {} beside axis {}", describe(call.input(i)), describe(call.input(0)), axis);
    }
    if (Problem problem = check_same_quantization(call, call.input(i))) return problem;
  }
  if (along > kMaxDimension) return fmt::format("along axis {} it is larger than {}", axis, kMaxDimension);
  shape[axis] = static_cast<int32_t>(along);
  return check_shape(call, shape);
}

Problem check(const Call& call, const Slice& slice) {
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  const Shape &from = call.input(0).shape, &to = call.output().shape;
  if (slice.begin.size() != from.size() || to.size() != from.size())
    return fmt::format("it begins at {} places of {}", slice.begin.size(), describe(call.input(0)));
  for (size_t d = 0; d < from.size(); ++d) {
    if (slice.begin[d] < 0 || slice.begin[d] > from[d] - to[d])
      return fmt::format("{} from {} on is not within {}", describe(call.output()), fmt::join(slice.begin, "x"),
                         describe(call.input(0)));
  }
  return check_same_quantization(call, call.input(0));
}

Problem check(const Call& call, const Insert& insert) {
  if (Problem problem = check_arity(call, 1, 2)) return problem;
  if (call.op.post) return "an insert has no table";
  if (Problem problem = check_activations(call, 1)) return problem;
  const Shape &from = call.input(0).shape, &to = call.output().shape;
  if (insert.begin.size() != to.size() || to.size() != from.size())
    return fmt::format("it begins at {} places of {}", insert.begin.size(), describe(call.output()));
  for (size_t d = 0; d < to.size(); ++d) {
    if (insert.begin[d] < 0 || insert.begin[d] > to[d] - from[d])
      return fmt::format("{} from {} on is not within {}", describe(call.input(0)), fmt::join(insert.begin, "x"),
                         describe(call.output()));
  }
  if (Problem problem = check_same_quantization(call, call.input(0)); problem || !call.has(1)) return problem;
  if (Problem problem = check_activations(call, 2)) return problem;
  if (call.input(1).shape != to)
    return fmt::format("{} does not have the shape of {}", describe(call.input(1)), describe(call.output()));
  int readers = 0;
  bool is_inserted = false;
  for (const Operator& other : call.graph.operators) {
    readers += static_cast<int>(std::count(other.inputs.begin(), other.inputs.end(), call.op.inputs[1]));
    const bool inserts = std::holds_alternative<Insert>(other.attributes);
    is_inserted = is_inserted || (inserts && other.output == call.op.inputs[1]);
  }
  readers += static_cast<int>(std::count(call.graph.outputs.begin(), call.graph.outputs.end(), call.op.inputs[1]));
  if (!is_inserted || readers > 1)
    return fmt::format("{} is not the output of an insert that nothing else reads", describe(call.input(1)));
  return check_same_quantization(call, call.input(1));
}

/// Operators that change the type: one operand of the same shape.
Problem check_conversion(const Call& call) {
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activation(call.input(0))) return problem;
  if (Problem problem = check_activation(call.output())) return problem;
  return check_shape(call, call.input(0).shape);
}

Problem check(const Call& call, const Quantize&) {
  if (Problem problem = check_conversion(call)) return problem;
  if (!call.is_i8()) return fmt::format("{} is not i8", describe(call.output()));
  if (call.input(0).dtype == DType::kFloat32) return {};
  return check_factor(double{call.input(0).scale()} / scale_out(call));
}

Problem check(const Call& call, const Dequantize&) {
  if (Problem problem = check_conversion(call)) return problem;
  if (call.input(0).dtype == DType::kInt8 && !call.is_i8()) return {};
  return fmt::format("it does not take i8 to f32: {} to {}", describe(call.input(0)), describe(call.output()));
}

Problem check(const Call& call, const Lookup&) {
  if (Problem problem = check_unary(call)) return problem;
  return call.is_i8() ? Problem{} : Problem(fmt::format("{} is not i8", describe(call.output())));
}

/// The fused table and the quantisation it starts from.
Problem check_fused(const Call& call) {
  const Operator& op = call.op;
  if (!call.is_i8() && (op.post || op.computed))
    return fmt::format("a fused table needs an i8 output, not {}", describe(call.output()));
  if (!op.computed) return {};
  const bool legal = op.computed->scales.size() == 1 && op.computed->zero_points.size() == 1 &&
                     op.computed->scales[0] > 0 && std::isfinite(op.computed->scales[0]) &&
                     op.computed->zero_points[0] >= -128 && op.computed->zero_points[0] <= 127;
  if (legal) return {};
  return fmt::format("the quantisation it computes in, {}, is not one positive scale and an int8 zero point",
                     to_text(*op.computed));
}

}  // namespace

std::optional<std::string> problem_of(const Graph& graph, const Operator& op) {
  const Call call{graph, op};
  if (Problem problem = check_fused(call)) return problem;
  return std::visit([&](const auto& attributes) { return check(call, attributes); }, op.attributes);
}

}  // namespace mote::ir
