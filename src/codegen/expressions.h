// C text of loop expressions.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "loop/intrinsics.h"
#include "loop/ir.h"

namespace mote::codegen {

/// What a function being emitted knows while its statements are printed.
struct Context {
  const loop::Program& program;
  loop::Extents scope;                       // loops around the statement
  std::set<std::string> scalars;             // local buffers that are only accessed at constant indices
  std::vector<const loop::Intrinsic*> used;  // in the order their texts must stand
  bool reads_words = false, writes_words = false, uses_min = false, uses_max = false;
};

/// The sum of the terms, in the order of the variables' names: "64 * y + c - 3".
std::string text_of(const loop::Affine& a);

/// Row-major flat element index.
loop::Affine flat(const loop::Buffer& buffer, const std::vector<loop::Affine>& index);

/// C name of a buffer as seen inside the function.
std::string name_of(const Context& context, const loop::Buffer& buffer);

/// The element as an lvalue or rvalue of the buffer's own type: "x[64 * y + c]", "acc_0_1".
std::string element(const Context& context, const std::string& buffer, const std::vector<loop::Affine>& index);

/// The expression, parenthesised where it stands beside an operator when `nested`.
std::string text_of(Context* context, const loop::Expr& expr, bool nested);

}  // namespace mote::codegen
