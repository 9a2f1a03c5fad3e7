#include "tune/tuner.h"

#include <algorithm>
#include <map>
#include <set>

#include "support/error.h"
#include "support/random.h"
#include "tune/scheduler.h"

namespace mote::tune {
namespace {

/// FNV-1a: a task's random choices depend on its key and not on its place among the others.
uint64_t seed_of(const Task& task, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (const char c : task.workload) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return Random(hash).bits();
}

/// The first point of every other alternative, and the fallback with each of its named choices (a layout) made
/// otherwise, one at a time: kinds of programs that a search in a large space may not come across for long.
std::vector<uint64_t> other_kinds(const Task& task) {
  std::vector<uint64_t> points;
  const auto add = [&](const space::Config& config) {
    if (!task.space.why_illegal(config)) points.push_back(*task.space.index_of(config));
  };
  for (const space::Alternative& alternative : task.space.alternatives) {
    if (alternative.name != task.fallback.alternative) add(alternative.at(0));
  }
  for (const space::Knob& knob : task.space.alternative(task.fallback.alternative)->knobs) {
    if (knob.kind != space::Knob::Kind::kName) continue;
    for (const int64_t value : knob.values) {
      space::Config config = task.fallback;
      config.set(knob.name, value);
      if (config != task.fallback) add(config);
    }
  }
  return points;
}

/// A task on its way.
struct Run {
  const Task* task = nullptr;
  std::unique_ptr<Search> search;
  TaskState state;
  uint64_t fallback = 0;
  bool fallback_known = false;
  std::vector<uint64_t> next{};  // to be measured before the search is asked
  struct Success {
    size_t trial = 0;
    records::Option option;
  };
  std::vector<Success> successes{};  // in order
  size_t since_progress = 0;
};

class Tuner {
 public:
  Tuner(const std::vector<Task>& tasks, Measurer& measurer, records::Database* records, const Options& options)
      : measurer_(measurer), records_(records), options_(options), start_(options.now()) {
    check(options.batch > 0, "a batch needs at least one trial");
    std::set<std::string> workloads;
    progress_.most_trials = options.trials;
    for (const Task& task : tasks) {
      check(workloads.insert(task.workload).second, "two tasks have the workload " + task.workload);
      begin(task);
    }
  }

  Result run() {
    report(std::nullopt);
    while (true) {
      if (const std::optional<Ended> ended = why_end()) return finish(*ended);
      const std::optional<size_t> choice = choose();
      if (!choice) return finish(Ended::kFinished);
      if (!measure_batch(*choice)) return finish(Ended::kStopped);
    }
  }

 private:
  void begin(const Task& task) {
    const std::optional<uint64_t> fallback = task.space.index_of(task.fallback);
    check(fallback.has_value(), "the fallback of " + task.workload + " is not in its space");
    runs_.push_back(
        {&task, make_search(options_.strategy, task, seed_of(task, options_.seed), options_.model), {}, *fallback});
    runs_.back().state.occurrences = task.occurrences;
    runs_.back().next = other_kinds(task);
    progress_.tasks.push_back({});
    progress_.tasks.back().task = &task;
    if (records_ != nullptr) recall(runs_.size() - 1);
  }

  /// Tells the search what the records know. A failed connection says nothing about a point: it may be tried again.
  void recall(size_t i) {
    const Task& task = *runs_[i].task;
    for (const records::Trial& trial :
         records_->trials(exactly(task.workload, task.template_version, options_.setting))) {
      if (trial.outcome.status == Status::kConnection) continue;
      const std::optional<space::Config> config = task.space.parse(trial.knobs);
      if (!config) continue;
      ++progress_.tasks[i].known;
      learn(i, *task.space.index_of(*config), trial.outcome);
    }
    runs_[i].since_progress = 0;
  }

  void learn(size_t i, uint64_t index, const Outcome& measured) {
    Run& run = runs_[i];
    TaskProgress& task = progress_.tasks[i];
    Outcome outcome = measured;
    // What no library within the budget can use is not what is looked for.
    const bool fits = options_.budget.ram == 0 || outcome.ram_bytes <= options_.budget.ram;
    if (outcome.status == Status::kOk && !fits) outcome.status = Status::kTooLarge;
    run.search->tell(index, outcome);
    std::erase(run.next, index);
    ++run.state.trials;
    ++run.since_progress;
    if (index == run.fallback) {
      run.fallback_known = true;
      if (measured.status == Status::kOk) task.fallback_cycles = measured.cycles;
    }
    if (outcome.status != Status::kOk) return;
    run.successes.push_back({run.state.trials, {outcome.cycles, outcome.flash_bytes}});
    if (improves(run, run.successes.back())) run.since_progress = 0;
    if (task.best_cycles && outcome.cycles >= *task.best_cycles) return;
    task.best_cycles = outcome.cycles;
    task.best = run.task->space.at(index);
    run.since_progress = 0;
  }

