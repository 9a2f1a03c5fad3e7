// What the tuner asks of the world: outcomes for configs of a task. The tuner sees no device and no kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "records/outcome.h"
#include "space/space.h"

namespace mote::tune {

using records::name_of;
using records::Outcome;
using records::Status;

/// One workload to tune.
struct Task {
  std::string workload;  // its key: equal keys, equal spaces and comparable cycles
  std::string title;     // for people: "conv_2d 32x32x16 -> 32x32x16 3x3"
  int occurrences = 1;   // how often it occurs in the model
  int64_t macs = 0;      // per occurrence
  double limit = 0;      // cycles below which the core's multiplier cannot do these MACs; 0: not known
  space::Space space;
  space::Config fallback;          // good untuned
  std::string template_version{};  // of the template that makes its kernels; results of another version are not reused
};

class Measurer {
 public:
  virtual ~Measurer() = default;
  /// Outcomes of `configs`, in order; only the first few of them when it was asked to stop. Never throws for what a
  /// candidate did; throws only when no further trial makes sense.
  virtual std::vector<Outcome> measure(const Task& task, const std::vector<space::Config>& configs) = 0;
};

}  // namespace mote::tune
