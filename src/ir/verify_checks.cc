#include "ir/verify_checks.h"

#include <fmt/format.h>

#include <cmath>

#include "ir/quantized.h"
#include "ir/text_fields.h"

namespace mote::ir {

std::string describe(const Tensor& tensor) {
  return fmt::format("{} ({} {})", quote(tensor.name), name_of(tensor.dtype), text_of(tensor.shape));
}

Problem check_arity(const Call& call, size_t least, size_t most) {
  const size_t count = call.op.inputs.size();
  if (count < least || count > most) {
    return fmt::format("it has {} operands, not {}", count,
                       least == most ? fmt::to_string(least) : fmt::format("{} to {}", least, most));
  }
  for (size_t i = 0; i < least; ++i) {
    if (!call.has(i)) return fmt::format("operand {} is absent", i);
  }
  return {};
}

Problem check_activation(const Tensor& tensor) {
  if (tensor.dtype != DType::kInt8 && tensor.dtype != DType::kFloat32) {
    return fmt::format("{} is neither i8 nor f32", describe(tensor));
  }
  if (tensor.dtype == DType::kInt8 && (!tensor.quant || tensor.quant->per_channel())) {
    return fmt::format("{} must have one scale", describe(tensor));
  }
  return {};
}

Problem check_activations(const Call& call, size_t count) {
  if (Problem problem = check_activation(call.output())) return problem;
  for (size_t i = 0; i < count; ++i) {
    if (Problem problem = check_activation(call.input(i))) return problem;
    if (call.input(i).dtype != call.output().dtype) {
      return fmt::format("the types of {} and {} differ", describe(call.input(i)), describe(call.output()));
    }
  }
  return {};
}

Problem check_shape(const Call& call, const Shape& expected) {
  if (call.output().shape == expected) return {};
  return fmt::format("its output is {}, not {}", text_of(call.output().shape), text_of(expected));
}

Problem check_unary(const Call& call) {
  if (Problem problem = check_arity(call, 1, 1)) return problem;
  if (Problem problem = check_activations(call, 1)) return problem;
  return check_shape(call, call.input(0).shape);
}

Problem check_factor(double factor) {
  if (std::isfinite(factor) && factor < std::ldexp(1, 30)) return {};
  return fmt::format("its scales ask for a factor of {:.3g}, which is 2^30 or more", factor);
}

Problem check_clamp(const Call& call, const Clamp& clamp) {
  if (std::isnan(clamp.lo) || std::isnan(clamp.hi) || clamp.lo > clamp.hi) {
    return fmt::format("its clamp {} is empty", to_text(clamp));
  }
  const auto is_stored = [](double v) { return std::isinf(v) || (v >= -128 && v <= 127 && v == std::floor(v)); };
  if (call.is_i8() && !(is_stored(clamp.lo) && is_stored(clamp.hi))) {
    return fmt::format("its clamp {} is not between int8 values", to_text(clamp));
  }
  return {};
}

double scale_out(const Call& call) {
  return double{computed_in(call.graph, call.op).scales[0]};
}

Problem check_same_quantization(const Call& call, const Tensor& x, double tolerance) {
  if (!call.is_i8()) return {};
  const Quantization& y = computed_in(call.graph, call.op);
  const double difference = std::abs(double{x.scale()} - double{y.scales[0]});
  if (difference <= tolerance && x.zero_point() == y.zero_points[0]) return {};
  return fmt::format("the quantisation of {}, {}, is not that of its output, {}", quote(x.name), to_text(*x.quant),
                     to_text(y));
}

}  // namespace mote::ir
