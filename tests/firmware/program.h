// A program with libraries on the virtual board.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "deploy/firmware.h"
#include "device/device.h"
#include "ir/graph.h"
#include "support/bytes.h"

namespace mote::tests {

/// The model of an example: "digits" or one of examples/models.
ir::Graph model_of(const std::string& name);

/// What the reference computes of `input` for the first output.
Bytes reference_output(const ir::Graph& graph, const Bytes& input);

/// The pseudo-random values that programs on the board fill their inputs with.
Bytes filled(size_t size, uint32_t seed);

/// The hash of bytes that programs on the board make of their outputs (FNV-1a), begun or continued.
uint32_t hashed(const Bytes& bytes, uint32_t hash = 2166136261u);

/// A program, booted, which stops at example_done(). Aborts when it does not build.
class Program {
 public:
  /// `main`: C text, which includes the headers of the libraries. `defines`: flags for everything.
  Program(const std::string& main, const std::vector<deploy::Library>& libraries, const target::Board& board,
          const std::vector<std::string>& defines = {});

  /// Until example_done() is called (once more).
  void run();

  /// What a function and everything it calls take of the stack at most.
  uint32_t stack_bound(const std::string& function) const;

  uint32_t word(const std::string& symbol) { return read_word(*device_, address_of(symbol)); }
  uint32_t address_of(const std::string& symbol) const;

 private:
  target::Board board_;
  toolchain::Toolchain toolchain_;
  std::unique_ptr<device::Device> device_;
  toolchain::Image image_;
  device::Registers registers_;
  bool started_ = false;
};

}  // namespace mote::tests
