// mote tune: finds fast kernels for a model by running candidates on the board.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/tune_progress.h"
#include "deploy/library.h"
#include "import/tflite/reader.h"
#include "measure/measurer.h"
#include "measure/program_features.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "records/tradeoff.h"
#include "support/error.h"
#include "support/files.h"
#include "tune/loop_features.h"
#include "tune/plot.h"
#include "tune/tuner.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model, board = "nucleo-f746zg", records = "tuning.db", strategy = "model", plot;
  std::vector<std::string> vias = {"sim"}, limits, boards, transfer, transfer_models;
  uint64_t flash = 0, ram = 0;
  size_t trials = 500, batch = 4, early_stop = 0;
  uint64_t seed = 1;
  uint32_t repeats = 2;
  double time_limit = 0, run_limit = 20;
  uint64_t target_cycles = 0;
  bool in_turns = false, dry_run = false, quiet = false, json = false;
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

/// Flash of the whole model's kernels against its cycles: the best combinations of what was measured, of kernels with
/// at most `ram` bytes of scratch (0: any). Nothing when an operator has no such kernel.
std::optional<records::Tradeoff> tradeoff_of(const records::Database& database, const records::Setting& setting,
                                             const std::vector<tune::Task>& tasks, uint64_t ram) {
  std::vector<std::vector<records::Option>> groups;
  for (const tune::Task& task : tasks) {
    std::vector<records::Option> group;
    for (const records::Trial& trial :
         records::pareto_of(database.trials(records::exactly(task.workload, task.template_version, setting)))) {
      if (ram > 0 && trial.outcome.ram_bytes > ram) continue;
      group.push_back({trial.outcome.cycles, trial.outcome.flash_bytes});
    }
    if (group.empty()) return std::nullopt;
    for (int i = 0; i < task.occurrences; ++i) groups.push_back(group);
  }
  return records::Tradeoff(groups);
}

/// What fits the budgets, and what more memory would buy.
std::string memory_text(const Options& options, const std::optional<records::Tradeoff>& tradeoff) {
  if (!tradeoff) return fmt::format("no kernel of some operator has {} bytes of scratch or less\n", options.ram);
  const std::vector<records::Option>& totals = tradeoff->totals();
  const uint64_t flash = options.flash > 0 ? options.flash : totals.back().bytes;
  const std::optional<size_t> best = tradeoff->best_within(flash);
  if (!best) {
    return fmt::format("no kernels fit {} bytes of flash: the smallest take {}\n", flash, totals.front().bytes);
  }
  std::string text = fmt::format("within {} bytes of flash: {} cycles, kernels of {} bytes\n", flash,
                                 totals[*best].cycles, totals[*best].bytes);
  // The next steps up that are worth a line: each at least 1 % faster than the line before.
  uint64_t shown = totals[*best].cycles;
  for (size_t i = *best + 1, lines = 0; i < totals.size() && lines < 4; ++i) {
    if (static_cast<double>(totals[i].cycles) > 0.99 * static_cast<double>(shown)) continue;
    text += fmt::format("  {} bytes more: {} cycles\n", totals[i].bytes - totals[*best].bytes, totals[i].cycles);
    shown = totals[i].cycles;
    ++lines;
  }
  return text;
}

int report(const Options& options, const target::Board& board, const tune::Result& result,
           const std::vector<session::BoardState>& boards, const std::string& memory) {
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
    fmt::print("{}{}{}", summary_table(result), memory, boards_text(boards));
  }
  if (failed) print_error(result.explanation);
  return failed ? 1 : 0;
}

/// What the cost model may know before the first trial: what was measured of this model's and the other models'
/// workloads.
std::shared_ptr<const tune::Taught> learned_elsewhere(const Options& options,
                                                      std::vector<kernels::Workload> workloads) {
  constexpr size_t kMost = 1000;  // of each workload in each setting
  if (options.transfer.empty()) return nullptr;
  for (const std::string& model : options.transfer_models) {
    for (kernels::Workload& w : measure::workloads_of(passes::run_passes(import::read_tflite(model)))) {
      workloads.push_back(std::move(w));
    }
  }
  std::vector<records::Trial> trials;
  for (const std::string& file : options.transfer) {
    const records::Database database(file, records::Database::Mode::kRead);
    for (records::Trial& trial : database.trials({})) trials.push_back(std::move(trial));
  }
  std::vector<tune::Example> examples = measure::examples_from(trials, workloads, kMost);
  if (examples.empty()) {
    print_warning(
        "--transfer-from: no trial there is of an operator of this model, or of a model named by --transfer-model");
    return nullptr;
  }
  return std::make_shared<tune::Taught>(std::move(examples), tune::estimated_cycles);
}

