// Operators whose kernels differ in nothing but their constants use one function, which is given the constants.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "deploy/network.h"
#include "loop/ir.h"

namespace mote::deploy {

struct SharedCode {
  std::vector<size_t> owner;    // by operator: the one whose function it calls; itself when it has its own, or none
  std::vector<bool> is_shared;  // by operator: whether several call that function

  /// The operators that call the function of `index`.
  std::vector<size_t> users_of(size_t index) const;
  /// What is to be emitted for operator `index`, an owner: with constants as parameters when it is shared.
  loop::Program function_of(const Network& network, size_t index) const;
};

SharedCode share_code(const Network& network);

/// The C function that operator `index`, which has a kernel, calls in the library: its own, or the one it shares.
std::string called_by(const Network& network, size_t index);

}  // namespace mote::deploy
