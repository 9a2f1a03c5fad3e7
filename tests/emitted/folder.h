// A library as its user has it: a folder of C files, which compilers and checkers look at.
#pragma once

#include <string>
#include <vector>

#include "deploy/library.h"
#include "support/files.h"

namespace mote::tests {

class LibraryFolder {
 public:
  explicit LibraryFolder(const deploy::Library& library);

  /// Compiles every C file of the library, all warnings being errors: "" or what the compiler says. `compiler`: the
  /// program and its own flags.
  std::string compile(std::vector<std::string> compiler) const;
  /// Includes the header in a C++ program.
  std::string include_in_cpp() const;
  /// What cppcheck says; "" when it finds nothing.
  std::string check() const;
  /// Builds the library under AddressSanitizer and UndefinedBehaviorSanitizer with a program that runs it in a block of
  /// memory of just the stated size, and once more in its own arena, and watches the hook.
  std::string build_sanitized() const;
  /// The outputs for some inputs, from that program. A sanitizer's report is a JobError.
  std::vector<Bytes> run(const std::vector<Bytes>& inputs) const;

 private:
  std::string prefix_;
  std::vector<std::string> sources_, code_;  // all C files; those without large tables
  std::vector<size_t> output_bytes_;
  TemporaryFolder folder_;
};

}  // namespace mote::tests
