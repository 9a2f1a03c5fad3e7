// The end of every integer kernel: accumulators to int8, and out.
#pragma once

#include <string>
#include <vector>

#include "kernels/micro/code.h"
#include "kernels/requant.h"

namespace mote::kernels::micro {

/// acc[i][j]: channel i, position j.
using Accumulators = std::vector<std::vector<schedule::Reg>>;

/// Registers for a requantisation's constants and intermediate values.
class ConstantPool {
 public:
  /// `registers`: at least words_per_channel + 1, + 1 for a sign correction.
  ConstantPool(const RequantForm& form, int channels, std::vector<schedule::Reg> registers);
  /// Word `word` of channel `channel`'s constants.
  schedule::Reg constant(int channel, int word) const;
  schedule::Reg temporary(int n) const { return temporaries_[static_cast<size_t>(n) % temporaries_.size()]; }
  /// Whether all channels' constants have registers of their own.
  bool all_at_once() const { return all_at_once_; }
  /// A register for the output pointer, and one for the clamp's constant: free once the last product is made, at the
  /// latest.
  schedule::Reg output() const { return output_; }
  schedule::Reg clamp() const { return clamp_; }

 private:
  int words_;
  bool all_at_once_;
  std::vector<schedule::Reg> constants_, temporaries_;
  schedule::Reg output_, clamp_;
};

/// Loads the constants of all channels from `weights` at `displacement` (which it leaves behind them) and turns each
/// accumulator into high_word(...), before the saturation. `odd_by_256`: those of odd channels are 256 times what they
/// stand for.
void scale_accumulators(const RequantForm& form, const Accumulators& acc, bool odd_by_256, const ConstantPool& pool,
                        Walker& weights, int64_t displacement, Code& code);

/// Saturates one scaled accumulator. `clamp` holds clamped_add. `wide`: the result is to be right as int16, too.
void saturate(const RequantForm& form, schedule::Reg acc, schedule::Reg clamp, bool wide, Code& code);

/// "static int32_t NAME(int32_t a, const int32_t *constants)" in C99: the same. A form's constants in the order of the
/// stream.
std::string requantise_in_c(const RequantForm& form, const std::string& name);

/// "static int32_t NAME(int32_t a)": only the form's last steps, from the shift on.
std::string saturation_in_c(const RequantForm& form, const std::string& name);

}  // namespace mote::kernels::micro
