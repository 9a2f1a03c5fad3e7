#include "faults/faulty_tuning.h"

#include "import/tflite/reader.h"
#include "measure/measurer.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "support/files.h"

namespace mote::benchmarks {

namespace {

using records::Status;

/// What is refused before it runs cannot do its deed.
bool was_run(Status status) {
  return status != Status::kIllegal && status != Status::kBuild && status != Status::kTooLarge &&
         status != Status::kLoad;
}

void judge(const FaultyTuning& what, const tune::Task& task, const records::Trial& trial, FaultyResult* result) {
  const Status status = trial.outcome.status;
  ++result->recorded;
  const std::optional<space::Config> config = task.space.parse(trial.knobs);
  check(config.has_value(), "the records hold what was tried");
  const std::optional<measure::Sabotage> sabotage = measure::sabotage_of(*config, what.one_in, what.seed);
  ++(sabotage ? result->spoiled[static_cast<size_t>(*sabotage)] : result->good)[status];
  const Status expected = sabotage ? measure::status_after(*sabotage) : Status::kOk;
  if (was_run(status) && status != expected) {
    result->wrong.push_back(trial.knobs + (sabotage ? " " + std::string(name_of(*sabotage)) : "") + ": " +
                            std::string(records::name_of(status)) + " " + trial.outcome.error);
  }
}

}  // namespace

FaultyResult tune_with_faults(const FaultyTuning& what) {
  const target::Board board = target::load_board(what.board);
  const ir::Graph graph = passes::run_passes(import::read_tflite(what.model));
  const std::vector<kernels::Workload> workloads = measure::workloads_of(graph);
  const std::vector<tune::Task> tasks = measure::tasks_of(workloads, board.target);

  session::PoolOptions pooling;
  pooling.on_event = what.on_event;
  session::Pool pool(what.vias, board, pooling);
  measure::Options measuring;
  measuring.run_limit = what.run_limit;
  measuring.edit = measure::saboteur(what.one_in, what.seed);
  measure::DeviceMeasurer measurer(pool, board, workloads, measuring);

  const TemporaryFolder folder;
  records::Database database(folder.path() / "faults.db", records::Database::Mode::kWrite);
  tune::Options tuning;
  tuning.strategy = tune::Strategy::kRandom;
  tuning.seed = what.seed;
  tuning.trials = what.trials;
  tuning.setting = {board.target.name, board.name, "faults", measurer.compiler(), measurer.flags()};
  const tune::Result tuned = tune::tune(tasks, measurer, &database, tuning);

  FaultyResult result;
  for (const tune::Task& task : tasks) {
    const records::Query query = exactly(task.workload, task.template_version, tuning.setting);
    for (const records::Trial& trial : database.trials(query)) judge(what, task, trial, &result);
  }
  result.boards = pool.boards();
  result.seconds = tuned.progress.seconds;
  return result;
}

}  // namespace mote::benchmarks
