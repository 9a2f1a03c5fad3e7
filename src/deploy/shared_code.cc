#include "deploy/shared_code.h"

#include <map>
#include <string>

#include "codegen/emit.h"

namespace mote::deploy {
namespace {

/// `program` with its constants as parameters. Its operands may overlap if anybody's do.
loop::Program parametrised(loop::Program program, bool may_alias) {
  for (loop::Buffer& b : program.buffers) {
    if (b.kind != loop::Buffer::Kind::kConstant) continue;
    b.kind = loop::Buffer::Kind::kInput;
    b.data.clear();
  }
  program.may_alias = may_alias;
  return program;
}

/// The emitted function without its name: equal for kernels that could be one.
std::string anonymous_text(const loop::Program& program) {
  std::string text = codegen::emit_kernel(parametrised(program, true), false);
  for (size_t at = 0; (at = text.find(program.name, at)) != std::string::npos;)
    text.replace(at, program.name.size(), "@");
  return text;
}

}  // namespace

std::vector<size_t> SharedCode::users_of(size_t index) const {
  std::vector<size_t> users;
  for (size_t i = 0; i < owner.size(); ++i) {
    if (owner[i] == index) users.push_back(i);
  }
  return users;
}

loop::Program SharedCode::function_of(const Network& network, size_t index) const {
  if (!is_shared[index]) return network.kernels[index]->program;
  bool may_alias = false;
  for (const size_t user : users_of(index)) may_alias = may_alias || network.kernels[user]->program.may_alias;
  return parametrised(network.kernels[index]->program, may_alias);
}

SharedCode share_code(const Network& network) {
  SharedCode shared;
  shared.is_shared.assign(network.kernels.size(), false);
  std::map<std::string, size_t> first;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    shared.owner.push_back(i);
    if (!network.kernels[i]) continue;
    const auto [found, added] = first.emplace(anonymous_text(network.kernels[i]->program), i);
    if (added) continue;
    shared.owner[i] = found->second;
    shared.is_shared[i] = shared.is_shared[found->second] = true;
  }
  return shared;
}

std::string called_by(const Network& network, size_t index) {
  return network.kernels[share_code(network).owner[index]]->program.name;
}

}  // namespace mote::deploy
