// What the schedulers ask the pipeline tables about a core: how long after a producer a consumer may issue, and which
// two instructions may issue in one cycle.
#pragma once

#include <array>
#include <string>

#include "schedule/assembly.h"
#include "target/pipeline.h"

namespace mote::schedule {

class Rules {
 public:
  /// `pipeline` is target::Target::pipeline; load_latency overrides the distance from a load to a multiply that uses it
  /// as an operand (0: the table's).
  explicit Rules(const std::string& pipeline, int load_latency = 0);

  bool dual_issue() const { return pipeline_.slots > 1; }

  /// Cycles from the issue of a producer of this kind to the earliest issue of a consumer that uses it so; 0: the same
  /// cycle.
  int latency(Kind producer, Role role) const;

  /// Issue cycles of an instruction of this kind.
  int issue_cycles(Kind kind) const;

  /// Whether two independent instructions may issue in one cycle, `older` first.
  bool can_pair(Kind older, Kind younger) const {
    return pairs_[static_cast<size_t>(older)][static_cast<size_t>(younger)];
  }

 private:
  bool may_pair(Kind older, Kind younger) const;

  target::Pipeline pipeline_;
  int load_latency_;
  std::array<std::array<bool, kKinds>, kKinds> pairs_{};  // schedulers ask millions of times
};

}  // namespace mote::schedule
