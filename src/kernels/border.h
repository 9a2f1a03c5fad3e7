// The border of a windowed operator's output, where the window leaves the input, and the interior, where it does not.
#pragma once

#include <cstdint>
#include <string>

#include "loop/ir.h"

namespace mote::kernels {

/// Output positions, of one dimension, at which the window starts before the input, and at which it ends behind it.
struct Border {
  int64_t before, after;
};

/// `reach`: from the window's first tap to its last.
Border border_of(int64_t out, int64_t in, int64_t stride, int64_t reach, int64_t pad);

/// The same in tiles of `tile` positions, which divides `out`: a tile is border when any of it is.
Border in_tiles(Border border, int64_t out, int64_t tile);

/// Splits the loop into border, interior, border, so that the interior needs no tests.
void peel_border(loop::Program* program, const std::string& variable, int64_t extent, Border border);

}  // namespace mote::kernels
