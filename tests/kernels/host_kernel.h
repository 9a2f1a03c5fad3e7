// Emitted kernels, compiled for this computer and called: what a test compares with the reference.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernel.h"
#include "support/bytes.h"

namespace mote::testing {

/// Compiles the C of all programs with the host's compiler, warnings as errors, and calls them. Throws JobError with
/// the compiler's messages when it does not compile.
class HostKernels {
 public:
  explicit HostKernels(const std::vector<loop::Program>& programs);
  ~HostKernels();
  HostKernels(const HostKernels&) = delete;
  HostKernels& operator=(const HostKernels&) = delete;

  /// Output bytes of program `i` for its inputs, in order.
  Bytes call(size_t i, const std::vector<Bytes>& inputs) const;

 private:
  std::vector<loop::Program> programs_;
  std::string folder_;
  void* library_ = nullptr;
};

}  // namespace mote::testing
