// A deployed library on a board: programmed into flash, booted, fed through RAM.
#pragma once

#include <chrono>
#include <vector>

#include "deploy/library.h"
#include "device/device.h"
#include "execute/inference.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::execute {

class Booted {
 public:
  /// Builds a firmware of the library, programs it unless it is in flash already, and lets it run until it waits for
  /// inputs. All must outlive this. `flags`: of the compiler, beyond those of the library. Throws JobError (a fault
  /// names its place), ConnectionError. No call waits for the board longer than board.limits.run.
  Booted(device::Device& device, const target::Board& board, const deploy::Library& library,
         toolchain::Toolchain& toolchain, const std::vector<std::string>& flags = {});

  /// One inference. `inputs` in the order of the graph's inputs, of their exact sizes. With an `observer` the board
  /// stops after every operator.
  Inference run(const std::vector<Bytes>& inputs, const Observer& observer = {});

  /// Begins an inference and halts the core at the first instruction of an operator's kernel, which the operator must
  /// have. The end: only a debugger goes on from there.
  void halt_at(size_t operator_index, const std::vector<Bytes>& inputs);

  const toolchain::Image& image() const { return image_; }
  /// Whether the board's flash held this very firmware already.
  bool was_there() const { return was_there_; }

 private:
  void write_inputs(const std::vector<Bytes>& inputs);
  void go_to(const std::string& function);
  device::Registers registers_to_return() const;
  uint32_t address_of(const std::string& symbol) const;
  uint32_t address_of(ir::TensorId id) const;
  Bytes read(ir::TensorId id);

  device::Device& device_;
  const deploy::Library& library_;
  uint32_t cycles_per_tick_;
  std::chrono::milliseconds limit_;
  toolchain::Image image_;
  bool was_there_ = false;
  device::Registers registers_;  // where the core stands
};

}  // namespace mote::execute
