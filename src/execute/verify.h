// Every tensor that the deployed library computes, held against the reference interpreter.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deploy/library.h"
#include "execute/inference.h"
#include "ir/graph.h"

namespace mote::execute {

/// Largest difference of a float from the reference, as a share of the tensor's largest magnitude (or of 1): sums are
/// in another order than the reference's.
inline constexpr double kFloatTolerance = 1e-5;

/// The first value of a tensor that is not as it should be.
struct FirstDifference {
  size_t index = 0;  // of the value, row by row
  double got = 0, expected = 0;
};

/// One operator of the library: its output on the board against the same tensor of the source model.
struct Comparison {
  std::vector<int32_t> source;  // source operators fused into it
  std::string kind;             // of the library's operator: "conv_2d"
  std::string tensor;           // name of the source tensor
  int source_tensor = -1;       // its index
  double max_abs_diff = 0;      // of stored values; of float values
  bool bit_exact = false;
  bool within_tolerance = false;           // integers: bit-exact; floats: kFloatTolerance
  std::optional<FirstDifference> first{};  // beyond the tolerance; there when `within_tolerance` is false
};

/// A tensor that the source model computes and the library does not.
struct Vanished {
  int source_tensor = -1;
  std::string name;
};

struct Verification {
  std::vector<Comparison> operators;  // in the order of the library
  std::vector<Vanished> vanished;
  Inference inference;
  bool bit_exact() const;
  bool ok() const;  // all within tolerance
};

/// `run`: one inference of the library on a board. `model`: as imported, what the library was made of.
Verification verify(const RunModel& run, const deploy::Library& library, const ir::Graph& model,
                    const std::vector<Bytes>& inputs);

}  // namespace mote::execute
