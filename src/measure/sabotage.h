// Candidates that go wrong on purpose: real kernels whose machine code hangs, jumps to nowhere or stores to a bad
// address. What tests and benchmarks prove by them is that tuning survives such candidates on any connection.
#pragma once

#include <optional>
#include <string>

#include "measure/candidate.h"

namespace mote::measure {

enum class Sabotage : uint8_t { kHang, kJumpToNowhere, kBadStore };
inline constexpr int kSabotages = 3;

/// "hangs", "jumps to nowhere", "stores to a bad address".
std::string_view name_of(Sabotage kind);

/// Which configs are spoiled, and how: one in `one_in` of them, decided by nothing but the config and the seed.
std::optional<Sabotage> sabotage_of(const space::Config& config, uint64_t one_in, uint64_t seed);

/// The candidate's C, with the deed at the beginning of its function.
std::string sabotaged(std::string source, Sabotage kind);

/// sabotage_of() and sabotaged() as what DeviceMeasurer applies to every candidate.
EditSource saboteur(uint64_t one_in, uint64_t seed);

/// What must be recorded of such a candidate.
records::Status status_after(Sabotage kind);

}  // namespace mote::measure
