// Operators to loop programs: for each operator family a template, that is a config space and a lowering.
//
// A workload is one fused operator with the types, shapes, quantisation and constants of its operands. Its lowering is
// a C function
//     void NAME(const T *input, ..., T *output [, void *workspace])
// with the non-constant inputs in the operator's order (each once), the output, and scratch memory where the program
// needs it.
#pragma once

#include <string>

#include "ir/graph.h"
#include "loop/ir.h"
#include "space/space.h"
#include "target/target.h"

namespace mote::kernels {

struct Workload {
  ir::Graph graph;    // one operator, made by ir::extract()
  std::string key;    // equal keys: the same config space and comparable cycles. Holds all but the constants' values
  std::string title;  // for people: "conv_2d 32x32x16 -> 32x32x16, 3x3"
  bool search_requantisation = true;  // see RequantLayer::searched

  const ir::Operator& op() const { return graph.operators.front(); }
  const ir::Tensor& input(size_t i) const { return graph.tensor(op().inputs.at(i)); }
  const ir::Tensor& output() const { return graph.tensor(op().output); }
};

Workload make_workload(const ir::Graph& graph, const ir::Operator& op);

/// Raised whenever a template's programs change, so that old records no longer count as measurements of it.
int template_version(const Workload& workload);

/// The template with its version as records name it: "conv_2d 1".
std::string template_name(const Workload& workload);

/// All configs worth trying. A space of one point (no knobs) where there is nothing to choose.
space::Space space_of(const Workload& workload, const target::Target& target);

/// The knob that says how many bytes of an inner loop may be written out, in all spaces of kernels that unroll one. It
/// changes neither results nor memory.
inline constexpr const char* kCodeBudgetKnob = "code_budget";

/// A legal config that is good without any tuning.
space::Config fallback_of(const Workload& workload, const target::Target& target);

/// The program for a config of space_of(). Throws loop::ScheduleError when the config turns out to be illegal for these
/// constants.
loop::Program lower(const Workload& workload, const space::Config& config, const target::Target& target,
                    const std::string& function_name);

}  // namespace mote::kernels
