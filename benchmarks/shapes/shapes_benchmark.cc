// Cycles of untuned kernels for random shapes, held against a line per family.
//   shapes_benchmark --count 200 --svg benchmarks/shapes
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "shapes/plot.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::shapes {

namespace {

constexpr double kLimit = 1.6;  // times the line: slower ones are named

struct Options {
  std::vector<std::string> boards{"nucleo-f746zg", "nucleo-l4r5zi"};
  std::string svg;
  uint64_t seed = 1;
  int count = 200;
  int64_t most_macs = 2'000'000;
  bool real = false, all = false;
};

std::vector<Sample> samples_of(const std::vector<Measurement>& measurements, Family family) {
  std::vector<Sample> samples;
  for (const Measurement& m : measurements) {
    if (m.layer.family != family || m.outcome.status != records::Status::kOk) continue;
    samples.push_back({static_cast<double>(m.macs), static_cast<double>(m.outputs),
                       static_cast<double>(m.outcome.cycles), static_cast<double>(m.inputs)});
  }
  return samples;
}

/// `expected`: by the line that knows the inputs, too.
void print(const Point& point, double expected) {
  const Measurement& m = *point.measurement;
  const double cycles = static_cast<double>(m.outcome.cycles);
  fmt::print("  {:5.2f}x {:5.2f}x  {:>9} cycles  {:6.2f} per MAC  {}  [{}]\n", cycles / point.expected,
             cycles / expected, m.outcome.cycles, cycles / static_cast<double>(m.macs), text_of(m.layer), m.knobs);
}

/// Returns whether all results are right.
bool report(const Options& options, const std::string& name, const std::vector<Layer>& layers) {
  const target::Board board = target::load_board(name, {});
  const std::vector<Measurement> measurements = measure_layers(layers, board);
  std::vector<Point> points;
  fmt::print("{}, {} layers, seed {}\n", board.target.name, layers.size(), options.seed);
  for (const Family family : {Family::kConvolution, Family::kDepthwise, Family::kDense}) {
    const std::vector<Sample> samples = samples_of(measurements, family);
    if (samples.empty()) continue;
    const Line line = fit(samples), with_inputs = fit_with_inputs(samples);
    double macs = 0, cycles = 0;
    for (const Sample& sample : samples) {
      macs += sample.macs;
      cycles += sample.cycles;
    }
    fmt::print("{}: {:.3f} * MACs + {:.1f} * outputs + {:.0f}; {} layers, {:.3f} cycles per MAC of all\n",
               name_of(family), line.per_mac, line.per_output, line.constant, samples.size(), cycles / macs);
    fmt::print("  second: {:.3f} * MACs + {:.1f} * outputs + {:.0f} + {:.1f} * inputs\n", with_inputs.per_mac,
               with_inputs.per_output, with_inputs.constant, with_inputs.per_input);
    std::vector<Point> here;
    size_t sample = 0;
    for (const Measurement& m : measurements) {
      if (m.layer.family != family || m.outcome.status != records::Status::kOk) continue;
      here.push_back({&m, line.at(samples[sample++])});
    }
    const auto ratio = [](const Point& p) { return static_cast<double>(p.measurement->outcome.cycles) / p.expected; };
    std::sort(here.begin(), here.end(), [&](const Point& a, const Point& b) { return ratio(a) > ratio(b); });
    for (const Point& point : here) {
      if (!options.all && ratio(point) <= kLimit) continue;
      const Measurement& m = *point.measurement;
      print(point, with_inputs.at({static_cast<double>(m.macs), static_cast<double>(m.outputs),
                                   static_cast<double>(m.outcome.cycles), static_cast<double>(m.inputs)}));
    }
    points.insert(points.end(), here.begin(), here.end());
  }
  bool ok = true;
  for (const Measurement& m : measurements) {
    if (m.outcome.status == records::Status::kOk) continue;
    ok = false;
    fmt::print("FAILED: {} [{}]: {} {}\n", text_of(m.layer), m.knobs, records::name_of(m.outcome.status),
               m.outcome.error);
  }
  if (!options.svg.empty()) {
    const std::string title = fmt::format("{} random layers on {}, untuned, {}", layers.size(), board.target.name,
                                          options.real ? "float32" : "int8");
    const std::string file = fmt::format("{}/{}{}.svg", options.svg, board.target.name, options.real ? "-float32" : "");
    write_file(file, std::string_view(plot(title, points, kLimit)));
  }
  return ok;
}

}  // namespace

}  // namespace mote::shapes

int main(int argc, char** argv) {
  using namespace mote::shapes;
  CLI::App app("Measures untuned kernels of random layers on the virtual board.");
  Options options;
  app.add_option("--board", options.boards, "A board, once for each");
  app.add_option("--seed", options.seed, "Of shapes, weights and inputs")->capture_default_str();
  app.add_option("--count", options.count, "Layers")->capture_default_str();
  app.add_option("--macs", options.most_macs, "The most of one layer")->capture_default_str();
  app.add_option("--svg", options.svg, "A folder to draw TARGET.svg in");
  app.add_flag("--float", options.real, "float32 instead of int8");
  app.add_flag("--all", options.all, "Name every layer, not only the slow ones");
  CLI11_PARSE(app, argc, argv);
  try {
    const std::vector<Layer> layers = random_layers(options.seed, options.count, options.most_macs, options.real);
    bool ok = true;
    for (const std::string& board : options.boards) ok = report(options, board, layers) && ok;
    return ok ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
