// The float32 GEMM micro-kernel: convolutions of any kind and dense layers read their input where it lies.
//
//   for group in 0 .. groups:                             one group = tile_positions output positions
//     for tile of tile_channels channels:
//       acc[i][j] = bias[i] + sum over k of weight[i][k] * activation[j][k]
//       out[group * out_group_step + j * out_position_step + channel + i] = limited acc[i][j]
//
// The depth is cut into `segments` times `runs` runs of `length` neighbouring floats: the rows and columns of a window,
// or its rows alone where its columns are neighbours. Float `t` of run r of segment s of position j is at the byte
// address activations + group * group_step + j * position_step + s * segment_step + r * run_step + 4 * t.
//
// Channels that do not fill a tile: the last tile is moved back to end at the last channel.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/micro/float_code.h"
#include "kernels/micro/kernel.h"
#include "target/target.h"

namespace mote::kernels::micro {

struct FloatGemmSpec {
  std::string name;  // of the function, a C identifier
  int channels = 1;
  int tile_channels = 4;   // 1..8; reduced when there are fewer channels
  int tile_positions = 4;  // 1..4
  int segments = 1, runs = 1, length = 1;
  int32_t segment_step = 0, run_step = 0, position_step = 0, group_step = 0;  // bytes
  int32_t out_position_step = 0, out_group_step = 0;                          // bytes
  FloatClamp clamp;
  int code_budget = 4096;  // bytes of the loop over k that may be unrolled before it becomes a loop

  int depth() const { return segments * runs * length; }
};

/// Why the generator cannot make `spec`; nothing when it can.
std::optional<std::string> why_no_float_gemm(const FloatGemmSpec& spec);

/// Tiles worth offering, the best first. One position: for dense layers.
struct FloatTile {
  int channels = 4, positions = 4;
};
std::vector<FloatTile> float_gemm_tiles(bool one_position);

/// About how many cycles a step of k takes with this tile.
int float_gemm_step_cycles(const FloatTile& tile, const target::Target& target);

/// void NAME(const float *weights, const float *activations, float *out, int32_t groups), groups >= 1. Deterministic.
/// Targets without an FPU get the C form only.
MicroKernel float_gemm(const FloatGemmSpec& spec, const target::Target& target);

/// The weight stream: per tile its biases, then for each k the weights of its channels. k counts as the sum does.
std::vector<float> pack_float_gemm_weights(const FloatGemmSpec& spec,
                                           const std::function<float(int channel, int k)>& weight,
                                           std::span<const float> bias);

}  // namespace mote::kernels::micro
