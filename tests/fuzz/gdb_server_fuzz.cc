// Any bytes from a GDB client are answered or dropped; afterwards the next client is served.
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "board_fuzz.h"
#include "board_sim/gdb_packet.h"
#include "board_sim/gdb_server.h"
#include "fuzz.h"
#include "support/error.h"

namespace mote {
namespace {

/// Sends `bytes` to a server on `machine`, hangs up, and returns what came back.
std::string talk(board_sim::Machine& machine, std::span<const std::byte> bytes) {
  int ends[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
  std::string answers;
  std::thread client([&] {
    std::thread writer([&] {
      for (std::span<const std::byte> rest = bytes; !rest.empty();) {
        const ssize_t count = ::write(ends[0], rest.data(), rest.size());
        if (count <= 0) break;
        rest = rest.subspan(static_cast<size_t>(count));
      }
      shutdown(ends[0], SHUT_WR);
    });
    char buffer[65536];
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      answers.append(buffer, static_cast<size_t>(count));
    }
    writer.join();
  });
  {
    board_sim::Channel channel(ends[1]);
    board_sim::GdbServer(machine).serve(channel);
  }
  client.join();
  close(ends[0]);
  return answers;
}

/// `bytes` with a right checksum behind every "#": most mutations would come no further than the wrong one.
std::string with_checksums(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  uint8_t sum = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$') sum = 0;
    if (text[i] == '#' && i + 2 < text.size()) {
      text.replace(i + 1, 2, board_sim::to_hex({reinterpret_cast<const char*>(&sum), 1}));
      i += 2;
    } else if (text[i] != '$') {
      sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(text[i]));
    }
  }
  return text;
}

void fuzz_one(std::span<const std::byte> input) {
  board_sim::Machine& machine = *fuzz::fuzzed_board().machine;
  talk(machine, input);
  fuzz::fuzzed_board();
  const std::string mended = with_checksums(input);
  talk(machine, std::as_bytes(std::span(mended)));
  const std::string question = "$qC#b4";
  check(talk(machine, std::as_bytes(std::span(question))) == "+$QC1#c5", "the server does not answer any more");
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
