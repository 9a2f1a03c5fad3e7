#include "cli/booted_board.h"

#include "support/error.h"

namespace mote::cli {

namespace {

const target::Board& bootable(const target::Board& board) {
  if (!board.target.cortex_m())
    throw InputError(board.name, "is no board to boot from flash; choose one of `mote boards`");
  return board;
}

}  // namespace

BootedBoard::BootedBoard(const Deployment& deployment, const std::string& via)
    : toolchain_(bootable(deployment.board), toolchain::Compiler::kGcc, cache_folder()),
      device_(device::open_device(via, deployment.board)),
      booted_(std::make_unique<execute::Booted>(*device_, deployment.board, deployment.library, toolchain_)) {}

}  // namespace mote::cli
