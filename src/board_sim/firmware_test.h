// For tests: machine code from assembly text, and a machine to run it on.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "board_sim/machine.h"
#include "support/error.h"
#include "support/subprocess.h"
#include "target/board.h"

namespace mote::board_sim {

inline constexpr uint32_t kCode = 0x08000400, kData = 0x20000000, kStack = 0x20010000;

inline bool has_assembler() {
  return find_program("arm-none-eabi-as").has_value() && find_program("arm-none-eabi-ld").has_value();
}

/// The machine code of `text` at `address`. `fpu`: "fpv5-d16" takes every instruction of the tests.
inline std::vector<std::byte> assemble(const std::string& text, uint32_t address = kCode) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("mote-board-test-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string source = folder / "a.s", object = folder / "a.o", linked = folder / "a.elf", raw = folder / "a.bin";
  std::ofstream(source) << ".syntax unified\n.cpu cortex-m7\n.fpu fpv5-d16\n.thumb\n.text\n" << text << "\n";
  const auto run = [](std::vector<std::string> arguments) {
    Command command;
    command.arguments = std::move(arguments);
    const CommandResult result = run_command(command);
    if (!result.ok()) throw JobError(result.err);
  };
  run({"arm-none-eabi-as", "-o", object, source});
  run({"arm-none-eabi-ld", fmt::format("-Ttext={:#x}", address), "-e", "0", "-o", linked, object});
  run({"arm-none-eabi-objcopy", "-O", "binary", linked, raw});
  std::ifstream file(raw, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  fs::remove_all(folder);
  const std::span<const std::byte> view = std::as_bytes(std::span(bytes));
  return {view.begin(), view.end()};
}

/// A board with a machine: code at kCode in flash, the stack below kStack.
struct Rig {
  explicit Rig(const std::string& name = "nucleo-f746zg")
      : board(target::load_board(name)), machine(std::make_unique<Machine>(board)) {
    machine->print = [this](std::string_view text) { output += text; };
  }

  void write(uint32_t address, uint32_t value) {
    ASSERT_TRUE(machine->write(address, std::as_bytes(std::span(&value, 1))));
  }
  uint32_t read(uint32_t address) {
    uint32_t value = 0;
    EXPECT_TRUE(machine->read(address, std::as_writable_bytes(std::span(&value, 1)))) << std::hex << address;
    return value;
  }
  uint32_t reg(int n) { return machine->processor().reg(n) & (n == 15 ? ~1u : ~0u); }

  /// Puts `text` into flash behind a vector table whose entries all lead to it, and resets. Handlers: `vector(n)`.
  void load(const std::string& text, uint32_t address = kCode) {
    const std::vector<std::byte> code = assemble(text, address);
    ASSERT_TRUE(machine->write(address, code));
    end = address + static_cast<uint32_t>(code.size());
    write(board.flash().address, kStack);
    write(board.flash().address + 4, address | 1);
    machine->reset();
  }
  void vector(int n, uint32_t handler) { write(board.flash().address + 4 * static_cast<uint32_t>(n), handler | 1); }

  target::Board board;
  std::unique_ptr<Machine> machine;
  std::string output;
  uint32_t end = 0;  // behind the code
};

}  // namespace mote::board_sim