  /// Whether it costs less than all before it; notes it then.
  bool improves(Run& run, const Run::Success& success) const {
    const uint64_t cost =
        success.option.cycles + static_cast<uint64_t>(price_ * static_cast<double>(success.option.bytes));
    std::vector<TaskState::Record>& improvements = run.state.improvements;
    if (!improvements.empty() && cost >= improvements.back().cycles) return false;
    improvements.push_back({success.trial, cost});
    return true;
  }

  /// What a byte of flash is worth by now, once every task has something to choose from.
  void set_price() {
    if (options_.budget.flash == 0) return;
    std::vector<Choices> choices;
    for (const Run& run : runs_) {
      if (run.successes.empty()) return;
      choices.push_back({run.task->occurrences, {}});
      for (const Run::Success& success : run.successes) choices.back().options.push_back(success.option);
    }
    price_ = price_of_flash(choices, options_.budget.flash);
    for (Run& run : runs_) {
      run.search->set_price(price_);
      run.state.improvements.clear();
      for (const Run::Success& success : run.successes) improves(run, success);
    }
  }

  std::optional<Ended> why_end() const {
    if (stop_requested()) return Ended::kStopped;
    if (errors_in_row_ >= options_.errors) return Ended::kErrors;
    if (options_.target_cycles) {
      const std::optional<uint64_t> total = progress_.total_cycles();
      if (total && *total <= *options_.target_cycles) return Ended::kTarget;
    }
    if (progress_.trials >= options_.trials) return Ended::kTrials;
    if (options_.time_limit && seconds() >= options_.time_limit->count()) return Ended::kTime;
    return std::nullopt;
  }

  /// A task whose fallback was not measured yet, in order; then the most promising.
  std::optional<size_t> choose() {
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (!runs_[i].fallback_known) return i;
    }
    set_price();
    if (options_.in_turns) return least_tried();
    std::vector<TaskState> states;
    for (Run& run : runs_) {
      // The first batch tries every kind of program: there is nothing to promise yet.
      if (!run.state.finished && run.state.trials > 1) run.state.promise = run.search->promise();
      states.push_back(run.state);
    }
    return next_task(states);
  }

  std::optional<size_t> least_tried() const {
    std::optional<size_t> least;
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (runs_[i].state.finished) continue;
      if (!least || runs_[i].state.trials < runs_[*least].state.trials) least = i;
    }
    return least;
  }

  std::vector<uint64_t> next_points(Run& run) {
    if (!run.fallback_known) return {run.fallback};
    const size_t most = std::min(options_.batch, options_.trials - progress_.trials);
    std::vector<uint64_t> points = run.next;
    if (points.size() > most) points.resize(most);
    // What is left of the batch is the search's; it may think of one of these points itself.
    for (const uint64_t point : run.search->propose(most - points.size())) {
      if (std::find(points.begin(), points.end(), point) == points.end()) points.push_back(point);
    }
    return points;
  }

  /// False when the Measurer was interrupted.
  bool measure_batch(size_t i) {
    Run& run = runs_[i];
    const std::vector<uint64_t> points = next_points(run);
    if (points.empty()) {
      set_finished(i);
      return true;
    }
    report(i);
    std::vector<space::Config> configs;
    for (const uint64_t point : points) configs.push_back(run.task->space.at(point));
    const std::vector<Outcome> outcomes = measure(*run.task, configs);
    check(outcomes.size() <= points.size(), "the measurer returned more outcomes than there were trials");
    record(*run.task, configs, outcomes);
    for (size_t k = 0; k < outcomes.size(); ++k) account(i, points[k], outcomes[k]);
    finish_task_if_done(i);
    report(i);
    check(outcomes.size() == points.size() || stop_requested(), "the measurer left trials out");
    return outcomes.size() == points.size();
  }

  /// A fallback may be illegal (no memory for it): then there is nothing to run. Searches propose legal points only.
  std::vector<Outcome> measure(const Task& task, const std::vector<space::Config>& configs) {
    if (configs.size() == 1) {
      if (const std::optional<std::string> why = task.space.why_illegal(configs.front())) {
        Outcome refused;
        refused.status = Status::kIllegal;
        refused.error = *why;
        return {refused};
      }
    }
    return measurer_.measure(task, configs);
  }

