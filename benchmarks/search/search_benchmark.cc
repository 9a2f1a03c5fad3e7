// How many trials each search needs to come near the best known point, on workloads replayed from a records file or on
// made-up ones. Deterministic: the same file and options print the same table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>

#include "records/database.h"
#include "support/error.h"
#include "tune/replay.h"
#include "tune/search.h"
#include "tune/synthetic.h"

namespace mote::tune {
namespace {

struct Settings {
  std::string records;
  int seeds = 20;
  int variants = 5;
  size_t most_trials = 2000;
  size_t batch = 16;
  std::vector<std::string> strategies;
};

/// A workload whose every outcome is known.
struct Workload {
  Task task;
  std::function<Outcome(uint64_t)> outcome_of;
  uint64_t best = 0;
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

std::vector<Workload> workloads_of(const Settings& settings) {
  std::vector<Workload> workloads;
  if (settings.records.empty()) {
    for (int variant = 1; variant <= settings.variants; ++variant) workloads.push_back(synthetic_workload(variant));
    return workloads;
  }
  const records::Database db(settings.records, records::Database::Mode::kRead);
  for (const records::Database::Summary& s : db.summaries({})) {
    const std::shared_ptr<const Replay> replay = std::make_shared<Replay>(
        replay_of(db.trials(exactly(s.workload, s.template_version, s.setting)), settings.records));
    workloads.push_back(
        {replay->task, [replay](uint64_t index) { return replay->outcomes.at(index); }, replay->best_cycles});
    workloads.back().task.title += " on " + s.setting.board;
  }
  return workloads;
}

/// Trials until a point within 5 % and within 2 % of the best was measured; most_trials + 1 when none was.
std::pair<size_t, size_t> trials_needed(const Settings& settings, const Workload& workload, Strategy strategy,
                                        uint64_t seed) {
  const std::unique_ptr<Search> search = make_search(strategy, workload.task, seed);
  const double best = static_cast<double>(workload.best);
  size_t trials = 0, within5 = 0, within2 = 0;
  std::vector<uint64_t> points = {*workload.task.space.index_of(workload.task.fallback)};
  while (!points.empty() && within2 == 0 && trials < settings.most_trials) {
    for (const uint64_t index : points) {
      const Outcome outcome = workload.outcome_of(index);
      search->tell(index, outcome);
      ++trials;
      if (outcome.status != Status::kOk) continue;
      if (within5 == 0 && static_cast<double>(outcome.cycles) <= 1.05 * best) within5 = trials;
      if (within2 == 0 && static_cast<double>(outcome.cycles) <= 1.02 * best) within2 = trials;
    }
    points = search->propose(settings.batch);
  }
  const size_t never = settings.most_trials + 1;
  return {within5 == 0 ? never : within5, within2 == 0 ? never : within2};
}

std::string median_text(std::vector<size_t> trials, size_t most) {
  std::sort(trials.begin(), trials.end());
  const size_t median = trials[trials.size() / 2];
  return median > most ? fmt::format("> {}", most) : std::to_string(median);
}

void run(const Settings& settings) {
  std::vector<Strategy> chosen;
  for (const std::string& name : settings.strategies) chosen.push_back(*strategy_named(name));
  fmt::print("median trials of {} seeds, batches of {}\n{:<40} {:<12} {:>8} {:>8} {:>14}\n", settings.seeds,
             settings.batch, "workload", "search", "to 5 %", "to 2 %", "ms per trial");
  for (const Workload& workload : workloads_of(settings)) {
    for (const Strategy strategy : chosen) {
      std::vector<size_t> to5, to2;
      size_t trials = 0;
      const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      for (int seed = 1; seed <= settings.seeds; ++seed) {
        const auto [within5, within2] = trials_needed(settings, workload, strategy, static_cast<uint64_t>(seed));
        to5.push_back(within5);
        to2.push_back(within2);
        trials += std::min(within2, settings.most_trials);
      }
      const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
      fmt::print("{:<40} {:<12} {:>8} {:>8} {:>14.3f}\n", workload.task.title, name_of(strategy),
                 median_text(to5, settings.most_trials), median_text(to2, settings.most_trials),
                 spent.count() / static_cast<double>(trials));
      std::fflush(stdout);
    }
  }
}

int main_of(int argc, char** argv) {
  Settings settings;
  for (const Strategy strategy : strategies()) {
    if (strategy != Strategy::kExhaustive) settings.strategies.emplace_back(name_of(strategy));
  }
  CLI::App app("Compares the tuner's searches on known workloads.", "search_benchmark");
  app.add_option("RECORDS", settings.records, "A records file to replay; without it, made-up workloads");
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
