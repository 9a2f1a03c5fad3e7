#include "execute/code_profile.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::execute {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes kLongestRun{10};
constexpr int kBadInput = 2;  // the exit code of mote-board when it cannot be what it is asked to be

/// "0x08000400"
uint32_t address_of(const std::string& text) {
  uint32_t address = 0;
  const char* const end = text.data() + text.size();
  const bool hexadecimal = text.starts_with("0x");
  const std::from_chars_result result = std::from_chars(text.data() + (hexadecimal ? 2 : 0), end, address, 16);
  if (!hexadecimal || result.ec != std::errc() || result.ptr != end) throw std::invalid_argument("the address " + text);
  return address;
}

}  // namespace

CodeProfile parse_code_profile(const std::string& text, const std::string& file) {
  CodeProfile profile;
  try {
    const json document = json::parse(text);
    for (const json& entry : document.at("code")) {
      InsnRuns runs;
      runs.executions = entry.at("executions").get<uint64_t>();
      runs.cycles = entry.at("cycles").get<double>();
      const json stalls = entry.value("stalls", json::object());
      for (const auto& [reason, cycles] : stalls.items()) {
        runs.stalls.emplace_back(reason, cycles.get<double>());
      }
      profile[address_of(entry.at("address").get<std::string>())] = std::move(runs);
    }
  } catch (const std::exception& error) {
    throw InputError(file, std::string("is no profile that mote-board has written: ") + error.what());
  }
  return profile;
}

ProfiledRun profile_program(const target::Board& board, const Bytes& elf, const std::string& memory) {
  const std::optional<std::filesystem::path> program = find_own_program("mote-board");
  if (!program) throw JobError("mote-board, the virtual board, not found: it is built and installed beside mote");
  const TemporaryFolder folder;
  const std::string firmware = folder.path() / "program.elf", profile = folder.path() / "profile.json";
  write_file(firmware, elf);
  Command command;
  command.arguments = {*program,   "--board", board.file,  "--elf", firmware,
                       "--memory", memory,    "--profile", profile, "--die-with-parent"};
  command.limit = kLongestRun;
  const CommandResult result = run_command(command);
  if (result.timed_out) {
    throw JobError(
        fmt::format("the program does not end in {} minutes: it has to exit by semihosting", kLongestRun.count()));
  }
  if (!std::filesystem::exists(profile)) {
    const std::string why = result.err.substr(0, result.err.find_last_not_of('\n') + 1);
    if (result.exit_code == kBadInput) throw InputError("the virtual board", why);
    throw JobError("the virtual board does not run the program:\n" + why);
  }
  return {parse_code_profile(read_text(profile), profile), result.exit_code, result.err};
}

std::string main_of_one_run(const deploy::Library& library, const std::vector<Bytes>& inputs) {
  const std::string& prefix = library.network.prefix;
  std::string text = fmt::format("#include \"{}.h\"\n#include <string.h>\n", prefix);
  std::string copies;
  for (size_t i = 0; i < inputs.size(); ++i) {
    text += fmt::format("static const unsigned char input_{}[] = {{", i);
    for (const std::byte value : inputs[i]) text += fmt::format("{},", std::to_integer<int>(value));
    text += "};\n";
    copies += fmt::format("  memcpy({}_input({}), input_{}, sizeof input_{});\n", prefix, i, i, i);
  }
  return text + fmt::format("int main(void) {{\n  {0}_init();\n{1}  {0}_run();\n", prefix, copies) +
         "  register int exit_call __asm(\"r0\") = 0x18;\n  register int success __asm(\"r1\") = 0x20026;\n"
         "  __asm volatile(\"bkpt 0xab\" : : \"r\"(exit_call), \"r\"(success) : \"memory\");\n  return 0;\n}\n";
}

}  // namespace mote::execute
