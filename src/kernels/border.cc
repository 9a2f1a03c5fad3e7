#include "kernels/border.h"

#include <algorithm>

#include "loop/schedule.h"

namespace mote::kernels {

Border border_of(int64_t out, int64_t in, int64_t stride, int64_t reach, int64_t pad) {
  int64_t before = 0, after = 0;
  while (before < out && before * stride - pad < 0) ++before;
  while (after < out - before && (out - 1 - after) * stride - pad + reach > in - 1) ++after;
  return {before, after};
}

Border in_tiles(Border border, int64_t out, int64_t tile) {
  const int64_t before = (border.before + tile - 1) / tile;
  return {before, std::min((border.after + tile - 1) / tile, out / tile - before)};
}

void peel_border(loop::Program* program, const std::string& variable, int64_t extent, Border border) {
  const int64_t interior = extent - border.before - border.after;
  if (border.before > 0 && border.before < extent) {
    loop::peel(program, variable, border.before, variable + "_in");
    if (border.after > 0 && interior > 0) loop::peel(program, variable + "_in", interior, variable + "_end");
  } else if (border.before == 0 && border.after > 0 && border.after < extent) {
    loop::peel(program, variable, interior, variable + "_end");
  }
}

}  // namespace mote::kernels
