// Add and Mul, with numpy broadcasting.
#include "reference/operators.h"

namespace mote::reference {
namespace {

/// Index into a tensor of shape `from` of the element that is broadcast to element `i` of `to`.
size_t broadcast_index(size_t i, const ir::Shape& to, const ir::Shape& from) {
  size_t index = 0;
  size_t stride = 1;
  for (size_t d = 1; d <= from.size(); ++d) {
    const size_t size = static_cast<size_t>(from[from.size() - d]);
    const size_t position = i % static_cast<size_t>(to[to.size() - d]);
    i /= static_cast<size_t>(to[to.size() - d]);
    if (size != 1) index += position * stride;
    stride *= size;
  }
  return index;
}

/// function(a, b) for every output element, where a and b are the stored values that meet there.
template <typename Stored, typename Function>
Bytes combine(const Call& call, Function function) {
  const std::vector<Stored> a = call.values<Stored>(0);
  const std::vector<Stored> b = call.values<Stored>(1);
  const ir::Shape& shape = call.output().shape;
  std::vector<Stored> out(static_cast<size_t>(ir::elements(shape)));
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] =
        function(a[broadcast_index(i, shape, call.input(0).shape)], b[broadcast_index(i, shape, call.input(1).shape)]);
  }
  return to_bytes(out);
}

}  // namespace

Bytes add(const Call& call, const ir::Add& add) {
  if (call.output().dtype == ir::DType::kFloat32) {
    return combine<float>(call, [&](float a, float b) { return clamped(a + b, add.clamp); });
  }
  const ir::AddParams p = ir::add_params(call.graph, call.op);
  const ir::ClampI8 clamp = ir::clamp_i8(call.op);
  return combine<int8_t>(call, [&](int32_t a, int32_t b) {
    const int32_t scaled_a = ir::multiply_by_quantized_multiplier((a + p.a_offset) * (1 << p.left_shift), p.a);
    const int32_t scaled_b = ir::multiply_by_quantized_multiplier((b + p.b_offset) * (1 << p.left_shift), p.b);
    const int32_t sum = ir::multiply_by_quantized_multiplier(scaled_a + scaled_b, p.out);
    return clamped(ir::wrapping_add(sum, p.out_offset), clamp);
  });
}

Bytes mul(const Call& call, const ir::Mul& mul) {
  if (call.output().dtype == ir::DType::kFloat32) {
    return combine<float>(call, [&](float a, float b) { return clamped(a * b, mul.clamp); });
  }
  const ir::MulParams p = ir::mul_params(call.graph, call.op);
  const ir::ClampI8 clamp = ir::clamp_i8(call.op);
  return combine<int8_t>(call, [&](int32_t a, int32_t b) {
    const int32_t product = (a + p.a_offset) * (b + p.b_offset);
    return clamped(ir::wrapping_add(ir::multiply_by_quantized_multiplier(product, p.out), p.out_offset), clamp);
  });
}

}  // namespace mote::reference
