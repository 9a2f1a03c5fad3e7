#include "loop/access.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "support/error.h"

namespace mote::loop {
namespace {

constexpr int32_t kStart = -1, kEnd = std::numeric_limits<int32_t>::max();

/// Runs a program for its accesses alone. Every statement that stores is a moment: it reads, then it writes. A loop
/// that stores to locals only is one moment as a whole, and reads everything between its least and greatest index.
class Walk {
 public:
  explicit Walk(const Program& program) : program_(program), extents_(extents_of(program)) {
    int64_t workspace = 0;
    for (const Buffer& b : program.buffers) {
      Place& place = places_[b.name];
      if (b.kind == Buffer::Kind::kInput || b.kind == Buffer::Kind::kOutput) {
        place.lives = &lives_[b.name];
        const bool input = b.kind == Buffer::Kind::kInput;
        lives_[b.name].from.assign(b.size_bytes(), input ? kStart : kEnd);
        lives_[b.name].to.assign(b.size_bytes(), input ? kStart - 1 : kEnd);
      } else if (b.kind == Buffer::Kind::kWorkspace) {
        workspace = (workspace + b.alignment - 1) / b.alignment * b.alignment;
        place.offset = workspace;
        workspace += static_cast<int64_t>(b.size_bytes());
      }
      place.buffer = &b;
    }
    if (workspace == 0) return;
    Lives& lives = lives_[kWorkspaceName];
    lives.from.assign(static_cast<size_t>(workspace), kEnd);
    lives.to.assign(static_cast<size_t>(workspace), kStart - 1);
    for (auto& [name, place] : places_) {
      if (place.buffer->kind == Buffer::Kind::kWorkspace) place.lives = &lives;
    }
  }

  std::map<std::string, Lives> run() {
    run(program_.body);
    return std::move(lives_);
  }

 private:
  /// Where a buffer's bytes are accounted for; `lives` is null for what is no shared memory: constants, locals.
  struct Place {
    const Buffer* buffer = nullptr;
    Lives* lives = nullptr;
    int64_t offset = 0;  // of its first byte
  };

  void run(const Block& block) {
    for (const Stmt& stmt : block) {
      if (const For* f = std::get_if<For>(&stmt.node)) {
        loop(*f);
      } else if (const If* c = std::get_if<If>(&stmt.node)) {
        read(c->condition);
        run(c->body);
      } else if (const Store* s = std::get_if<Store>(&stmt.node)) {
        read(s->value);
        ++now_;
        touch(s->buffer, s->index, s->lanes, true);
        ++now_;
      } else if (const Invoke* call = std::get_if<Invoke>(&stmt.node)) {
        invoke(*call);
      }
    }
  }

  void loop(const For& f) {
    if (f.extent <= 0) return;
    if (!stores_to_memory(f.body)) {
      const auto [inner, added] = inner_.insert(f.variable);
      variables_.erase(f.variable);
      run_as_one(f.body);
      if (added) inner_.erase(inner);
      return;
    }
    for (int64_t i = 0; i < f.extent; ++i) {
      variables_[f.variable] = i;
      run(f.body);
    }
    variables_.erase(f.variable);
  }

  /// All reads of `block`, at this moment.
  void run_as_one(const Block& block) {
    for (const Stmt& stmt : block) {
      if (const For* f = std::get_if<For>(&stmt.node)) {
        const auto [inner, added] = inner_.insert(f->variable);
        run_as_one(f->body);
        if (added) inner_.erase(inner);
      } else if (const If* c = std::get_if<If>(&stmt.node)) {
        read(c->condition);
        run_as_one(c->body);
      } else if (const Store* s = std::get_if<Store>(&stmt.node)) {
        read(s->value);
      }
    }
  }

  bool stores_to_memory(const Block& block) const {
    return std::any_of(block.begin(), block.end(), [&](const Stmt& stmt) {
      if (const For* f = std::get_if<For>(&stmt.node)) return stores_to_memory(f->body);
      if (const If* c = std::get_if<If>(&stmt.node)) return stores_to_memory(c->body);
      if (const Store* s = std::get_if<Store>(&stmt.node)) return places_.at(s->buffer).lives != nullptr;
      return std::holds_alternative<Invoke>(stmt.node);
    });
  }

