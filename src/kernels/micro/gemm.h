// The GEMM micro-kernel: int16 activations times int8 or int16 weights, requantised and stored. Convolutions of any
// kind, pointwise ones, dense layers and the sixteen products of the integer Winograd transform are all calls of it.
//
//   for group in 0 .. groups:                             one group = tile_positions output positions
//     for tile of tile_channels channels:
//       acc[i][j] = bias[i] + sum over k of weight[i][k] * activation[j][k]
//       out[group * out_group_step + j * out_position_step + (channel + i) * out_channel_step] = requantised acc[i][j]
//
// Activations. Word t of a position holds two consecutive k; the depth K is cut into `segments` runs of `segment_pairs`
// words. The word of group g, position j, segment s, pair t is read at the byte address
//   activations + g * group_step + j * position_step + s * segment_step + t * pair_step
// so both layouts that occur are covered without copying:
//   an image in int16, rows of Wp pixels of C channels (C even): segments = kh, segment_pairs = kw*C/2, segment_step =
//   Wp*C*2,
//     position_step = stride_w*C*2, pair_step = 4, group_step = tile_positions*position_step (dilation: segments =
//     kh*kw ...);
//   packed, interleaved by position: segments = 1, segment_pairs = ceil(K/2), position_step = 4, pair_step =
//   4*tile_positions,
//     group_step = 4*tile_positions*segment_pairs.
// Addresses must be multiples of 4 (a load that is not works, and costs). Nothing outside the words named here is read
// from the activations. The order of k is the caller's: weights and activations only have to agree.
//
// Weights are one stream, made by pack_gemm_weights(), read once per group. Channels that do not fill a tile: the last
// tile is moved back to end at the last channel, so up to tile_channels - 1 channels are computed twice; the stream
// repeats them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/micro/kernel.h"
#include "kernels/requant.h"
#include "target/target.h"

namespace mote::kernels::micro {

/// What is stored per output. kInt8 and kInt16 are requantised (kInt16 holds the same value, for a consumer that wants
/// it widened); kInt32 is the accumulator itself and `form` is not used.
enum class GemmOutput : uint8_t { kInt8, kInt16, kInt32 };

/// How int8 weights of neighbouring channels are summed together. kFolded: the division by 256 is part of the
/// requantisation's shift.
enum class SummedWeights : uint8_t { kNo, kYes, kFolded };

struct GemmSpec {
  std::string name;           // of the function, a C identifier
  int channels = 1;           // output channels, any number
  int tile_channels = 2;      // 1, 2, 4 or 6; reduced when there are fewer channels
  int tile_positions = 3;     // 1..4; tile_channels * tile_positions <= 8
  bool wide_weights = false;  // weights as int16 in the stream, else int8
  /// int8 weights whose odd channels are summed together with the even ones: two int16 per word, 256 * odd + even. The
  /// even channel's weights are the sign-extended low bytes, and (sum - even) / 256 is the odd channel: one instruction
  /// less per step and two channels. Ask summed_weights().
  SummedWeights summed = SummedWeights::kNo;
  bool has_bias = true;  // the stream holds one word of bias per channel; else sums start at 0
  int segments = 1;
  int segment_pairs = 1;
  int32_t segment_step = 0, position_step = 4, pair_step = 4, group_step = 0;  // bytes
  GemmOutput output = GemmOutput::kInt8;
  int32_t out_channel_step = 1, out_position_step = 1, out_group_step = 0;  // bytes
  bool weights_per_group = false;  // every group has its own weights, one after the other in the stream (Winograd)
  RequantForm form;
  int code_budget = 4096;  // bytes of the loop over k that may be unrolled before it becomes a loop
  int load_latency = 0;    // load-to-multiply distance to schedule for; 0: the one of the pipeline tables

  int depth() const { return 2 * segments * segment_pairs; }  // K, padded to what the stream holds
};

/// Most bytes from the first position of a tile to the last.
inline constexpr int kGemmReach = 4000;

/// Why the generator cannot make `spec`, for a person to read; nothing when it can.
std::optional<std::string> why_no_gemm(const GemmSpec& spec);

/// Whether the weights may be summed by pairs, and how: every odd sum must leave room for 8 bits more, by the channels'
/// ranges, and no weight may be -128. `weights` are all of the layer's; `plan` is its requantisation (none for kInt32,
/// and then no ranges are known but those given in `layer`).
SummedWeights summed_weights(const RequantLayer& layer, const std::optional<RequantPlan>& plan,
                             std::span<const int8_t> weights);

/// The tile sizes worth offering as a knob on `target`, best first (int8 weights: when they are summed by pairs; else
/// {2, 3} comes before {2, 4} on a dual-issue core).
struct GemmTile {
  int channels = 2, positions = 3;
};
std::vector<GemmTile> gemm_tiles(const target::Target& target, bool wide_weights);

/// void NAME(const uint32_t *weights, const int16_t *activations, void *out, int32_t groups), groups >= 1.
/// Deterministic. Targets without DSP get the C form only.
MicroKernel gemm(const GemmSpec& spec, const target::Target& target);

/// Zeros after a weight stream, in words: a kernel that works ahead reads them.
inline constexpr int kGemmStreamPadding = 16;  // words

/// The weight stream. `weight(channel, k)` is asked for every channel and k < depth(), k in stream order (two k per
/// activation word, segment by segment): within int8 unless wide_weights, and 0 where the depth is only padding. `bias`
/// and `constants` have one entry per channel (bias: none when !has_bias; constants: none for kInt32); bias_offset is
/// added here. With weights_per_group the caller concatenates one stream per group.
std::vector<uint32_t> pack_gemm_weights(const GemmSpec& spec, const std::function<int32_t(int channel, int k)>& weight,
                                        std::span<const int32_t> bias, std::span<const RequantConstants> constants);

}  // namespace mote::kernels::micro
