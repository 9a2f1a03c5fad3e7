// What run, profile and verify share: a model's library on the board that the options name.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/deployment.h"
#include "device/device.h"
#include "execute/inference.h"
#include "session/session.h"
#include "toolchain/toolchain.h"

namespace mote::execute {
class Booted;
class Hosted;
}  // namespace mote::execute

namespace mote::cli {

/// The options of a command that runs a model on a board.
struct OnBoardOptions {
  DeploymentOptions deployment;
  DeviceOptions device;
  bool hosted = false;
  uint32_t repeats = 1;
  bool json = false;
};

/// MODEL, --board, --via, --hosted, --repeats, --input, --json and so on.
void add_on_board_options(CLI::App& command, OnBoardOptions& options);

class OnBoard {
 public:
  /// Opens the board, and boots the library on it unless it is hosted. `deployment` must outlive this. Throws
  /// InputError for what cannot be booted, and what execute::Booted and session::Session throw.
  OnBoard(const Deployment& deployment, const OnBoardOptions& options);
  ~OnBoard();
  /// One inference.
  execute::Inference run(const std::vector<Bytes>& inputs, const execute::Observer& observer = {});
  toolchain::Toolchain& toolchain() { return toolchain_; }

 private:
  uint32_t repeats_;
  toolchain::Toolchain toolchain_;
  std::unique_ptr<device::Device> device_;
  std::unique_ptr<execute::Booted> booted_;
  std::unique_ptr<session::Session> session_;  // hosted
  std::unique_ptr<execute::Hosted> hosted_;
};

/// Throws InputError when the board has no flash to boot from: the host.
void must_boot(const target::Board& board);

/// The beginning of the command's JSON document: which model, on which board, how.
nlohmann::ordered_json document_head(const OnBoardOptions& options, const Deployment& deployment);

/// "103,247 cycles, 0.478 ms at 216 MHz"; "no timing" and why where nothing counts cycles.
std::string time_text(uint64_t cycles, const target::Board& board);
/// The number, or null where nothing counts cycles.
nlohmann::ordered_json json_cycles(uint64_t cycles, const target::Board& board);

}  // namespace mote::cli
