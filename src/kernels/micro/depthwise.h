// Depthwise convolution: the whole operator as one function. Four channels at a time are unpacked into words that hold
// pairs of neighbouring rows; then each channel walks along the columns. One multiply instruction makes two products.
//
// Two inner loops: a 3x3 window's weights stay in registers, those of any other window are read as they are needed,
// each once for several outputs.
#pragma once

#include <cstdint>
#include <functional>
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
  int32_t channels = 4;
  int32_t multiplier = 1;  // outputs per channel
  ir::Size2D window{3, 3}, stride, dilation;
  ir::Padding2D padding;
  int32_t out_height = 1, out_width = 1;
  bool across = false;     // walk along the rows: pairs are of columns. Better where windows are wider than high
  int32_t zero_point = 0;  // of the input: the value of padded positions
  RequantForm form;
  bool wide_output = false;         // outputs are stored as int16, for a consumer that wants them widened
  int32_t scratch_limit = 1 << 20;  // bytes; fewer columns are unpacked at a time when the plane needs more
};

/// Why the generator cannot make `spec`; nothing when it can.
std::optional<std::string> why_no_depthwise(const DepthwiseSpec& spec);

/// About how many multiply instructions an output takes: what decides between walking down and across.
double depthwise_cost(const DepthwiseSpec& spec);

/// Bytes of scratch the function needs, word aligned.
int32_t depthwise_scratch_bytes(const DepthwiseSpec& spec);

/// void NAME(const uint32_t *weights, const int8_t *input, int8_t *output, uint32_t *scratch); `output` is int16_t *
/// with wide_output. Deterministic.
MicroKernel depthwise(const DepthwiseSpec& spec, const target::Target& target);

/// The constants in the order they are read. `weights` is [window.h][window.w][channels * multiplier]; `bias` already
/// holds -zero_point * sum of weights.
std::vector<uint32_t> pack_depthwise_weights(const DepthwiseSpec& spec, std::span<const int8_t> weights,
                                             std::span<const int32_t> bias,
                                             std::span<const RequantConstants> constants);

}  // namespace mote::kernels::micro
