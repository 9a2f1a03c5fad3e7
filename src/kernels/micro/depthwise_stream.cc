#include <algorithm>
#include <array>
#include <map>

#include "kernels/micro/depthwise_code.h"
#include "kernels/micro/epilogue.h"
#include "schedule/list.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;

// Constants of a channel come first, in the order of the stream.
enum Slot {
  kBias,
  kMultiplier,
  kAddend,
  kShift,
  kInputStart,   // of the channel
  kOutputStart,  // of the channel
  kOutput,
  kColumns,
  kColumnsLeft,
  kStepsLeft,
  kChannelsLeft,
  kMultiplesLeft,
  kSlotCount
};

constexpr Reg kInput = 12, kWeights = schedule::kLr;
constexpr size_t kScheduledAtOnce = 70;  // instructions
constexpr int kTries = 30;

/// Walks down the columns of one channel. A step makes several outputs below each other: for every column of the window
/// it goes through the pairs of rows, and every word of weights meets as many pairs as there are rows of outputs.
class StreamWriter {
 public:
  StreamWriter(const DepthwisePlane& plane, const target::Target& target)
      : plane_(plane), pairs_(weight_pairs(plane)), rules_(target.pipeline), slots_(target, kSlotCount) {
    // Registers: sums, pairs of rows (one more than are multiplied at a time), two words of weights, two pointers.
    const int rows = pairs_.forms == 2 ? 3 : 4;
    Reg next = 0;
    for (int i = 0; i < rows * pairs_.forms; ++i) sums_.push_back(next++);
    for (int i = 0; i <= rows; ++i) ring_.push_back(next++);
    weight_registers_ = {next, next + 1};
  }

  void write(std::string& text, size_t& bytes) {
    const std::string name = plane_.name + "_channels";
    text += function_begin(name) + slots_.prologue();
    for (const auto& [slot, reg] : {std::pair{kInputStart, 1}, {kOutputStart, 2}, {kColumns, 3}}) {
      out_.add(slots_.save(slot, reg));
    }
    out_.add(schedule::mov(kWeights, 0));
    out_.add(schedule::ldr(0, schedule::kSp, slots_.stack_arguments()));
    out_.add(slots_.save(kChannelsLeft, 0));
    out_.comment("next channel");
    out_.label(6);
    if (plane_.multiplier > 1) {
      out_.add(schedule::mov_immediate(0, plane_.multiplier));
      out_.add(slots_.save(kMultiplesLeft, 0));
      out_.comment("next output of the channel");
    }
    out_.label(5);
    begin_channel();
    out_.comment("next column");
    out_.aligned_label(1);
    column();
    next_column();
    next_channel();
    text += out_.text() + slots_.epilogue() + function_end(name);
    bytes += out_.bytes() + 16;
  }

 private:
  int outputs_per_step() const { return static_cast<int>(sums_.size()); }

  /// The weights' pointer is at the channel's constants, and goes on to its weights.
  void begin_channel() {
    Code code;
    const int words = plane_.form.words_per_channel() + 1;
    for (int i = 0; i < words; ++i) code.push_back(schedule::ldr(i, kWeights, 4 * i));
    append(code, schedule::add_constant(kWeights, kWeights, 4 * words));
    for (int i = 0; i < words; ++i) code.push_back(slots_.save(i, i));
    code.push_back(slots_.load(kInput, kInputStart));
    code.push_back(slots_.load(4, kOutputStart));
    code.push_back(slots_.save(kOutput, 4));
    code.push_back(slots_.load(5, kColumns));
    code.push_back(slots_.save(kColumnsLeft, 5));
    flush(code);
  }

  void column() {
    const int per_step = outputs_per_step();
    const int steps = plane_.out_rows / per_step, rest = plane_.out_rows % per_step;
    const int64_t step_bytes = int64_t{8} * per_step * plane_.stride_rows;
    Walker input(kInput);
    Code code;
    if (steps > 1) {
      code.push_back(schedule::mov_immediate(0, steps));
      code.push_back(slots_.save(kStepsLeft, 0));
      flush(code);
      out_.aligned_label(2);
    }
    if (steps > 0) {
      step(per_step, input, code);
      input.move_to(step_bytes, code);
      flush(code);
    }
    if (steps > 1) {
      code.push_back(slots_.load(0, kStepsLeft));
      code.push_back(schedule::subs(0, 1));
      code.push_back(slots_.save(kStepsLeft, 0));
      flush(code);
      out_.branch_back("bne", 2);
    }
    // From here on displacements count from the column's last step.
    if (rest > 0) {
      Walker last(kInput);
      step(rest, last, code);
      last.move_to(0, code);
    }
    const int64_t moved = steps * step_bytes;
    append(code, schedule::add_constant(kInput, kInput,
                                        static_cast<int32_t>(plane_.stride_columns * column_bytes(plane_) - moved)));
    flush(code);
  }

  void next_column() {
    Code code;
    code.push_back(slots_.load(0, kOutput));
    append(code, schedule::add_constant(0, 0, plane_.out_column_step - plane_.out_rows * plane_.out_row_step));
    code.push_back(slots_.save(kOutput, 0));
    count_down(kColumnsLeft, 1, code);
  }

  void next_channel() {
    Code code;
    append(code, schedule::add_constant(kWeights, kWeights, 4 * pairs_.words(plane_)));
    code.push_back(slots_.load(0, kOutputStart));
    append(code, schedule::add_constant(0, 0, plane_.out_bytes));
    code.push_back(slots_.save(kOutputStart, 0));
    if (plane_.multiplier > 1) count_down(kMultiplesLeft, 5, code);
    code.push_back(slots_.load(1, kInputStart));
    append(code, schedule::add_constant(1, 1, 4));
    code.push_back(slots_.save(kInputStart, 1));
    count_down(kChannelsLeft, 6, code);
  }