/// Hours of trials must not end in a picture that has no place: throws InputError.
void check_place_for(const std::string& file) {
  const std::filesystem::path path = file, parent = path.parent_path();
  const std::filesystem::path folder = parent.empty() ? "." : parent;
  if (std::filesystem::is_directory(path)) throw InputError(file, "is a folder");
  if (!std::filesystem::is_directory(folder)) throw InputError(file, "cannot be written: there is no such folder");
  if (access(folder.c_str(), W_OK) != 0) throw InputError(file, "cannot be written: the folder is not writable");
}

int run_tune(const Options& options) {
  target::Board board = target::load_board(options.board, options.boards);
  apply_limits(options.limits, board);
  const ir::Graph graph = passes::run_passes(import::read_tflite(options.model));
  const std::vector<kernels::Workload> workloads = measure::workloads_of(graph);
  const std::vector<tune::Task> tasks = measure::tasks_of(workloads, board.target);
  if (options.dry_run) return print_dry_run(options, board, tasks);

  const std::string way = common_way(options.vias);
  if (!options.plot.empty()) check_place_for(options.plot);
  if (!board.counts_cycles()) throw InputError(board.file, "names no cycle counter: there is nothing to tune by");
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
  measuring.cache_folder = cache_folder();
  measure::DeviceMeasurer measurer(pool, board, workloads, measuring);

  tune::Options tuning;
  tuning.strategy = strategy_named(options.strategy);
  tuning.seed = options.seed;
  tuning.trials = options.trials;
  tuning.batch = options.batch;
  tuning.early_stop = options.early_stop;
  tuning.in_turns = options.in_turns;
  if (options.time_limit > 0) tuning.time_limit = std::chrono::duration<double>(options.time_limit);
  if (options.target_cycles > 0) tuning.target_cycles = options.target_cycles;
  tuning.setting = {board.target.name, board.name, way, measurer.compiler(), measurer.flags()};
  tuning.stop = &stop_requested;
  tuning.model.program = measure::program_features(workloads, board.target);
  tuning.model.estimate = tune::estimated_cycles;
  tuning.model.flash = tune::estimated_flash;
  tuning.budget = {options.flash, options.ram};
  tuning.model.taught = learned_elsewhere(options, workloads);
  tune::Plot plot{options.model + " on " + board.name, "trials", "cycles", {{"best so far", {}}}};
  tuning.on_progress = [&](const tune::Progress& progress) {
    view.show(progress);
    const std::optional<uint64_t> total = progress.total_cycles();
    if (!total || progress.trials == 0) return;
    plot.curves.front().points.emplace_back(static_cast<double>(progress.trials), static_cast<double>(*total));
  };
  const tune::Result result = tune::tune(tasks, measurer, &database, tuning);
  if (!options.plot.empty()) write_file(options.plot, tune::svg_of(plot));
  std::string memory;
  if (options.flash > 0 || options.ram > 0) {
    memory = memory_text(options, tradeoff_of(database, tuning.setting, tasks, options.ram));
  }
  return report(options, board, result, pool.boards(), memory);
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
  command
      .add_option("--strategy", o->strategy,
                  "exhaustive, random, annealing, genetic, or model: a cost model that learns from the trials")
      ->capture_default_str();
  command.add_option("--transfer-from", o->transfer,
                     "Records of other boards or models that the cost model learns from before the first trial");
  command.add_option("--transfer-model", o->transfer_models, "Another model whose operators those records are of");
  command.add_option("--flash", o->flash, "Look for the fastest kernels that fit so many bytes of flash together")
      ->transform(CLI::AsSizeValue(false));
  command.add_option("--ram", o->ram, "And whose scratch memory is of so many bytes at most, each")
      ->transform(CLI::AsSizeValue(false));
  command.add_option("--plot", o->plot, "Draw the best cycles so far against trials into this SVG file");
  command.add_option("--seed", o->seed, "Of every random choice")->capture_default_str();
  command
      .add_option("--batch", o->batch,
                  "Candidates built and measured between decisions; raise it for more than two boards")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command.add_option("--repeats", o->repeats, "Runs of each candidate on the board")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command.add_option("--run-limit", o->run_limit, "Seconds after which a candidate is taken to hang")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_limit_option(command, o->limits);
  command.add_flag("--in-turns", o->in_turns,
                   "Give all operators the same number of trials, not the most promising ones more");
  command.add_flag("--dry-run", o->dry_run, "Only list what would be tuned, and how many candidates there are");
  command.add_flag("--quiet", o->quiet, "No progress");
  add_json_flag(command, o->json);
  command.callback([o, &run] { run = [o] { return run_tune(*o); }; });
}

}  // namespace mote::cli
