#include "execute/inference.h"

#include <numeric>

namespace mote::execute {

uint64_t Inference::total_cycles() const {
  return std::accumulate(cycles.begin(), cycles.end(), uint64_t{0});
}

}  // namespace mote::execute
