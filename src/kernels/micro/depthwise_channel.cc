#include <algorithm>
#include <array>

#include "kernels/micro/depthwise_code.h"
#include "kernels/micro/epilogue.h"
#include "schedule/list.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;

// Constants of a channel, in the order of the stream, in s0...
//   upper[k]: weights of rows 0 and 1 of column k; lower[k]: of rows 1 and 2 (stride 2 needs only row 2, in the upper
//   half)
enum Slot {
  kUpper,
  kLower = kUpper + 3,
  kBias = kLower + 3,
  kChannelsLeft,  // in the place of the multiplier, which has a register
  kAddend,
  kShift,
  kColumnStart,
  kOutputStart,
  kColumns,
  kColumnsLeft,
  kLimit,
  kWeights,
  kSlotCount
};

constexpr int kUnrolledSteps = 20, kBlockSteps = 8;

/// Walks down the columns of one channel. A step makes two outputs below each other (stride 1) or one (stride 2): the
/// pair of rows at hand meets the upper weights, the next pair is loaded in its place and meets the lower ones. On
/// dual-issue cores the previous step's outputs are requantised meanwhile.
class ChannelWriter {
 public:
  ChannelWriter(const DepthwisePlane& plane, const target::Target& target)
      : plane_(plane), rules_(target.pipeline), slots_(target, kSlotCount), pipelined_(rules_.dual_issue()) {
    outputs_per_step_ = plane.stride_rows == 1 ? 2 : 1;
    steps_ = (plane.out_rows + outputs_per_step_ - 1) / outputs_per_step_;
    if (pipelined_) {
      pairs_ = {3, 4, 5};
      sums_ = {{{6, 7}, {8, 9}}};
    } else {
      kept_ = {3, 4};
      pairs_ = {5, 6, 7};
      sums_ = {{{8, 9}, {8, 9}}};
    }
  }

