// What became of one trial: the measured costs, or the kind of failure. An ordinary value, kept in the records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mote::records {

enum class Status : uint8_t {
  kOk,
  kIllegal,      // the template refused the config
  kBuild,        // the compiler failed
  kTooLarge,     // code or data do not fit the board's memory
  kLoad,         // the module could not be placed or loaded
  kFault,        // the board faulted
  kTimeout,      // it did not end in time
  kWrongResult,  // output differs from the reference
  kConnection,   // the board could not be reached
};

inline constexpr int kStatusCount = 9;

/// "ok", "illegal", "build", "too large", "load", "fault", "timeout", "wrong result", "connection".
std::string_view name_of(Status status);
/// The status of that name; nothing when there is none.
std::optional<Status> status_named(std::string_view name);

struct Outcome {
  Status status = Status::kOk;
  uint64_t cycles = 0;               // the least measured, when kOk
  std::vector<uint64_t> all_cycles;  // of each repeat
  uint32_t flash_bytes = 0;          // code and constants of the kernel
  uint32_t ram_bytes = 0;            // scratch
  std::string error;                 // for people, when not kOk
  double build_seconds = 0, load_seconds = 0, run_seconds = 0;
  bool operator==(const Outcome&) const = default;
};

}  // namespace mote::records
