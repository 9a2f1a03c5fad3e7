// The virtual board: a mote-board of our own, started when it is needed and again when it has died.
#include <fmt/core.h>

#include "device/gdb_device.h"
#include "support/subprocess.h"

namespace mote::device {

namespace {

class Sim : public GdbDevice {
 public:
  Sim(const std::string& memory, const std::string& via, const target::Board& board, const Limits& limits)
      : GdbDevice({}, via, board, limits), memory_(memory) {}

  bool transfers_are_fast() const override { return true; }

 protected:
  Endpoint peer() override {
    // Asked for again, it has died or answers no more: the old one goes, and what it held.
    if (process_) memory_lost();
    process_.reset();
    const std::optional<std::filesystem::path> program = find_own_program("mote-board");
    if (!program) throw JobError("mote-board, the virtual board, not found: it is built and installed beside mote");
    Command command;
    command.arguments = {program->string(), "--board", board().file, "--memory", memory_, "--gdb", "0", "--once"};
    command.output_limit = 64u << 10;
    process_.emplace(command);
    const std::string announcement = "gdb: ";  // "gdb: 43121", the port on 127.0.0.1
    const std::optional<std::string> line = process_->wait_for_line(
        [&](const std::string& text) { return text.starts_with(announcement); }, limits().connect);
    if (!line) {
      throw ConnectionError(fmt::format("{} did not start: {}", program->string(), process_->output()));
    }
    return parse_endpoint("127.0.0.1:" + line->substr(announcement.size()), "mote-board");
  }
  std::string peer_output() override { return process_ ? process_->output() : ""; }

 private:
  const std::string memory_;
  std::optional<BackgroundProcess> process_;
};

}  // namespace

std::unique_ptr<Device> open_sim(const std::string& via, const target::Board& board, const Limits& limits) {
  return std::make_unique<Sim>(via == "sim" ? "zero-wait" : "flash", via, board, limits);
}

}  // namespace mote::device
