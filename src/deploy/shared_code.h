// Operators whose kernels differ in nothing but their constants use one function, which is given the constants; what
// several functions call, a scheduled micro-kernel, is there once; and equal constants are stored once, whosever they
// are.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "deploy/network.h"
#include "loop/ir.h"

namespace mote::deploy {

/// A constant of an operator's kernel.
struct StoredConstant {
  std::string symbol;     // its C name
  bool is_first = false;  // the operator is the first to have it: its file defines it
};

/// By operator, the constants of its kernel in the order of the program's buffers.
std::vector<std::vector<StoredConstant>> share_constants(const Network& network);

struct SharedCode {
  std::vector<size_t> owner;    // by operator: the one whose function it calls; itself when it has its own, or none
  std::vector<bool> is_shared;  // by operator: whether that function is given its constants
  std::vector<std::vector<StoredConstant>> constants;  // share_constants()
  /// By owner, of each of its program's functions the operator whose file defines it: itself, or an earlier one.
  std::vector<std::vector<size_t>> homes;

  /// The operators that call the function of `index`.
  std::vector<size_t> users_of(size_t index) const;
  /// The operators whose files have code that runs for operator `index`, its owner first.
  std::vector<size_t> runs_code_of(size_t index) const;
  /// Whether `function`, of the linked library, may run for operator `index`, which has a kernel.
  bool runs_for(const Network& network, size_t index, const std::string& function) const;
  /// What is to be emitted for operator `index`, an owner: with constants as parameters when it is shared, and with
  /// declarations of the functions that other files define.
  loop::Program function_of(const Network& network, size_t index) const;
};

SharedCode share_code(const Network& network);

/// What is emitted for a program or a function, without its name: equal for those that could be one. A program's
/// constants are parameters, and its operands may overlap.
std::string anonymous_text(const loop::Program& program);
std::string anonymous_text(const loop::Function& function);

/// The C function that operator `index`, which has a kernel, calls in the library: its own, or the one it shares.
std::string called_by(const Network& network, size_t index);

}  // namespace mote::deploy
