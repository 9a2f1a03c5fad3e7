#include "deploy/host_library_test.h"

#include <dlfcn.h>

#include <cstring>

#include "support/subprocess.h"

namespace mote::deploy {

HostLibrary::HostLibrary(const Library& library) : prefix_(library.network.prefix) {
  for (const ir::TensorId id : library.network.graph.outputs) {
    output_bytes_.push_back(library.network.graph.tensor(id).size_bytes());
  }
  Command command;
  command.arguments = {"cc",      "-std=c99", "-O1",   "-Wall", "-Wextra", "-Wconversion",     "-Wpedantic",
                       "-Werror", "-shared",  "-fPIC", "-o",    "lib.so",  "-ffp-contract=off"};
  command.folder = folder_.path();
  for (const File& file : library.sources) {
    write_file(folder_.path() / file.path, file.text);
    if (file.path.ends_with(".c")) command.arguments.push_back(file.path);
  }
  const CommandResult result = run_command(command);
  if (!result.ok()) throw JobError(result.err);
  loaded_ = dlopen((folder_.path() / "lib.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded_ == nullptr) throw JobError(dlerror());
}

HostLibrary::~HostLibrary() {
  if (loaded_ != nullptr) dlclose(loaded_);
}

void* HostLibrary::symbol(const std::string& suffix) const {
  void* const address = dlsym(loaded_, (prefix_ + suffix).c_str());
  check(address != nullptr, "the library has no " + prefix_ + suffix);
  return address;
}

void HostLibrary::init() {
  reinterpret_cast<void (*)()>(symbol("_init"))();
}

std::vector<Bytes> HostLibrary::run(const std::vector<Bytes>& inputs) {
  const auto input = reinterpret_cast<void* (*)(int)>(symbol("_input"));
  const auto output = reinterpret_cast<const void* (*)(int)>(symbol("_output"));
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy(input(static_cast<int>(i)), inputs[i].data(), inputs[i].size());
  check(input(static_cast<int>(inputs.size())) == nullptr && input(-1) == nullptr, "an input that is not there");
  reinterpret_cast<void (*)()>(symbol("_run"))();
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < output_bytes_.size(); ++i) {
    Bytes bytes(output_bytes_[i]);
    std::memcpy(bytes.data(), output(static_cast<int>(i)), bytes.size());
    outputs.push_back(std::move(bytes));
  }
  return outputs;
}

}  // namespace mote::deploy
