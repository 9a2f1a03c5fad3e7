// How many trials each search needs to come near the best known point, on workloads replayed from benchmark files or
// records, or on made-up ones. Deterministic: the same files and options print the same table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>

#include "import/tflite/reader.h"
#include "measure/program_features.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "records/database.h"
#include "search/workloads.h"
#include "support/error.h"
#include "support/files.h"
#include "tune/loop_features.h"
#include "tune/plot.h"
#include "tune/replay.h"
#include "tune/replay_file.h"
#include "tune/search.h"
#include "tune/synthetic.h"

namespace mote::tune {
namespace {

struct Settings {
  std::vector<std::string> files, models;
  std::string plot;
  bool transfer = false, transfer_boards = false, estimate = false;
  int seeds = 20;
  int variants = 5;
  size_t most_trials = 2000, most_taught = 1000;
  size_t batch = 4;
  std::vector<std::string> strategies;
};

/// A workload whose every outcome is known.
struct Workload {
  Task task;
  std::function<Outcome(uint64_t)> outcome_of;
  uint64_t best = 0;
  std::vector<records::Trial> trials{};  // of a file
  ModelInputs model{};
  std::vector<Example> taught{};  // what others may learn of it: of its first trials, as an earlier run would have left
};

Workload synthetic_workload(uint64_t variant) {
  const Task task = synthetic_task("synthetic " + std::to_string(variant));
  uint64_t best = UINT64_MAX;
  for (uint64_t i = 0; i < task.space.size(); ++i) best = std::min(best, synthetic_cycles(task.space.at(i), variant));
  const auto outcome_of = [space = task.space, variant](uint64_t index) {
    Outcome outcome;
    outcome.cycles = synthetic_cycles(space.at(index), variant);
    return outcome;
  };
  return {task, outcome_of, best};
}

Workload replayed(std::vector<records::Trial> trials, const std::string& file) {
  const std::shared_ptr<const Replay> replay = std::make_shared<Replay>(replay_of(trials, file));
  Workload workload{replay->task, [replay](uint64_t index) { return replay->outcomes.at(index); }, replay->best_cycles,
                    std::move(trials)};
  workload.task.title = file + ": " + workload.trials.front().workload;
  return workload;
}

/// The named operators and those of the models.
std::vector<kernels::Workload> operators_of(const Settings& settings) {
  std::vector<kernels::Workload> operators;
  for (const search::NamedLayer& layer : search::named_layers()) {
    operators.push_back(measure::workloads_of(shapes::graph_of(layer.layer)).front());
  }
  for (const std::string& model : settings.models) {
    for (kernels::Workload& w : measure::workloads_of(passes::run_passes(import::read_tflite(model)))) {
      operators.push_back(std::move(w));
    }
  }
  return operators;
}

/// Whether a search of `own` may learn from `other`: of other operators, or of the same one on another board.
bool teaches(const Settings& settings, const records::Trial& own, const records::Trial& other) {
  return other.workload != own.workload ? settings.transfer : settings.transfer_boards && other.setting != own.setting;
}

/// What the program model learns from, for the workloads that are known.
void add_programs(const Settings& settings, std::vector<Workload>* workloads) {
  const std::vector<kernels::Workload> lowered = operators_of(settings);
  for (Workload& workload : *workloads) {
    if (!settings.transfer && !settings.transfer_boards) break;
    std::vector<records::Trial> first_trials = workload.trials;
    first_trials.resize(std::min(settings.most_taught, first_trials.size()));
    workload.taught = measure::examples_from(first_trials, lowered, settings.most_taught);
  }
  for (Workload& workload : *workloads) {
    const records::Trial& first = workload.trials.front();
    const target::Target target = target::load_target(first.setting.target);
    const auto own = std::find_if(lowered.begin(), lowered.end(),
                                  [&](const kernels::Workload& w) { return w.key == first.workload; });
    if (own == lowered.end()) continue;
    // Seeds share what was lowered.
    const std::shared_ptr<std::map<std::string, std::vector<float>>> seen =
        std::make_shared<std::map<std::string, std::vector<float>>>();
    workload.model.program = [seen, target, space = kernels::space_of(*own, target),
                              features = measure::program_features({*own}, target)](const Task& task,
                                                                                    const space::Config& config) {
      const std::string text = task.space.text_of(config);
      const auto [entry, is_new] = seen->try_emplace(text);
      if (!is_new) return entry->second;
      const std::optional<space::Config> config_now = space.parse(text);
      if (!config_now) throw InputError(task.title, "the operator's space has no point " + text + " any more");
      return entry->second = features(task, *config_now);
    };
    if (settings.estimate) workload.model.estimate = estimated_cycles;
    std::vector<Example> examples;
    uint32_t group = 0;
    for (const Workload& other : *workloads) {
      if (!teaches(settings, first, other.trials.front())) continue;
      ++group;
      for (Example example : other.taught) {
        example.group = group;
        examples.push_back(std::move(example));
      }
    }
    if (!examples.empty())
      workload.model.taught = std::make_shared<Taught>(std::move(examples), workload.model.estimate);
  }
}

std::vector<Workload> workloads_of(const Settings& settings) {
  std::vector<Workload> workloads;
  if (settings.files.empty()) {
    for (int variant = 1; variant <= settings.variants; ++variant) workloads.push_back(synthetic_workload(variant));
    return workloads;
  }
  for (const std::string& file : settings.files) {
    if (!file.ends_with(".db")) {
      workloads.push_back(replayed(read_replay(read_text(file), file), file));
      continue;
    }
    const records::Database db(file, records::Database::Mode::kRead);
    for (const records::Database::Summary& s : db.summaries({})) {
      workloads.push_back(replayed(db.trials(exactly(s.workload, s.template_version, s.setting)), file));
      workloads.back().task.title += " on " + s.setting.board;
    }
  }
  add_programs(settings, &workloads);
  return workloads;
}

/// One search: the best cycles after each trial.
std::vector<uint64_t> best_so_far(const Settings& settings, const Workload& workload, Strategy strategy,
                                  uint64_t seed) {
  const std::unique_ptr<Search> search = make_search(strategy, workload.task, seed, workload.model);
  std::vector<uint64_t> best;
  // A replay's first trial is a random point: all searches begin without a hint.
  std::vector<uint64_t> points = search->propose(settings.batch);
  // There is nothing more to find once the best was.
  while (!points.empty() && best.size() < settings.most_trials && (best.empty() || best.back() > workload.best)) {
    for (const uint64_t index : points) {
      const Outcome outcome = workload.outcome_of(index);
      search->tell(index, outcome);
      const uint64_t before = best.empty() ? UINT64_MAX : best.back();
      best.push_back(outcome.status == Status::kOk ? std::min(before, outcome.cycles) : before);
    }
    if (static_cast<double>(best.back()) <= 1.02 * static_cast<double>(workload.best)) break;
    points = search->propose(settings.batch);
  }
  return best;
}

/// Trials until a point within a share of the best was measured; most_trials + 1 when none was.
size_t trials_to(const Settings& settings, const Workload& workload, const std::vector<uint64_t>& best, double share) {
  for (size_t i = 0; i < best.size(); ++i) {
    if (static_cast<double>(best[i]) <= (1 + share) * static_cast<double>(workload.best)) return i + 1;
  }
  return settings.most_trials + 1;
}

/// The median over the runs of how much slower than the best the best so far is, against trials.
Curve median_curve(const std::vector<std::vector<uint64_t>>& runs, const Workload& workload, std::string name) {
  Curve curve{std::move(name), {}};
  size_t longest = 0;
  for (const std::vector<uint64_t>& run : runs) longest = std::max(longest, run.size());
  for (size_t i = 0; i < longest; ++i) {
    std::vector<uint64_t> now;
    for (const std::vector<uint64_t>& run : runs) now.push_back(run[std::min(i, run.size() - 1)]);
    std::sort(now.begin(), now.end());
    if (now[now.size() / 2] == UINT64_MAX) continue;
    const double ratio = static_cast<double>(now[now.size() / 2]) / static_cast<double>(workload.best);
    if (ratio < 3) curve.points.emplace_back(static_cast<double>(i + 1), ratio);
  }
  return curve;
}

std::string median_text(std::vector<size_t> trials, size_t most) {
  std::sort(trials.begin(), trials.end());
  const size_t median = trials[trials.size() / 2];
  return median > most ? fmt::format("> {}", most) : std::to_string(median);
}

void run(const Settings& settings) {
  std::vector<Strategy> chosen;
  for (const std::string& name : settings.strategies) chosen.push_back(*strategy_named(name));
  fmt::print("median trials of {} seeds, batches of {}\n  {:<12} {:>8} {:>8} {:>14}\n", settings.seeds, settings.batch,
             "search", "to 5 %", "to 2 %", "ms per trial");
  size_t number = 0;
  for (const Workload& workload : workloads_of(settings)) {
    size_t close = 0, measured = 0;
    for (const records::Trial& t : workload.trials) {
      measured += t.outcome.status == Status::kOk ? 1 : 0;
      close += t.outcome.status == Status::kOk &&
               static_cast<double>(t.outcome.cycles) <= 1.05 * static_cast<double>(workload.best);
    }
    fmt::print("{}\n", workload.task.title);
    if (measured > 0) {
      fmt::print("  best {} cycles; {} of {} points ({:.2f} %) are within 5 %\n", workload.best, close, measured,
                 100.0 * static_cast<double>(close) / static_cast<double>(measured));
    }
    Plot plot{workload.task.title, "trials", "times the best known cycles", {}};
    for (const Strategy strategy : chosen) {
      std::vector<size_t> to5, to2;
      std::vector<std::vector<uint64_t>> runs;
      size_t trials = 0;
      const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      for (int seed = 1; seed <= settings.seeds; ++seed) {
        runs.push_back(best_so_far(settings, workload, strategy, static_cast<uint64_t>(seed)));
        to5.push_back(trials_to(settings, workload, runs.back(), 0.05));
        to2.push_back(trials_to(settings, workload, runs.back(), 0.02));
        trials += runs.back().size();
      }
      const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
      fmt::print("  {:<12} {:>8} {:>8} {:>14.3f}\n", name_of(strategy), median_text(to5, settings.most_trials),
                 median_text(to2, settings.most_trials), spent.count() / static_cast<double>(trials));
      std::fflush(stdout);
      plot.curves.push_back(median_curve(runs, workload, std::string(name_of(strategy))));
    }
    if (!settings.plot.empty()) write_file(fmt::format("{}-{}.svg", settings.plot, ++number), svg_of(plot));
  }
}

int main_of(int argc, char** argv) {
  Settings settings;
  for (const Strategy strategy : strategies()) {
    if (strategy != Strategy::kExhaustive) settings.strategies.emplace_back(name_of(strategy));
  }
  CLI::App app("Compares the tuner's searches on known workloads.", "search_benchmark");
  app.add_option("FILES", settings.files, "Benchmark files or records (.db) to replay; without any, made-up workloads");
  app.add_option("--model", settings.models, "A .tflite file that has the operators, when they are not the named ones");
  app.add_flag("--transfer", settings.transfer,
               "The cost model knows the first trials of each file of another operator");
  app.add_flag("--transfer-boards", settings.transfer_boards, "The same of the same operator on another board");
  app.add_option("--taught", settings.most_taught, "Trials of each file that others know")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app.add_flag("--estimate", settings.estimate, "The cost model begins with the static estimate of the cycles");
  app.add_option("--plot", settings.plot, "Draw PREFIX-1.svg, PREFIX-2.svg ...");
  app.add_option("--seeds", settings.seeds, "Runs of each search")->capture_default_str()->check(CLI::Range(1, 10000));
  app.add_option("--variants", settings.variants, "Made-up workloads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--trials", settings.most_trials, "A run ends after so many")->capture_default_str();
  app.add_option("--batch", settings.batch, "Trials between two proposals")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_option("--search", settings.strategies, "Only these searches")
      ->check(CLI::IsMember(settings.strategies))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(settings);
    return 0;
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "search_benchmark: {}\n", error.what());
    return 2;
  }
}

}  // namespace
}  // namespace mote::tune

int main(int argc, char** argv) {
  return mote::tune::main_of(argc, argv);
}
