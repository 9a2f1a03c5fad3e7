// The tasks of a model: what there is to tune in a graph of fused operators.
#pragma once

#include <vector>

#include "kernels/kernel.h"
#include "tune/measurer.h"

namespace mote::measure {

/// One workload per operator, in order; equal ones are repeated.
std::vector<kernels::Workload> workloads_of(const ir::Graph& graph);

/// One task per different workload that has a choice of more than one config, with its number of occurrences.
std::vector<tune::Task> tasks_of(const std::vector<kernels::Workload>& workloads, const target::Target& target);

}  // namespace mote::measure
