// What one run of an operator costs the host in wall-clock time, over every kind of connection: called strictly, one
// call after the other; queued, so that the board runs them without returning to the host; and with each queued call
// repeated on the board. Prints a Markdown table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "codegen/emit.h"
#include "device/test_peers.h"
#include "import/tflite/reader.h"
#include "measure/candidate.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "session/session.h"
#include "support/error.h"

namespace mote::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kRepeats[] = {1, 10, 100, 1000};

struct Options {
  std::string model;
  size_t op = 3;
  std::vector<std::string> peers = {"sim:nucleo-f746zg",  "gdb:nucleo-f746zg", "openocd:nucleo-f746zg",
                                    "jtag:nucleo-f746zg", "qemu:mps2-an500",   "host"};
  double seconds = 1;  // spent on each figure, about
};

/// An operator on a board, ready to be called.
class Operator {
 public:
  Operator(session::Session& session, toolchain::Toolchain& toolchain, const kernels::Workload& workload)
      : session_(session), module_(load(session, toolchain, workload)) {
    const ir::Operator& op = workload.op();
    for (const ir::TensorId id : workload.graph.inputs) add(workload.graph.tensor(id));
    add(workload.graph.tensor(op.output));
    const size_t scratch = lower(session, workload).workspace_bytes();
    if (scratch > 0) call_.arguments.push_back(session.allocate(static_cast<uint32_t>(scratch)));
    call_.function = module_.address_of(measure::kCandidateFunction);
  }
  /// Seconds of `count` calls of `repeats` each, waiting after every call or only at the end.
  double seconds(size_t count, uint32_t repeats, bool strict) {
    call_.repeats = repeats;
    const Clock::time_point begin = Clock::now();
    for (size_t i = 0; i < count; ++i) {
      if (strict) {
        must(session_.call(call_, std::chrono::minutes(5)));
      } else {
        session_.enqueue(call_, std::chrono::minutes(5));
      }
    }
    for (const session::CallResult& result : session_.sync()) must(result);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
  uint64_t cycles() {
    call_.repeats = 3;
    return must(session_.call(call_)).least;
  }

 private:
  static loop::Program lower(const session::Session& session, const kernels::Workload& workload) {
    const target::Target& target = session.board().target;
    return kernels::lower(workload, kernels::fallback_of(workload, target), target, measure::kCandidateFunction);
  }
  static session::Module load(session::Session& session, toolchain::Toolchain& toolchain,
                              const kernels::Workload& workload) {
    const toolchain::CompileResult object =
        toolchain.compile({"operator.c", codegen::emit_kernel(lower(session, workload))}, {"-O2"});
    if (!object.ok()) throw JobError(object.messages);
    session::LoadResult loaded = session.load({*object.object});
    if (const session::LoadFailure* failure = std::get_if<session::LoadFailure>(&loaded)) throw JobError(failure->text);
    return std::move(std::get<session::Module>(loaded));
  }
  static const session::CallResult& must(const session::CallResult& result) {
    if (!result.ok()) throw JobError(result.fault->text());
    return result;
  }
  void add(const ir::Tensor& tensor) {
    const uint32_t bytes = static_cast<uint32_t>(tensor.size_bytes());
    call_.arguments.push_back(session_.allocate(bytes));
    session_.fill(call_.arguments.back(), bytes, std::byte{0});
  }

  session::Session& session_;
  session::Module module_;
  session::Call call_;
};

/// Milliseconds of one run, over as many calls as fit into the time.
std::string cost(Operator& op, const Options& options, uint32_t repeats, bool strict) {
  constexpr size_t kMostCalls = 640;
  const double once = op.seconds(1, repeats, strict);
  const size_t count = std::clamp<size_t>(static_cast<size_t>(options.seconds / once), 1, kMostCalls);
  return fmt::format("{:.3f}", 1e3 * op.seconds(count, repeats, strict) / static_cast<double>(count * repeats));
}

void measure_peer(const std::string& kind, const kernels::Workload& workload, const Options& options) {
  device::PeerResult started = device::start_peer(kind);
  if (!started.peer) {
    fmt::print("| {} | {} |\n", kind, started.missing);
    return;
  }
  device::Peer& peer = *started.peer;
  toolchain::Toolchain toolchain(peer.board);
  session::Session session(*peer.device, peer.board, toolchain);
  Operator op(session, toolchain, workload);
  std::string row = fmt::format("| {} | {} | {}", kind, op.cycles(), cost(op, options, 1, true));
  for (const uint32_t repeats : kRepeats) row += " | " + cost(op, options, repeats, false);
  fmt::print("{} |\n", row);
  std::fflush(stdout);
}

int run(const Options& options) {
  const ir::Graph graph = passes::run_passes(import::read_tflite(options.model));
  const std::vector<kernels::Workload> workloads = measure::workloads_of(graph);
  if (options.op >= workloads.size()) throw InputError("--operator", "there is no such operator after the passes");
  const kernels::Workload& workload = workloads[options.op];
  fmt::print("{}: milliseconds of each run\n\n", workload.title);
  fmt::print("| connection | cycles | strict | queued | queued x 10 | queued x 100 | queued x 1000 |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (const std::string& kind : options.peers) measure_peer(kind, workload, options);
  return 0;
}

}  // namespace
}  // namespace mote::benchmarks

int main(int argc, char** argv) {
  using namespace mote::benchmarks;
  Options options;
  CLI::App app("What a call costs, strict and lazy");
  app.add_option("model", options.model, "A .tflite file")->required();
  app.add_option("--operator", options.op, "Which of its operators, after the passes")->capture_default_str();
  app.add_option("--peer", options.peers,
                 "Connections: sim:BOARD, gdb:BOARD, openocd:BOARD, jtag:BOARD, qemu:BOARD, host");
  app.add_option("--seconds", options.seconds, "To spend on each figure")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
