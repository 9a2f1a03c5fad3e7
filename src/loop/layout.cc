// Primitives that change buffers: their dimensions, order, type and place.
#include <fmt/format.h>

#include <algorithm>

#include "loop/build.h"
#include "loop/rewrite.h"
#include "loop/schedule.h"

namespace mote::loop {

void flatten(Program* program, const std::string& buffer, int dimension) {
  Buffer& b = program->buffer(buffer);
  const size_t d = static_cast<size_t>(dimension);
  if (d + 1 >= b.shape.size()) throw ScheduleError(fmt::format("flatten: {} has no dimension {}", buffer, d + 1));
  const int64_t inner = b.shape[d + 1];
  rewrite_expressions(&program->body, [&](const Expr& expr) {
    const Load* load = std::get_if<Load>(&expr->node);
    if (load != nullptr && load->buffer == buffer && load->outside) {
      throw ScheduleError(fmt::format("flatten: {} is loaded with bounds", buffer));
    }
    return expr;
  });
  rewrite_accesses(&program->body, [&](const std::string& name, std::vector<Affine>* index) {
    if (name != buffer) return;
    (*index)[d] = (*index)[d] * inner + (*index)[d + 1];
    index->erase(index->begin() + static_cast<std::ptrdiff_t>(d) + 1);
  });
  b.shape[d] *= inner;
  b.shape.erase(b.shape.begin() + static_cast<std::ptrdiff_t>(d) + 1);
}

namespace {

/// `layout` with the extents of the factors that were left open.
std::vector<Factor> completed(const Buffer& buffer, std::vector<Factor> layout) {
  for (size_t d = 0; d < buffer.shape.size(); ++d) {
    int64_t product = 1;
    Factor* open = nullptr;
    int count = 0;
    for (Factor& f : layout) {
      if (f.dimension != static_cast<int>(d)) continue;
      ++count;
      if (f.extent == 0 && open != nullptr) throw ScheduleError("pack: two factors of a dimension are open");
      if (f.extent == 0) {
        open = &f;
      } else {
        product *= f.extent;
      }
    }
    if (count == 0) throw ScheduleError(fmt::format("pack: dimension {} of {} is missing", d, buffer.name));
    if (open != nullptr) {
      open->extent = (buffer.shape[d] + product - 1) / product;
    } else if (product < buffer.shape[d]) {
      throw ScheduleError(fmt::format("pack: dimension {} of {} is larger than its factors", d, buffer.name));
    }
  }
  return layout;
}

/// Steps of each factor within its dimension: the product of the later factors of the same dimension.
std::vector<int64_t> steps_of(const std::vector<Factor>& layout) {
  std::vector<int64_t> steps(layout.size(), 1);
  for (size_t i = 0; i < layout.size(); ++i) {
    for (size_t j = i + 1; j < layout.size(); ++j) {
      if (layout[j].dimension == layout[i].dimension) steps[i] *= layout[j].extent;
    }
  }
  return steps;
}

Bytes permuted(const Buffer& old, const std::vector<Factor>& layout, const std::vector<int64_t>& steps) {
  int64_t count = 1;
  for (const Factor& f : layout) count *= f.extent;
  const size_t element = size_of(old.type);
  Bytes data(static_cast<size_t>(count) * element);
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int64_t> index(old.shape.size(), 0);
    int64_t rest = i;
    for (size_t f = layout.size(); f-- > 0;) {
      index[static_cast<size_t>(layout[f].dimension)] += rest % layout[f].extent * steps[f];
      rest /= layout[f].extent;
    }
    int64_t from = 0;
    bool inside = true;
    for (size_t d = 0; d < index.size(); ++d) {
      inside = inside && index[d] < old.shape[d];
      from = from * old.shape[d] + index[d];
    }
    if (inside)
      std::memcpy(&data[static_cast<size_t>(i) * element], &old.data[static_cast<size_t>(from) * element], element);
  }
  return data;
}

}  // namespace

void pack(Program* program, const std::string& buffer, const std::vector<Factor>& partial) {
  Buffer& b = program->buffer(buffer);
  if (b.kind != Buffer::Kind::kConstant) throw ScheduleError(fmt::format("pack: {} is not a constant", buffer));
  const std::vector<Factor> layout = completed(b, partial);
  const std::vector<int64_t> steps = steps_of(layout);
  const Extents extents = extents_of(*program);
  rewrite_accesses(&program->body, [&](const std::string& name, std::vector<Affine>* index) {
    if (name != buffer) return;
    std::vector<Affine> packed;
    for (size_t f = 0; f < layout.size(); ++f) {
      Affine quotient, remainder, digit, above;
      const Affine& old = (*index)[static_cast<size_t>(layout[f].dimension)];
      bool fits = divide(old, steps[f], extents, &quotient, &remainder);
      fits = fits && divide(quotient, layout[f].extent, extents, &above, &digit);
      if (!fits) throw ScheduleError(fmt::format("pack: an index of {} does not follow the layout", buffer));
      packed.push_back(digit);
    }
    *index = packed;
  });
  b.data = permuted(b, layout, steps);
  b.shape.clear();
  for (const Factor& f : layout) b.shape.push_back(f.extent);
}

