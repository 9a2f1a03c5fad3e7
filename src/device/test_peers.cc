#include "device/test_peers.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "device/connection.h"
#include "device/fake.h"
#include "device/virtual_board.h"

namespace mote::device {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStart{20'000};

std::unique_ptr<BackgroundProcess> start(const std::vector<std::string>& arguments) {
  Command command;
  command.arguments = arguments;
  return std::make_unique<BackgroundProcess>(command);
}

/// Waits until somebody listens at `port`.
void await_port(uint16_t port) {
  for (const auto end = std::chrono::steady_clock::now() + kStart; std::chrono::steady_clock::now() < end;) {
    try {
      const Connection connection({"127.0.0.1", port}, "waiting", milliseconds(100));
      return;
    } catch (const ConnectionError&) {
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
}

PeerResult qemu(const target::Board& board) {
  if (!find_program("qemu-system-arm")) return {{}, "qemu-system-arm is not installed"};
  Peer peer{board, nullptr, nullptr, nullptr};
  const uint16_t port = free_port();
  peer.server =
      start({"qemu-system-arm", "-M", board.qemu_machine, "-display", "none", "-nodefaults", "-monitor", "none",
             "-serial", "none", "-icount", "shift=0", "-S", "-gdb", fmt::format("tcp:127.0.0.1:{}", port)});
  await_port(port);
  peer.device = open_device(fmt::format("gdb:127.0.0.1:{}", port), board);
  return {std::move(peer), ""};
}

PeerResult mote_board_by_gdb(const target::Board& board) {
  const auto program = find_own_program("mote-board");
  if (!program) return {{}, "mote-board is not built"};
  Peer peer{board, nullptr, nullptr, nullptr};
  peer.server = start({program->string(), "--board", board.file, "--gdb", "0"});
  const auto line =
      peer.server->wait_for_line([](const std::string& text) { return text.starts_with("gdb: "); }, kStart);
  if (!line) return {{}, "mote-board does not start: " + peer.server->output()};
  peer.device = open_device("gdb:127.0.0.1:" + line->substr(5), board);
  return {std::move(peer), ""};
}

/// An OpenOCD that somebody else has started, in front of an ST-Link: reached by its Tcl port, or as a GDB server.
PeerResult running_openocd(const target::Board& board, bool by_gdb) {
  if (!find_program("openocd")) return {{}, "openocd is not installed"};
  if (!find_own_program("mote-board")) return {{}, "mote-board is not built"};
  Peer peer{board, nullptr, nullptr, nullptr};
  VirtualBoard virtual_board = start_virtual_board(board, "st-link", {});
  peer.server = std::move(virtual_board.process);
  const uint16_t port = free_port();
  peer.openocd = start(
      {"openocd", "-c",
       fmt::format("bindto 127.0.0.1; gdb_report_data_abort enable; tcl_port {}; gdb_port {}; telnet_port disabled",
                   by_gdb ? "disabled" : std::to_string(port), by_gdb ? std::to_string(port) : "disabled"),
       "-c",
       fmt::format("adapter driver st-link; st-link vid_pid 0x0483 0x374f; st-link backend tcp {}; "
                   "transport select dapdirect_swd; adapter speed 24000",
                   virtual_board.endpoint.port),
       "-f", board.openocd->target_script, "-c", "cortex_m reset_config sysresetreq", "-c", "init"});
  await_port(port);
  peer.device = open_device(fmt::format("{}:127.0.0.1:{}", by_gdb ? "gdb" : "openocd", port), board);
  return {std::move(peer), ""};
}

/// An OpenOCD of our own and a virtual board behind it.
PeerResult own_openocd(const target::Board& board, const std::string& cable) {
  if (!find_program("openocd")) return {{}, "openocd is not installed"};
  if (!find_own_program("mote-board")) return {{}, "mote-board is not built"};
  Peer peer{board, nullptr, nullptr, nullptr};
  peer.device = open_device("sim:" + cable, board);
  return {std::move(peer), ""};
}

}  // namespace

uint16_t free_port() {
  const FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
            ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
        "a port can be had");
  return ntohs(address.sin_port);
}

std::vector<pid_t> marked_boards(const std::string& mark) {
  return marked_processes("mote-board", mark);
}

std::vector<pid_t> marked_processes(const std::string& program, const std::string& mark) {
  std::vector<pid_t> ids;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream environment(entry.path() / "environ"), command(entry.path() / "comm");
    const std::string variables{std::istreambuf_iterator<char>(environment), {}};
    std::string running;
    std::getline(command, running);
    if (running == program && variables.find("MOTE_TEST_MARK=" + mark) != std::string::npos)
      ids.push_back(std::stoi(name));
  }
  return ids;
}

std::vector<const char*> users_board() {
  const bool given = std::getenv("MOTE_TEST_BOARD") && std::getenv("MOTE_TEST_VIA");
  return given ? std::vector<const char*>{"user"} : std::vector<const char*>{};
}

PeerResult start_peer(const std::string& kind, const Limits& limits) {
  if (kind == "user") {
    target::Board board = target::load_board(std::getenv("MOTE_TEST_BOARD"));
    board.limits = limits;
    return {Peer{board, nullptr, nullptr, open_device(std::getenv("MOTE_TEST_VIA"), board)}, ""};
  }
  const size_t colon = kind.find(':');
  const std::string way = kind.substr(0, colon);
  target::Board board = target::load_board(colon == std::string::npos ? "host" : kind.substr(colon + 1));
  board.limits = limits;
  if (way == "fake") {
    const target::Board any = target::load_board("nucleo-f746zg");
    return {Peer{any, nullptr, nullptr, std::make_unique<Fake>(any)}, ""};
  }
  if (way == "openocd" || way == "openocd-gdb") return running_openocd(board, way == "openocd-gdb");
  if (way == "st-link" || way == "jtag") return own_openocd(board, way);
  if (way == "qemu") return qemu(board);
  if (way == "gdb") return mote_board_by_gdb(board);
  if (way == "sim" && !find_own_program("mote-board")) return {{}, "mote-board is not built"};
  return {Peer{board, nullptr, nullptr, open_device(way, board)}, ""};
}

}  // namespace mote::device
