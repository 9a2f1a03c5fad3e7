// What the generators of floating-point assembly share: how a core's FPU is used best, the frame of a function, and the
// end of every kernel, where results are limited and stored.
//
// A multiply-accumulate is a fused one, or a multiplication and an addition, whichever the pipeline tables say is
// quicker: on a Cortex-M4 vmul and vadd take two cycles, vfma three; on a Cortex-M7 each takes one.
#pragma once

#include <array>
#include <string>

#include "kernels/micro/code.h"
#include "kernels/micro/float_clamp.h"

namespace mote::kernels::micro {

inline constexpr int kFloatRegisters = 32;

struct FloatCore {
  bool assembly = false;  // there is an FPU, and Thumb-2 to write for it
  bool fused = false;     // vfma is the quicker multiply-accumulate
  bool min_max = false;   // has vmaxnm and vminnm
};
FloatCore float_core(const target::Target& target);

/// Saves all registers that a callee must preserve; and back, returning.
std::string float_prologue();
std::string float_epilogue();
/// sp-relative offset of the function's stack arguments after the prologue.
inline constexpr int kFloatStackArguments = 9 * 4 + 16 * 4;

/// Core registers that limiting results overwrites.
inline constexpr std::array<schedule::Reg, 4> kFloatScratch = {6, 7, 12, schedule::kLr};

/// Limits results and stores them.
class FloatStores {
 public:
  /// `lo`, `hi`: float registers that are free while results are stored.
  FloatStores(const FloatClamp& clamp, const FloatCore& core, schedule::Reg lo, schedule::Reg hi)
      : clamp_(clamp), core_(core), lo_(lo), hi_(hi) {}
  /// Before the first of a number of stores: puts the limits where they are wanted.
  void begin(Listing& out) const;
  /// `count` results from register `first` on, to neighbouring floats at [pointer].
  void store(schedule::Reg pointer, schedule::Reg first, int count, Listing& out) const;

 private:
  bool through_core() const;
  void through_core(schedule::Reg pointer, schedule::Reg first, int count, Listing& out) const;

  FloatClamp clamp_;
  FloatCore core_;
  schedule::Reg lo_, hi_;
};

/// C99: statements that limit the float `variable`, each on a line of its own after `indent`.
std::string clamp_in_c(const FloatClamp& clamp, const std::string& variable, const std::string& indent);

/// A float as a C constant, exactly.
std::string float_in_c(float value);

}  // namespace mote::kernels::micro