  void count_down(Slot slot, int label, Code& code) {
    code.push_back(slots_.load(0, slot));
    code.push_back(schedule::subs(0, 1));
    code.push_back(slots_.save(slot, 0));
    flush(code);
    out_.branch_back("bne", label);
  }

  void flush(Code& code) {
    out_.add(schedule::list_schedule(code, rules_, kTries));
    code.clear();
  }

  /// A word of weights and the sums it goes into.
  struct Use {
    int form;
    Reg weight;
    std::vector<int> outputs;
  };

  /// The uses of pair `p` in a step of `outputs` outputs.
  std::vector<Use> uses_of(int p, int outputs) {
    std::vector<Use> uses;
    for (int form = 0; form < pairs_.forms; ++form) {
      if (!has_weights(plane_, p, form)) continue;
      Use use{form, weight_registers_[next_weight_++ % 2], {}};
      for (int output = form; output < outputs; output += pairs_.forms) use.outputs.push_back(output);
      if (!use.outputs.empty()) uses.push_back(std::move(use));
    }
    return uses;
  }

  /// `outputs` outputs from where the input's pointer stands. Flushes all but the end.
  void step(int outputs, Walker& input, Code& code) {
    Walker weights(kWeights);
    const Reg bias = ring_.back();  // the last of the ring to be filled
    code.push_back(slots_.load(bias, kBias));
    std::vector<bool> started(sums_.size(), false);
    next_in_ring_ = 0;
    for (int k = 0; k < plane_.window_columns; ++k) {
      std::map<int, Reg> pairs;  // of this column of the window, by pair
      const int64_t at = int64_t{k} * plane_.dilation_columns * column_bytes(plane_);
      for (int p = 0; p < pairs_.pairs; ++p) {
        const std::vector<Use> uses = uses_of(p, outputs);
        // Loads together: on a core with one pipeline they then cost one cycle each.
        for (const Use& use : uses) {
          for (const int output : use.outputs) {
            const int pair = output / pairs_.forms + p;
            if (pairs.count(pair) != 0) continue;
            pairs[pair] = ring_[next_in_ring_++ % ring_.size()];
            input.load(pairs[pair], at + 16 * pair, 0, code);
          }
          const int word = (k * pairs_.pairs + p) * pairs_.forms + use.form;
          weights.load(use.weight, 4 * word, 0, code);
        }
        for (const Use& use : uses) {
          for (const int output : use.outputs) {
            const size_t i = static_cast<size_t>(output);
            const Reg sum = sums_[i];
            code.push_back(schedule::smlad(sum, pairs[output / pairs_.forms + p], use.weight, started[i] ? sum : bias));
            started[i] = true;
          }
        }
      }
      if (code.size() > kScheduledAtOnce && k + 1 < plane_.window_columns) flush(code);
    }
    weights.move_to(0, code);
    finish(outputs, code);
  }

  /// Requantises and stores the sums.
  void finish(int outputs, Code& code) {
    const RequantForm& form = plane_.form;
    const Reg multiplier = weight_registers_[0], addend = weight_registers_[1], out_register = ring_[0];
    const Reg shift = ring_[1], clamp = ring_[1];  // the shift is over when the clamp begins
    const std::array<Reg, 2> signs{ring_[2], ring_[3]};
    code.push_back(slots_.load(multiplier, kMultiplier));
    code.push_back(slots_.load(addend, kAddend));
    code.push_back(slots_.load(out_register, kOutput));
    if (form.shift_per_channel) code.push_back(slots_.load(shift, kShift));
    for (int i = 0; i < outputs; ++i) {
      const Reg sum = sums_[static_cast<size_t>(i)], sign = signs[static_cast<size_t>(i % 2)];
      if (form.sign_correction) code.push_back(schedule::add_asr(sign, addend, sum, 31));
      if (form.pre_shift > 0) code.push_back(schedule::lsl(sum, sum, form.pre_shift));
      if (form.pre_shift < 0) code.push_back(schedule::asr(sum, sum, -form.pre_shift));
      code.push_back(schedule::smmla(sum, sum, multiplier, form.sign_correction ? sign : addend, form.rounding));
      if (form.shift_per_channel) code.push_back(schedule::asr_by(sum, sum, shift));
    }
    if (form.clamped_add != 0) code.push_back(schedule::mov_immediate(clamp, form.clamped_add & 0xFF));
    Walker out(out_register);
    for (int i = 0; i < outputs; ++i) {
      const Reg sum = sums_[static_cast<size_t>(i)];
      saturate(form, sum, clamp, plane_.out_bytes == 2, code);
      out.store(plane_.out_bytes, sum, int64_t{i} * plane_.out_row_step, 0, code);
    }
    out.move_to(int64_t{outputs} * plane_.out_row_step, code);
    code.push_back(slots_.save(kOutput, out_register));
  }

  const DepthwisePlane& plane_;
  const WeightPairs pairs_;
  const schedule::Rules rules_;
  Slots slots_;
  Listing out_;
  std::vector<Reg> sums_, ring_;
  std::array<Reg, 2> weight_registers_{};
  size_t next_in_ring_ = 0, next_weight_ = 0;
};

}  // namespace

void write_streamed_weights(const DepthwisePlane& plane, const target::Target& target, std::string& text,
                            size_t& bytes) {
  StreamWriter(plane, target).write(text, bytes);
}

}  // namespace mote::kernels::micro
