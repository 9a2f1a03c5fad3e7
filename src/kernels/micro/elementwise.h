// Loops over contiguous elements: widening to int16, adding.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "ir/operators.h"
#include "ir/quantized.h"
#include "kernels/micro/kernel.h"
#include "kernels/requant.h"
#include "target/target.h"

namespace mote::kernels::micro {

/// In which order widened elements are stored. kQuads swaps the middle two of every four (0 2 1 3), which saves two
/// instructions per four elements; a consumer that sums over them only needs its weights in the same order. What is
/// left over after the last four is in natural order.
enum class WidenOrder : uint8_t { kNatural, kQuads };

/// void NAME(const int8_t *in, int16_t *out, int32_t count): count >= 0 (a multiple of 4 for kQuads), out 4-byte
/// aligned.
MicroKernel widen(const std::string& name, WidenOrder order, const target::Target& target);

/// int8 addition as saturate((a * a_factor + b * b_factor + offset) >> shift), when that is exact for all 65,536 pairs.
struct AddForm {
  int32_t a_factor = 0, b_factor = 0, offset = 0;
  bool by_halves = false;  // each product is taken >> 16 before the sum: one instruction less per element
  RequantForm end;         // the shift and the saturation; of it, nothing before them is used
};
std::optional<AddForm> plan_add(const ir::AddParams& params, const ir::ClampI8& clamp);

/// void NAME(const int8_t *a, const int8_t *b, int8_t *out, int32_t count), count >= 0.
MicroKernel add(const std::string& name, const AddForm& form, const target::Target& target);

}  // namespace mote::kernels::micro
