// What the generators of assembly share: the code being written, values kept outside the core registers, and pointers
// that walk through a stream while addresses are asked for in any order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schedule/assembly.h"
#include "target/target.h"

namespace mote::kernels::micro {

using Code = std::vector<schedule::Instruction>;

inline void append(Code& code, const Code& more) {
  code.insert(code.end(), more.begin(), more.end());
}

/// A text of assembly with the size of its instructions.
class Listing {
 public:
  void line(const std::string& text) { text_ += text + "\n"; }
  void comment(const std::string& text) { text_ += "  @ " + text + "\n"; }
  void label(int number) { text_ += std::to_string(number) + ":\n"; }
  /// A jump target the fetch unit likes.
  void aligned_label(int number) {
    text_ += "  .balign 8\n";
    bytes_ += 4;
    label(number);
  }
  void add(const schedule::Instruction& instruction) {
    text_ += "  " + instruction.text + "\n";
    bytes_ += instruction.bytes;
  }
  void add(const Code& code) {
    for (const schedule::Instruction& instruction : code) add(instruction);
  }
  /// "bne", "b" ... backwards to a numbered label.
  void branch_back(const std::string& mnemonic, int label) {
    text_ += "  " + mnemonic + " " + std::to_string(label) + "b\n";
    bytes_ += 4;
  }
  const std::string& text() const { return text_; }
  size_t bytes() const { return static_cast<size_t>(bytes_); }

 private:
  std::string text_;
  int bytes_ = 0;
};

/// The lines around a function's body: section, alignment, symbol.
std::string function_begin(const std::string& name);
std::string function_end(const std::string& name);

/// Values that find no core register: in FPU registers s0..s15, which a callee need not preserve, or on the stack where
/// there is no FPU.
class Slots {
 public:
  Slots(const target::Target& target, int count);
  schedule::Instruction load(schedule::Reg reg, int slot) const;
  schedule::Instruction save(int slot, schedule::Reg reg) const;
  /// "push {r4-r11, lr}" and room for the slots, keeping the stack 8-byte aligned; and back, returning.
  std::string prologue() const;
  std::string epilogue() const;
  /// sp-relative offset of the function's stack arguments after the prologue.
  int stack_arguments() const { return 36 + bytes_; }

 private:
  bool fpu_;
  int bytes_;  // of stack for slots and alignment
};

/// A pointer register that walks through memory. Addresses are displacements in bytes from where the pointer stood at
/// the start.
class Walker {
 public:
  explicit Walker(schedule::Reg reg) : reg_(reg) {}
  schedule::Reg reg() const { return reg_; }
  int64_t at() const { return at_; }
  /// Moves the pointer to `displacement`.
  void move_to(int64_t displacement, Code& code);
  /// Loads the word at `displacement`; if the pointer stands there, it steps on by `step` for free (0: it stays).
  void load(schedule::Reg into, int64_t displacement, int step, Code& code);
  /// Stores `width` bytes, likewise.
  void store(int width, schedule::Reg from, int64_t displacement, int step, Code& code);
  /// Notes that the pointer moved otherwise: by a loop's other iterations.
  void moved(int64_t by) { at_ += by; }

 private:
  bool reaches(int64_t displacement) const { return displacement - at_ >= -255 && displacement - at_ <= 4095; }

  schedule::Reg reg_;
  int64_t at_ = 0;
};

}  // namespace mote::kernels::micro
