// Measures random points of the named operators' spaces and keeps them as benchmark files (tune/replay_file.h), one for
// each operator and board. What is in a file already is not measured again: stopped at any moment, it goes on where it
// was.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "deploy/library.h"
#include "measure/measurer.h"
#include "measure/tasks.h"
#include "search/workloads.h"
#include "support/error.h"
#include "support/files.h"
#include "tune/points.h"
#include "tune/replay_file.h"

namespace mote::search {
namespace {

struct Settings {
  std::vector<std::string> boards{"nucleo-f746zg", "nucleo-l4r5zi"}, only;
  std::string folder = "benchmarks/search/replays";
  size_t points = 5000, batch = 16;
  bool list = false;
};

/// A board with all that is measured on it.
struct Bench {
  Bench(const std::string& name, const std::vector<NamedLayer>& layers) : board(target::load_board(name, {})) {
    for (const NamedLayer& layer : layers) {
      const std::vector<kernels::Workload> of_layer = measure::workloads_of(shapes::graph_of(layer.layer));
      workloads.push_back(of_layer.front());
    }
    tasks = measure::tasks_of(workloads, board.target);
    check(tasks.size() == workloads.size(), "the named operators differ and have choices");
  }

  void connect() {
    pool = std::make_unique<session::Pool>(std::vector<std::string>{"sim"}, board, session::PoolOptions{});
    measure::Options options;
    options.flags = deploy::kKernelFlags;
    options.repeats = 1;  // the virtual board is deterministic
    measurer = std::make_unique<measure::DeviceMeasurer>(*pool, board, workloads, options);
  }

  target::Board board;
  std::vector<kernels::Workload> workloads;
  std::vector<tune::Task> tasks;  // one for each workload
  std::unique_ptr<session::Pool> pool;
  std::unique_ptr<measure::DeviceMeasurer> measurer;
};

/// One benchmark file that grows.
class File {
 public:
  File(std::string path, const Bench& bench, const tune::Task& task)
      : path_(std::move(path)), bench_(bench), task_(task), points_(task.space) {
    records::Trial common;
    common.workload = task.workload;
    common.template_version = task.template_version;
    common.setting = {bench.board.target.name, bench.board.name, "sim", bench.measurer->compiler(),
                      bench.measurer->flags()};
    if (std::filesystem::exists(path_)) {
      recall(common);
    } else {
      std::ofstream(path_) << tune::replay_header(common, task.space);
    }
  }

  size_t known() const { return known_; }
  const std::string& path() const { return path_; }

  /// Measures up to `count` more points; false when there are none left.
  bool grow(size_t count) {
    Random random(1 + known_);
    std::vector<space::Config> configs;
    while (configs.size() < count) {
      const std::optional<uint64_t> index = points_.draw(random);
      if (!index) break;
      configs.push_back(task_.space.at(*index));
    }
    const std::vector<records::Outcome> outcomes = bench_.measurer->measure(task_, configs);
    std::string lines;
    for (size_t i = 0; i < outcomes.size(); ++i) lines += tune::replay_line(task_.space, configs[i], outcomes[i]);
    std::ofstream(path_, std::ios::app) << lines << std::flush;
    known_ += outcomes.size();
    return !configs.empty();
  }

 private:
  void recall(const records::Trial& common) {
    // A line that was being written when an earlier run was killed is measured again.
    std::string text = read_text(path_);
    if (!text.ends_with('\n')) {
      text.resize(text.rfind('\n') + 1);
      write_file(path_, text);
    }
    for (const records::Trial& trial : tune::read_replay(text, path_)) {
      if (trial.workload != common.workload || trial.template_version != common.template_version ||
          !(trial.setting == common.setting)) {
        throw InputError(path_, "has points of another workload, template or setting");
      }
      if (const std::optional<space::Config> config = task_.space.parse(trial.knobs)) {
        points_.take(*task_.space.index_of(*config));
      }
      ++known_;
    }
  }

  std::string path_;
  const Bench& bench_;
  const tune::Task& task_;
  tune::Points points_;
  size_t known_ = 0;
};

/// All files grow evenly, so that the run may be ended at any time.
void collect(const Settings& settings, const std::vector<NamedLayer>& layers, std::vector<Bench>* benches) {
  std::vector<File> files;
  for (Bench& bench : *benches) {
    bench.connect();
    for (size_t i = 0; i < layers.size(); ++i) {
      files.emplace_back(fmt::format("{}/{}-{}.txt", settings.folder, layers[i].name, bench.board.target.name), bench,
                         bench.tasks[i]);
    }
  }
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  size_t done = 0;
  while (true) {
    File* least = nullptr;
    for (File& file : files) {
      if (file.known() < settings.points && (!least || file.known() < least->known())) least = &file;
    }
    if (!least) return;
    const size_t before = least->known();
    if (!least->grow(std::min(settings.batch, settings.points - before))) {
      throw JobError(least->path() + ": the space has no more points");
    }
    done += least->known() - before;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("{}: {} points; {:.1f} a second\n", least->path(), least->known(),
               static_cast<double>(done) / seconds.count());
    std::fflush(stdout);
  }
}

void print_list(const std::vector<NamedLayer>& layers, const std::vector<Bench>& benches) {
  for (const Bench& bench : benches) {
    for (size_t i = 0; i < layers.size(); ++i) {
      const space::Space& space = bench.tasks[i].space;
      std::string parts;
      uint64_t legal = 0, index = 0;
      for (const space::Alternative& alternative : space.alternatives) {
        const uint64_t before = legal;
        for (const uint64_t end = index + alternative.size(); index < end; ++index) {
          legal += space.why_illegal(space.at(index)) ? 0 : 1;
        }
        parts += fmt::format(" {} {}", alternative.name, legal - before);
      }
      fmt::print("{} on {}: {}: {} points, {} legal:{}\n", layers[i].name, bench.board.target.name,
                 text_of(layers[i].layer), space.size(), legal, parts);
    }
  }
}

int main_of(int argc, char** argv) {
  Settings settings;
  CLI::App app("Measures random points of operators' spaces and keeps them as benchmark files.", "search_collect");
  app.add_option("--board", settings.boards, "A shipped board's name, or a board file; once for each");
  app.add_option("--only", settings.only, "Only the operators of these names");
  app.add_option("--points", settings.points, "Points wanted in each file")->capture_default_str();
  app.add_option("--batch", settings.batch, "Points measured before it is the next file's turn")->capture_default_str();
  app.add_option("--folder", settings.folder, "Of the files: NAME-TARGET.txt")->capture_default_str();
  app.add_flag("--list", settings.list, "Only list the operators, and how large their spaces are");
  CLI11_PARSE(app, argc, argv);
  try {
    std::vector<NamedLayer> layers;
    for (const NamedLayer& layer : named_layers()) {
      const bool wanted = settings.only.empty() ||
                          std::find(settings.only.begin(), settings.only.end(), layer.name) != settings.only.end();
      if (wanted) layers.push_back(layer);
    }
    std::vector<Bench> benches;
    benches.reserve(settings.boards.size());
    for (const std::string& board : settings.boards) benches.emplace_back(board, layers);
    if (settings.list) {
      print_list(layers, benches);
    } else {
      collect(settings, layers, &benches);
    }
    return 0;
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "search_collect: {}\n", error.what());
    return 2;
  }
}

}  // namespace
}  // namespace mote::search

int main(int argc, char** argv) {
  return mote::search::main_of(argc, argv);
}
