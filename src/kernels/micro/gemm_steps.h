// The loop over k of one GEMM tile: instructions for any range of steps (a step is one word of k for every position),
// software pipelined where the core issues two instructions a cycle, in a fixed good order where it issues one.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kernels/micro/code.h"
#include "kernels/micro/epilogue.h"
#include "kernels/micro/gemm.h"
#include "schedule/modulo.h"

namespace mote::kernels::micro {

/// Where the operands of a tile live.
struct GemmRegisters {
  Accumulators acc;                        // [tile_channels][tile_positions]
  std::vector<schedule::Reg> temporaries;  // for operands
  schedule::Reg weights, activations;      // pointers
};
GemmRegisters gemm_registers(int tile_channels, int tile_positions);

/// Words of weights per step.
int words_per_step(const GemmSpec& spec);

class GemmSteps {
 public:
  /// `spec` with tile_channels and wide_weights as they are used. Check possible() first.
  GemmSteps(const GemmSpec& spec, const target::Target& target);
  static bool possible(const GemmSpec& spec, const target::Target& target);

  /// Starts a tile: both walkers at its first word. Loads the biases, then whatever belongs before the first step.
  void head(Code& code);
  /// Steps [from, to); ranges must follow one another from 0 to spec.segments * spec.segment_pairs.
  void steps(int from, int to, Code& code);
  /// Notes that the loop around the last `period` steps ran `times` more times; `moved_by` bytes each for the
  /// activations.
  void repeated(int period, int times, int64_t moved_by);

  /// Loop bodies must be multiples of this many steps and start at such a multiple.
  int unroll() const { return plan_ ? plan_->unroll : 1; }
  /// Steps that operands are loaded ahead.
  int lookahead() const;
  /// A register that is free between two steps that are multiples of unroll(), if there is one.
  std::optional<schedule::Reg> free_register() const;
  /// Estimated bytes of code per step.
  int bytes_per_step() const;

  Walker& weights() { return weights_; }
  Walker& activations() { return activations_; }
  const GemmRegisters& registers() const { return registers_; }
  int total_steps() const { return spec_.segments * spec_.segment_pairs; }

 private:
  struct Op {
    enum class What { kActivation, kWord, kExtend, kMultiply } what;
    int i = 0, j = 0;  // channel or word, position
  };

  void describe();
  void cycles(int from, int to, Code& code);
  void emit(const Op& op, int step, Code& code);
  void sequential_step(int step, Code& code);
  void load_activation(schedule::Reg into, int step, int j, Code& code);
  void load_word(schedule::Reg into, int step, int word, Code& code);
  void multiply(int i, int j, schedule::Reg weight, schedule::Reg activation, int step, Code& code);
  schedule::Reg operand(int value, int step) const;
  int64_t step_address(int step) const;

  GemmSpec spec_;
  GemmRegisters registers_;
  std::vector<schedule::Reg> bias_home_;  // per channel: the accumulator that holds the bias until it is itself written
  Walker weights_, activations_;
  int segment_ = 0;  // the activations' pointer is in
  std::vector<Op> ops_;
  schedule::LoopBody body_;
  std::vector<int> weight_value_, word_value_, activation_value_;
  const schedule::ModuloSchedule* plan_ = nullptr;  // nothing: sequential
};

}  // namespace mote::kernels::micro
