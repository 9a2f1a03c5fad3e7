// What the tuner asks of the world: outcomes for configs of a task. The tuner sees no device and no kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "space/space.h"

namespace mote::tune {

/// What became of one trial. Everything but kOk is an ordinary value, kept in the records.
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

/// "ok", "illegal", "build", "too large", "load", "fault", "timeout", "wrong result", "connection".
std::string_view name_of(Status status);

struct Outcome {
  Status status = Status::kOk;
  uint64_t cycles = 0;                // the least measured, when kOk
  std::vector<uint64_t> all_cycles;   // of each repeat
  uint32_t flash_bytes = 0;           // code and constants of the kernel
  uint32_t ram_bytes = 0;             // scratch
  std::string error;                  // for people, when not kOk
  double build_seconds = 0, load_seconds = 0, run_seconds = 0;
};

/// One workload to tune.
struct Task {
  std::string workload;   // its key: equal keys, equal spaces and comparable cycles
  std::string title;      // for people: "conv_2d 32x32x16 -> 32x32x16 3x3"
  int occurrences = 1;    // how often it occurs in the model
  int64_t macs = 0;       // per occurrence
  space::Space space;
  space::Config fallback;  // good untuned
};

class Measurer {
 public:
  virtual ~Measurer() = default;
  /// Outcomes of `configs`, in order. Never throws for what a candidate did; throws only when no further trial makes sense.
  virtual std::vector<Outcome> measure(const Task& task, const std::vector<space::Config>& configs) = 0;
};

}  // namespace mote::tune
