// Every tensor that the deployed library computes, held against the reference interpreter.
#pragma once

#include <string>
#include <vector>

#include "execute/booted.h"
#include "ir/graph.h"

namespace mote::execute {

/// One operator of the library: its output on the board against the same tensor of the source model.
struct Comparison {
  std::vector<int32_t> source;  // source operators fused into it
  std::string kind;             // of the library's operator: "conv_2d"
  std::string tensor;           // name of the source tensor
  int source_tensor = -1;       // its index
  double max_abs_diff = 0;      // of stored values; of float values
  bool bit_exact = false;
  bool within_tolerance = false;  // int8: bit-exact; float: 1e-5 of the tensor's largest magnitude (or of 1)
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

/// `model`: as imported, what the library was made of.
Verification verify(Booted& booted, const deploy::Library& library, const ir::Graph& model,
                    const std::vector<Bytes>& inputs);

}  // namespace mote::execute
