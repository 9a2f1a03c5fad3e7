#include "measure/tune_program.h"

namespace mote::measure {

std::optional<Tuned> tune_program(const tune::Task& task, const Subject& subject, const target::Board& board,
                                  const std::string& via, tune::Options options, records::Database* records) {
  session::Pool pool({via}, board, {});
  DeviceMeasurer measurer(pool, board, {{task.workload, subject}}, {});
  options.setting = {board.target.name, board.name, device::way_of(via), measurer.compiler(), measurer.flags()};
  const std::vector<tune::Task> tasks{task};
  const tune::Result result = tune::tune(tasks, measurer, records, options);
  const tune::TaskProgress& end = result.progress.tasks.front();
  if (!end.best_cycles) return std::nullopt;
  return Tuned{end.best, *end.best_cycles};
}

}  // namespace mote::measure
