// Peers that tests talk to: started when wanted, gone when the test ends. For tests only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/device.h"
#include "support/subprocess.h"

namespace mote::device {

/// For tests that are not about limits, on computers that are busy with other things.
inline constexpr Limits kPatient{std::chrono::seconds(30), std::chrono::seconds(30), std::chrono::seconds(240)};

/// A board reached over one kind of connection.
struct Peer {
  target::Board board;
  std::unique_ptr<BackgroundProcess> server;   // when the test had to start one
  std::unique_ptr<BackgroundProcess> openocd;  // and this in front of it
  std::unique_ptr<Device> device;
};

/// `kind`: "sim:BOARD", "qemu:BOARD" (the GDB driver against QEMU), "gdb:BOARD" (the GDB driver against mote-board),
/// "host", "st-link:BOARD" and "jtag:BOARD" (an OpenOCD of our own against mote-board's ST-Link and JTAG ports),
/// "openocd:BOARD" (one that runs already, against the ST-Link port), "openocd-gdb:BOARD" (the GDB driver against such
/// a one).
/// A text that says what is missing when the peer cannot be had here.
/// "user": a board of the person who runs the tests, named by MOTE_TEST_BOARD and reached by MOTE_TEST_VIA.
struct PeerResult {
  std::optional<Peer> peer;
  std::string missing;
};
PeerResult start_peer(const std::string& kind, const Limits& limits = kPatient);

/// {"user"} when there is such a board, else nothing: to instantiate tests over.
std::vector<const char*> users_board();

/// The processes of `program` that run with MOTE_TEST_MARK=`mark` in their environment.
std::vector<pid_t> marked_processes(const std::string& program, const std::string& mark);
/// The mote-boards among them.
std::vector<pid_t> marked_boards(const std::string& mark);

/// A TCP port that was free a moment ago.
uint16_t free_port();

}  // namespace mote::device
