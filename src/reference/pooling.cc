// AveragePool2D, MaxPool2D and Mean.
#include <limits>

#include "reference/operators.h"

namespace mote::reference {
namespace {

/// finish(values) of every window: the stored values it covers, the padding left out.
template <typename Stored, typename Pool, typename Function>
Bytes pool_windows(const Call& call, const Pool& pool, Function finish) {
  const std::vector<Stored> x = call.values<Stored>(0);
  const ir::Shape& in = call.input(0).shape;
  const ir::Shape& out = call.output().shape;
  std::vector<Stored> y;
  for (int32_t n = 0; n < out[0]; ++n) {
    for (int32_t oy = 0; oy < out[1]; ++oy) {
      for (int32_t ox = 0; ox < out[2]; ++ox) {
        const int32_t top = oy * pool.stride.h - pool.padding.top;
        const int32_t left = ox * pool.stride.w - pool.padding.left;
        for (int32_t c = 0; c < out[3]; ++c) {
          std::vector<Stored> window;
          for (int32_t iy = std::max(top, 0); iy < std::min(top + pool.window.h, in[1]); ++iy) {
            for (int32_t ix = std::max(left, 0); ix < std::min(left + pool.window.w, in[2]); ++ix) {
              const int64_t at = ((int64_t{n} * in[1] + iy) * in[2] + ix) * in[3] + c;
              window.push_back(x[static_cast<size_t>(at)]);
            }
          }
          y.push_back(finish(window));
        }
      }
    }
  }
  return to_bytes(y);
}

/// For every output element of a Mean, the sum of the stored values it stands for.
template <typename Stored, typename Sum>
std::vector<Sum> sums_over(const Call& call, const std::vector<int32_t>& axes) {
  const std::vector<Stored> x = call.values<Stored>(0);
  const ir::Shape& shape = call.input(0).shape;
  std::vector<Sum> sums(static_cast<size_t>(ir::elements(call.output().shape)));
  for (size_t i = 0; i < x.size(); ++i) {
    size_t rest = i;
    size_t index = 0;
    size_t stride = 1;
    for (int32_t d = static_cast<int32_t>(shape.size()) - 1; d >= 0; --d) {
      const size_t size = static_cast<size_t>(shape[static_cast<size_t>(d)]);
      const bool reduced = std::find(axes.begin(), axes.end(), d) != axes.end();
      if (!reduced) {
        index += rest % size * stride;
        stride *= size;
      }
      rest /= size;
    }
    sums[index] += static_cast<Sum>(x[i]);
  }
  return sums;
}

}  // namespace

Bytes average_pool_2d(const Call& call, const ir::AveragePool2D& pool) {
  if (call.output().dtype == ir::DType::kFloat32) {
    return pool_windows<float>(call, pool, [&](const std::vector<float>& window) {
      float sum = 0;
      for (float value : window) sum += value;
      return clamped(sum / static_cast<float>(window.size()), pool.clamp);
    });
  }
  const ir::ClampI8 clamp = ir::clamp_i8(call.op);
  return pool_windows<int8_t>(call, pool, [&](const std::vector<int8_t>& window) {
    const int32_t count = static_cast<int32_t>(window.size());
    int32_t sum = 0;
    for (int8_t value : window) sum += value;
    return clamped((sum > 0 ? sum + count / 2 : sum - count / 2) / count, clamp);
  });
}

Bytes max_pool_2d(const Call& call, const ir::MaxPool2D& pool) {
  if (call.output().dtype == ir::DType::kFloat32) {
    return pool_windows<float>(call, pool, [&](const std::vector<float>& window) {
      return clamped(*std::max_element(window.begin(), window.end()), pool.clamp);
    });
  }
  const ir::ClampI8 clamp = ir::clamp_i8(call.op);
  return pool_windows<int8_t>(call, pool, [&](const std::vector<int8_t>& window) {
    return clamped(int32_t{*std::max_element(window.begin(), window.end())}, clamp);
  });
}

Bytes mean(const Call& call, const ir::Mean& mean) {
  if (call.output().dtype == ir::DType::kFloat32) {
    std::vector<float> sums = sums_over<float, float>(call, mean.axes);
    const size_t count = call.operands[0].size() / sizeof(float) / sums.size();
    for (float& sum : sums) sum /= static_cast<float>(count);
    return to_bytes(sums);
  }
  const std::vector<int32_t> sums = sums_over<int8_t, int32_t>(call, mean.axes);
  const ir::MeanParams p = ir::mean_params(call.graph, call.op);
  std::vector<int8_t> out(sums.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const int32_t scaled = ir::multiply_by_quantized_multiplier(sums[i] - p.count * p.in_zero_point, p.multiplier);
    out[i] = clamped(ir::wrapping_add(scaled, p.out_zero_point), ir::ClampI8{});
  }
  return to_bytes(out);
}

}  // namespace mote::reference
