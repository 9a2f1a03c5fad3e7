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
/// Breeds the best points measured: children take each knob from one of two parents, and some change a knob or more.
std::unique_ptr<Search> genetic_search(const Task& task, uint64_t seed);
/// Learns a cost model from the trials, and proposes what annealing on the model finds best, and a few random points. A
/// second model, which knows the lowered programs and what was measured elsewhere, has the last word where there is
/// one.
std::unique_ptr<Search> model_search(const Task& task, uint64_t seed, const ModelInputs& inputs);

}  // namespace mote::tune
