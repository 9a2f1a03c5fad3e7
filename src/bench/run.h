// A model on a board, with and without records: cycles by operator, sizes, and whether it computes what it should.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "deploy/library.h"
#include "deploy/network.h"
#include "device/device.h"
#include "ir/graph.h"
#include "records/database.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::bench {

/// One operator of a deployed library.
struct OperatorCycles {
  std::vector<int32_t> source;  // operators of the model that were fused into it
  std::string title;
  int64_t macs = 0;
  uint64_t cycles = 0;
};

/// One library, booted and run.
struct Build {
  std::vector<OperatorCycles> operators;
  uint64_t cycles = 0;  // of one inference
  uint32_t flash_bytes = 0, ram_bytes = 0;
  bool exact = false;       // every tensor it computes has the reference's bytes
  bool acceptable = false;  // exact, or floats within tolerance
};

/// Makes a library of `graph` (as imported from the file `model`) with the kernels of `choose`, boots it and runs it on
/// one set of `inputs`, without what is switched off. `fast_bytes`: it is placed in fast memory with at most so much
/// for copies (deploy::place()). Throws InputError, JobError, ConnectionError.
Build build(const ir::Graph& graph, const std::string& model, const target::Board& board,
            const std::vector<Bytes>& inputs, device::Device& device, toolchain::Toolchain& toolchain,
            const deploy::Choose& choose, const deploy::SwitchedOff& off = {}, std::optional<int64_t> fast_bytes = {});

struct Result {
  int64_t macs = 0;  // of the model as it was imported
  Build untuned;
  std::optional<Build> tuned;   // when there are records
  std::optional<Build> placed;  // the better of these in fast memory, when that is asked for
};

/// Benchmarks `graph` (as imported from the file `model`) on one set of `inputs`. `records`: may be null. `fast_bytes`:
/// as in build(). Throws what boots and runs a library throws: InputError, JobError, ConnectionError.
Result run(const ir::Graph& graph, const std::string& model, const target::Board& board,
           const std::vector<Bytes>& inputs, device::Device& device, toolchain::Toolchain& toolchain,
           const records::Database* records, std::optional<int64_t> fast_bytes = {});

/// Cycles of `operators` (a published list by operator of the model) that belong to an operator of a library.
std::optional<int64_t> published_cycles(const std::vector<int64_t>& operators, const OperatorCycles& of);

}  // namespace mote::bench
