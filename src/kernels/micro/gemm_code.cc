#include "kernels/micro/gemm_code.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/micro/gemm_steps.h"
#include "schedule/list.h"
#include "support/error.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;

enum Slot { kWeights, kOut, kActivations, kWeightsEnd, kGroups, kLastTile, kInnerLimit, kOuterLimit, kSlotCount };

constexpr int kStepsHeld = 2;

int width_of(GemmOutput output) {
  return output == GemmOutput::kInt8 ? 1 : output == GemmOutput::kInt16 ? 2 : 4;
}

class GemmWriter {
 public:
  GemmWriter(const GemmSpec& spec, const target::Target& target)
      : spec_(spec), rules_(target.pipeline, spec.load_latency), steps_(spec, target), slots_(target, kSlotCount) {}

  GemmAssembly write() {
    out_text_ = function_begin(spec_.name);
    begin();
    out_.comment("next group of positions");
    out_.label(1);
    out_.add(slots_.load(steps_.registers().weights, kWeights));
    out_.add(slots_.load(steps_.registers().activations, kActivations));
    Code head;
    steps_.head(head);
    out_.add(schedule::list_schedule(head, rules_));
    out_.comment(fmt::format("next tile of {} channels by {} positions", spec_.tile_channels, spec_.tile_positions));
    out_.aligned_label(2);
    depth();
    out_.comment("requantise, store, and begin the next tile");
    epilogue();
    if (tiles_of(spec_) > 1) out_.branch_back("bne", 2);
    next_group();
    return {out_text_ + out_.text() + slots_.epilogue() + function_end(spec_.name), out_.bytes() + 12};
  }

 private:
  void begin() {
    out_text_ += slots_.prologue();
    const int tile_bytes = 4 * words_per_tile(spec_);
    for (const auto& [slot, reg] : {std::pair{kWeights, 0}, {kActivations, 1}, {kOut, 2}, {kGroups, 3}})
      out_.add(slots_.save(slot, reg));
    out_.add(schedule::add_constant(3, 0, tile_bytes * (tiles_of(spec_) - 1)));
    out_.add(slots_.save(kLastTile, 3));
    out_.add(schedule::add_constant(3, 0, tile_bytes * tiles_of(spec_)));
    out_.add(slots_.save(kWeightsEnd, 3));
  }

  /// The next `count` steps. The last ones are held back: they are scheduled with what follows.
  void straight(int count) {
    release();
    const int kept = rules_.dual_issue() ? std::min(count, kStepsHeld) : 0;
    Code code;
    steps_.steps(step_, step_ + count - kept, code);
    out_.add(code);
    steps_.steps(step_ + count - kept, step_ + count, held_);
    step_ += count;
  }

  void release() {
    out_.add(held_);
    held_.clear();
  }

  /// Opens a loop of `times` rounds, in each of which the activations' pointer moves by `distance`.
  void open_loop(int label, Slot limit, int times, int64_t distance) {
    release();
    const Reg scratch = *steps_.free_register();
    out_.add(schedule::add_constant(scratch, steps_.activations().reg(), static_cast<int32_t>(times * distance)));
    out_.add(slots_.save(limit, scratch));
    out_.aligned_label(label);
  }

  void close_loop(int label, Slot limit) {
    release();
    const Reg scratch = *steps_.free_register();
    out_.add(slots_.load(scratch, limit));
    out_.add(schedule::compare(steps_.activations().reg(), scratch));
    out_.branch_back("bne", label);
  }

  /// The next `count` steps, all of one segment, as a loop and a rest when they are more than `most`.
  void steps_of_segment(int count, int most) {
    const int unroll = steps_.unroll(), least_rest = std::max(1, steps_.lookahead());
    const int lead = (unroll - step_ % unroll) % unroll;
    for (int times = 2; count > most && times <= count; ++times) {
      const int block = (count - lead - least_rest) / times / unroll * unroll;
      if (block < unroll) break;
      if (lead + block + (count - lead - times * block) > most && block > 4 * unroll) continue;
      straight(lead);
      const int64_t distance = int64_t{block} * spec_.pair_step;
      open_loop(4, kInnerLimit, times, distance);
      const int64_t before = steps_.activations().at();
      straight(block);
      check(steps_.activations().at() - before == distance, "a loop's rounds are not alike");
      close_loop(4, kInnerLimit);
      steps_.repeated(block, times - 1, distance);
      step_ += block * (times - 1);
      straight(count - lead - times * block);
      return;
    }
    straight(count);
  }

