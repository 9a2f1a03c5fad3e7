// Exact-integer Winograd F(2x2,3x3): a 3x3 convolution of stride 1 with 16 multiplications where the direct form
// has 36. The weight transform is scaled by 4, so everything is an integer and the accumulators are exactly 4 times the
// direct ones; the division by 4 goes into the requantisation (RequantLayer::scale = 4). And F(2,3), the same along one
// dimension: a window of 1x3 or 3x1 with 4 multiplications where the direct form has 6, accumulators twice the direct
// ones. The whole operator as one function.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/operators.h"
#include "kernels/micro/kernel.h"
#include "kernels/requant.h"
#include "target/target.h"

namespace mote::kernels::micro {

struct WinogradSpec {
  std::string name;
  int32_t height = 1, width = 1;              // of the input, [height][width][in_channels] int8
  int32_t in_channels = 4, out_channels = 2;  // in: a multiple of 4
  ir::Size2D window = {3, 3};                 // or 1x3, 3x1
  ir::Padding2D padding;
  int32_t out_height = 2, out_width = 2;
  int32_t zero_point = 0;  // of the input
  RequantForm form;        // for accumulators scaled by winograd_scale()
};

/// How many times the direct accumulators those of a window are: 4 or 2.
int32_t winograd_scale(const ir::Size2D& window);

/// Why the generator cannot make `spec`, or it would be wrong: with weights [out][window][in] given, also when a
/// transformed weight does not fit int16 or a sum could leave int32 for inputs anywhere in int8. Nothing when it can.
std::optional<std::string> why_no_winograd(const WinogradSpec& spec, std::span<const int8_t> weights);

/// Bytes of scratch the function needs, word aligned.
int32_t winograd_scratch_bytes(const WinogradSpec& spec, const target::Target& target);

/// void NAME(const uint32_t *weights, const int8_t *input, int8_t *output, uint32_t *scratch). Deterministic.
MicroKernel winograd(const WinogradSpec& spec, const target::Target& target);

/// Transformed weights, biases and constants in the order they are read. `weights` is [out][window][in]; `bias` already
/// holds -zero_point * sum of weights, unscaled.
std::vector<uint32_t> pack_winograd_weights(const WinogradSpec& spec, const target::Target& target,
                                            std::span<const int8_t> weights, std::span<const int32_t> bias,
                                            std::span<const RequantConstants> constants);

}  // namespace mote::kernels::micro
