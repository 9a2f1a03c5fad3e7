// Primitives that rewrite loops. Those that change buffers are in layout.cc.
#include "loop/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "loop/build.h"
#include "loop/rewrite.h"

namespace mote::loop {

namespace {

/// Every loop over `variable` replaced; it is an error when there is none.
void replace(Program* program, const std::string& variable, const std::function<Block(For)>& change) {
  if (replace_loops(&program->body, variable, change) == 0) {
    throw ScheduleError(fmt::format("{} has no loop {}", program->name, variable));
  }
}

Stmt make_loop(std::string variable, int64_t extent, Block body) {
  return Stmt{For{std::move(variable), extent, std::move(body)}};
}

std::set<std::string> written_buffers(Block* block) {
  std::set<std::string> written;
  for_each_stmt(block, [&](Stmt& stmt) {
    if (const Store* s = std::get_if<Store>(&stmt.node)) written.insert(s->buffer);
    if (const Invoke* i = std::get_if<Invoke>(&stmt.node)) {
      for (const Invoke::Argument& a : i->arguments) {
        if (!a.buffer.empty()) written.insert(a.buffer);
      }
    }
  });
  return written;
}

/// Whether all accesses to `buffer` in the block have the same index.
bool one_index(Block* block, const std::string& buffer) {
  std::vector<std::vector<Affine>> seen;
  rewrite_accesses(block, [&](const std::string& name, std::vector<Affine>* index) {
    if (name == buffer) seen.push_back(*index);
  });
  return std::all_of(seen.begin(), seen.end(), [&](const std::vector<Affine>& index) { return index == seen.front(); });
}

}  // namespace

void split(Program* program, const std::string& variable, int64_t factor, const std::string& outer,
           const std::string& inner) {
  replace(program, variable, [&](For f) -> Block {
    if (factor < 1 || f.extent % factor != 0) {
      throw ScheduleError(fmt::format("split: {} does not divide the extent {} of {}", factor, f.extent, variable));
    }
    substitute(&f.body, variable, Affine::variable(outer) * factor + Affine::variable(inner));
    Block in;
    in.push_back(make_loop(inner, factor, std::move(f.body)));
    Block out;
    out.push_back(make_loop(outer, f.extent / factor, std::move(in)));
    return out;
  });
}

void peel(Program* program, const std::string& variable, int64_t n, const std::string& rest) {
  replace(program, variable, [&](For f) -> Block {
    if (n <= 0 || n >= f.extent) {
      throw ScheduleError(fmt::format("peel: {} of {} iterations of {}", n, f.extent, variable));
    }
    Block tail = f.body;
    substitute(&tail, variable, Affine::variable(rest) + n);
    Block result;
    result.push_back(make_loop(variable, n, std::move(f.body)));
    result.push_back(make_loop(rest, f.extent - n, std::move(tail)));
    return result;
  });
}

void reorder(Program* program, const std::string& outer, const std::string& inner) {
  int changed = 0;
  const auto interchange = [&](For f) -> Block {
    For* in = f.body.size() == 1 ? std::get_if<For>(&f.body.front().node) : nullptr;
    Block same;
    if (in == nullptr || in->variable != inner) {
      same.push_back(Stmt{std::move(f)});
      return same;
    }
    for (const std::string& buffer : written_buffers(&in->body)) {
      if (!one_index(&in->body, buffer)) {
        throw ScheduleError(fmt::format("reorder: {} is accessed at several places under {}", buffer, outer));
      }
    }
    ++changed;
    Block body = std::move(in->body);
    const int64_t inner_extent = in->extent;
    Block nest;
    nest.push_back(make_loop(outer, f.extent, std::move(body)));
    Block result;
    result.push_back(make_loop(inner, inner_extent, std::move(nest)));
    return result;
  };
  replace(program, outer, interchange);
  if (changed == 0) throw ScheduleError(fmt::format("reorder: {} does not stand alone in {}", inner, outer));
}

void move_inward(Program* program, const std::string& variable, const std::vector<std::string>& others) {
  for (const std::string& other : others) reorder(program, variable, other);
}

void fuse(Program* program, const std::string& outer, const std::string& inner, const std::string& fused) {
  replace(program, outer, [&](For f) -> Block {
    For* in = f.body.size() == 1 ? std::get_if<For>(&f.body.front().node) : nullptr;
    if (in == nullptr || in->variable != inner) {
      throw ScheduleError(fmt::format("fuse: {} does not stand alone in {}", inner, outer));
    }
    const int64_t extent = in->extent;
    Block body = std::move(in->body);
    rewrite_indices(&body, [&](const Affine& a) {
      const int64_t step = a.coefficient(inner);
      if (a.coefficient(outer) != step * extent) {
        throw ScheduleError(fmt::format("fuse: an index uses {} and {} other than as one", outer, inner));
      }
      return a.substitute(outer, 0).substitute(inner, Affine::variable(fused));
    });
    Block result;
    result.push_back(make_loop(fused, f.extent * extent, std::move(body)));
    return result;
  });
}

void unroll(Program* program, const std::string& variable) {
  replace(program, variable, [&](For f) -> Block {
    Block result;
    for (int64_t i = 0; i < f.extent; ++i) {
      Block copy = f.body;
      substitute(&copy, variable, i);
      for (Stmt& stmt : copy) result.push_back(std::move(stmt));
    }
    return result;
  });
}

void distribute(Program* program, const std::string& variable) {
  std::set<std::string> carried;
  std::map<std::string, int64_t> extents;
  replace(program, variable, [&](For f) -> Block {
    for (const std::string& buffer : written_buffers(&f.body)) {
      int parts = 0;
      for (const Stmt& stmt : f.body) parts += uses(Block{stmt}, buffer) ? 1 : 0;
      if (parts < 2) continue;
      if (program->buffer(buffer).kind != Buffer::Kind::kLocal) {
        throw ScheduleError(fmt::format("distribute: {} carries {}, which is not local", variable, buffer));
      }
      carried.insert(buffer);
      extents[buffer] = f.extent;
    }
    rewrite_accesses(&f.body, [&](const std::string& name, std::vector<Affine>* index) {
      if (carried.count(name) != 0) index->insert(index->begin(), Affine::variable(variable));
    });
    Block result;
    for (Stmt& stmt : f.body) {
      Block body;
      body.push_back(std::move(stmt));
      result.push_back(make_loop(variable, f.extent, std::move(body)));
    }
    return result;
  });
  for (const std::string& name : carried) {
    Buffer& buffer = program->buffer(name);
    buffer.shape.insert(buffer.shape.begin(), extents[name]);
  }
}

void fuse_multiply_add(Program* program) {
  rewrite_expressions(&program->body, [&](const Expr& expr) -> Expr {
    const Binary* sum = std::get_if<Binary>(&expr->node);
    if (sum == nullptr || sum->op != BinaryOp::kAdd) return expr;
    const Binary* product = std::get_if<Binary>(&sum->b->node);
    if (product == nullptr || product->op != BinaryOp::kMul) return expr;
    if (type_of(*program, product->a) != Type::kF32) return expr;
    return call(kMultiplyAdd, {product->a, product->b, sum->a});
  });
}

}  // namespace mote::loop
