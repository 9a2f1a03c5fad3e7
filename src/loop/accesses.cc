#include "loop/accesses.h"

#include <algorithm>
#include <limits>

namespace mote::loop {
namespace {

class Resolver {
 public:
  Resolver(const Program& program, const std::vector<bool>& wanted)
      : program_(program), wanted_(wanted), extents_(extents_of(program)) {
    for (size_t i = 0; i < program.buffers.size(); ++i) buffers_[program.buffers[i].name] = static_cast<int>(i);
    for (const auto& [name, extent] : extents_) {
      slots_[name] = static_cast<int>(slots_.size());
      resolved_.extents.push_back(extent);
    }
  }

  AccessProgram run() {
    run(program_.body, &resolved_.body);
    return std::move(resolved_);
  }

 private:
  void run(const Block& block, std::vector<AccessNode>* out) {
    for (const Stmt& stmt : block) {
      AccessNode node;
      if (const For* f = std::get_if<For>(&stmt.node)) {
        if (f->extent <= 0) continue;
        node = loop(*f);
      } else if (const If* c = std::get_if<If>(&stmt.node)) {
        read(c->condition, &node.reads);
        if (!node.reads.empty()) out->push_back(std::move(node));
        run(c->body, out);
        continue;
      } else if (const Store* s = std::get_if<Store>(&stmt.node)) {
        node.kind = AccessNode::Kind::kStore;
        read(s->value, &node.reads);
        add(s->buffer, s->index, s->lanes, false, &node.writes);
      } else if (const Invoke* call = std::get_if<Invoke>(&stmt.node)) {
        node = invoke(*call);
      }
      const bool calls = node.kind == AccessNode::Kind::kCall;
      if (calls || !node.reads.empty() || !node.writes.empty() || !node.body.empty()) out->push_back(std::move(node));
    }
  }

  AccessNode loop(const For& f) {
    AccessNode node;
    if (stores(f.body)) {
      node.kind = AccessNode::Kind::kLoop;
      node.slot = slots_.at(f.variable);
      node.extent = f.extent;
      run(f.body, &node.body);
    } else {
      node.all_of.push_back(slots_.at(f.variable));
      read_all(f.body, &node);
    }
    return node;
  }

  void read_all(const Block& block, AccessNode* node) {
    for (const Stmt& stmt : block) {
      if (const For* f = std::get_if<For>(&stmt.node)) {
        node->all_of.push_back(slots_.at(f->variable));
        read_all(f->body, node);
      } else if (const If* c = std::get_if<If>(&stmt.node)) {
        read(c->condition, &node->reads);
        read_all(c->body, node);
      } else if (const Store* s = std::get_if<Store>(&stmt.node)) {
        read(s->value, &node->reads);
      }
    }
  }

  bool stores(const Block& block) const {
    return std::any_of(block.begin(), block.end(), [&](const Stmt& stmt) {
      if (const For* f = std::get_if<For>(&stmt.node)) return stores(f->body);
      if (const If* c = std::get_if<If>(&stmt.node)) return stores(c->body);
      if (const Store* s = std::get_if<Store>(&stmt.node)) return is_wanted(buffers_.at(s->buffer));
      return std::holds_alternative<Invoke>(stmt.node);
    });
  }

  void read(const Expr& expr, std::vector<Access>* out) {
    if (!expr) return;
    if (const Load* e = std::get_if<Load>(&expr->node)) {
      add(e->buffer, e->index, e->lanes, e->outside != nullptr, out);
      read(e->outside, out);
    } else if (const Gather* e = std::get_if<Gather>(&expr->node)) {
      const int buffer = buffers_.at(e->buffer);
      const int64_t all = static_cast<int64_t>(of(buffer).size_bytes());
      if (is_wanted(buffer)) out->push_back({buffer, all, {}, {}, false});
      read(e->index, out);
    } else if (const Binary* e = std::get_if<Binary>(&expr->node)) {
      read(e->a, out);
      read(e->b, out);
    } else if (const Cast* e = std::get_if<Cast>(&expr->node)) {
      read(e->value, out);
    } else if (const Select* e = std::get_if<Select>(&expr->node)) {
      read(e->condition, out);
      read(e->yes, out);
      read(e->no, out);
    } else if (const Call* e = std::get_if<Call>(&expr->node)) {
      for (const Expr& argument : e->arguments) read(argument, out);
    }
  }

  SlotIndex slots_of(const Affine& a) const {
    SlotIndex index{a.constant, {}};
    for (const auto& [name, factor] : a.terms) index.terms.emplace_back(slots_.at(name), factor);
    return index;
  }

  /// The byte at an index, from the buffer's beginning.
  SlotIndex offset_of(const Buffer& buffer, const std::vector<Affine>& index) const {
    Affine flat;
    for (size_t d = 0; d < index.size(); ++d) flat = flat * buffer.shape[d] + index[d];
    return slots_of(flat * static_cast<int64_t>(size_of(buffer.type)));
  }

  void add(const std::string& name, const std::vector<Affine>& index, int lanes, bool outside,
           std::vector<Access>* out) {
    const int number = buffers_.at(name);
    if (!is_wanted(number)) return;
    const Buffer& buffer = of(number);
    Access access;
    access.buffer = number;
    access.bytes = lanes * static_cast<int64_t>(size_of(buffer.type));
    bool inside = true;
    for (size_t d = 0; d < index.size(); ++d) {
      const Interval range = range_of(index[d], extents_);
      inside = inside && range.lo >= 0 && range.hi < buffer.shape[d];
    }
    if (inside) {
      access.offset = offset_of(buffer, index);
    } else {
      for (const Affine& a : index) access.index.push_back(slots_of(a));
      access.outside = outside;
    }
    out->push_back(std::move(access));
  }

  AccessNode invoke(const Invoke& call) {
    AccessNode node;
    node.kind = AccessNode::Kind::kCall;
    for (const Invoke::Argument& a : call.arguments) {
      Argument argument;
      argument.is_address = !a.buffer.empty();
      if (argument.is_address) {
        argument.address.buffer = buffers_.at(a.buffer);
        argument.address.offset = offset_of(of(argument.address.buffer), a.index);
      } else {
        argument.number = slots_of(a.value);
      }
      node.arguments.push_back(std::move(argument));
    }
    const auto function = std::find_if(program_.functions.begin(), program_.functions.end(),
                                       [&](const Function& f) { return f.name == call.function; });
    if (function != program_.functions.end() && function->touches) node.function = &*function;
    return node;
  }

  bool is_wanted(int buffer) const { return wanted_[static_cast<size_t>(buffer)]; }
  const Buffer& of(int buffer) const { return program_.buffers[static_cast<size_t>(buffer)]; }

  const Program& program_;
  const std::vector<bool>& wanted_;
  Extents extents_;
  std::map<std::string, int> buffers_, slots_;
  AccessProgram resolved_;
};

}  // namespace

AccessProgram accesses_of(const Program& program, const std::vector<bool>& wanted) {
  return Resolver(program, wanted).run();
}

}  // namespace mote::loop
