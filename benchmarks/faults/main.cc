// Tunes a model while one in so many candidates is real machine code that hangs, jumps to nowhere or stores to a bad
// address, over any connection. Exit code 1 unless every trial is in the records as what it was.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "device/test_peers.h"
#include "faults/faulty_tuning.h"
#include "support/error.h"

namespace mote::benchmarks {
namespace {

std::string text_of(const std::map<records::Status, size_t>& counts) {
  std::string text;
  for (const auto& [status, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, records::name_of(status));
  }
  return text.empty() ? "none" : text;
}

int run(const FaultyTuning& what) {
  const FaultyResult result = tune_with_faults(what);
  fmt::print("{} of {} trials recorded, {:.2f} a second\n", result.recorded, what.trials,
             static_cast<double>(result.recorded) / result.seconds);
  fmt::print("  left alone: {}\n", text_of(result.good));
  for (int kind = 0; kind < measure::kSabotages; ++kind) {
    fmt::print("  {}: {}\n", measure::name_of(static_cast<measure::Sabotage>(kind)),
               text_of(result.spoiled[static_cast<size_t>(kind)]));
  }
  for (const session::BoardState& board : result.boards) {
    fmt::print("  {}: {} jobs, set aside {} times {}\n", board.via, board.jobs, board.failures, board.last_error);
  }
  for (const std::string& wrong : result.wrong) fmt::print("WRONG: {}\n", wrong);
  return result.recorded == what.trials && result.wrong.empty() ? 0 : 1;
}

int main_of(int argc, char** argv) {
  FaultyTuning what;
  what.on_event = [](const std::string& text) { fmt::print(stderr, "{}\n", text); };
  std::vector<std::string> kinds;
  uint64_t limit = 20'000;
  CLI::App app("Tunes a model with spoiled candidates");
  app.add_option("model", what.model, "A .tflite file")->required();
  app.add_option("--board", what.board, "A board's name or file")->required();
  app.add_option("--via", what.vias, "How it is reached, as for mote tune; sim by default");
  app.add_option("--peer", kinds, "Start the other end as well: openocd:BOARD, jtag:BOARD, gdb:BOARD, qemu:BOARD");
  app.add_option("--trials", what.trials, "Trials")->capture_default_str();
  app.add_option("--one-in", what.one_in, "One in so many candidates is spoiled")->check(CLI::PositiveNumber);
  app.add_option("--seed", what.seed, "Of which they are")->capture_default_str();
  app.add_option("--run-limit", limit, "Milliseconds after which a candidate is taken to hang")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  what.run_limit = std::chrono::milliseconds(limit);
  std::vector<device::Peer> peers;
  for (const std::string& kind : kinds) {
    device::PeerResult started = device::start_peer(kind);
    if (!started.peer) throw JobError(kind + ": " + started.missing);
    what.vias.push_back(started.peer->device->name());
    peers.push_back(std::move(*started.peer));
  }
  if (what.vias.empty()) what.vias = {"sim"};
  return run(what);
}

}  // namespace
}  // namespace mote::benchmarks

int main(int argc, char** argv) {
  try {
    return mote::benchmarks::main_of(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
