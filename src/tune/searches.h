// The searches behind make_search(). Private to the room.
#pragma once

#include <memory>

#include "tune/search.h"

namespace mote::tune {

/// Every legal point, in the order of their indices.
std::unique_ptr<Search> exhaustive_search(const Task& task);
/// Legal points at random.
std::unique_ptr<Search> random_search(const Task& task, uint64_t seed);
/// Several chains of simulated annealing over the measured cycles; a step changes one knob.
std::unique_ptr<Search> annealing_search(const Task& task, uint64_t seed);

}  // namespace mote::tune
