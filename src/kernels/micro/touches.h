// Which bytes the micro-kernels read and write, and in which order: what lets a memory plan overlap their operands.
// loop/ir.h says what an order promises. Weights and constants are not listed.
#pragma once

#include <functional>
#include <vector>

#include "kernels/micro/depthwise.h"
#include "kernels/micro/float_depthwise.h"
#include "kernels/micro/float_gemm.h"
#include "kernels/micro/gemm.h"
#include "kernels/micro/pool.h"
#include "kernels/micro/winograd.h"
#include "loop/ir.h"

namespace mote::kernels::micro {

using Touches = std::function<std::vector<loop::Touch>(const std::vector<int64_t>& numbers)>;

/// Group by group; the tiles of a group read its activations again after others were written.
Touches gemm_touches(const GemmSpec& spec);
Touches float_gemm_touches(const FloatGemmSpec& spec);
/// Group by group.
Touches float_depthwise_touches(const FloatDepthwiseSpec& spec);
/// Four channels of a strip of columns at a time: all of it is unpacked before any of it is written.
Touches depthwise_touches(const DepthwiseSpec& spec);
/// Two output rows at a time: their four input rows are widened before.
Touches winograd_touches(const WinogradSpec& spec, const target::Target& target);
/// Element by element.
Touches add_touches();
Touches window_sum_touches(const WindowSumSpec& spec);

}  // namespace mote::kernels::micro
