#include "deploy/code_estimate.h"

#include <algorithm>
#include <string_view>

namespace mote::deploy {
namespace {

constexpr uint64_t kFunction = 64;    // entry, exit, constants between the code
constexpr uint64_t kInstruction = 4;  // the longest
constexpr uint64_t kLoop = 5 * kInstruction, kAccess = 3 * kInstruction, kOther = 2 * kInstruction;

uint64_t size_of_block(const loop::Block& block);

uint64_t size_of_expression(const loop::Expr& expr) {
  if (!expr) return 0;
  const auto all = [](std::initializer_list<loop::Expr> parts) {
    uint64_t size = 0;
    for (const loop::Expr& part : parts) size += size_of_expression(part);
    return size;
  };
  struct Visitor {
    decltype(all)& sum;
    uint64_t operator()(const loop::IntConst&) const { return kInstruction; }
    uint64_t operator()(const loop::FloatConst&) const { return kInstruction; }
    uint64_t operator()(const loop::IndexValue&) const { return kOther; }
    uint64_t operator()(const loop::Load& load) const {
      return load.outside ? 4 * kAccess + size_of_expression(load.outside) : kAccess;
    }
    uint64_t operator()(const loop::Gather& gather) const { return kAccess + size_of_expression(gather.index); }
    uint64_t operator()(const loop::Binary& binary) const { return kOther + sum({binary.a, binary.b}); }
    uint64_t operator()(const loop::Cast& cast) const { return kInstruction + size_of_expression(cast.value); }
    uint64_t operator()(const loop::Select& select) const {
      return 2 * kOther + sum({select.condition, select.yes, select.no});
    }
    uint64_t operator()(const loop::Call& call) const {
      uint64_t size = 4 * kInstruction;
      for (const loop::Expr& argument : call.arguments) size += size_of_expression(argument);
      return size;
    }
  };
  return std::visit(Visitor{all}, expr->node);
}

uint64_t size_of_statement(const loop::Stmt& stmt) {
  if (const loop::For* f = std::get_if<loop::For>(&stmt.node)) return kLoop + size_of_block(f->body);
  if (const loop::Store* s = std::get_if<loop::Store>(&stmt.node)) return kAccess + size_of_expression(s->value);
  if (const loop::If* test = std::get_if<loop::If>(&stmt.node)) {
    return kOther + size_of_expression(test->condition) + size_of_block(test->body);
  }
  if (const loop::Invoke* call = std::get_if<loop::Invoke>(&stmt.node)) return kOther * (1 + call->arguments.size());
  return 0;
}

uint64_t size_of_block(const loop::Block& block) {
  uint64_t size = 0;
  for (const loop::Stmt& stmt : block) size += size_of_statement(stmt);
  return size;
}

/// Lines of assembly stand as string literals; of C a character comes to half a byte. What is behind "#else" is for
/// other compilers.
uint64_t size_of_function(std::string_view text) {
  uint64_t size = kFunction, in_c = 0;
  bool elsewhere = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("#")) elsewhere = line.starts_with("#else");
    if (elsewhere) continue;
    if (line.starts_with("\"  "))
      size += kInstruction;
    else if (!line.starts_with("\""))
      in_c += line.size();
  }
  return size + in_c / 2;
}

}  // namespace

uint64_t code_estimate(const loop::Program& program) {
  uint64_t size = kFunction + size_of_block(program.body);
  for (const loop::Function& function : program.functions) size += size_of_function(function.text);
  return size;
}

}  // namespace mote::deploy