  /// All steps of a tile, within the budget of code.
  void depth() {
    step_ = 0;
    const int total = steps_.total_steps(), pairs = spec_.segment_pairs, segments = spec_.segments;
    const int most = std::max(4, spec_.code_budget / steps_.bytes_per_step());
    const int first = steps_.unroll();  // steps before any loop: the first one takes up the bias
    if (total <= most || !steps_.free_register() || pairs - first <= steps_.lookahead()) return straight(total);
    straight(first);
    if (segments == 1) return steps_of_segment(total - first, most - first);
    if (segments == 2 || pairs % steps_.unroll() != 0) {
      for (int segment = 0; segment < segments; ++segment) {
        if (segment > 0) straight(first);  // moves the pointer to the next segment
        steps_of_segment(pairs - first, std::max(4, most / segments));
      }
      return;
    }
    // The loop goes round between the first steps of two segments, so that its end already loads from the next one.
    const int inner = std::max(4, (most - 2 * first) / 2);
    open_loop(3, kOuterLimit, segments - 1, spec_.segment_step);
    const int64_t before = steps_.activations().at();
    steps_of_segment(pairs - first, inner);
    straight(first);
    check(steps_.activations().at() - before == spec_.segment_step, "a loop's rounds are not alike");
    close_loop(3, kOuterLimit);
    steps_.repeated(pairs, segments - 2, spec_.segment_step);
    step_ += pairs * (segments - 2);
    steps_of_segment(pairs - first, inner);
  }

  struct Output {
    int i, j;
    int64_t offset;
  };

  /// The outputs in the order they are stored: the one at the pointer last, so that its store can step the pointer.
  std::vector<Output> outputs() const {
    std::vector<Output> order;
    for (int j = 0; j < spec_.tile_positions; ++j) {
      for (int i = 0; i < spec_.tile_channels; ++i) {
        order.push_back({i, j, int64_t{i} * spec_.out_channel_step + int64_t{j} * spec_.out_position_step});
      }
    }
    std::sort(order.begin(), order.end(), [](const Output& a, const Output& b) { return a.offset < b.offset; });
    if (order.back().offset <= 4095) std::rotate(order.begin(), order.begin() + 1, order.end());
    return order;
  }

  void epilogue() {
    const GemmRegisters& registers = steps_.registers();
    const bool requantised = spec_.output != GemmOutput::kInt32, more = tiles_of(spec_) > 1;
    std::vector<Reg> spare = registers.temporaries;
    // The activations' pointer only where nothing else is left: it is needed for the next tile.
    const int wanted = spec_.tile_channels * spec_.form.words_per_channel() + (spec_.form.sign_correction ? 2 : 0);
    if (static_cast<int>(spare.size()) < wanted) spare.push_back(registers.activations);
    Code code = std::move(held_);
    held_.clear();
    Reg out_register = spare[0], scratch = spare[1];
    if (spec_.summed != SummedWeights::kNo) separate_sums(code);
    if (requantised) {
      const ConstantPool pool(spec_.form, spec_.tile_channels, spare);
      scale_accumulators(spec_.form, registers.acc, spec_.summed == SummedWeights::kYes, pool, steps_.weights(),
                         steps_.weights().at(), code);
      out_register = pool.output();
      scratch = pool.clamp();
      if (spec_.form.clamped_add != 0) code.push_back(schedule::mov_immediate(scratch, spec_.form.clamped_add & 0xFF));
    }
    store_outputs(out_register, scratch, requantised, code);
    if (more) {
      const Reg limit = registers.activations;
      code.push_back(slots_.load(limit, kWeightsEnd));
      code.push_back(schedule::compare(registers.weights, limit));
      code.push_back(slots_.load(registers.activations, kActivations));
      steps_.head(code);
    }
    out_.add(schedule::list_schedule(code, rules_));
  }

  /// Takes the even channels' sums out of the odd ones', which are 256 times theirs then.
  void separate_sums(Code& code) {
    const Accumulators& acc = steps_.registers().acc;
    for (size_t i = 1; i < acc.size(); i += 2) {
      for (size_t j = 0; j < acc[i].size(); ++j) {
        code.push_back(schedule::sub(acc[i][j], acc[i][j], acc[i - 1][j]));
        if (spec_.output == GemmOutput::kInt32) code.push_back(schedule::asr(acc[i][j], acc[i][j], 8));
      }
    }
  }

