#include "measure/tasks.h"

#include "tune/tuner.h"

namespace mote::measure {

std::vector<kernels::Workload> workloads_of(const ir::Graph& graph) {
  std::vector<kernels::Workload> workloads;
  for (const ir::Operator& op : graph.operators) workloads.push_back(kernels::make_workload(graph, op));
  return workloads;
}

std::vector<tune::Task> tasks_of(const std::vector<kernels::Workload>& workloads, const target::Target& target) {
  std::vector<tune::Task> tasks;
  for (const kernels::Workload& w : workloads) {
    tune::Task task;
    task.workload = w.key;
    task.title = w.title;
    task.macs = ir::macs_of(w.graph, w.op());
    // A dual 16-bit multiply-accumulate is the most any of these cores does in a cycle.
    const bool pairs = target.dsp && w.output().dtype != ir::DType::kFloat32;
    if (target.cortex_m()) task.limit = static_cast<double>(task.macs) / (pairs ? 2 : 1);
    task.space = kernels::space_of(w, target);
    if (task.space.size() < 2) continue;
    task.fallback = kernels::fallback_of(w, target);
    task.template_version = kernels::template_name(w);
    tasks.push_back(std::move(task));
  }
  return tune::merge_equal(std::move(tasks));
}

}  // namespace mote::measure