  void read(const Expr& expr) {
    if (!expr) return;
    if (const Load* e = std::get_if<Load>(&expr->node)) {
      touch(e->buffer, e->index, e->lanes, e->outside == nullptr);
      read(e->outside);
    } else if (const Gather* e = std::get_if<Gather>(&expr->node)) {
      const Place& place = places_.at(e->buffer);
      mark(place, 0, static_cast<int64_t>(place.buffer->size_bytes()));
      read(e->index);
    } else if (const Binary* e = std::get_if<Binary>(&expr->node)) {
      read(e->a);
      read(e->b);
    } else if (const Cast* e = std::get_if<Cast>(&expr->node)) {
      read(e->value);
    } else if (const Select* e = std::get_if<Select>(&expr->node)) {
      read(e->condition);
      read(e->yes);
      read(e->no);
    } else if (const Call* e = std::get_if<Call>(&expr->node)) {
      for (const Expr& argument : e->arguments) read(argument);
    }
  }

  /// All values an index takes now: loops that run as one take all of theirs.
  Interval range(const Affine& a) const {
    Interval range{a.constant, a.constant};
    for (const auto& [name, factor] : a.terms) {
      if (inner_.count(name) > 0) {
        const int64_t most = factor * (extents_.at(name) - 1);
        range.lo += std::min<int64_t>(0, most);
        range.hi += std::max<int64_t>(0, most);
      } else {
        range.lo += factor * variables_.at(name);
        range.hi += factor * variables_.at(name);
      }
    }
    return range;
  }

  void touch(const std::string& name, const std::vector<Affine>& index, int lanes, bool inside) {
    const Place& place = places_.at(name);
    if (place.lives == nullptr) return;
    int64_t first = 0, last = 0;  // flat, in elements
    for (size_t d = 0; d < index.size(); ++d) {
      const int64_t size = place.buffer->shape[d];
      const Interval r = range(index[d]);
      const int64_t lo = std::max<int64_t>(r.lo, 0), hi = std::min(r.hi, size - 1);
      if (lo > hi && !inside) return;  // all of it is padding
      first = first * size + std::min(lo, size - 1);
      last = last * size + std::max<int64_t>(hi, 0);
    }
    const int64_t element = static_cast<int64_t>(size_of(place.buffer->type));
    mark(place, first * element, (last - first + lanes) * element);
  }

  /// Bytes [first, first + bytes) of a buffer are read or written now. A byte that is written and never read is wanted
  /// as well: the write would destroy what lies there.
  void mark(const Place& place, int64_t first, int64_t bytes) {
    if (place.lives == nullptr) return;
    const int64_t end = std::min(first + bytes, static_cast<int64_t>(place.buffer->size_bytes()));
    for (int64_t i = place.offset + std::max<int64_t>(first, 0); i < place.offset + end; ++i) {
      int32_t& from = place.lives->from[static_cast<size_t>(i)];
      int32_t& to = place.lives->to[static_cast<size_t>(i)];
      from = std::min(from, now_);
      to = std::max(to, now_);
    }
  }

  /// A pointer argument of a call.
  struct Address {
    const Place* place = nullptr;  // null: an integer
    int64_t offset = 0;            // bytes from the buffer's beginning
  };

  Address address_of(const Invoke::Argument& argument) const {
    if (argument.buffer.empty()) return {};
    const Place& place = places_.at(argument.buffer);
    int64_t flat = 0;
    for (size_t d = 0; d < argument.index.size(); ++d)
      flat = flat * place.buffer->shape[d] + range(argument.index[d]).lo;
    return {&place, flat * static_cast<int64_t>(size_of(place.buffer->type))};
  }

