// Depthwise convolution, 3x3, stride 1 or 2, channel multiplier 1: the whole operator as one function. Four channels at
// a time are unpacked into words that hold vertical pairs of rows; then each channel walks down the columns, so that
// three loads and twelve (stride 2: six) multiply instructions make two outputs (one).
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

struct DepthwiseSpec {
  std::string name;
  int32_t height = 1, width = 1;  // of the input, [height][width][channels] int8
  int32_t channels = 4;           // at least 4
  int32_t stride = 1;             // 1 or 2, both ways
  ir::Padding2D padding;          // top and left at most 2
  int32_t out_height = 1, out_width = 1;
  int32_t zero_point = 0;  // of the input: the value of padded positions
  RequantForm form;
  int32_t scratch_limit = 1 << 20;  // bytes; fewer columns are unpacked at a time when the plane needs more
};

/// Why the generator cannot make `spec`; nothing when it can.
std::optional<std::string> why_no_depthwise(const DepthwiseSpec& spec);

/// Bytes of scratch the function needs, word aligned.
int32_t depthwise_scratch_bytes(const DepthwiseSpec& spec);

/// void NAME(const uint32_t *weights, const int8_t *input, int8_t *output, uint32_t *scratch). Deterministic.
MicroKernel depthwise(const DepthwiseSpec& spec, const target::Target& target);

/// The constants in the order they are read. `weights` is [3][3][channels]; `bias` already holds -zero_point * sum of
/// weights.
std::vector<uint32_t> pack_depthwise_weights(const DepthwiseSpec& spec, std::span<const int8_t> weights,
                                             std::span<const int32_t> bias,
                                             std::span<const RequantConstants> constants);

}  // namespace mote::kernels::micro
