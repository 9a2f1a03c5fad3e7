#include "device/virtual_board.h"

#include <fmt/core.h>

namespace mote::device {

VirtualBoard start_virtual_board(const target::Board& board, const std::string& port,
                                 const std::vector<std::string>& options) {
  const std::optional<std::filesystem::path> program = find_own_program("mote-board");
  if (!program) throw JobError("mote-board, the virtual board, not found: it is built and installed beside mote");
  Command command;
  command.arguments = {program->string(), "--board", board.file, "--" + port, "0"};
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  command.output_limit = 64u << 10;
  VirtualBoard result{std::make_unique<BackgroundProcess>(command), {}};
  const std::string announcement = port + ": ";  // "gdb: 43121", the port on 127.0.0.1
  const std::optional<std::string> line = result.process->wait_for_line(
      [&](const std::string& text) { return text.starts_with(announcement); }, board.limits.connect);
  if (!line) throw ConnectionError(fmt::format("{} did not start: {}", program->string(), result.process->output()));
  result.endpoint = parse_endpoint("127.0.0.1:" + line->substr(announcement.size()), "mote-board");
  return result;
}

}  // namespace mote::device
