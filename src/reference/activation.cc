// Element by element: float activations, and the conversions between float and int8.
#include <cmath>

#include "reference/operators.h"

namespace mote::reference {
namespace {

template <typename In, typename Out, typename Function>
Bytes map(const Call& call, Function function) {
  const std::vector<In> x = call.values<In>(0);
  std::vector<Out> y;
  for (In value : x) y.push_back(function(value));
  return to_bytes(y);
}

}  // namespace

Bytes logistic(const Call& call) {
  return map<float, float>(call, [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
}

Bytes tanh(const Call& call) {
  return map<float, float>(call, [](float x) { return std::tanh(x); });
}

Bytes relu(const Call& call, const ir::Relu& relu) {
  const bool bounded = relu.kind == ir::Relu::Kind::kRelu6;
  return map<float, float>(call, [&](float x) { return bounded && x > 6.0f ? 6.0f : x < 0.0f ? 0.0f : x; });
}

Bytes quantize(const Call& call) {
  const ir::Quantization& q = ir::computed_in(call.graph, call.op);
  return map<float, int8_t>(call, [&](float x) {
    const float steps = std::round(x / q.scales[0]);  // half away from zero
    // Far outside int8 the answer is the same; the bound keeps the conversion defined. NaN converts to 0, as on Arm.
    const float bounded = std::isnan(steps) ? 0.0f : std::min(std::max(steps, -1000.0f), 1000.0f);
    return clamped(static_cast<int32_t>(bounded) + q.zero_points[0], ir::ClampI8{});
  });
}

Bytes dequantize(const Call& call) {
  const float scale = call.input(0).scale();
  const int32_t zero_point = call.input(0).zero_point();
  return map<int8_t, float>(call, [&](int8_t x) { return scale * static_cast<float>(x - zero_point); });
}

}  // namespace mote::reference
