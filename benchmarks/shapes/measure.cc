#include "shapes/measure.h"

#include "measure/measurer.h"
#include "measure/tasks.h"
#include "session/pool.h"

namespace mote::shapes {

std::vector<Measurement> measure_layers(const std::vector<Layer>& layers, const target::Board& board) {
  session::Pool pool({"sim"}, board);
  std::vector<Measurement> measurements;
  for (const Layer& layer : layers) {
    const std::vector<kernels::Workload> workloads = measure::workloads_of(graph_of(layer));
    const kernels::Workload& workload = workloads.front();
    measure::DeviceMeasurer measurer(pool, board, workloads, {});
    tune::Task task;
    task.workload = workload.key;
    task.space = kernels::space_of(workload, board.target);
    task.fallback = kernels::fallback_of(workload, board.target);
    Measurement& m = measurements.emplace_back();
    m.layer = layer;
    m.macs = ir::macs_of(workload.graph, workload.op());
    m.outputs = ir::elements(workload.output().shape);
    m.inputs = ir::elements(workload.input(0).shape);
    m.knobs = task.space.text_of(task.fallback);
    m.outcome = measurer.measure(task, {task.fallback}).front();
  }
  return measurements;
}

}  // namespace mote::shapes
