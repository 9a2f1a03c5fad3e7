#include "device/openocd_server.h"

#include <fmt/core.h>

namespace mote::device {

using std::chrono::milliseconds;

OpenOcdServer::OpenOcdServer(OpenOcdAdapter adapter, const target::Board& board) : adapter_(adapter), board_(board) {
  if (!board.openocd) throw InputError(board.file, "says nothing about [openocd]; use openocd:HOST:PORT");
}

void OpenOcdServer::start_board() {
  if (virtual_board_.process) ++incarnation_;
  virtual_board_ = {};
  const char* const port = adapter_ == OpenOcdAdapter::kVirtualStLink ? "st-link" : "remote-bitbang";
  virtual_board_ = start_virtual_board(board_, port, {});
}

/// Whether the virtual board says anything at all: OpenOCD would wait longer for one that is stuck. A port that turns
/// us away is alive, too.
bool OpenOcdServer::board_answers() const {
  const milliseconds limit = board_.limits.reply;
  try {
    Connection port(virtual_board_.endpoint, "mote-board", limit);
    // How many devices there are; the level of TDO. Then a farewell, after which the port is free for OpenOCD.
    port.send(adapter_ == OpenOcdAdapter::kVirtualStLink ? "\x01\xff" : "RQ", limit);
    const Connection::Clock::time_point end = Connection::Clock::now() + limit;
    while (port.next(end)) {
    }
    return false;
  } catch (const ConnectionError&) {
    return true;
  }
}

Endpoint OpenOcdServer::start() {
  process_.reset();
  if (adapter_ == OpenOcdAdapter::kOfBoardFile) return start_openocd();
  const bool fresh = !virtual_board_.process || board_died() || !board_answers();
  if (fresh) start_board();
  try {
    return start_openocd();
  } catch (const ConnectionError&) {
    if (fresh) throw;
    start_board();  // it lives, but not as it should
    return start_openocd();
  }
}

void OpenOcdServer::choose_adapter(std::vector<std::string>& arguments) const {
  const auto add = [&](const char* option, const std::string& value) {
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  const uint16_t port = virtual_board_.endpoint.port;
  switch (adapter_) {
    case OpenOcdAdapter::kOfBoardFile:
      add("-f", board_.openocd->interface_script);
      for (const std::string& line : board_.openocd->commands) add("-c", line);
      return;
    case OpenOcdAdapter::kVirtualStLink:
      add("-c", fmt::format("adapter driver st-link; st-link vid_pid 0x0483 0x374f; st-link backend tcp {}; "
                            "transport select dapdirect_swd; adapter speed 24000",
                            port));
      return;
    case OpenOcdAdapter::kVirtualJtag:
      add("-c",
          fmt::format("adapter driver remote_bitbang; remote_bitbang host 127.0.0.1; remote_bitbang port {}", port));
      return;
  }
}

Endpoint OpenOcdServer::start_openocd() {
  if (!find_program("openocd")) throw JobError("openocd not found: apt-get install openocd");
  Command command;
  command.arguments = {"openocd", "-c", "bindto 127.0.0.1; tcl_port 0; gdb_port 0; telnet_port disabled"};
  choose_adapter(command.arguments);
  const std::string& reset = board_.openocd->reset;
  for (const std::string& argument : {std::string("-f"), board_.openocd->target_script, std::string("-c"),
                                      reset == "srst" ? "reset_config srst_only" : "cortex_m reset_config " + reset,
                                      std::string("-c"), std::string("init; poll off")}) {
    command.arguments.push_back(argument);
  }
  command.output_limit = 64u << 10;
  process_ = std::make_unique<BackgroundProcess>(command);
  // The debuggers' port is announced before the one for Tcl. What comes later may push it out of the output that is
  // kept.
  const std::string before = "Listening on port ", after = " for tcl connections";
  const std::optional<std::string> line = process_->wait_for_line(
      [&](const std::string& text) { return text.find(before) != std::string::npos && text.ends_with(after); },
      board_.limits.connect);
  const std::string said = process_->output();
  if (!line) throw ConnectionError(fmt::format("openocd does not reach {}:\n{}", board_.name, said));
  const size_t end = said.find(" for gdb connections"),
               from = end == std::string::npos ? end : said.rfind(' ', end - 1);
  gdb_port_ = from == std::string::npos ? "" : said.substr(from + 1, end - from - 1);
  const size_t begin = line->find(before) + before.size();
  return parse_endpoint("127.0.0.1:" + line->substr(begin, line->size() - after.size() - begin), "openocd");
}

}  // namespace mote::device