  void write(std::string& text, size_t& bytes) {
    const std::string name = plane_.name + "_channels";
    text += function_begin(name) + slots_.prologue();
    for (const auto& [slot, reg] : {std::pair{kWeights, 0}, {kColumnStart, 1}, {kOutputStart, 2}, {kColumns, 3}}) {
      out_.add(slots_.save(slot, reg));
    }
    out_.add(schedule::ldr(0, schedule::kSp, slots_.stack_arguments()));
    out_.add(slots_.save(kChannelsLeft, 0));
    out_.comment("next channel");
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
  static constexpr Reg kInput = 10, kOutput = 11, kMultiplierRegister = 12, kTemporary = schedule::kLr;

  /// The channel's constants, and the pointers at its first column.
  void begin_channel() {
    const int words = words_per_channel(plane_);
    Code code;
    code.push_back(slots_.load(kTemporary, kWeights));
    // Loads in a group; the upper weights and some lower ones stay where they are.
    constexpr std::array<Reg, 10> into = {0, 1, 2, 3, 4, 5, 6, kMultiplierRegister, 7, 8};
    for (int i = 0; i < words; ++i) code.push_back(schedule::ldr(into[static_cast<size_t>(i)], kTemporary, 4 * i));
    append(code, schedule::add_constant(kTemporary, kTemporary, 4 * words));
    code.push_back(slots_.save(kWeights, kTemporary));
    for (int i = kLower; i < words; ++i) {
      if (i != kChannelsLeft) code.push_back(slots_.save(i, into[static_cast<size_t>(i)]));
    }
    flush(code);
    code.push_back(slots_.load(kInput, kColumnStart));
    code.push_back(slots_.load(kOutput, kOutputStart));
    code.push_back(slots_.load(kTemporary, kColumns));
    code.push_back(slots_.save(kColumnsLeft, kTemporary));
    flush(code);
  }

  /// The channels lie side by side.
  void next_channel() {
    Code code;
    code.push_back(slots_.load(0, kOutputStart));
    append(code, schedule::add_constant(0, 0, plane_.out_bytes));
    code.push_back(slots_.save(kOutputStart, 0));
    code.push_back(slots_.load(1, kColumnStart));
    append(code, schedule::add_constant(1, 1, 4));
    code.push_back(slots_.save(kColumnStart, 1));
    code.push_back(slots_.load(2, kChannelsLeft));
    code.push_back(schedule::subs(2, 1));
    code.push_back(slots_.save(kChannelsLeft, 2));
    flush(code);
    out_.branch_back("bne", 5);
  }

  int row_bytes() const { return plane_.out_row_step; }

  void column() {
    Code code;
    load_pairs(code);
    code.push_back(slots_.load(kTemporary, kBias));
    int step = 0;
    if (steps_ > kUnrolledSteps) {
      const int first = 2, rounds = (steps_ - first - 1) / kBlockSteps;
      for (; step < first; ++step) emit_step(step, code);
      flush(code);
      const Reg scratch = kTemporary;
      append(code, schedule::add_constant(scratch, kInput, 16 * kBlockSteps * rounds));
      code.push_back(slots_.save(kLimit, scratch));
      code.push_back(slots_.load(kTemporary, kBias));
      flush(code);
      out_.aligned_label(2);
      for (int i = 0; i < kBlockSteps; ++i) emit_step(step + i, code);
      flush(code);
      code.push_back(slots_.load(scratch, kLimit));
      code.push_back(schedule::compare(kInput, scratch));
      code.push_back(slots_.load(kTemporary, kBias));
      flush(code);
      out_.branch_back("bne", 2);
      step += rounds * kBlockSteps;
    }
    for (; step < steps_; ++step) emit_step(step, code);
    if (pipelined_) finish(steps_ - 1, code);
    flush(code);
  }

  void flush(Code& code) {
    out_.add(schedule::list_schedule(code, rules_, 60));
    code.clear();
  }

  void load_pairs(Code& code) {
    // The one that steps the pointer last: the next address would have to wait for it.
    for (int k = 2; k >= 0; --k) load_pair(k, k == 0, code);
  }
  void load_pair(int k, bool last, Code& code, bool stepped = false) {
    const Reg into = pairs_[static_cast<size_t>(k)];
    if (last) {
      code.push_back(schedule::ldr_post(into, kInput, 16));
    } else {
      code.push_back(schedule::ldr(into, kInput, k * column_bytes(plane_) - (stepped ? 16 : 0)));
    }
  }

  bool has_second(int step) const { return outputs_per_step_ == 2 && 2 * step + 1 < plane_.out_rows; }

  void upper(int step, int k, Code& code) {
    const auto& [a, b] = sums_[static_cast<size_t>(step % 2)];
    const Reg pair = pairs_[static_cast<size_t>(k)];
    code.push_back(schedule::smlad(a, pair, k, k == 0 ? kTemporary : a));
    if (outputs_per_step_ == 2) code.push_back(schedule::smla_halves("tb", b, pair, k, k == 0 ? kTemporary : b));
  }

  void lower(int step, int k, Reg weights, Code& code) {
    const auto& [a, b] = sums_[static_cast<size_t>(step % 2)];
    const Reg pair = pairs_[static_cast<size_t>(k)];
    code.push_back(schedule::smla_halves("bt", a, pair, weights, a));
    if (has_second(step)) code.push_back(schedule::smlad(b, pair, weights, b));
  }

  /// Accumulator to high word. Uses the temporary, which holds the addend afterwards if it may.
  void scale(Reg sum, bool addend_at_hand, Code& code) {
    const RequantForm& form = plane_.form;
    if (!addend_at_hand || form.sign_correction || form.shift_per_channel)
      code.push_back(slots_.load(kTemporary, kAddend));
    if (form.sign_correction) code.push_back(schedule::add_asr(kTemporary, kTemporary, sum, 31));
    if (form.pre_shift > 0) code.push_back(schedule::lsl(sum, sum, form.pre_shift));
    if (form.pre_shift < 0) code.push_back(schedule::asr(sum, sum, -form.pre_shift));
    code.push_back(schedule::smmla(sum, sum, kMultiplierRegister, kTemporary, form.rounding));
    if (!form.shift_per_channel) return;
    code.push_back(slots_.load(kTemporary, kShift));
    code.push_back(schedule::asr_by(sum, sum, kTemporary));
  }

  void saturate_sum(Reg sum, Code& code) {
    if (plane_.form.clamped_add != 0)
      code.push_back(schedule::mov_immediate(kTemporary, plane_.form.clamped_add & 0xFF));
    saturate(plane_.form, sum, kTemporary, plane_.out_bytes == 2, code);
  }

  void store(int step, Code& code) {
    const auto& [a, b] = sums_[static_cast<size_t>(step % 2)];
    const bool near = row_bytes() <= 4095;
    code.push_back(schedule::store(plane_.out_bytes, a, kOutput, 0));
    if (!has_second(step)) {
      if (outputs_per_step_ == 1) append(code, schedule::add_constant(kOutput, kOutput, row_bytes()));
      return;
    }
    if (!near) append(code, schedule::add_constant(kOutput, kOutput, row_bytes()));
    code.push_back(schedule::store(plane_.out_bytes, b, kOutput, near ? row_bytes() : 0));
    append(code, schedule::add_constant(kOutput, kOutput, near ? 2 * row_bytes() : row_bytes()));
  }

  void emit_step(int step, Code& code) { pipelined_ ? overlapped_step(step, code) : plain_step(step, code); }

  /// On entry the temporary holds the bias; on exit, too.
  void plain_step(int step, Code& code) {
    const auto& [a, b] = sums_[0];
    for (int k = 0; k < 3; ++k) upper(step, k, code);
    load_pairs(code);
    code.push_back(slots_.load(kTemporary, kLower + 2));
    for (int k = 0; k < 3; ++k) lower(step, k, k < 2 ? kept_[static_cast<size_t>(k)] : kTemporary, code);
    scale(a, false, code);
    if (has_second(step)) scale(b, true, code);
    saturate_sum(a, code);
    if (has_second(step)) saturate_sum(b, code);
    store(step, code);
    code.push_back(slots_.load(kTemporary, kBias));
  }

  void overlapped_step(int step, Code& code) {
    const bool previous = step > 0;
    const auto& [c, d] = sums_[static_cast<size_t>((step + 1) % 2)];
    upper(step, 0, code);
    load_pair(0, true, code);
    if (previous) scale(c, false, code);
    if (previous && has_second(step - 1)) scale(d, true, code);
    code.push_back(slots_.load(kTemporary, kLower));
    upper(step, 1, code);
    load_pair(1, false, code, true);
    upper(step, 2, code);
    load_pair(2, false, code, true);
    lower(step, 0, kTemporary, code);
    code.push_back(slots_.load(kTemporary, kLower + 1));
    lower(step, 1, kTemporary, code);
    if (previous) saturate_sum(c, code);
    if (previous && has_second(step - 1)) saturate_sum(d, code);
    code.push_back(slots_.load(kTemporary, kLower + 2));
    lower(step, 2, kTemporary, code);
    if (previous) store(step - 1, code);
    code.push_back(slots_.load(kTemporary, kBias));
  }

  void finish(int step, Code& code) {
    const auto& [a, b] = sums_[static_cast<size_t>(step % 2)];
    scale(a, false, code);
    if (has_second(step)) scale(b, true, code);
    saturate_sum(a, code);
    if (has_second(step)) saturate_sum(b, code);
    store(step, code);
  }

  /// The pairs of a column end where the next column begins; the outputs go back to the top.
  void next_column() {
    Code code;
    const int outputs_down = steps_ * outputs_per_step_ - (has_last_alone() ? outputs_per_step_ : 0);
    append(code, schedule::add_constant(kInput, kInput, (plane_.stride_columns - 1) * column_bytes(plane_)));
    append(code, schedule::add_constant(kOutput, kOutput, plane_.out_column_step - outputs_down * row_bytes()));
    code.push_back(slots_.load(kTemporary, kColumnsLeft));
    code.push_back(schedule::subs(kTemporary, 1));
    code.push_back(slots_.save(kColumnsLeft, kTemporary));
    flush(code);
    out_.branch_back("bne", 1);
  }

  /// Whether the last step stores one output of two, and then leaves the pointer there.
  bool has_last_alone() const { return outputs_per_step_ == 2 && !has_second(steps_ - 1); }

  const DepthwisePlane& plane_;
  const schedule::Rules rules_;
  Slots slots_;
  const bool pipelined_;
  Listing out_;
  int outputs_per_step_, steps_;
  std::vector<Reg> kept_;                    // lower weights that have a register
  std::array<Reg, 3> pairs_{};               // the pair of rows at hand, per column
  std::array<std::pair<Reg, Reg>, 2> sums_;  // by parity of the step
};

}  // namespace

void write_kept_weights(const DepthwisePlane& plane, const target::Target& target, std::string& text, size_t& bytes) {
  ChannelWriter(plane, target).write(text, bytes);
}

}  // namespace mote::kernels::micro
