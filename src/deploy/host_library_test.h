// For the room's tests: a library built by the host's compiler, as a user would build it, and called.
#pragma once

#include <string>
#include <vector>

#include "deploy/library.h"
#include "support/files.h"

namespace mote::deploy {

class HostLibrary {
 public:
  /// Compiles all sources with warnings as errors. Throws JobError with the compiler's messages.
  explicit HostLibrary(const Library& library);
  ~HostLibrary();
  HostLibrary(const HostLibrary&) = delete;
  HostLibrary& operator=(const HostLibrary&) = delete;

  /// Fills the inputs, runs, and gives the outputs.
  std::vector<Bytes> run(const std::vector<Bytes>& inputs);
  void init();

 private:
  void* symbol(const std::string& suffix) const;

  std::string prefix_;
  std::vector<size_t> output_bytes_;
  TemporaryFolder folder_;
  void* loaded_ = nullptr;
};

}  // namespace mote::deploy