  /// The form's last steps for one channel of the tile.
  RequantForm form_of(int channel) const {
    RequantForm form = spec_.form;
    if (spec_.summed == SummedWeights::kFolded && channel % 2 == 1) form.shift += 8;
    return form;
  }

  void store_outputs(Reg out_register, Reg scratch, bool requantised, Code& code) {
    const GemmRegisters& registers = steps_.registers();
    const int width = width_of(spec_.output);
    const int64_t advance = int64_t{spec_.tile_channels} * spec_.out_channel_step;
    code.push_back(slots_.load(out_register, kOut));
    Walker out(out_register);
    for (const Output& output : outputs()) {
      const Reg acc = registers.acc[static_cast<size_t>(output.i)][static_cast<size_t>(output.j)];
      if (requantised) saturate(form_of(output.i), acc, scratch, width == 2, code);
      out.store(width, acc, output.offset, output.offset == 0 ? static_cast<int>(advance) : 0, code);
    }
    out.move_to(advance, code);
    const int twice = tiles_of(spec_) * spec_.tile_channels - spec_.channels;
    if (twice > 0) {  // the last tile moves back to end at the last channel
      code.push_back(slots_.load(scratch, kLastTile));
      code.push_back(schedule::compare(registers.weights, scratch));
      code.push_back(schedule::subtract_if_equal(out_register, twice * spec_.out_channel_step));
    }
    code.push_back(slots_.save(kOut, out_register));
  }

  void next_group() {
    const auto advance = [&](Slot slot, int64_t by) {
      if (by == 0) return;
      out_.add(slots_.load(0, slot));
      out_.add(schedule::add_constant(0, 0, static_cast<int32_t>(by)));
      out_.add(slots_.save(slot, 0));
    };
    // After one tile, or after the last of several that needed no moving back, the pointer is past all channels.
    advance(kOut, spec_.out_group_step - int64_t{spec_.channels} * spec_.out_channel_step);
    advance(kActivations, spec_.group_step);
    if (spec_.weights_per_group) {
      const int64_t stream = int64_t{4} * words_per_tile(spec_) * tiles_of(spec_);
      for (const Slot slot : {kWeights, kLastTile, kWeightsEnd}) advance(slot, stream);
    }
    out_.add(slots_.load(0, kGroups));
    out_.add(schedule::subs(0, 1));
    out_.add(slots_.save(kGroups, 0));
    out_.branch_back("bne", 1);
  }

  const GemmSpec& spec_;
  const schedule::Rules rules_;
  GemmSteps steps_;
  Slots slots_;
  Listing out_;
  std::string out_text_;
  int step_ = 0;
  Code held_;  // steps that are generated and not yet written
};

}  // namespace

GemmSpec normalised(GemmSpec spec) {
  while (spec.tile_channels > spec.channels) spec.tile_channels -= spec.tile_channels > 2 ? 2 : 1;
  if (spec.tile_channels == 1) spec.wide_weights = true;
  if (spec.wide_weights) spec.summed = SummedWeights::kNo;
  if (spec.segment_step == spec.segment_pairs * spec.pair_step) {
    spec.segment_pairs *= spec.segments;
    spec.segments = 1;
  }
  if (spec.segments == 1) spec.segment_step = spec.segment_pairs * spec.pair_step;
  return spec;
}

int tiles_of(const GemmSpec& spec) {
  return (spec.channels + spec.tile_channels - 1) / spec.tile_channels;
}

int first_channel(const GemmSpec& spec, int tile) {
  return std::min(tile * spec.tile_channels, spec.channels - spec.tile_channels);
}

int words_per_tile(const GemmSpec& spec) {
  const int biases = spec.has_bias ? spec.tile_channels : 0;
  const int constants = spec.output == GemmOutput::kInt32 ? 0 : spec.tile_channels * spec.form.words_per_channel();
  return biases + words_per_step(spec) * spec.segments * spec.segment_pairs + constants;
}

GemmAssembly gemm_assembly(const GemmSpec& spec, const target::Target& target) {
  return GemmWriter(spec, target).write();
}

}  // namespace mote::kernels::micro
