#include "deploy/shared_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "codegen/emit.h"
#include "loop/rewrite.h"
#include "support/error.h"

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

std::string with_name(std::string text, const std::string& name, const std::string& replacement) {
  for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += replacement.size())
    text.replace(at, name.size(), replacement);
  return text;
}

/// Leaves the definition of a function to the file of `home`, which has the same one as `its`.
void use_from(const loop::Program& home, const loop::Function& its, loop::Program& program, size_t function) {
  loop::Function& own = program.functions[function];
  const std::string name = std::exchange(own.name, its.name);
  own.text = fmt::format("/* In {}.c. */\n{};\n", home.name, its.prototype);
  own.prototype = its.prototype;
  loop::for_each_stmt(&program.body, [&](loop::Stmt& stmt) {
    loop::Invoke* const invoke = std::get_if<loop::Invoke>(&stmt.node);
    if (invoke != nullptr && invoke->function == name) invoke->function = its.name;
  });
}

/// The function of `program` that is the same as `wanted`.
const loop::Function& same_function(const loop::Program& program, const loop::Function& wanted) {
  const auto same = [&](const loop::Function& f) { return anonymous_text(f) == anonymous_text(wanted); };
  const auto found = std::find_if(program.functions.begin(), program.functions.end(), same);
  check(found != program.functions.end(), "a function is not where it should be");
  return *found;
}

}  // namespace

std::string anonymous_text(const loop::Program& program) {
  return with_name(codegen::emit_kernel(parametrised(program, true), false), program.name, "@");
}

std::string anonymous_text(const loop::Function& function) {
  return with_name(function.text, function.name, "@");
}

std::vector<size_t> SharedCode::users_of(size_t index) const {
  std::vector<size_t> users;
  for (size_t i = 0; i < owner.size(); ++i) {
    if (owner[i] == index) users.push_back(i);
  }
  return users;
}

std::vector<size_t> SharedCode::runs_code_of(size_t index) const {
  std::vector<size_t> files = {owner[index]};
  for (const size_t home : homes[owner[index]]) {
    if (std::find(files.begin(), files.end(), home) == files.end()) files.push_back(home);
  }
  return files;
}

loop::Program SharedCode::function_of(const Network& network, size_t index) const {
  bool may_alias = false;
  for (const size_t user : users_of(index)) may_alias = may_alias || network.kernels[user]->program.may_alias;
  loop::Program program = network.kernels[index]->program;
  for (size_t f = 0; f < program.functions.size(); ++f) {
    if (homes[index][f] == index) continue;
    const loop::Program& home = network.kernels[homes[index][f]]->program;
    use_from(home, same_function(home, program.functions[f]), program, f);
  }
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

namespace {

/// See SharedCode::homes.
std::vector<std::vector<size_t>> find_homes(const Network& network, const std::vector<size_t>& owner) {
  std::vector<std::vector<size_t>> homes(owner.size());
  std::map<std::string, size_t> first;  // by text, the operator that has it first
  for (size_t i = 0; i < owner.size(); ++i) {
    if (!network.kernels[i] || owner[i] != i) continue;
    for (const loop::Function& function : network.kernels[i]->program.functions) {
      const bool is_callable = !function.prototype.empty();
      homes[i].push_back(is_callable ? first.emplace(anonymous_text(function), i).first->second : i);
    }
  }
  return homes;
}

}  // namespace

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
  shared.homes = find_homes(network, shared.owner);
  return shared;
}

bool SharedCode::runs_for(const Network& network, size_t index, const std::string& function) const {
  const std::vector<size_t> files = runs_code_of(index);
  return std::any_of(files.begin(), files.end(), [&](size_t file) {
    const std::string& name = network.kernels[file]->program.name;
    return function == name || function.starts_with(name + "_");
  });
}

std::string called_by(const Network& network, size_t index) {
  return network.kernels[share_code(network).owner[index]]->program.name;
}

}  // namespace mote::deploy
