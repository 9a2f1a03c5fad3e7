// Measures random points of one operator's space on a board and keeps them as a benchmark file (tune/replay_file.h).
// What is in the file already is not measured again: stopped at any moment, it goes on where it was.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "codegen/emit.h"
#include "deploy/library.h"
#include "import/tflite/reader.h"
#include "measure/measurer.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "support/error.h"
#include "support/files.h"
#include "tune/points.h"
#include "tune/replay_file.h"

namespace mote {
namespace {

struct Settings {
  std::string model, board = "nucleo-f746zg", via = "sim", output;
  size_t task = 0, points = 5000, batch = 32;
  bool list = false, profile = false;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Where a trial's time goes before it reaches the board.
void profile(const kernels::Workload& workload, const tune::Task& task, const target::Board& board, size_t points) {
  tune::Points drawn(task.space);
  Random random(1);
  toolchain::Toolchain toolchain(board);
  double lowering = 0, emitting = 0, compiling = 0, bytes = 0;
  size_t done = 0;
  while (done < points) {
    const std::optional<uint64_t> index = drawn.draw(random);
    if (!index) break;
    try {
      std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      const loop::Program program = kernels::lower(workload, task.space.at(*index), board.target, "candidate");
      lowering += seconds_since(start);
      start = std::chrono::steady_clock::now();
      const std::string text = codegen::emit_kernel(program);
      emitting += seconds_since(start);
      bytes += static_cast<double>(text.size());
      start = std::chrono::steady_clock::now();
      toolchain.compile({"candidate.c", text}, deploy::kKernelFlags);
      compiling += seconds_since(start);
      ++done;
    } catch (const loop::ScheduleError&) {
      // Illegal with these weights.
    }
  }
  const double each = 1000 / static_cast<double>(std::max<size_t>(done, 1));
  fmt::print("{} points, ms each: lower {:.2f}, emit {:.2f}, compile {:.2f}; {:.0f} bytes of C\n", done,
             each * lowering, each * emitting, each * compiling,
             bytes / static_cast<double>(std::max<size_t>(done, 1)));
}

void collect(const Settings& settings, const target::Board& board, const std::vector<kernels::Workload>& workloads,
             const tune::Task& task) {
  session::Pool pool({settings.via}, board, {});
  measure::Options measuring;
  measuring.flags = deploy::kKernelFlags;
  measuring.repeats = 1;  // the virtual board is deterministic
  measure::DeviceMeasurer measurer(pool, board, workloads, measuring);
  records::Trial common;
  common.workload = task.workload;
  common.template_version = task.template_version;
  common.setting = {board.target.name, board.name, settings.via, measurer.compiler(), measurer.flags()};

  tune::Points points(task.space);
  size_t known = 0;
  if (std::filesystem::exists(settings.output)) {
    // A line that was being written when an earlier run was killed is measured again.
    std::string text = read_text(settings.output);
    if (!text.ends_with('\n')) {
      text.resize(text.rfind('\n') + 1);
      write_file(settings.output, text);
    }
    for (const records::Trial& trial : tune::read_replay(text, settings.output)) {
      if (trial.workload != common.workload || trial.template_version != common.template_version ||
          !(trial.setting == common.setting)) {
        throw InputError(settings.output, "has points of another workload, template or setting");
      }
      if (const std::optional<space::Config> config = task.space.parse(trial.knobs)) {
        points.take(*task.space.index_of(*config));
      }
      ++known;
    }
  } else {
    std::ofstream(settings.output) << tune::replay_header(common, task.space);
  }
  Random random(1 + known);
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  const size_t before = known;
  while (known < settings.points) {
    std::vector<space::Config> configs;
    while (configs.size() < std::min(settings.batch, settings.points - known)) {
      const std::optional<uint64_t> index = points.draw(random);
      if (!index) break;
      configs.push_back(task.space.at(*index));
    }
    if (configs.empty()) break;
    const std::vector<records::Outcome> outcomes = measurer.measure(task, configs);
    std::string lines;
    for (size_t i = 0; i < outcomes.size(); ++i) lines += tune::replay_line(task.space, configs[i], outcomes[i]);
    std::ofstream(settings.output, std::ios::app) << lines << std::flush;
    known += configs.size();
    fmt::print("{}: {} points, {:.1f} a second\n", settings.output, known,
               static_cast<double>(known - before) / seconds_since(start));
    std::fflush(stdout);
  }
}

int main_of(int argc, char** argv) {
  Settings settings;
  CLI::App app("Measures random points of an operator's space and keeps them as a benchmark file.", "search_collect");
  app.add_option("MODEL", settings.model, "A .tflite file")->required();
  app.add_option("--board", settings.board, "A shipped board's name, or a board file")->capture_default_str();
  app.add_option("--via", settings.via, "How to reach the board")->capture_default_str();
  app.add_option("--task", settings.task, "Which of the model's tasks")->capture_default_str();
  app.add_option("--points", settings.points, "Points wanted in the file")->capture_default_str();
  app.add_option("--output", settings.output, "The file");
  app.add_flag("--list", settings.list, "Only list the tasks");
  app.add_flag("--profile", settings.profile, "Only say how long lowering, emitting and compiling take");
  CLI11_PARSE(app, argc, argv);
  try {
    const target::Board board = target::load_board(settings.board, {});
    const ir::Graph graph = passes::run_passes(import::read_tflite(settings.model));
    const std::vector<kernels::Workload> workloads = measure::workloads_of(graph);
    const std::vector<tune::Task> tasks = measure::tasks_of(workloads, board.target);
    for (size_t i = 0; settings.list && i < tasks.size(); ++i) {
      uint64_t legal = 0;
      for (uint64_t p = 0; p < tasks[i].space.size(); ++p)
        legal += tasks[i].space.why_illegal(tasks[i].space.at(p)) ? 0 : 1;
      fmt::print("{}: {}: {} points, {} legal\n", i, tasks[i].title, tasks[i].space.size(), legal);
    }
    if (settings.list) return 0;
    if (settings.task >= tasks.size()) throw InputError("--task", "the model has fewer tasks");
    const tune::Task& task = tasks[settings.task];
    if (settings.profile) {
      for (const kernels::Workload& w : workloads) {
        if (w.key != task.workload) continue;
        profile(w, task, board, settings.points);
        break;
      }
      return 0;
    }
    if (settings.output.empty()) throw InputError("--output", "is required");
    collect(settings, board, workloads, task);
    return 0;
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "search_collect: {}\n", error.what());
    return 2;
  }
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  return mote::main_of(argc, argv);
}
