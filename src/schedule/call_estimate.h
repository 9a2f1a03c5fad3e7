// What a call of a function costs, from its assembly and the pipeline tables alone: its branches are followed as far as
// counters and pointers are known, and of each loop two rounds are looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schedule/read_assembly.h"
#include "schedule/rules.h"

namespace mote::schedule {

/// Cycles, and instructions executed in all and of some kinds.
struct CallEstimate {
  double cycles = 0, instructions = 0, multiplies = 0, loads = 0, stores = 0;

  void add(const CallEstimate& more, double times) {
    cycles += times * more.cycles;
    instructions += times * more.instructions;
    multiplies += times * more.multiplies;
    loads += times * more.loads;
    stores += times * more.stores;
  }
};

class CallEstimator {
 public:
  /// `pipeline` is target::Target::pipeline; it may be empty: each instruction takes a cycle then.
  explicit CallEstimator(const std::string& pipeline);

  /// A call with these arguments (AAPCS, one word each; addresses may be any numbers that lie far apart). A branch that
  /// depends on what is not known is not taken. Deterministic; ends after some ten thousand instructions whatever they
  /// are.
  CallEstimate call(const std::vector<AssemblyLine>& code, const std::vector<int64_t>& arguments) const;

  /// Instructions per cycle.
  int slots() const { return rules_.dual_issue() ? 2 : 1; }
  int load_wait() const { return load_wait_; }

 private:
  Rules rules_;
  int taken_ = 0;      // cycles more of a taken branch
  int load_wait_ = 0;  // cycles more of a load on a single-issue core, unless a load or store follows
};

}  // namespace mote::schedule