  void invoke(const Invoke& call) {
    std::vector<Address> addresses;
    std::vector<int64_t> numbers;
    for (const Invoke::Argument& argument : call.arguments) {
      addresses.push_back(address_of(argument));
      if (argument.buffer.empty()) numbers.push_back(range(argument.value).lo);
    }
    const auto function = std::find_if(program_.functions.begin(), program_.functions.end(),
                                       [&](const Function& f) { return f.name == call.function; });
    if (function == program_.functions.end() || !function->touches) {
      touch_everything(addresses);
      return;
    }
    for (const Touch& t : function->touches(numbers)) {
      const Address& address = addresses.at(static_cast<size_t>(t.argument));
      check(address.place != nullptr, "a function touches a number");
      for (int64_t i = 0; i < t.count; ++i) mark(*address.place, address.offset + t.offset + i * t.step, t.bytes);
      ++now_;
    }
  }

  void touch_everything(const std::vector<Address>& addresses) {
    for (const bool write : {true, false}) {
      for (const Address& address : addresses) {
        if (address.place == nullptr || (write && address.place->buffer->kind == Buffer::Kind::kInput)) continue;
        mark(*address.place, 0, static_cast<int64_t>(address.place->buffer->size_bytes()));
      }
      ++now_;
    }
  }

  const Program& program_;
  Extents extents_;
  std::map<std::string, Lives> lives_;
  std::map<std::string, Place> places_;
  std::map<std::string, int64_t> variables_;
  std::set<std::string> inner_;  // variables of loops that run as one
  int32_t now_ = 0;
};

/// Whether bytes that are wanted then, and bytes that are wanted then, are so at the same time.
bool collide(const Lives& a, size_t i, const Lives& b, size_t j) {
  if (a.to[i] < a.from[i] || b.to[j] < b.from[j]) return false;
  return a.from[i] <= b.to[j] && b.from[j] <= a.to[i];
}

/// For growing times, the last byte with a key up to then. `key` by byte.
class LastByte {
 public:
  explicit LastByte(const std::vector<std::pair<int32_t, int64_t>>& key_and_byte) : steps_(key_and_byte) {
    std::sort(steps_.begin(), steps_.end());
    for (size_t i = 1; i < steps_.size(); ++i) steps_[i].second = std::max(steps_[i].second, steps_[i - 1].second);
  }
  /// The greatest byte whose key is at most `key`; -1: none.
  int64_t up_to(int32_t key) const {
    const auto end =
        std::upper_bound(steps_.begin(), steps_.end(), std::pair(key, std::numeric_limits<int64_t>::max()));
    return end == steps_.begin() ? -1 : std::prev(end)->second;
  }

 private:
  std::vector<std::pair<int32_t, int64_t>> steps_;
};

}  // namespace

std::map<std::string, Lives> lives_of(const Program& program) {
  return Walk(program).run();
}

int64_t safe_distance(const Lives& upper, const Lives& lower) {
  // Two bytes collide when each begins before the other ends. One of the two always holds here, because an input is
  // there from the beginning or an output to the end; so one sorted list answers.
  const int64_t size = static_cast<int64_t>(lower.from.size());
  std::vector<std::pair<int32_t, int64_t>> begins, ends;
  int32_t first_end = kEnd, last_begin = kStart;
  for (int64_t l = 0; l < size; ++l) {
    const size_t i = static_cast<size_t>(l);
    if (lower.to[i] < lower.from[i]) continue;
    begins.emplace_back(lower.from[i], l);
    ends.emplace_back(-lower.to[i], l);
    first_end = std::min(first_end, lower.to[i]);
  }
  for (size_t u = 0; u < upper.from.size(); ++u) {
    if (upper.to[u] >= upper.from[u]) last_begin = std::max(last_begin, upper.from[u]);
  }
  const bool by_begin = first_end >= last_begin;
  const LastByte last(by_begin ? begins : ends);
  int64_t distance = 0;
  for (size_t u = 0; u < upper.from.size(); ++u) {
    if (upper.to[u] < upper.from[u]) continue;
    const int64_t l = last.up_to(by_begin ? upper.to[u] : -upper.from[u]);
    if (l >= 0) distance = std::max(distance, l - static_cast<int64_t>(u) + 1);
  }
  return std::min(distance, size);
}

bool may_coincide(const Lives& a, const Lives& b) {
  const size_t common = std::min(a.from.size(), b.from.size());
  for (size_t i = 0; i < common; ++i) {
    if (collide(a, i, b, i)) return false;
  }
  return true;
}

}  // namespace mote::loop
