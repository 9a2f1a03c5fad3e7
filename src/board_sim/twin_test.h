// For tests: the same firmware on the virtual board and on qemu-system-arm, whose output must be the same bytes.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "board_sim/elf_file.h"
#include "board_sim/machine.h"
#include "support/error.h"
#include "support/subprocess.h"
#include "target/board.h"

namespace mote::board_sim {

/// A folder of its own, removed with its content at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mote-twin-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw JobError("cannot make " + pattern);
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// Assembly for every core: writes what lies from `results` to r7 to the console by semihosting, and leaves with exit
/// code 0. The program has `open` (three words: the name ":tt", 4, 3) and `write` (three words, the second `results`)
/// in RAM.
inline constexpr const char* kWriteResults = R"(
    movs r0, #1
    ldr r1, =open
    bkpt 0xab
    ldr r1, =write
    str r0, [r1]
    ldr r2, =results
    subs r2, r7, r2
    str r2, [r1, #8]
    movs r0, #5
    bkpt 0xab
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    .ltorg
)";

/// What a firmware printed, and how it ended.
struct Outcome {
  std::string output;
  int exit_code = -1;
};

/// Assembles `text` (sections .vectors at `code`, .text, .data at `data`; .incbin finds files in `folder`) for `cpu`
/// and returns the path of the ELF file in `folder`. Throws JobError with the assembler's message.
inline std::string link_firmware(const ScratchFolder& folder, const std::string& text, const std::string& cpu,
                                 const std::string& fpu, uint32_t code = 0, uint32_t data = 0x20000000) {
  const std::string source = folder.file("firmware.s"), object = folder.file("firmware.o"),
                    script = folder.file("firmware.ld"), elf = folder.file("firmware.elf");
  write_file(source, fmt::format(".syntax unified\n.cpu {}\n{}.thumb\n", cpu, fpu.empty() ? "" : ".fpu " + fpu + "\n") +
                         text + "\n");
  write_file(
      script,
      fmt::format("SECTIONS {{\n .text {:#x} : {{ KEEP(*(.vectors)) *(.text*) }}\n .data {:#x} : {{ *(.data*) }}\n"
                  " .bss : {{ *(.bss*) }} }}\n",
                  code, data));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"arm-none-eabi-as", "-I" + folder.file(""), "-o", object, source},
        std::vector<std::string>{"arm-none-eabi-ld", "-T", script, "-e", "0", "-o", elf, object}}) {
    Command command;
    command.arguments = arguments;
    const CommandResult result = run_command(command);
    if (!result.ok()) throw JobError(result.err);
  }
  return elf;
}

/// Runs the firmware on the virtual board until it exits by semihosting; exit code -1: it locked up.
inline Outcome run_on_board(const std::string& elf, const target::Board& board) {
  Machine machine(board);
  Outcome outcome;
  machine.print = [&](std::string_view text) { outcome.output += text; };
  for (const ElfSegment& segment : read_elf(elf).segments) {
    if (!machine.write(segment.address, segment.bytes)) throw JobError("the firmware does not fit the board");
  }
  machine.reset();
  const Halt halt = machine.run();
  if (halt.reason == Halt::Reason::kExit) outcome.exit_code = halt.exit_code;
  return outcome;
}

/// Runs it on QEMU's model of `board` (its [qemu] machine). Nothing where there is no QEMU.
inline std::optional<Outcome> run_on_qemu(const std::string& elf, const target::Board& board) {
  if (!find_program("qemu-system-arm")) return std::nullopt;
  Command command;
  command.arguments = {"qemu-system-arm",
                       "-M",
                       board.qemu_machine,
                       "-nodefaults",
                       "-display",
                       "none",
                       "-serial",
                       "none",
                       "-monitor",
                       "none",
                       "-semihosting-config",
                       "enable=on,target=native",
                       "-kernel",
                       elf};
  command.limit = std::chrono::seconds(60);
  const CommandResult result = run_command(command);
  if (result.timed_out) throw JobError("QEMU does not end");
  return Outcome{result.out, result.exit_code};
}

}  // namespace mote::board_sim
