// Any bytes at the JTAG cable: one answer for each question, and the chain can be found again.
#include <algorithm>
#include <string>

#include "board_fuzz.h"
#include "board_sim/bitbang_server.h"
#include "fuzz.h"
#include "support/error.h"

namespace mote {
namespace {

/// The 32 bits that the chain shifts out after a reset: the debug port's identity.
uint32_t identity(board_sim::BitbangServer& server) {
  bool open = true;
  server.handle(
      "u"
      "t"
      "s"
      "r",
      open);  // both reset lines, and let go
  for (const char tms : std::string("11111"
                                    "0100"))
    server.handle(tms == '1' ? "26" : "04", open);
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= uint32_t{server.handle("0R4", open) == "1"} << i;
  return bits;
}

void fuzz_one(std::span<const std::byte> input) {
  fuzz::FuzzedBoard& board = fuzz::fuzzed_board();
  board_sim::CoreDebug core(*board.machine);
  board_sim::DebugAccessPort port(core, 1024);
  board_sim::BitbangServer server(core, port, board.board);
  core.attach();
  const std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
  bool open = true;
  const std::string answers = server.handle(bytes, open);
  const std::string heard = bytes.substr(0, bytes.find('Q'));
  check(answers.size() == static_cast<size_t>(std::count(heard.begin(), heard.end(), 'R')), "answers are missing");
  check(open == (heard.size() == bytes.size()), "it is open when it should not be");
  check(identity(server) == 0x5BA00477, "the chain is lost");
  core.detach();
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
