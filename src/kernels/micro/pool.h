// Sums over windows, for average pooling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/micro/kernel.h"
#include "target/target.h"

namespace mote::kernels::micro {

struct WindowSumSpec {
  std::string name;
  int32_t channels = 4;           // at least 4
  int32_t rows = 1, columns = 1;  // of the window, at most 256 positions
  int32_t row_step = 0;           // bytes from one row of the image to the next
};

/// Why the generator cannot make `spec`; nothing when it can.
std::optional<std::string> why_no_window_sum(const WindowSumSpec& spec);

/// void NAME(const int8_t *in, int16_t *sums): sums[c] = sum of in[y * row_step + x * channels + c] over the window;
/// `sums` is word aligned. Deterministic.
MicroKernel window_sum(const WindowSumSpec& spec, const target::Target& target);

}  // namespace mote::kernels::micro
