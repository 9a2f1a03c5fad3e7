// mote tune: finds fast kernels for a model by running candidates on the board.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/tune_progress.h"
#include "deploy/library.h"
#include "import/tflite/reader.h"
#include "measure/measurer.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "tune/tuner.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model, board = "nucleo-f746zg", records = "tuning.db", strategy = "annealing";
  std::vector<std::string> vias = {"sim"}, boards;
  size_t trials = 500, batch = 8, early_stop = 0;
  uint64_t seed = 1;
  uint32_t repeats = 2;
  double time_limit = 0, run_limit = 20;
  uint64_t target_cycles = 0;
  bool dry_run = false, quiet = false, json = false;
};

// Set by Ctrl-C: the trial in flight is finished, everything measured is in the records.
std::atomic<bool> stop_requested{false};

void request_stop(int signal) {
  if (stop_requested.exchange(true)) std::_Exit(128 + signal);  // the second time: at once
}

/// Ctrl-C and kill ask the run to stop for as long as this lives.
class StopOnSignal {
 public:
  StopOnSignal() {
    stop_requested = false;
    old_interrupt_ = std::signal(SIGINT, request_stop);
    old_terminate_ = std::signal(SIGTERM, request_stop);
  }
  ~StopOnSignal() {
    std::signal(SIGINT, old_interrupt_);
    std::signal(SIGTERM, old_terminate_);
  }

 private:
  void (*old_interrupt_)(int);
  void (*old_terminate_)(int);
};

std::string_view name_of(tune::Ended ended) {
  switch (ended) {
    case tune::Ended::kTrials:
      return "trials";
    case tune::Ended::kTime:
      return "time limit";
    case tune::Ended::kTarget:
      return "target reached";
    case tune::Ended::kFinished:
      return "nothing left to try";
    case tune::Ended::kStopped:
      return "stopped";
    case tune::Ended::kErrors:
      return "errors";
  }
  unreachable("ended");
}

tune::Strategy strategy_named(const std::string& name) {
  for (const tune::Strategy strategy : tune::strategies()) {
    if (tune::name_of(strategy) == name) return strategy;
  }
  throw InputError("--strategy", "there is no search called " + name);
}

Json task_json(const tune::TaskProgress& task) {
  Json json{{"workload", task.task->workload},
            {"title", task.task->title},
            {"occurrences", task.task->occurrences},
            {"macs", task.task->macs},
            {"space", task.task->space.size()},
            {"trials", task.trials},
            {"known", task.known}};
  if (task.fallback_cycles) json["fallback_cycles"] = *task.fallback_cycles;
  if (task.best_cycles) {
    json["best_cycles"] = *task.best_cycles;
    json["best"] = task.task->space.text_of(task.best);
  }
  Json failures = Json::object();
  for (int s = 1; s < records::kStatusCount; ++s) {
    const tune::Status status = static_cast<tune::Status>(s);
    if (task.count(status) > 0) failures[std::string(records::name_of(status))] = task.count(status);
  }
  json["failures"] = failures;
  return json;
}

/// The way in which all boards are reached, which the records name. Throws InputError for different ways: their trials
/// would not be comparable.
std::string common_way(const std::vector<std::string>& vias) {
  const std::string way = device::way_of(vias.front());
  for (const std::string& via : vias) {
    if (device::way_of(via) == way) continue;
    throw InputError("--via", fmt::format("{} and {} are reached in different ways: their trials are not comparable",
                                          vias.front(), via));
  }
  return way;
}

Json json_of(const session::BoardState& board) {
  Json json{{"via", board.via}, {"jobs", board.jobs}, {"failures", board.failures}, {"in_service", board.in_service}};
  if (!board.last_error.empty()) json["last_error"] = board.last_error;
  return json;
}

/// A line per board, when there is something to tell: more than one, or one that failed.
std::string boards_text(const std::vector<session::BoardState>& boards) {
  if (boards.size() == 1 && boards.front().failures == 0) return "";
  std::string text;
  for (const session::BoardState& board : boards) {
    text += fmt::format("{}: {} trials", board.via, board.jobs);
    if (board.failures > 0) text += fmt::format(", set aside {} times: {}", board.failures, board.last_error);
    text += "\n";
  }
  return text;
}

int print_dry_run(const Options& options, const target::Board& board, const std::vector<tune::Task>& tasks) {
  if (options.json) {
    Json list = Json::array();
    for (const tune::Task& t : tasks) {
      list.push_back({{"title", t.title},
                      {"workload", t.workload},
                      {"occurrences", t.occurrences},
                      {"macs", t.macs},
                      {"space", t.space.size()},
                      {"fallback", t.space.text_of(t.fallback)}});
    }
    print_json(Json{{"model", options.model}, {"board", board.name}, {"tasks", list}});
    return 0;
  }
  for (const tune::Task& t : tasks) {
    fmt::print("{} x{}: {} points, fallback {}\n", t.title, t.occurrences, t.space.size(), t.space.text_of(t.fallback));
  }
  return 0;
}

