// Runs generated kernels: their C form on the host, their assembly on an emulated board.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/micro/kernel.h"
#include "target/target.h"

namespace mote::kernels::micro {

/// A kernel and what to do with it.
struct Trial {
  MicroKernel kernel;
  std::string data;  // C definitions at file scope
  std::string call;  // C statements that call it and set `bad` to the number of wrong outputs
  std::string name;  // for messages
};

/// C definition of an array with these values, 8-byte aligned; never empty.
template <typename T>
std::string array_in_c(const std::string& type, const std::string& name, const std::vector<T>& values) {
  std::string text = "static " + type + " " + name + "[] __attribute__((aligned(8))) = {";
  for (const T& value : values) text += std::to_string(static_cast<long long>(value)) + ",";
  return text + "0};\n";
}

/// The number of wrong outputs of each trial's C form, compiled with the host's `cc`.
std::vector<int> run_on_host(const std::vector<Trial>& trials);

/// The number of wrong outputs of each trial's assembly, on QEMU's MPS2 board with the target's core; nothing when the
/// compiler or the emulator is not installed.
std::optional<std::vector<int>> run_on_board(const std::vector<Trial>& trials, const target::Target& target);

}  // namespace mote::kernels::micro
