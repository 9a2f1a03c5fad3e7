// Loop programs to C99: readable, free of warnings under -Wall -Wextra, the same bytes on the board and on the host.
#pragma once

#include <string>
#include <vector>

#include "loop/ir.h"

namespace mote::codegen {

/// A C identifier made of `name`: letters, digits and _ only, no leading digit, no keyword. The only way for a name
/// from outside to reach emitted C.
std::string identifier(const std::string& name);

/// `text` as a C string literal with its quotes: what is not printable ASCII becomes _. The only way for text from
/// outside to reach emitted C.
std::string string_literal(const std::string& text);

/// "void f(const int8_t *x, int8_t *y, void *workspace)", without the semicolon.
std::string prototype(const loop::Program& program);

/// A whole C file: includes, helper functions it uses, constants (if `with_constants`; else declared extern),
/// micro-kernels, function.
std::string emit_kernel(const loop::Program& program, bool with_constants = true);

/// The definition of one constant, "const int8_t NAME[N] = {...};", with external linkage. Its name is that of
/// constant_symbol().
std::string emit_constant(const loop::Program& program, const loop::Buffer& buffer);

/// The C name of a constant: the function's name, _, the buffer's.
std::string constant_symbol(const loop::Program& program, const loop::Buffer& buffer);

}  // namespace mote::codegen
