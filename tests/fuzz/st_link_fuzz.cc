// Any bytes from a client of the ST-Link, whole or in pieces: answered as far as they are requests, and no further.
#include <string>

#include "board_fuzz.h"
#include "board_sim/st_link.h"
#include "fuzz.h"
#include "support/error.h"

namespace mote {
namespace {

/// What a client gets that sends `bytes` in pieces of `size`.
std::string talk(const std::string& bytes, size_t size) {
  fuzz::FuzzedBoard& board = fuzz::fuzzed_board();
  const std::vector<std::byte> blank(4096);
  board.machine->write(board.board.ram().address, blank);
  board_sim::CoreDebug core(*board.machine);
  board_sim::DebugAccessPort port(core, 1024);
  board_sim::StLink link(core, port);
  core.attach();
  std::string answers, input;
  bool open = true;
  for (size_t at = 0; open && at < bytes.size(); at += size) {
    input += bytes.substr(at, size);
    answers += link.handle(input, open);
    check(input.size() < board_sim::StLink::kLargestTransfer + 64 || !open, "requests pile up");
  }
  core.detach();
  return answers;
}

void fuzz_one(std::span<const std::byte> input) {
  const std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
  talk(bytes, bytes.size() + 1);
  talk(bytes, 7);
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