void widen(Program* program, const std::string& buffer, Type type) {
  Buffer& b = program->buffer(buffer);
  if (b.kind != Buffer::Kind::kConstant || b.type != Type::kI8 || type != Type::kI16) {
    throw ScheduleError(fmt::format("widen: {} is not an int8 constant, or not to int16", buffer));
  }
  std::vector<int16_t> values;
  for (const int8_t v : to_values<int8_t>(b.data)) values.push_back(v);
  b.data = to_bytes(values);
  b.type = type;
}

void stage(Program* program, const std::string& at, const std::string& buffer, const std::string& copy,
           Buffer::Kind kind, Type type, int64_t offset, const std::vector<std::string>& dimensions) {
  const Extents extents = extents_of(*program);
  Buffer staged{copy, type, {}, kind, {}, 4};
  std::vector<Affine> index;
  for (const std::string& variable : dimensions) {
    const auto extent = extents.find(variable);
    if (extent == extents.end()) throw ScheduleError(fmt::format("stage: there is no loop {}", variable));
    staged.shape.push_back(extent->second);
    index.push_back(Affine::variable(variable));
  }
  const int loops = replace_loops(&program->body, at, [&](For f) -> Block {
    Expr found;
    rewrite_expressions(&f.body, [&](const Expr& expr) -> Expr {
      const Load* load = std::get_if<Load>(&expr->node);
      if (load == nullptr || load->buffer != buffer) return expr;
      if (found) throw ScheduleError(fmt::format("stage: {} is loaded more than once in {}", buffer, at));
      found = expr;
      return std::make_shared<const ExprNode>(ExprNode{Load{copy, index, 1, nullptr}});
    });
    if (!found) throw ScheduleError(fmt::format("stage: {} is not loaded in {}", buffer, at));
    for_each_stmt(&f.body, [&](Stmt& stmt) {
      const For* inner = std::get_if<For>(&stmt.node);
      if (inner == nullptr || std::find(dimensions.begin(), dimensions.end(), inner->variable) != dimensions.end())
        return;
      for (const Affine& a : std::get<Load>(found->node).index) {
        if (a.coefficient(inner->variable) == 0) continue;
        throw ScheduleError(fmt::format("stage: {} depends on {}, which is not copied over", buffer, inner->variable));
      }
    });
    Block nest;
    nest.push_back(store(copy, index, offset == 0 ? found : found - imm(offset)));
    for (const std::string& variable : dimensions) substitute(&nest, variable, Affine::variable("copy_" + variable));
    for (size_t d = dimensions.size(); d-- > 0;) {
      Block outer;
      outer.push_back(loop("copy_" + dimensions[d], staged.shape[d], std::move(nest)));
      nest = std::move(outer);
    }
    for (Stmt& stmt : f.body) nest.push_back(std::move(stmt));
    f.body = std::move(nest);
    Block result;
    result.push_back(Stmt{std::move(f)});
    return result;
  });
  if (loops != 1) throw ScheduleError(fmt::format("stage: {} loops {}", loops, at));
  program->buffers.push_back(std::move(staged));
}

namespace {

/// acc[i] = acc[i] + a * b: the parts; ScheduleError when the body of the loop over `k` is anything else.
struct Product {
  const Store* update;
  const Binary* sum;
  Expr a, b;
};
Product product_of(const Block& body, const std::string& k) {
  const Store* update = body.size() == 1 ? std::get_if<Store>(&body.front().node) : nullptr;
  const Binary* sum = update == nullptr ? nullptr : std::get_if<Binary>(&update->value->node);
  const Load* old = sum == nullptr || sum->op != BinaryOp::kAdd ? nullptr : std::get_if<Load>(&sum->a->node);
  const Binary* product = old == nullptr ? nullptr : std::get_if<Binary>(&sum->b->node);
  const bool fits = product != nullptr && product->op == BinaryOp::kMul && old->buffer == update->buffer &&
                    old->index == update->index;
  if (!fits) throw ScheduleError(fmt::format("the loop {} is not acc += a * b", k));
  for (const Affine& a : update->index) {
    if (a.coefficient(k) != 0) throw ScheduleError(fmt::format("the loop {} is no reduction", k));
  }
  return {update, sum, product->a, product->b};
}

/// The number of the dimension of the loaded buffer that is indexed by exactly `k`.
size_t dimension_walked(const Expr& expr, const std::string& k) {
  const Load* load = std::get_if<Load>(&expr->node);
  if (load == nullptr || load->outside) throw ScheduleError("pad_reduction: a factor is not a plain load");
  for (size_t d = 0; d < load->index.size(); ++d) {
    if (load->index[d] == Affine::variable(k)) return d;
  }
  throw ScheduleError(fmt::format("pad_reduction: {} is not indexed by {} alone", load->buffer, k));
}

/// Constant data with dimension `d` grown to `extent`, the new elements 0.
Bytes grown(const Buffer& b, size_t d, int64_t extent) {
  size_t run = size_of(b.type);
  for (size_t i = d; i < b.shape.size(); ++i) run *= static_cast<size_t>(b.shape[i]);
  const size_t longer = run / static_cast<size_t>(b.shape[d]) * static_cast<size_t>(extent);
  Bytes data;
  for (size_t at = 0; at < b.data.size(); at += run) {
    const std::byte* from = b.data.data() + at;
    data.insert(data.end(), from, from + run);
    data.resize(data.size() + longer - run);
  }
  return data;
}

}  // namespace

