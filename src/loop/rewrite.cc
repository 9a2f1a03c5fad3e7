#include "loop/rewrite.h"

namespace mote::loop {

namespace {

Expr make(ExprNode node) {
  return std::make_shared<const ExprNode>(std::move(node));
}

Expr children_rewritten(const Expr& expr, const std::function<Expr(const Expr&)>& change) {
  if (const Load* e = std::get_if<Load>(&expr->node)) {
    if (!e->outside) return expr;
    Load copy = *e;
    copy.outside = rewrite(e->outside, change);
    return make({copy});
  }
  if (const Gather* e = std::get_if<Gather>(&expr->node)) return make({Gather{e->buffer, rewrite(e->index, change)}});
  if (const Binary* e = std::get_if<Binary>(&expr->node)) {
    return make({Binary{e->op, rewrite(e->a, change), rewrite(e->b, change)}});
  }
  if (const Cast* e = std::get_if<Cast>(&expr->node)) return make({Cast{e->to, rewrite(e->value, change)}});
  if (const Select* e = std::get_if<Select>(&expr->node)) {
    return make({Select{rewrite(e->condition, change), rewrite(e->yes, change), rewrite(e->no, change)}});
  }
  if (const Call* e = std::get_if<Call>(&expr->node)) {
    Call copy = *e;
    for (Expr& argument : copy.arguments) argument = rewrite(argument, change);
    return make({copy});
  }
  return expr;
}

}  // namespace

Expr rewrite(const Expr& expr, const std::function<Expr(const Expr&)>& change) {
  return change(children_rewritten(expr, change));
}

void for_each_stmt(Block* block, const std::function<void(Stmt&)>& visit) {
  for (Stmt& stmt : *block) {
    visit(stmt);
    if (For* f = std::get_if<For>(&stmt.node)) for_each_stmt(&f->body, visit);
    if (If* i = std::get_if<If>(&stmt.node)) for_each_stmt(&i->body, visit);
  }
}

void rewrite_expressions(Block* block, const std::function<Expr(const Expr&)>& change) {
  for_each_stmt(block, [&](Stmt& stmt) {
    if (Store* s = std::get_if<Store>(&stmt.node)) s->value = rewrite(s->value, change);
    if (If* i = std::get_if<If>(&stmt.node)) i->condition = rewrite(i->condition, change);
  });
}

void rewrite_accesses(Block* block,
                      const std::function<void(const std::string& buffer, std::vector<Affine>* index)>& change) {
  rewrite_expressions(block, [&](const Expr& expr) -> Expr {
    const Load* load = std::get_if<Load>(&expr->node);
    if (load == nullptr) return expr;
    Load copy = *load;
    change(copy.buffer, &copy.index);
    return make({copy});
  });
  for_each_stmt(block, [&](Stmt& stmt) {
    if (Store* s = std::get_if<Store>(&stmt.node)) change(s->buffer, &s->index);
    if (Invoke* i = std::get_if<Invoke>(&stmt.node)) {
      for (Invoke::Argument& argument : i->arguments) {
        if (!argument.buffer.empty()) change(argument.buffer, &argument.index);
      }
    }
  });
}

void rewrite_indices(Block* block, const std::function<Affine(const Affine&)>& change) {
  rewrite_accesses(block, [&](const std::string&, std::vector<Affine>* index) {
    for (Affine& a : *index) a = change(a);
  });
  rewrite_expressions(block, [&](const Expr& expr) -> Expr {
    const IndexValue* value = std::get_if<IndexValue>(&expr->node);
    return value == nullptr ? expr : make({IndexValue{change(value->index)}});
  });
  for_each_stmt(block, [&](Stmt& stmt) {
    if (Invoke* i = std::get_if<Invoke>(&stmt.node)) {
      for (Invoke::Argument& argument : i->arguments) argument.value = change(argument.value);
    }
  });
}

void substitute(Block* block, const std::string& variable, const Affine& by) {
  rewrite_indices(block, [&](const Affine& a) { return a.substitute(variable, by); });
}

int replace_loops(Block* block, const std::string& variable, const std::function<Block(For)>& change) {
  int count = 0;
  Block result;
  for (Stmt& stmt : *block) {
    For* f = std::get_if<For>(&stmt.node);
    if (f != nullptr && f->variable == variable) {
      ++count;
      for (Stmt& made : change(std::move(*f))) result.push_back(std::move(made));
      continue;
    }
    if (f != nullptr) count += replace_loops(&f->body, variable, change);
    if (If* i = std::get_if<If>(&stmt.node)) count += replace_loops(&i->body, variable, change);
    result.push_back(std::move(stmt));
  }
  *block = std::move(result);
  return count;
}

bool uses(const Block& block, const std::string& buffer) {
  bool found = false;
  Block copy = block;
  rewrite_accesses(&copy, [&](const std::string& name, std::vector<Affine>*) { found = found || name == buffer; });
  rewrite_expressions(&copy, [&](const Expr& expr) {
    if (const Gather* g = std::get_if<Gather>(&expr->node)) found = found || g->buffer == buffer;
    return expr;
  });
  return found;
}

}  // namespace mote::loop
