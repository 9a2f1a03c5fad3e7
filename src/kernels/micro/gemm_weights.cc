#include <algorithm>

#include "kernels/micro/gemm.h"
#include "kernels/micro/gemm_code.h"

namespace mote::kernels::micro {
namespace {

constexpr int64_t kOddFactor = 256;  // of an odd channel's weights in a sum

uint32_t byte(int32_t value) {
  return static_cast<uint8_t>(value);
}
uint32_t half(int32_t value) {
  return static_cast<uint16_t>(value);
}

/// Whether the requantisation can start from 256 times the accumulator: nothing overflows, and the steps are the same
/// ones.
bool folds(const RequantForm& form, const RequantConstants& constants, const RequantChannel& channel) {
  const auto fits = [](__int128 value) { return value >= INT32_MIN && value <= INT32_MAX; };
  const auto high_word = [&](int64_t x) {
    const __int128 accumulator = kOddFactor * (x + constants.bias_offset);
    return (accumulator * constants.multiplier + (__int128{constants.addend} << 40)) >> 32;
  };
  return form.shift + 8 <= 31 && fits(__int128{constants.addend} * kOddFactor) && fits(high_word(channel.lo)) &&
         fits(high_word(channel.hi));
}

}  // namespace

SummedWeights summed_weights(const RequantLayer& layer, const std::optional<RequantPlan>& plan,
                             std::span<const int8_t> weights) {
  if (std::find(weights.begin(), weights.end(), int8_t{-128}) != weights.end()) return SummedWeights::kNo;
  const int64_t most = int64_t{1} << 23;
  bool folded = plan && !plan->form.sign_correction && plan->form.pre_shift == 0 && !plan->form.shift_per_channel;
  for (size_t i = 0; i < layer.channels.size(); ++i) {
    const RequantConstants constants = plan ? plan->channels[i] : RequantConstants{};
    const RequantChannel& channel = layer.channels[i];
    const int64_t lo = int64_t{channel.lo} + constants.bias_offset, hi = int64_t{channel.hi} + constants.bias_offset;
    if (lo <= -most || hi >= most || layer.scale != 1) return SummedWeights::kNo;
    folded = folded && folds(plan->form, constants, channel);
  }
  return folded ? SummedWeights::kFolded : SummedWeights::kYes;
}

std::vector<uint32_t> pack_gemm_weights(const GemmSpec& requested,
                                        const std::function<int32_t(int channel, int k)>& weight,
                                        std::span<const int32_t> bias, std::span<const RequantConstants> constants) {
  const GemmSpec spec = normalised(requested);
  const int m = spec.tile_channels;
  const bool summed = spec.summed != SummedWeights::kNo;
  std::vector<uint32_t> stream;
  for (int tile = 0; tile < tiles_of(spec); ++tile) {
    const int first = first_channel(spec, tile);
    const auto at = [&](int i) { return static_cast<size_t>(first + i); };
    const auto bias_of = [&](int i) {
      const int32_t offset = constants.empty() ? 0 : constants[at(i)].bias_offset;
      return static_cast<uint32_t>(bias[at(i)]) + static_cast<uint32_t>(offset);
    };
    for (int i = 0; spec.has_bias && i < m; ++i) {
      stream.push_back(summed && i % 2 == 1 ? kOddFactor * bias_of(i) + bias_of(i - 1) : bias_of(i));
    }
    const auto pair_of = [&](int i, int k) {
      const int32_t even = weight(first + i, k), odd = weight(first + i + 1, k);
      return summed ? half(static_cast<int32_t>(kOddFactor) * odd + even) : byte(even) | byte(odd) << 8;
    };
    for (int k = 0; k < spec.depth(); k += 2) {
      for (int i = 0; i < m; i += spec.wide_weights ? 1 : 2) {
        if (spec.wide_weights) {
          stream.push_back(half(weight(first + i, k)) | half(weight(first + i, k + 1)) << 16);
        } else {
          stream.push_back(pair_of(i, k) | pair_of(i, k + 1) << 16);
        }
      }
    }
    for (int i = 0; spec.output != GemmOutput::kInt32 && i < m; ++i) {
      const bool folded = spec.summed == SummedWeights::kFolded && i % 2 == 1;
      stream.push_back(static_cast<uint32_t>(constants[at(i)].multiplier));
      stream.push_back(static_cast<uint32_t>(constants[at(i)].addend) << (folded ? 8 : 0));
      if (spec.form.shift_per_channel) stream.push_back(static_cast<uint32_t>(constants[at(i)].shift));
    }
  }
  if (!spec.weights_per_group) stream.resize(stream.size() + kGemmStreamPadding);
  return stream;
}

}  // namespace mote::kernels::micro
