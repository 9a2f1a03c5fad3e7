// Conv2D, DepthwiseConv2D and Dense: a sum of products for every output element, then a bias, a scale and a clamp.
//
// The sums are generic: over float, and for int8 over uint32_t, that is modulo 2^32, whose bits are those of the
// int32_t sum.
#include "reference/operators.h"

namespace mote::reference {
namespace {

/// Where an image's element [n, y, x, c] lies.
size_t index_of(const ir::Shape& shape, int32_t n, int32_t y, int32_t x, int32_t c) {
  const auto size = [&](size_t i) { return static_cast<size_t>(shape[i]); };
  return ((static_cast<size_t>(n) * size(1) + static_cast<size_t>(y)) * size(2) + static_cast<size_t>(x)) * size(3) +
         static_cast<size_t>(c);
}

/// Calls product(n, y, x, ky, kx, i) for every output position (n, oy, ox), its index i among the positions, and every
/// kernel position (ky, kx) that lies over the input's (y, x).
template <typename Function>
void for_each_tap(const Call& call, ir::Size2D stride, ir::Size2D dilation, ir::Padding2D padding, Function product) {
  const ir::Shape& x = call.input(0).shape;
  const ir::Shape& w = call.input(1).shape;
  const ir::Shape& y = call.output().shape;
  size_t position = 0;
  for (int32_t n = 0; n < y[0]; ++n) {
    for (int32_t oy = 0; oy < y[1]; ++oy) {
      for (int32_t ox = 0; ox < y[2]; ++ox, ++position) {
        for (int32_t ky = 0; ky < w[1]; ++ky) {
          for (int32_t kx = 0; kx < w[2]; ++kx) {
            const int32_t iy = oy * stride.h - padding.top + ky * dilation.h;
            const int32_t ix = ox * stride.w - padding.left + kx * dilation.w;
            const bool inside = iy >= 0 && iy < x[1] && ix >= 0 && ix < x[2];
            if (inside) product(n, iy, ix, ky, kx, position);
          }
        }
      }
    }
  }
}

template <typename Stored, typename Sum>
std::vector<Sum> sums_of(const Call& call, const ir::Conv2D& conv, Sum zero) {
  const std::vector<Stored> x = call.values<Stored>(0);
  const std::vector<Stored> w = call.values<Stored>(1);
  const ir::Shape& x_shape = call.input(0).shape;
  const ir::Shape& w_shape = call.input(1).shape;
  std::vector<Sum> sums(static_cast<size_t>(ir::elements(call.output().shape)));
  for_each_tap(call, conv.stride, conv.dilation, conv.padding,
               [&](int32_t n, int32_t iy, int32_t ix, int32_t ky, int32_t kx, size_t position) {
                 const size_t x_at = index_of(x_shape, n, iy, ix, 0);
                 for (int32_t co = 0; co < w_shape[0]; ++co) {
                   const size_t w_at = index_of(w_shape, co, ky, kx, 0);
                   Sum sum = sums[position * static_cast<size_t>(w_shape[0]) + static_cast<size_t>(co)];
                   for (size_t ci = 0; ci < static_cast<size_t>(w_shape[3]); ++ci) {
                     sum += (static_cast<Sum>(x[x_at + ci]) - zero) * static_cast<Sum>(w[w_at + ci]);
                   }
                   sums[position * static_cast<size_t>(w_shape[0]) + static_cast<size_t>(co)] = sum;
                 }
               });
  return sums;
}

template <typename Stored, typename Sum>
std::vector<Sum> sums_of(const Call& call, const ir::DepthwiseConv2D& conv, Sum zero) {
  const std::vector<Stored> x = call.values<Stored>(0);
  const std::vector<Stored> w = call.values<Stored>(1);
  const ir::Shape& x_shape = call.input(0).shape;
  const ir::Shape& w_shape = call.input(1).shape;
  std::vector<Sum> sums(static_cast<size_t>(ir::elements(call.output().shape)));
  for_each_tap(call, conv.stride, conv.dilation, conv.padding,
               [&](int32_t n, int32_t iy, int32_t ix, int32_t ky, int32_t kx, size_t position) {
                 for (int32_t co = 0; co < w_shape[3]; ++co) {
                   const Stored stored = x[index_of(x_shape, n, iy, ix, co / conv.multiplier)];
                   const Stored weight = w[index_of(w_shape, 0, ky, kx, co)];
                   sums[position * static_cast<size_t>(w_shape[3]) + static_cast<size_t>(co)] +=
                       (static_cast<Sum>(stored) - zero) * static_cast<Sum>(weight);
                 }
               });
  return sums;
}

template <typename Stored, typename Sum>
std::vector<Sum> sums_of(const Call& call, const ir::Dense&, Sum zero) {
  const std::vector<Stored> x = call.values<Stored>(0);
  const std::vector<Stored> w = call.values<Stored>(1);
  const size_t channels = static_cast<size_t>(call.input(1).shape[0]);
  const size_t depth = static_cast<size_t>(call.input(1).shape[1]);
  std::vector<Sum> sums(static_cast<size_t>(ir::elements(call.output().shape)));
  for (size_t i = 0; i < sums.size(); ++i) {
    const size_t row = i / channels;
    const size_t co = i % channels;
    for (size_t k = 0; k < depth; ++k) {
      sums[i] += (static_cast<Sum>(x[row * depth + k]) - zero) * static_cast<Sum>(w[co * depth + k]);
    }
  }
  return sums;
}

template <typename Attributes>
Bytes compute_float(const Call& call, const Attributes& attributes) {
  std::vector<float> sums = sums_of<float, float>(call, attributes, 0.0f);
  const std::vector<float> bias = call.has(2) ? call.values<float>(2) : std::vector<float>{};
  for (size_t i = 0; i < sums.size(); ++i) {
    if (!bias.empty()) sums[i] += bias[i % bias.size()];
    sums[i] = clamped(sums[i], attributes.clamp);
  }
  return to_bytes(sums);
}

template <typename Attributes>
Bytes compute_i8(const Call& call, const Attributes& attributes) {
  const uint32_t zero = static_cast<uint32_t>(call.input(0).zero_point());
  std::vector<uint32_t> sums = sums_of<int8_t, uint32_t>(call, attributes, zero);
  const std::vector<int32_t> bias = call.has(2) ? call.values<int32_t>(2) : std::vector<int32_t>{};
  const std::vector<ir::Multiplier> multipliers = ir::output_multipliers(call.graph, call.op);
  const int32_t zero_point = ir::computed_in(call.graph, call.op).zero_points[0];
  const ir::ClampI8 clamp = ir::clamp_i8(call.op);
  std::vector<int8_t> out(sums.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (!bias.empty()) sums[i] += static_cast<uint32_t>(bias[i % bias.size()]);
    const int32_t scaled =
        ir::multiply_by_quantized_multiplier(static_cast<int32_t>(sums[i]), multipliers[i % multipliers.size()]);
    out[i] = clamped(ir::wrapping_add(scaled, zero_point), clamp);
  }
  return to_bytes(out);
}

template <typename Attributes>
Bytes compute(const Call& call, const Attributes& attributes) {
  return call.output().dtype == ir::DType::kFloat32 ? compute_float(call, attributes) : compute_i8(call, attributes);
}

}  // namespace

Bytes conv_2d(const Call& call, const ir::Conv2D& conv) {
  return compute(call, conv);
}
Bytes depthwise_conv_2d(const Call& call, const ir::DepthwiseConv2D& conv) {
  return compute(call, conv);
}
Bytes dense(const Call& call, const ir::Dense& dense) {
  return compute(call, dense);
}

}  // namespace mote::reference
