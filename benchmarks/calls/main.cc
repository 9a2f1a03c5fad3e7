// What one run of an operator costs the host in wall-clock time, over every kind of connection: called strictly, one
// call after the other; queued, so that the board runs them without returning to the host; and with each queued call
// repeated on the board. Prints a Markdown table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "codegen/emit.h"
#include "device/test_peers.h"
#include "import/tflite/reader.h"
#include "measure/candidate.h"
#include "measure/tasks.h"
#include "passes/pipeline.h"
#include "session/pool.h"
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
  std::vector<std::string> pools;
  int wait = 0;        // milliseconds
  double seconds = 1;  // spent on each figure, about
};

loop::Program lower(const target::Board& board, const kernels::Workload& workload) {
  return kernels::lower(workload, kernels::fallback_of(workload, board.target), board.target,
                        measure::kCandidateFunction);
}

toolchain::Object compile(const target::Board& board, toolchain::Toolchain& toolchain,
                          const kernels::Workload& workload) {
  const toolchain::CompileResult object =
      toolchain.compile({"operator.c", codegen::emit_kernel(lower(board, workload))}, {"-O2"});
  if (!object.ok()) throw JobError(object.messages);
  return *object.object;
}

/// An operator on a board, ready to be called.
class Operator {
 public:
  Operator(session::Session& session, const toolchain::Object& object, const kernels::Workload& workload)
      : session_(session), module_(load(session, object)) {
    const ir::Operator& op = workload.op();
    for (const ir::TensorId id : workload.graph.inputs) add(workload.graph.tensor(id));
    add(workload.graph.tensor(op.output));
    const size_t scratch = lower(session.board(), workload).workspace_bytes();
    if (scratch > 0) call_.arguments.push_back(session.allocate(static_cast<uint32_t>(scratch)));
    call_.function = module_.address_of(measure::kCandidateFunction);
  }
  ~Operator() {
    for (const uint32_t tensor : call_.arguments) session_.free(tensor);
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

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
  static session::Module load(session::Session& session, const toolchain::Object& object) {
    session::LoadResult loaded = session.load({object});
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

/// Milliseconds of one run: the median of several rounds of as many calls as fit into the time. A queue is full.
std::string cost(Operator& op, const Options& options, uint32_t repeats, bool strict) {
  constexpr size_t kRounds = 9, kMostCalls = 640, kQueue = 64;
  const double once = op.seconds(1, repeats, strict);
  const size_t least = strict ? 1 : std::max<size_t>(kQueue / repeats, 1);
  const size_t count = std::clamp<size_t>(static_cast<size_t>(options.seconds / kRounds / once), least, kMostCalls);
  std::vector<double> rounds;
  for (size_t i = 0; i < kRounds; ++i) {
    rounds.push_back(1e3 * op.seconds(count, repeats, strict) / static_cast<double>(count * repeats));
  }
  std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
  return fmt::format("{:.3f}", rounds[kRounds / 2]);
}

/// Strict calls a second, all boards together: `count` virtual boards that are reached by `via`.
double calls_per_second(const std::string& via, size_t count, const Options& options,
                        const kernels::Workload& workload) {
  constexpr size_t kCalls = 20;  // of one job
  const target::Board board = target::load_board("nucleo-f746zg");
  session::Pool pool(std::vector<std::string>(count, via), board);
  toolchain::Toolchain toolchain(board);
  const toolchain::Object object = compile(board, toolchain, workload);
  std::atomic<size_t> calls{0};
  const Clock::time_point begin = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  while (passed() < 10 * options.seconds) {
    pool.run(2 * count, [&](session::Session& session, size_t) {
      Operator op(session, object, workload);
      for (size_t i = 0; i < kCalls; ++i) {
        op.seconds(1, 1, true);
        std::this_thread::sleep_for(std::chrono::milliseconds(options.wait));
      }
      calls += kCalls;
    });
  }
  return static_cast<double>(calls) / passed();
}

void measure_boards(const Options& options, const kernels::Workload& workload) {
  fmt::print("\n| virtual boards reached by | calls a second on one | on two | times |\n|---|---|---|---|\n");
  for (const std::string& via : options.pools) {
    const double one = calls_per_second(via, 1, options, workload), two = calls_per_second(via, 2, options, workload);
    fmt::print("| {} | {:.1f} | {:.1f} | {:.2f} |\n", via, one, two, two / one);
    std::fflush(stdout);
  }
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
  Operator op(session, compile(peer.board, toolchain, workload), workload);
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
  if (!options.pools.empty()) measure_boards(options, workload);
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
  app.add_option("--pool", options.pools,
                 "Ways to virtual boards, of which one and two are compared: sim, sim:st-link");
  app.add_option("--wait", options.wait,
                 "Milliseconds that each call of a pool waits for a slow cable, beside its own");
  app.add_option("--seconds", options.seconds, "To spend on each figure")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