void pad_reduction(Program* program, const std::string& k, int64_t extent) {
  std::map<std::string, size_t> dimensions;
  const int loops = replace_loops(&program->body, k, [&](For f) -> Block {
    if (extent < f.extent) throw ScheduleError(fmt::format("pad_reduction: {} has {} iterations already", k, f.extent));
    const Block* body = &f.body;
    while (body->size() == 1 && std::holds_alternative<For>(body->front().node))
      body = &std::get<For>(body->front().node).body;
    const Product product = product_of(*body, k);
    bool constant = false;
    for (const Expr& factor : {product.a, product.b}) {
      const std::string& name = std::get<Load>(factor->node).buffer;
      dimensions[name] = dimension_walked(factor, k);
      constant = constant || program->buffer(name).kind == Buffer::Kind::kConstant;
    }
    if (!constant) throw ScheduleError("pad_reduction: no factor is a constant");
    f.extent = extent;
    Block result;
    result.push_back(Stmt{std::move(f)});
    return result;
  });
  if (loops == 0) throw ScheduleError(fmt::format("pad_reduction: there is no loop {}", k));
  for (const auto& [name, d] : dimensions) {
    Buffer& b = program->buffer(name);
    if (b.kind == Buffer::Kind::kInput || b.kind == Buffer::Kind::kOutput) {
      throw ScheduleError(fmt::format("pad_reduction: {} is not ours to grow", name));
    }
    if (b.kind == Buffer::Kind::kConstant) b.data = grown(b, d, extent);
    b.shape[d] = extent;
  }
}

namespace {

/// The word at which a load of int16 is one half, when `k` walks through the halves; ScheduleError when it is not so.
Expr halves_as_word(const Program& program, const Expr& expr, const std::string& k) {
  const Load* load = std::get_if<Load>(&expr->node);
  if (load == nullptr || load->outside || load->lanes != 1)
    throw ScheduleError("tensorize: an operand is not a plain load");
  const Buffer& buffer = program.buffer(load->buffer);
  if (buffer.type != Type::kI16) throw ScheduleError(fmt::format("tensorize: {} is not int16", buffer.name));
  std::vector<Affine> index = load->index;
  for (size_t d = 0; d < index.size(); ++d) {
    if (index[d].coefficient(k) != (d + 1 == index.size() ? 1 : 0)) {
      throw ScheduleError(fmt::format("tensorize: {} does not hold {} consecutively", buffer.name, k));
    }
  }
  index.back() = index.back().substitute(k, 0);
  for (size_t d = 0; d < index.size(); ++d) {
    const bool even_below = d + 1 == index.size() || buffer.shape.back() % 2 == 0;
    bool even = index[d].constant % 2 == 0;
    for (const auto& [name, factor] : index[d].terms) even = even && factor % 2 == 0;
    if (d + 1 == index.size() ? !even : !even_below) {
      throw ScheduleError(fmt::format("tensorize: {} is not at a word there", buffer.name));
    }
  }
  return load_word(load->buffer, index, 2);
}

}  // namespace

void tensorize_smlad(Program* program, const std::string& k) {
  const int loops = replace_loops(&program->body, k, [&](For f) -> Block {
    if (f.extent != 2) throw ScheduleError(fmt::format("tensorize: {} is not a loop over 2", k));
    const Product p = product_of(f.body, k);
    const Expr a = halves_as_word(*program, p.a, k), b = halves_as_word(*program, p.b, k);
    Block result;
    result.push_back(store(p.update->buffer, p.update->index, call(kSmlad, {a, b, p.sum->a})));
    return result;
  });
  if (loops == 0) throw ScheduleError(fmt::format("tensorize: there is no loop {}", k));
}

}  // namespace mote::loop
