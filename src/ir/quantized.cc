#include "ir/quantized.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "ir/fixed_math.h"
#include "support/error.h"

namespace mote::ir {
namespace {

double scale_of(const Graph& graph, TensorId id) {
  return double{graph.tensor(id).scale()};
}
int32_t zero_point_of(const Graph& graph, TensorId id) {
  return graph.tensor(id).zero_point();
}

float out_scale(const Graph& graph, const Operator& op) {
  return computed_in(graph, op).scales.at(0);
}
int32_t out_zero_point(const Graph& graph, const Operator& op) {
  return computed_in(graph, op).zero_points.at(0);
}

int8_t saturate(int32_t value) {
  return static_cast<int8_t>(std::clamp(value, -128, 127));
}

/// The largest stored difference from the zero point whose multiple still fits `integer_bits` integer bits.
int32_t input_radius(int integer_bits, int32_t left_shift) {
  const double radius = std::floor(std::ldexp((1 << integer_bits) - 1, 31 - integer_bits - left_shift));
  return static_cast<int32_t>(std::min(radius, double{std::numeric_limits<int32_t>::max()}));
}

/// A table of a function that saturates beyond the range of Q4.27: `inside` maps an argument in Q4.27 to a stored
/// output.
template <typename Function>
Table saturating_table(const Tensor& x, Function inside) {
  const Multiplier to_q4 = quantize_multiplier(std::ldexp(double{x.scale()}, 31 - 4));
  const int32_t radius = input_radius(4, to_q4.shift);
  Table table;
  for (int32_t stored = -128; stored < 128; ++stored) {
    const int32_t input = stored - x.zero_point();
    int8_t& entry = table[static_cast<size_t>(stored + 128)];
    if (input <= -radius) {
      entry = -128;
    } else if (input >= radius) {
      entry = 127;
    } else {
      entry = saturate(inside(multiply_by_quantized_multiplier(input, to_q4)));
    }
  }
  return table;
}

/// Stored values of `x` times `factor`, moved to `zero_point`, not less than `lo`.
Table requantize_table(const Tensor& x, double factor, int32_t zero_point, int32_t lo) {
  const Multiplier multiplier = quantize_multiplier(factor);
  Table table;
  for (int32_t stored = -128; stored < 128; ++stored) {
    const int32_t scaled =
        wrapping_add(multiply_by_quantized_multiplier(stored - x.zero_point(), multiplier), zero_point);
    table[static_cast<size_t>(stored + 128)] = saturate(std::max(scaled, lo));
  }
  return table;
}

Table relu6_table(const Tensor& x) {
  const int32_t zero = x.zero_point();
  const int32_t six = static_cast<int32_t>(std::min(std::round(6.0f / x.scale()) + static_cast<float>(zero), 127.0f));
  Table table;
  for (int32_t stored = -128; stored < 128; ++stored) {
    table[static_cast<size_t>(stored + 128)] = saturate(stored > six ? six : std::max(stored, zero));
  }
  return table;
}

}  // namespace

Multiplier quantize_multiplier(double real) {
  check(real >= 0 && std::isfinite(real), "a multiplier must be finite and not negative");
  if (real == 0) return {};
  int shift = 0;
  const double fraction = std::frexp(real, &shift);  // in [1/2, 1)
  int64_t mantissa = std::llround(fraction * static_cast<double>(int64_t{1} << 31));
  if (mantissa == int64_t{1} << 31) {
    mantissa /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  return {static_cast<int32_t>(mantissa), shift};
}

int32_t saturating_rounding_doubling_high_mul(int32_t a, int32_t b) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  if (a == kMin && b == kMin) return std::numeric_limits<int32_t>::max();
  const int64_t product = int64_t{a} * int64_t{b};
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

int32_t rounding_divide_by_pot(int32_t x, int32_t exponent) {
  const int32_t mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

int32_t multiply_by_quantized_multiplier(int32_t x, Multiplier multiplier) {
  const int32_t left = std::max(multiplier.shift, 0);
  const int32_t right = std::max(-multiplier.shift, 0);
  const int32_t shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(shifted, multiplier.mantissa), right);
}

std::vector<Multiplier> output_multipliers(const Graph& graph, const Operator& op) {
  const Tensor& weights = graph.tensor(op.inputs.at(1));
  const std::vector<float>& scales = weights.quant.value().scales;
  const float x = graph.tensor(op.inputs.at(0)).scale();
  const double y = double{out_scale(graph, op)};
  const bool is_dense = std::holds_alternative<Dense>(op.attributes);
  const size_t channels = static_cast<size_t>(graph.tensor(op.output).shape.back());
  if (scales.size() == 1) {
    const double product = is_dense ? double{x * scales[0]} : double{x} * double{scales[0]};
    return std::vector<Multiplier>(channels, quantize_multiplier(product / y));
  }
  std::vector<Multiplier> multipliers;
  for (float scale : scales) multipliers.push_back(quantize_multiplier(double{x} * double{scale} / y));
  return multipliers;
}

AddParams add_params(const Graph& graph, const Operator& op) {
  constexpr int32_t kLeftShift = 20;
  const double a = scale_of(graph, op.inputs.at(0));
  const double b = scale_of(graph, op.inputs.at(1));
  const double twice_max = 2 * std::max(a, b);
  return {.a_offset = -zero_point_of(graph, op.inputs.at(0)),
          .b_offset = -zero_point_of(graph, op.inputs.at(1)),
          .out_offset = out_zero_point(graph, op),
          .left_shift = kLeftShift,
          .a = quantize_multiplier(a / twice_max),
          .b = quantize_multiplier(b / twice_max),
          .out = quantize_multiplier(twice_max / ((1 << kLeftShift) * double{out_scale(graph, op)}))};
}

MulParams mul_params(const Graph& graph, const Operator& op) {
  const double product = scale_of(graph, op.inputs.at(0)) * scale_of(graph, op.inputs.at(1));
  return {.a_offset = -zero_point_of(graph, op.inputs.at(0)),
          .b_offset = -zero_point_of(graph, op.inputs.at(1)),
          .out_offset = out_zero_point(graph, op),
          .out = quantize_multiplier(product / double{out_scale(graph, op)})};
}

MeanParams mean_params(const Graph& graph, const Operator& op) {
  const Tensor& x = graph.tensor(op.inputs.at(0));
  int32_t count = 1;
  for (int32_t axis : std::get<Mean>(op.attributes).axes) count *= x.shape.at(static_cast<size_t>(axis));
  check(count > 0, "mean over nothing");
  Multiplier multiplier = quantize_multiplier(scale_of(graph, op.inputs[0]) / double{out_scale(graph, op)});
  // As many bits of precision as the quotient by `count` would lose, as long as they fit.
  const int32_t gained =
      std::min(static_cast<int32_t>(std::bit_width(static_cast<uint32_t>(count))) - 1, 31 + multiplier.shift);
  multiplier.mantissa = static_cast<int32_t>((int64_t{multiplier.mantissa} << gained) / count);
  multiplier.shift -= gained;
  return {.count = count,
          .in_zero_point = x.zero_point(),
          .out_zero_point = out_zero_point(graph, op),
          .multiplier = multiplier};
}

SoftmaxParams softmax_params(const Graph& graph, const Operator& op) {
  constexpr int kIntegerBits = 5;
  const double beta = double{std::get<Softmax>(op.attributes).beta};
  const double factor = beta * scale_of(graph, op.inputs.at(0)) * (1 << (31 - kIntegerBits));
  const Multiplier input = quantize_multiplier(std::min(factor, 2147483647.0));
  return {.input = input, .diff_min = -input_radius(kIntegerBits, input.shift)};
}

ClampI8 clamp_i8(const Operator& op) {
  return std::visit(
      [](const auto& attributes) -> ClampI8 {
        if constexpr (requires { attributes.clamp; }) {
          return {static_cast<int32_t>(std::clamp(attributes.clamp.lo, -128.0, 127.0)),
                  static_cast<int32_t>(std::clamp(attributes.clamp.hi, -128.0, 127.0))};
        } else {
          return {};
        }
      },
      op.attributes);
}

Table table_of(const Graph& graph, const Operator& op) {
  check(is_elementwise_i8(graph, op), "table_of() of an operator that has no table");
  const Tensor& x = graph.tensor(op.inputs.at(0));
  const float y_scale = out_scale(graph, op);
  const int32_t y_zero_point = out_zero_point(graph, op);
  Table table = std::visit(
      Overloaded{
          [&](const Logistic&) {
            return saturating_table(x, [](int32_t a) { return rounding_divide_by_pot(logistic_q4(a), 31 - 8) - 128; });
          },
          [&](const Tanh&) {
            return saturating_table(x, [](int32_t a) { return rounding_divide_by_pot(tanh_q4(a), 31 - 7); });
          },
          [&](const Relu& a) {
            if (a.kind == Relu::Kind::kRelu6) return relu6_table(x);
            return requantize_table(x, double{x.scale() / y_scale}, y_zero_point, y_zero_point);
          },
          [&](const Quantize&) { return requantize_table(x, double{x.scale()} / double{y_scale}, y_zero_point, -128); },
          [](const Lookup& a) { return a.table; },
          [](const auto&) -> Table { unreachable("is_elementwise_i8() and table_of() disagree"); },
      },
      op.attributes);
  if (op.post) {
    for (int8_t& entry : table) entry = (*op.post)[static_cast<size_t>(entry + 128)];
  }
  return table;
}

bool is_elementwise_i8(const Graph& graph, const Operator& op) {
  const bool has_table = std::visit(Overloaded{
                                        [](const Logistic&) { return true; },
                                        [](const Tanh&) { return true; },
                                        [](const Relu&) { return true; },
                                        [](const Quantize&) { return true; },
                                        [](const Lookup&) { return true; },
                                        [](const auto&) { return false; },
                                    },
                                    op.attributes);
  return has_table && graph.tensor(op.inputs.at(0)).dtype == DType::kInt8 &&
         graph.tensor(op.output).dtype == DType::kInt8;
}

}  // namespace mote::ir
