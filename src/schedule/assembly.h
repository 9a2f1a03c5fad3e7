// Thumb-2 instructions as the schedulers see them: the text to emit, what is read and in which role, what is written,
// and the kind the pipeline tables go by. Made by the builders below, one for each instruction the generators use, so
// that text and meaning cannot drift apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mote::schedule {

/// Core registers are 0..14 (13 = sp, 14 = lr), 16 the flags, and kFpu + n the single-precision register n.
using Reg = int;
inline constexpr Reg kSp = 13, kLr = 14, kFlags = 16, kFpu = 32;

/// "r3", "sp", "lr", "s7".
std::string register_name(Reg reg);

enum class Kind : uint8_t {
  kAlu,         // add, sub, mov, cmp ...
  kAluShifted,  // with an inline shift
  kShift,       // lsl, asr of a register
  kExtend,      // sxtb16, sadd16 and the like
  kPack,        // pkhbt, pkhtb, bfi
  kSaturate,    // ssat, usat, qadd8
  kMultiply,    // every multiply and multiply-accumulate
  kLoad,        // ldr
  kLoadNarrow,  // ldrb, ldrsb, ldrh, ldrsh
  kStore,       // str, strb, strh
  kMoveToCore,  // vmov r, s
  kMoveToFpu,   // vmov s, r
  kBranch,
  kFpAdd,            // vadd, vmaxnm, vminnm
  kFpMultiply,       // vmul
  kFpFused,          // vfma
  kFpLoad,           // vldr
  kFpLoadMultiple,   // vldm
  kFpStoreMultiple,  // vstm
};
inline constexpr size_t kKinds = static_cast<size_t>(Kind::kFpStoreMultiple) + 1;

/// What an operand is used as.
enum class Role : uint8_t {
  kAlu,
  kShifted,
  kAddress,
  kMultiply,
  kAccumulate,
  kStoreData,
  kFpAdd,
  kFpMultiply,
  kFpAccumulate,
  kFpStoreData,
};

struct Use {
  Reg reg;
  Role role;
};

struct Instruction {
  std::string text;
  Kind kind = Kind::kAlu;
  std::vector<Use> reads = {};
  std::vector<Reg> writes = {};
  Reg writeback = -1;  // the base register a load or store updates, or -1
  int bytes = 4;
};

// Multiply-accumulate: acc + the two 16-bit products.
Instruction smlad(Reg d, Reg n, Reg m, Reg acc);
/// Without an accumulator.
Instruction smuad(Reg d, Reg n, Reg m);
/// smlabb, smlabt, smlatb, smlatt: `halves` is "bb", "bt", "tb" or "tt".
Instruction smla_halves(const std::string& halves, Reg d, Reg n, Reg m, Reg acc);
Instruction smmla(Reg d, Reg n, Reg m, Reg acc, bool rounding);
/// acc + (n * half of m >> 16): `half` is 'b' or 't'.
Instruction smlaw(char half, Reg d, Reg n, Reg m, Reg acc);
Instruction mla(Reg d, Reg n, Reg m, Reg acc);

/// Byte `byte` of m.
Instruction sxtb(Reg d, Reg m, int byte = 0);
Instruction sxtb16(Reg d, Reg m, bool rotate8);
/// n + the bytes 0 and 2 of m (1 and 3 when rotated), by halves.
Instruction sxtab16(Reg d, Reg n, Reg m, bool rotate8);
/// "sadd16" or "ssub16".
Instruction add_halves(const std::string& op, Reg d, Reg n, Reg m);
Instruction pkhbt(Reg d, Reg n, Reg m);  // low half of n, low half of m above it
Instruction pkhtb(Reg d, Reg n, Reg m);  // high half of n, high half of m below it
Instruction ssat(Reg d, int bits, Reg n, int asr);
Instruction usat(Reg d, int bits, Reg n, int asr);
Instruction qadd8(Reg d, Reg n, Reg m);

Instruction add(Reg d, Reg n, Reg m);
Instruction add_asr(Reg d, Reg n, Reg m, int asr);
Instruction sub(Reg d, Reg n, Reg m);
/// d = n + value; |value| <= 4095.
Instruction add_immediate(Reg d, Reg n, int32_t value);
Instruction mov(Reg d, Reg m);
/// 0..65535
Instruction mov_immediate(Reg d, int32_t value);
/// Sets the upper half of d.
Instruction mov_top(Reg d, int32_t value);
Instruction lsl(Reg d, Reg n, int amount);
Instruction asr(Reg d, Reg n, int amount);
Instruction asr_by(Reg d, Reg n, Reg amount);
Instruction compare(Reg n, Reg m);
/// n -= value where the flags say equal: an IT block, kept together.
Instruction subtract_if_equal(Reg n, int32_t value);
/// n -= value, setting the flags.
Instruction subs(Reg n, int32_t value);

/// [base, #offset], -255 <= offset <= 4095.
Instruction ldr(Reg d, Reg base, int32_t offset);
/// [base], then base += step, |step| <= 255.
Instruction ldr_post(Reg d, Reg base, int32_t step);
/// ldrsb, then base += step.
Instruction load_signed_byte_post(Reg d, Reg base, int32_t step);
/// `width` bytes: 4, 2 or 1.
Instruction store(int width, Reg d, Reg base, int32_t offset);
Instruction store_post(int width, Reg d, Reg base, int32_t step);
Instruction vmov_to_core(Reg d, int s);
Instruction vmov_to_fpu(int s, Reg n);

// Single-precision registers, all of them: s0 is kFpu.
Instruction vadd(Reg d, Reg n, Reg m);
Instruction vmul(Reg d, Reg n, Reg m);
/// d += n * m, rounded once.
Instruction vfma(Reg d, Reg n, Reg m);
/// "vmaxnm" or "vminnm".
Instruction vselect(const std::string& op, Reg d, Reg n, Reg m);
/// [base, #offset], a multiple of 4 of at most kFpReach either way.
inline constexpr int32_t kFpReach = 1020;
Instruction vldr(Reg d, Reg base, int32_t offset);
/// `count` registers from `first` on, at [base]; `writeback`: base steps past them.
Instruction vldm(Reg base, bool writeback, Reg first, int count);
Instruction vstm(Reg base, bool writeback, Reg first, int count);

/// As few additions as make d = n + value, any value; at most three. `d` may equal `n`.
std::vector<Instruction> add_constant(Reg d, Reg n, int32_t value);

/// Indented lines of text.
std::string text_of(const std::vector<Instruction>& code);
int bytes_of(const std::vector<Instruction>& code);

}  // namespace mote::schedule
