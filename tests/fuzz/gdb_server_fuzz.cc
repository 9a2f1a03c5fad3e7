// Any bytes from a GDB client are answered or dropped; afterwards the next client is served.
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "board_fuzz.h"
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

void fuzz_one(std::span<const std::byte> input) {
  board_sim::Machine& machine = *fuzz::fuzzed_board().machine;
  talk(machine, input);
  const std::string question = "$qC#b4";
  check(talk(machine, std::as_bytes(std::span(question))) == "+$QC1#c5", "the server does not answer any more");
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
