// What several templates share: types, and how an int8 result is finished.
#pragma once

#include <string>
#include <vector>

#include "ir/quantized.h"
#include "kernels/kernel.h"
#include "kernels/micro/float_clamp.h"
#include "loop/build.h"

namespace mote::kernels {

/// The buffer type that holds a tensor's elements.
loop::Type type_of(ir::DType type);

/// A tensor's shape as 64-bit extents.
std::vector<int64_t> extents_of(const ir::Tensor& tensor);

/// Whether the workload's output is float32.
bool is_float(const Workload& workload);

/// Whether the first input, or the output, is handed over as int16 (int8 values in two bytes each).
bool reads_int16(const Workload& workload);
bool writes_int16(const Workload& workload);

/// Zero point of the first input.
int32_t input_zero_point(const Workload& workload);

/// Clamp and post table of a value that is the stored int8 result before them; adds the table to `program` when there
/// is one.
loop::Expr finish_i8(loop::Program* program, const Workload& workload, loop::Expr value);

/// to[i] = table[from[i] + 128] for `count` elements of flat buffers, which may be the same one.
loop::Block look_up(const std::string& table, const std::string& from, const std::string& to, int64_t count);

/// Applies the operator's table, if it has one, to the output `y` that `program` has stored: for scheduled kernels,
/// which end with a saturation.
void look_up_output(loop::Program* program, const Workload& workload);

/// Clamp of a float result; no operation where there are no bounds.
loop::Expr clamp_f32(loop::Expr value, const ir::Clamp& clamp);

/// The same limits for a scheduled kernel.
micro::FloatClamp limits_of(const ir::Clamp& clamp);

/// requantise(accumulator) + zero point, clamped, for Conv2D, DepthwiseConv2D and Dense: adds the constants "mantissa"
/// and "shift", one per channel (or immediates when all channels have the same).
loop::Expr requantize_channel(loop::Program* program, const Workload& workload, loop::Expr accumulator,
                              const loop::Affine& channel);

/// Biases with the input's zero point folded in: bias[c] - zero point * sum of the channel's weights, so that a kernel
/// multiplies stored input values. `channel_of` gives the output channel of weight element i.
std::vector<int32_t> folded_biases(const Workload& workload, int32_t channels,
                                   int32_t (*channel_of)(const ir::Shape&, int64_t i));

/// Channel of weight i in [Co, ...] and in [1, Kh, Kw, C].
int32_t outermost_channel(const ir::Shape& shape, int64_t i);
int32_t innermost_channel(const ir::Shape& shape, int64_t i);

/// The biases of a float operator, 0 where it has none.
std::vector<float> float_biases(const Workload& workload, int32_t channels);

/// Puts nested loops, named from the outermost inwards, into another order; returns their names in that order.
std::vector<std::string> arrange(loop::Program* program, std::vector<std::string> loops,
                                 const std::vector<size_t>& order);

}  // namespace mote::kernels
