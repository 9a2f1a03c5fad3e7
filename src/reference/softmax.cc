#include <cmath>
#include <limits>

#include "ir/fixed_math.h"
#include "reference/operators.h"

namespace mote::reference {
namespace {

void softmax_row(std::span<float> row, float beta) {
  const float max = *std::max_element(row.begin(), row.end());
  float sum = 0;
  for (float& value : row) {
    value = std::exp((value - max) * beta);
    sum += value;
  }
  for (float& value : row) value /= sum;
}

/// Exponentials in Q0.31, their sum in Q12.19. A sum of 512 and more, where TensorFlow Lite Micro aborts, leaves
/// nothing of any element.
void softmax_row(std::span<int8_t> row, const ir::SoftmaxParams& p) {
  constexpr int kSumIntegerBits = 12;
  const int32_t max = *std::max_element(row.begin(), row.end());
  const auto exp_of = [&](int8_t value) {
    return ir::exp_q5(ir::multiply_by_quantized_multiplier(value - max, p.input));
  };
  int64_t sum = 0;
  for (int8_t value : row) {
    if (value - max >= p.diff_min) sum += ir::rounding_divide_by_pot(exp_of(value), kSumIntegerBits);
  }
  constexpr int64_t kMaxSum = std::numeric_limits<int32_t>::max();
  const ir::Reciprocal scale = ir::reciprocal_of(static_cast<int32_t>(std::min(sum, kMaxSum)), kSumIntegerBits);
  const int32_t exponent = scale.bits_over_unit + 31 - 8;
  for (int8_t& value : row) {
    int32_t steps = 0;
    if (value - max >= p.diff_min && exponent <= 31) {
      const int32_t share = ir::saturating_rounding_doubling_high_mul(scale.reciprocal, exp_of(value));
      steps = ir::rounding_divide_by_pot(share, exponent);
    }
    value = clamped(steps - 128, ir::ClampI8{});
  }
}

template <typename Stored, typename Parameter>
Bytes softmax_rows(const Call& call, Parameter parameter) {
  std::vector<Stored> values = call.values<Stored>(0);
  const size_t depth = static_cast<size_t>(call.input(0).shape.back());
  for (size_t i = 0; i < values.size(); i += depth) softmax_row(std::span(values).subspan(i, depth), parameter);
  return to_bytes(values);
}

}  // namespace

Bytes softmax(const Call& call, const ir::Softmax& softmax) {
  if (call.output().dtype == ir::DType::kFloat32) return softmax_rows<float>(call, softmax.beta);
  return softmax_rows<int8_t>(call, ir::softmax_params(call.graph, call.op));
}

}  // namespace mote::reference
