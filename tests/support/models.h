// The models that sweeps take.
#pragma once

#include <string>
#include <vector>

namespace mote::tests {

/// Every model of examples/ and of the folder that MOTE_MODELS names, each folder's in order of its names.
std::vector<std::string> all_models();

}  // namespace mote::tests
