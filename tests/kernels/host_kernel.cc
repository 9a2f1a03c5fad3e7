#include "host_kernel.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "codegen/emit.h"
#include "support/error.h"

namespace mote::testing {

HostKernels::HostKernels(const std::vector<loop::Program>& programs) : programs_(programs) {
  std::string pattern = (std::filesystem::temp_directory_path() / "mote-kernels-XXXXXX").string();
  check(mkdtemp(pattern.data()) != nullptr, "no temporary folder");
  folder_ = pattern;
  std::string files;
  for (size_t i = 0; i < programs_.size(); ++i) {
    const std::string file = fmt::format("{}/k{}.c", folder_, i);
    std::ofstream(file) << codegen::emit_kernel(programs_[i]);
    files += " " + file;
  }
  const std::string command = fmt::format(
      "cc -std=c99 -O0 -Wall -Wextra -Werror -ffp-contract=off -shared -fPIC -o {0}/k.so{1} 2> {0}/messages", folder_,
      files);
  if (std::system(command.c_str()) != 0) {
    std::stringstream text;
    text << std::ifstream(folder_ + "/messages").rdbuf();
    throw JobError(text.str());
  }
  library_ = dlopen((folder_ + "/k.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) throw JobError(dlerror());
}

HostKernels::~HostKernels() {
  if (library_ != nullptr) dlclose(library_);
  std::filesystem::remove_all(folder_);
}

Bytes HostKernels::call(size_t i, const std::vector<Bytes>& inputs) const {
  const loop::Program& p = programs_.at(i);
  using Function = void (*)(void*, void*, void*, void*, void*, void*);
  const Function function = reinterpret_cast<Function>(dlsym(library_, p.name.c_str()));
  check(function != nullptr, "kernel not found: " + p.name);
  std::vector<Bytes> copies = inputs;
  std::vector<void*> arguments;
  size_t next = 0;
  Bytes out;
  for (const loop::Buffer& b : p.buffers) {
    if (b.kind == loop::Buffer::Kind::kInput) arguments.push_back(copies.at(next++).data());
    if (b.kind == loop::Buffer::Kind::kOutput) out.resize(b.size_bytes());
  }
  // Workspace arrives as it may on a board: full of old values.
  std::vector<uint64_t> workspace(p.workspace_bytes() / 8 + 2, 0x5a5aa5a5c3c33c3cu);
  arguments.push_back(out.data());
  arguments.push_back(workspace.data());
  check(arguments.size() <= 6, "too many arguments for a test");
  arguments.resize(6);
  function(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
  return out;
}

}  // namespace mote::testing
