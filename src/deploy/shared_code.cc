#include "deploy/shared_code.h"

#include <map>
#include <string>
#include <string_view>
#include <tuple>

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
  bool may_alias = false;
  for (const size_t user : users_of(index)) may_alias = may_alias || network.kernels[user]->program.may_alias;
  loop::Program program = network.kernels[index]->program;
  if (is_shared[index]) return parametrised(std::move(program), may_alias);
  program.may_alias = may_alias;
  return program;
}

std::vector<std::vector<StoredConstant>> share_constants(const Network& network) {
  using Key = std::tuple<loop::Type, int, std::string_view>;
  std::map<Key, std::string> symbols;
  std::vector<std::vector<StoredConstant>> constants(network.kernels.size());
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    if (!network.kernels[i]) continue;
    const loop::Program& program = network.kernels[i]->program;
    for (const loop::Buffer& b : program.buffers) {
      if (b.kind != loop::Buffer::Kind::kConstant) continue;
      const std::string_view bytes(reinterpret_cast<const char*>(b.data.data()), b.data.size());
      const auto [found, added] =
          symbols.emplace(Key{b.type, b.alignment, bytes}, codegen::constant_symbol(program, b));
      constants[i].push_back({found->second, added});
    }
  }
  return constants;
}

SharedCode share_code(const Network& network) {
  SharedCode shared;
  shared.constants = share_constants(network);
  shared.is_shared.assign(network.kernels.size(), false);
  std::map<std::string, size_t> by_name, by_text;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    shared.owner.push_back(i);
    if (!network.kernels[i]) continue;
    const loop::Program& program = network.kernels[i]->program;
    const auto [same, is_new] = by_name.emplace(program.name, i);  // the same kernel, then
    shared.owner[i] = is_new ? by_text.emplace(anonymous_text(program), i).first->second : shared.owner[same->second];
  }
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    if (!network.kernels[i]) continue;
    const loop::Program& owner = network.kernels[shared.owner[i]]->program;
    size_t next = 0;
    for (const loop::Buffer& b : owner.buffers) {
      if (b.kind != loop::Buffer::Kind::kConstant) continue;
      if (shared.constants[i].at(next++).symbol != codegen::constant_symbol(owner, b))
        shared.is_shared[shared.owner[i]] = true;
    }
  }
  for (size_t i = 0; i < network.kernels.size(); ++i) shared.is_shared[i] = shared.is_shared[shared.owner[i]];
  return shared;
}

std::string called_by(const Network& network, size_t index) {
  return network.kernels[share_code(network).owner[index]]->program.name;
}

}  // namespace mote::deploy