  void record(const Task& task, const std::vector<space::Config>& configs, const std::vector<Outcome>& outcomes) {
    if (records_ == nullptr) return;
    const int64_t time =
        std::chrono::duration_cast<std::chrono::milliseconds>(options_.now().time_since_epoch()).count();
    std::vector<records::Trial> trials;
    for (size_t k = 0; k < outcomes.size(); ++k) {
      trials.push_back(
          {task.workload, task.template_version, options_.setting, task.space.text_of(configs[k]), outcomes[k], time});
    }
    records_->add(trials);
  }

  void account(size_t i, uint64_t point, const Outcome& outcome) {
    ++progress_.trials;
    ++progress_.tasks[i].trials;
    ++progress_.tasks[i].by_status[static_cast<size_t>(outcome.status)];
    learn(i, point, outcome);
    if (outcome.status == Status::kOk) {
      errors_in_row_ = 0;
      errors_by_status_.clear();
    } else if (outcome.status != Status::kIllegal) {
      ++errors_in_row_;
      ++errors_by_status_[outcome.status];
      last_error_ = runs_[i].task->title + " with " + runs_[i].task->space.text_of(runs_[i].task->space.at(point)) +
                    ": " + outcome.error;
    }
  }

  void finish_task_if_done(size_t i) {
    const bool stale = options_.early_stop > 0 && runs_[i].since_progress >= options_.early_stop;
    const bool hopeless =
        !progress_.tasks[i].best_cycles && runs_[i].state.trials >= std::max<size_t>(1, options_.errors / 3);
    if (stale || hopeless) set_finished(i);
  }

  void set_finished(size_t i) { runs_[i].state.finished = progress_.tasks[i].finished = true; }

  bool stop_requested() const { return options_.stop != nullptr && options_.stop->load(); }
  double seconds() const { return std::chrono::duration<double>(options_.now() - start_).count(); }

  void report(std::optional<size_t> current) {
    progress_.current = current;
    progress_.seconds = seconds();
    progress_.seconds_left.reset();
    if (progress_.trials > 0) {
      const double left = static_cast<double>(options_.trials - progress_.trials);
      progress_.seconds_left = left * progress_.seconds / static_cast<double>(progress_.trials);
    }
    if (options_.time_limit) {
      const double limit = std::max(0.0, options_.time_limit->count() - progress_.seconds);
      progress_.seconds_left = std::min(limit, progress_.seconds_left.value_or(limit));
    }
    if (options_.on_progress) options_.on_progress(progress_);
  }

  Result finish(Ended ended) {
    report(std::nullopt);
    return {progress_, ended, ended == Ended::kErrors ? explanation() : ""};
  }

  std::string explanation() const {
    std::string kinds;
    for (const auto& [status, count] : errors_by_status_) {
      kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name_of(status));
    }
    return "the last " + std::to_string(errors_in_row_) + " trials all failed (" + kinds +
           "), so tuning ended.\nThe last: " + last_error_;
  }

  Measurer& measurer_;
  records::Database* records_;
  const Options& options_;
  const std::chrono::system_clock::time_point start_;
  std::vector<Run> runs_;
  Progress progress_;
  double price_ = 0;  // cycles that a byte of flash is worth
  size_t errors_in_row_ = 0;
  std::map<Status, size_t> errors_by_status_;
  std::string last_error_;
};

}  // namespace

std::optional<uint64_t> Progress::total_cycles() const {
  uint64_t total = 0;
  for (const TaskProgress& task : tasks) {
    if (!task.best_cycles) return std::nullopt;
    total += static_cast<uint64_t>(task.task->occurrences) * *task.best_cycles;
  }
  return total;
}

std::vector<Task> merge_equal(std::vector<Task> tasks) {
  std::vector<Task> merged;
  for (Task& task : tasks) {
    const auto same =
        std::find_if(merged.begin(), merged.end(), [&](const Task& other) { return other.workload == task.workload; });
    if (same == merged.end())
      merged.push_back(std::move(task));
    else
      same->occurrences += task.occurrences;
  }
  return merged;
}

Result tune(const std::vector<Task>& tasks, Measurer& measurer, records::Database* records, const Options& options) {
  return Tuner(tasks, measurer, records, options).run();
}

}  // namespace mote::tune