int report(const Options& options, const target::Board& board, const tune::Result& result,
           const std::vector<session::BoardState>& boards) {
  const bool failed = result.ended == tune::Ended::kErrors;
  if (options.json) {
    Json json{{"model", options.model},
              {"board", board.name},
              {"via", common_way(options.vias)},
              {"records", options.records},
              {"ended", name_of(result.ended)},
              {"trials", result.progress.trials},
              {"seconds", result.progress.seconds},
              {"trials_per_second", result.progress.trials_per_second()}};
    if (const std::optional<uint64_t> total = result.progress.total_cycles()) json["tuned_cycles"] = *total;
    json["tasks"] = Json::array();
    for (const tune::TaskProgress& task : result.progress.tasks) json["tasks"].push_back(task_json(task));
    json["boards"] = Json::array();
    for (const session::BoardState& state : boards) json["boards"].push_back(json_of(state));
    print_json(json);
  } else {
    fmt::print("{}{}", summary_table(result), boards_text(boards));
  }
  if (failed) print_error(result.explanation);
  return failed ? 1 : 0;
}

int run_tune(const Options& options) {
  const target::Board board = target::load_board(options.board, options.boards);
  const ir::Graph graph = passes::run_passes(import::read_tflite(options.model));
  const std::vector<kernels::Workload> workloads = measure::workloads_of(graph);
  const std::vector<tune::Task> tasks = measure::tasks_of(workloads, board.target);
  if (options.dry_run) return print_dry_run(options, board, tasks);

  const std::string way = common_way(options.vias);
  records::Database database(options.records, records::Database::Mode::kWrite);
  ProgressView view(stderr, !options.quiet);
  const StopOnSignal signals;
  session::PoolOptions pooling;
  pooling.stop = &stop_requested;
  pooling.cache_folder = cache_folder();
  pooling.on_event = [&](const std::string& event) {
    view.clear();
    print_warning(event);
  };
  session::Pool pool(options.vias, board, pooling);
  measure::Options measuring;
  measuring.flags = deploy::kKernelFlags;
  measuring.repeats = options.repeats;
  measuring.seed = options.seed;
  measuring.jobs = std::max(std::thread::hardware_concurrency(), 1u);
  measuring.run_limit = std::chrono::milliseconds(static_cast<int64_t>(1000 * options.run_limit));
  measuring.stop = &stop_requested;
  measure::DeviceMeasurer measurer(pool, board, workloads, measuring);

  tune::Options tuning;
  tuning.strategy = strategy_named(options.strategy);
  tuning.seed = options.seed;
  tuning.trials = options.trials;
  tuning.batch = options.batch;
  tuning.early_stop = options.early_stop;
  if (options.time_limit > 0) tuning.time_limit = std::chrono::duration<double>(options.time_limit);
  if (options.target_cycles > 0) tuning.target_cycles = options.target_cycles;
  tuning.setting = {board.target.name, board.name, way, measurer.compiler(), measurer.flags()};
  tuning.stop = &stop_requested;
  tuning.on_progress = [&](const tune::Progress& progress) { view.show(progress); };
  const tune::Result result = tune::tune(tasks, measurer, &database, tuning);
  return report(options, board, result, pool.boards());
}

}  // namespace

void add_tune(CLI::App& app, Run& run) {
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App& command = add_command(app, "tune", "Find fast kernels for a model by running candidates on the board",
                                  "mote tune model.tflite --board nucleo-f746zg --records tuning.db --trials 500\n"
                                  "mote tune model.tflite --board my-board.toml --time-limit 600\n"
                                  "mote tune model.tflite --via openocd:localhost:6666 --via openocd:localhost:6667");
  command.add_option("model", o->model, "The model, a .tflite file")->required();
  command.add_option("--board", o->board, "A shipped board's name, or a board file")->capture_default_str();
  command.add_option("--boards", o->boards, "Folder with further board files; may be given several times");
  command
      .add_option("--via", o->vias,
                  "How to reach the board: sim is the virtual one. Given several times, each for one more board "
                  "like it, trials run on whichever is free")
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_option("--records", o->records, "Where every trial is kept; a later run goes on from there")
      ->capture_default_str();
  command.add_option("--trials", o->trials, "Candidates to measure in this run")->capture_default_str();
  command.add_option("--time-limit", o->time_limit, "Stop after so many seconds")->check(CLI::PositiveNumber);
  command.add_option("--target-cycles", o->target_cycles, "Stop when the tuned operators together take no more cycles");
  command.add_option("--early-stop", o->early_stop, "Leave an operator after so many trials without progress");
  command.add_option("--strategy", o->strategy, "exhaustive, random or annealing")->capture_default_str();
  command.add_option("--seed", o->seed, "Of every random choice")->capture_default_str();
  command.add_option("--batch", o->batch, "Candidates built and measured between decisions")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command.add_option("--repeats", o->repeats, "Runs of each candidate on the board")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command.add_option("--run-limit", o->run_limit, "Seconds after which a candidate is taken to hang")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_flag("--dry-run", o->dry_run, "Only list what would be tuned, and how many candidates there are");
  command.add_flag("--quiet", o->quiet, "No progress");
  add_json_flag(command, o->json);
  command.callback([o, &run] { run = [o] { return run_tune(*o); }; });
}

}  // namespace mote::cli
