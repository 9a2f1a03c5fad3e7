// What a micro-kernel generator hands back: one C function, its loops in two forms of the same meaning.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "loop/ir.h"

namespace mote::kernels::micro {

struct MicroKernel {
  std::string function_name;
  std::string prototype;  // "void name(const uint32_t *weights, ...)", without a semicolon
  std::string
      assembly;  // Thumb-2 with the DSP extension, unified syntax: the whole function with its section directives, one
                 // instruction a line, comments after '@'. Keeps to the AAPCS. Empty: there is only the C form.
  std::string c_form;  // C99: the same functions; needs <stdint.h> only
  std::string
      driver;  // C99 after either form, or empty: function_name itself, when the parts above are only its inner loops
  size_t code_bytes_estimate = 0;  // of the assembly
  bool needs_fpu = false;          // the assembly is for compilers that target a single-precision FPU, too
};

/// A C source file with both: the assembly as a top-level asm block where the compiler targets Thumb-2 with DSP, else
/// the C form. Compiles with gcc and clang.
std::string c_file(const MicroKernel& kernel);

/// The same without the includes: needs <stdint.h> before it.
std::string definitions(const MicroKernel& kernel);

/// As a function that a loop program calls.
loop::Function function_of(const MicroKernel& kernel,
                           std::function<std::vector<loop::Touch>(const std::vector<int64_t>&)> touches);

}  // namespace mote::kernels::micro
