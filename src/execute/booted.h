// A deployed library on a board: programmed into flash, booted, fed through RAM.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "deploy/library.h"
#include "device/device.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::execute {

/// What one inference gave.
struct Inference {
  std::vector<Bytes> outputs;    // in the order of the graph's outputs
  std::vector<uint64_t> cycles;  // by operator of the library; all 0 on a board without a cycle counter
  uint64_t total_cycles() const;
};

/// Sees the output of each operator as soon as it is computed: its index, and the bytes.
using Observer = std::function<void(size_t operator_index, const Bytes& output)>;

class Booted {
 public:
  /// Builds a firmware of the library, programs it and lets it run until it waits for inputs. All must outlive this.
  /// Throws JobError (a fault names its place), ConnectionError.
  Booted(device::Device& device, const target::Board& board, const deploy::Library& library,
         toolchain::Toolchain& toolchain, std::chrono::milliseconds limit = std::chrono::minutes(5));

  /// One inference. `inputs` in the order of the graph's inputs, of their exact sizes. With an `observer` the board
  /// stops after every operator.
  Inference run(const std::vector<Bytes>& inputs, const Observer& observer = {});

  const toolchain::Image& image() const { return image_; }

 private:
  void program();
  void go_to(const std::string& function);
  device::Registers registers_to_return() const;
  uint32_t address_of(const std::string& symbol) const;
  uint32_t address_of(ir::TensorId id) const;
  Bytes read(ir::TensorId id);

  device::Device& device_;
  const deploy::Library& library_;
  std::chrono::milliseconds limit_;
  toolchain::Image image_;
  device::Registers registers_;  // where the core stands
};

}  // namespace mote::execute
