// Runs generated kernels: their C form on the host, their assembly on an emulated board.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/micro/kernel.h"
#include "support/random.h"
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

/// `count` trials, each by `make(random, index)`, which gives nothing for a shape that no kernel can do.
template <typename Make>
std::vector<Trial> make_trials(uint64_t seed, int count, Make make) {
  Random random(seed);
  std::vector<Trial> trials;
  while (static_cast<int>(trials.size()) < count) {
    if (std::optional<Trial> trial = make(random, static_cast<int>(trials.size()))) trials.push_back(std::move(*trial));
  }
  return trials;
}

/// Expects that no output of the trials' C forms, compiled with the host's `cc`, is wrong.
void expect_right_on_host(const std::vector<Trial>& trials);

/// Expects that every trial has an assembly form, of which no output is wrong on QEMU's MPS2 board with the target's
/// core. Skips the test when the compiler or the emulator is not installed.
void expect_right_on_board(const std::vector<Trial>& trials, const target::Target& target);

}  // namespace mote::kernels::micro
