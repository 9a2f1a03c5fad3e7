#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/micro/depthwise_code.h"
#include "schedule/list.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;

constexpr Reg kRow = 0, kColumn = 1;
enum Slot { kBase, kZeroPoints, kColumns, kCount, kSlotCount };

/// Six registers for one pair; two sets alternate so that pairs overlap.
using Registers = std::array<Reg, 6>;
constexpr std::array<Registers, 2> kSets = {{{2, 3, 4, 5, 6, 7}, {8, 9, 10, 11, 12, schedule::kLr}}};

class UnpackWriter {
 public:
  UnpackWriter(const DepthwisePlane& plane, const target::Target& target)
      : plane_(plane), rules_(target.pipeline), slots_(target, kSlotCount) {}

  void write(std::string& text, size_t& bytes) {
    const std::string name = plane_.name + "_unpack";
    text += function_begin(name) + slots_.prologue();
    out_.add(slots_.save(kBase, 0));
    out_.add(slots_.save(kZeroPoints, 2));
    out_.add(slots_.save(kColumns, 3));
    out_.comment("next column");
    out_.aligned_label(1);
    out_.add(slots_.load(kRow, kBase));
    column();
    out_.add(schedule::add_constant(kColumn, kColumn, column_bytes(plane_)));
    out_.add(slots_.load(2, kBase));
    out_.add(schedule::add_constant(2, 2, plane_.column_step));
    out_.add(slots_.save(kBase, 2));
    out_.add(slots_.load(3, kColumns));
    out_.add(schedule::subs(3, 1));
    out_.add(slots_.save(kColumns, 3));
    out_.branch_back("bne", 1);
    text += out_.text() + slots_.epilogue() + function_end(name);
    bytes += out_.bytes() + 12;
  }

 private:
  int row_bytes() const { return plane_.row_step; }

  void column() {
    constexpr int kUnrolled = 12, kBlock = 4;  // pairs
    const ColumnRows rows = rows_of(plane_);
    Code code;
    for (int i = 0; i < rows.pad_pairs; ++i) pair(false, false, code);
    if (rows.half_lead) pair(false, true, code);
    int left = rows.full_pairs;
    if (left > kUnrolled) {
      // A loop moves the column's pointer; the rest of the column counts from where it ends.
      flush(code);
      append(code, schedule::add_constant(kColumn, kColumn, 16 * pair_));
      const int looped = left / kBlock * kBlock, first = pair_;
      code.push_back(schedule::mov_immediate(2, looped / kBlock));
      code.push_back(slots_.save(kCount, 2));
      flush(code);
      out_.aligned_label(2);
      pair_ = 0;
      for (int i = 0; i < kBlock; ++i) pair(true, true, code);
      append(code, schedule::add_constant(kColumn, kColumn, 16 * kBlock));
      flush(code);
      code.push_back(slots_.load(2, kCount));
      code.push_back(schedule::subs(2, 1));
      code.push_back(slots_.save(kCount, 2));
      flush(code);
      out_.branch_back("bne", 2);
      append(code, schedule::add_constant(kColumn, kColumn, -16 * (first + looped)));
      pair_ = first + looped;
      left -= looped;
    }
    for (; left > 0; --left) pair(true, true, code);
    if (rows.half_tail) pair(true, false, code);
    for (int i = 0; i < rows.tail_pairs; ++i) pair(false, false, code);
    flush(code);
  }

  void flush(Code& code) {
    out_.add(schedule::list_schedule(code, rules_, 20));
    code.clear();
  }

  /// Four channels of one row as two words of halves: channels 0 and 2, channels 1 and 3.
  void row(Reg even, Reg odd, Code& code) {
    code.push_back(schedule::ldr(odd, kRow, 0));
    append(code, schedule::add_constant(kRow, kRow, row_bytes()));
    code.push_back(schedule::sxtb16(even, odd, false));
    code.push_back(schedule::sxtb16(odd, odd, true));
  }

  /// One pair of rows, each of the image or of padding.
  void pair(bool low_in_image, bool high_in_image, Code& code) {
    const Registers& r = kSets[static_cast<size_t>(pair_ % 2)];
    std::array<Reg, 2> low{r[0], r[1]}, high{r[2], r[3]};
    if (!low_in_image || !high_in_image) {
      code.push_back(slots_.load(r[4], kZeroPoints));
      (low_in_image ? high : low) = {r[4], r[4]};
    }
    if (!low_in_image && !high_in_image) {
      for (int q = 0; q < 4; ++q) code.push_back(schedule::store(4, r[4], kColumn, 16 * pair_ + 4 * q));
      ++pair_;
      return;
    }
    if (low_in_image && high_in_image && row_bytes() <= 4095) {
      // Both loads together, the pointer once.
      code.push_back(schedule::ldr(r[1], kRow, 0));
      code.push_back(schedule::ldr(r[3], kRow, row_bytes()));
      append(code, schedule::add_constant(kRow, kRow, 2 * row_bytes()));
      for (const int i : {0, 2}) {
        code.push_back(schedule::sxtb16(r[static_cast<size_t>(i)], r[static_cast<size_t>(i + 1)], false));
        code.push_back(schedule::sxtb16(r[static_cast<size_t>(i + 1)], r[static_cast<size_t>(i + 1)], true));
      }
    } else {
      if (low_in_image) row(low[0], low[1], code);
      if (high_in_image) row(high[0], high[1], code);
    }
    const std::array<Reg, 2> packed{r[5], low_in_image && high_in_image ? r[4] : low_in_image ? r[2] : r[0]};
    for (size_t i = 0; i < 2; ++i) {
      code.push_back(schedule::pkhbt(packed[i], low[i], high[i]));
      code.push_back(schedule::store(4, packed[i], kColumn, 16 * pair_ + 4 * static_cast<int>(i)));
    }
    for (size_t i = 0; i < 2; ++i) {
      const Reg into = low_in_image ? low[i] : high[i];
      code.push_back(schedule::pkhtb(into, high[i], low[i]));
      code.push_back(schedule::store(4, into, kColumn, 16 * pair_ + 8 + 4 * static_cast<int>(i)));
    }
    ++pair_;
  }

  const DepthwisePlane& plane_;
  const schedule::Rules rules_;
  Slots slots_;
  Listing out_;
  int pair_ = 0;  // of the column, relative to the pointer
};

}  // namespace

void write_unpack(const DepthwisePlane& plane, const target::Target& target, std::string& text, size_t& bytes) {
  UnpackWriter(plane, target).write(text, bytes);
}

}  // namespace mote::kernels::micro
