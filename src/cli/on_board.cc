#include "cli/on_board.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"
#include "execute/booted.h"
#include "execute/hosted.h"
#include "support/error.h"

namespace mote::cli {

void add_on_board_options(CLI::App& command, OnBoardOptions& options) {
  add_deployment_options(command, options.deployment);
  add_device_options(command, options.device);
  CLI::Option* const hosted = command.add_flag(
      "--hosted", options.hosted, "Load operator after operator into RAM instead of programming a firmware into flash");
  command.add_option("--repeats", options.repeats, "Runs of each operator, the fastest of which counts; with --hosted")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000))
      ->needs(hosted);
  add_limit_option(command, options.deployment.limits);
  add_json_flag(command, options.json);
}

void must_boot(const target::Board& board) {
  if (board.target.cortex_m()) return;
  throw InputError(board.name, "is no board to boot from flash; choose one of `mote boards`, or --hosted");
}

OnBoard::OnBoard(const Deployment& deployment, const OnBoardOptions& options)
    : repeats_(options.repeats), toolchain_(deployment.board, toolchain::Compiler::kGcc, cache_folder()) {
  if (!options.hosted) must_boot(deployment.board);
  device_ = device::open_device(options.device.via, deployment.board);
  if (options.hosted) {
    session_ = std::make_unique<session::Session>(*device_, deployment.board, toolchain_);
    hosted_ = std::make_unique<execute::Hosted>(*session_, deployment.library, toolchain_);
  } else {
    booted_ = std::make_unique<execute::Booted>(*device_, deployment.board, deployment.library, toolchain_);
    if (options.device.via.starts_with("sim")) return;  // a board that came into being just now
    print_note(booted_->was_there() ? "the board held this firmware already: it is used as it is"
                                    : "the board held another firmware: this one was programmed");
  }
}

OnBoard::~OnBoard() = default;

execute::Inference OnBoard::run(const std::vector<Bytes>& inputs, const execute::Observer& observer) {
  return hosted_ ? hosted_->run(inputs, repeats_, observer) : booted_->run(inputs, observer);
}

nlohmann::ordered_json document_head(const OnBoardOptions& options, const Deployment& deployment) {
  return {{"model", options.deployment.model},
          {"board", deployment.board.name},
          {"via", options.device.via},
          {"hosted", options.hosted}};
}

nlohmann::ordered_json json_cycles(uint64_t cycles, const target::Board& board) {
  return board.counts_cycles() ? nlohmann::ordered_json(cycles) : nlohmann::ordered_json();
}

std::string time_text(uint64_t cycles, const target::Board& board) {
  if (!board.counts_cycles()) return "no timing: the board has no cycle counter";
  return fmt::format("{} cycles, {:.3f} ms at {} MHz", grouped(static_cast<int64_t>(cycles)),
                     1e3 * static_cast<double>(cycles) / board.clock_hz, board.clock_hz / 1'000'000);
}

}  // namespace mote::cli
