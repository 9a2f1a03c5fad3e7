// A line through measurements: cycles = a * MACs + b * outputs + c, with no negative coefficient; or one that knows the
// number of inputs, too, which is what layers with few products for each input are bound by.
#pragma once

#include <cstdint>
#include <vector>

namespace mote::shapes {

struct Sample {
  double macs = 0, outputs = 0, cycles = 0;
  double inputs = 0;
};

struct Line {
  double per_mac = 0, per_output = 0, constant = 0, per_input = 0;
  double at(const Sample& sample) const {
    return per_mac * sample.macs + per_output * sample.outputs + constant + per_input * sample.inputs;
  }
};

/// The line with the least sum of squared relative errors, so that small layers count as much as large ones. At least
/// one sample; all cycles positive.
Line fit(const std::vector<Sample>& samples);
Line fit_with_inputs(const std::vector<Sample>& samples);

}  // namespace mote::shapes
