// How fast a CPU is: the tables that the instruction scheduler, the static cycle estimate and the virtual board share.
// Loaded from targets/pipelines/NAME.toml. The automata that read them are in schedule/pipeline_*.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mote::target {

/// Who made a value. With the operand that takes it, it gives the cycles from the maker's issue to the taker's
/// earliest.
enum class Producer : uint8_t {
  kNone,      // long ago
  kAlu,       // add, logic, extend, bitfield, pack, parallel add
  kEarlyAlu,  // an add or a shift done in the early stage because its sources were ready early
  kReverse,   // rev, rbit
  kSaturate,  // ssat, qadd and the like
  kMultiply,  // every multiply and multiply-accumulate
  kLoadWord,
  kLoadNarrow,  // bytes and halfwords
  kWriteback,   // the base register of a load or store
  kDivide,
  kFpAdd,      // vadd, vmul, conversions, divide
  kFpFused,    // vfma
  kFpChained,  // vmla
  kFpLoad,
  kFpToCore,
  kCoreToFp,
  kCount
};

/// What an instruction needs a register for.
enum class Operand : uint8_t {
  kAlu,
  kShifted,  // goes through the shifter (or the bitfield unit) first
  kAddress,
  kMultiply,
  kAccumulate,
  kStore,
  kFpAdd,
  kFpMultiply,
  kFpAccumulate,
  kFpStore,
  kFpMove,
  kCount
};

/// The parts of the core an instruction occupies, as bits of a mask: what may not issue together is said with them.
enum Unit : uint32_t {
  kUnitLoad = 1u << 0,
  kUnitStore = 1u << 1,
  kUnitMac = 1u << 2,
  kUnitDsp = 1u << 3,          // DSP and bitfield instructions
  kUnitInlineShift = 1u << 4,  // an operand shifted on the way, or a shifted constant
  kUnitShift = 1u << 5,        // plain shifts
  kUnitBitfield = 1u << 6,     // those DSP instructions that use the early shifter
  kUnitFpu = 1u << 7,
  kUnitBranch = 1u << 8,
  kUnitAlone = 1u << 9,  // issues alone
  kUnitAny = 1u << 31,   // in rules only: every instruction
};

/// Instructions that take other than one issue cycle.
enum class Timing : uint8_t {
  kPlain,
  kTableBranch,
  kMultiple,  // ldm, stm, push, pop: fixed + registers / registers_per_cycle
  kDouble,    // ldrd, strd
  kStoreExclusive,
  kDivide,
  kSystem,  // mrs, msr, barriers, svc
  kFpMemory,
  kFpMovePair,
  kFpFused,
  kFpFusedDouble,
  kFpMultiplyDouble,
  kFpDivide,
  kFpDivideDouble,
  kFpSqrt,
  kCount
};

inline constexpr size_t kProducers = static_cast<size_t>(Producer::kCount);
inline constexpr size_t kOperands = static_cast<size_t>(Operand::kCount);
inline constexpr size_t kTimings = static_cast<size_t>(Timing::kCount);

/// As in pipeline files: "early_alu", "fp_multiply", "table_branch".
std::string_view name_of(Producer producer);
std::string_view name_of(Operand operand);
std::string_view name_of(Timing timing);

struct Pipeline {
  /// An older instruction with a unit of `older` never issues in one cycle with a younger one with a unit of `younger`.
  struct Conflict {
    uint32_t older = 0, younger = 0;
  };

  std::string name;
  int slots = 1;  // instructions issued per cycle: 1 or 2

  std::array<uint8_t, kTimings> cycles = {};  // issue cycles of each kind of instruction; kMultiple: the fixed part
  int registers_per_cycle = 1;                // of load and store multiple

  // Two slots.
  std::array<std::array<uint8_t, kOperands>, kProducers> latency = {};  // cycles; 0: the two may issue together
  std::vector<Conflict> conflicts;
  int fetch_bytes = 8,
      fetch_depth = 4;     // one aligned group of fetch_bytes a cycle, running ahead by at most fetch_depth
  int bank_bytes = 0;      // two loads of one bank (address / bank_bytes even or odd) conflict; 0: no banks
  int mispredict = 0;      // cycles lost
  int unaligned_load = 0;  // cycles more

  // One slot.
  int load_result = 0;       // cycles a load takes more unless the next instruction hides them
  int address_after = 0;     // more, when the previous instruction made the address
  int load_after_store = 0;  // more
  int store_indexed = 1;     // cycles of a store with a register offset
  int fp_result = 0;         // more, when the previous floating-point instruction made an operand
  int taken_direct = 0, taken_indirect = 0, taken_load = 0;  // more, for a taken branch; taken_load: by ldr pc
  int taken_to_split = 0;   // more, when a 32-bit instruction that lies in two words is branched to
  int unaligned_piece = 0;  // cycles more for each aligned piece but the first that an unaligned load breaks into
  int it_after_wide = 0;    // cycles of IT after a 32-bit instruction (0 after a 16-bit one)
};

/// Throws InputError naming the file and the line.
Pipeline load_pipeline(const std::string& name);
/// The same from text; `file` is for messages.
Pipeline parse_pipeline(std::string_view text, const std::string& file);

}  // namespace mote::target
