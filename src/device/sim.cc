// The virtual board: a mote-board of our own, started when it is needed and again when it has died.
#include "device/gdb_device.h"
#include "device/virtual_board.h"

namespace mote::device {

namespace {

class Sim : public GdbDevice {
 public:
  Sim(const std::string& memory, const std::string& via, const target::Board& board)
      : GdbDevice({}, via, board), memory_(memory) {}

  bool transfers_are_fast() const override { return true; }
  bool runs_are_alike() const override { return memory_ == "zero-wait"; }

 protected:
  Endpoint peer() override {
    // Asked for again, it has died or answers no more: the old one goes, and what it held.
    if (board_.process) memory_lost();
    board_.process.reset();
    board_ = start_virtual_board(board(), "gdb", {"--memory", memory_});
    return board_.endpoint;
  }
  std::string peer_output() override { return board_.process ? board_.process->output() : ""; }

 private:
  const std::string memory_;
  VirtualBoard board_;
};

}  // namespace

std::unique_ptr<Device> open_sim(const std::string& via, const target::Board& board) {
  return std::make_unique<Sim>(via == "sim" ? "zero-wait" : "flash", via, board);
}

}  // namespace mote::device
