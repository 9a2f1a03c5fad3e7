#include "kernels/micro/kernel.h"

#include <sstream>

namespace mote::kernels::micro {
namespace {

/// `text` as lines of C string literals.
std::string quoted(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string escaped;
    for (char c : line) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    result += "\"" + escaped + "\\n\"\n";
  }
  return result;
}

}  // namespace

std::string c_file(const MicroKernel& kernel) {
  return "#include <stdint.h>\n#include <string.h>\n\n" + definitions(kernel);
}

std::string definitions(const MicroKernel& kernel) {
  std::string text;
  if (kernel.assembly.empty()) {
    text += kernel.c_form;
  } else {
    // C sees nothing of what the assembly defines: the prototype tells it. Clang counts its characters.
    const char* const fpu = kernel.needs_fpu ? " && defined(__ARM_FP)" : "";
    text += kernel.prototype + ";\n\n#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)" + fpu +
            "\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n__asm__(\n" + quoted(kernel.assembly) +
            ");\n#else\n" + kernel.c_form + "#endif\n";
  }
  if (!kernel.driver.empty()) text += "\n" + kernel.driver;
  return text;
}

loop::Function function_of(const MicroKernel& kernel,
                           std::function<std::vector<loop::Touch>(const std::vector<int64_t>&)> touches) {
  // A driver's loops in C take some hundred bytes.
  constexpr size_t kDriverBytes = 400;
  const size_t code = kernel.assembly.empty() ? 0 : kernel.code_bytes_estimate;
  const size_t driver = code == 0 || kernel.driver.empty() ? 0 : kDriverBytes;
  return {kernel.function_name, definitions(kernel), std::move(touches), kernel.prototype, code + driver};
}

}  // namespace mote::kernels::micro
