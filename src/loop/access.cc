#include "loop/access.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "loop/accesses.h"
#include "support/error.h"

namespace mote::loop {
namespace {

constexpr int32_t kStart = -1, kEnd = std::numeric_limits<int32_t>::max();

/// Runs a program for its accesses alone. Every statement that stores is a moment: it reads, then it writes. A loop
/// that stores to locals only is one moment as a whole, and reads everything between its least and greatest index.
class Walk {
 public:
  explicit Walk(const Program& program) : program_(program), places_(program.buffers.size()) {
    std::vector<bool> wanted;
    int64_t workspace = 0;
    for (size_t i = 0; i < places_.size(); ++i) {
      const Buffer& b = program.buffers[i];
      if (b.kind == Buffer::Kind::kInput || b.kind == Buffer::Kind::kOutput) {
        places_[i].lives = &lives_[b.name];
        const bool input = b.kind == Buffer::Kind::kInput;
        lives_[b.name].from.assign(b.size_bytes(), input ? kStart : kEnd);
        lives_[b.name].to.assign(b.size_bytes(), input ? kStart - 1 : kEnd);
      } else if (b.kind == Buffer::Kind::kWorkspace) {
        workspace = (workspace + b.alignment - 1) / b.alignment * b.alignment;
        places_[i].lives = &lives_[kWorkspaceName];
        places_[i].offset = workspace;
        workspace += static_cast<int64_t>(b.size_bytes());
      }
      places_[i].size = static_cast<int64_t>(b.size_bytes());
      wanted.push_back(places_[i].lives != nullptr);
    }
    if (lives_.count(kWorkspaceName) > 0) {
      lives_[kWorkspaceName].from.assign(static_cast<size_t>(workspace), kEnd);
      lives_[kWorkspaceName].to.assign(static_cast<size_t>(workspace), kStart - 1);
    }
    accesses_ = accesses_of(program, wanted);
    values_.assign(accesses_.extents.size(), 0);
    spans_.assign(accesses_.extents.size(), 0);
  }

  std::map<std::string, Lives> run() {
    run(accesses_.body);
    return std::move(lives_);
  }

 private:
  /// Where a buffer's bytes are accounted for; `lives` is null for what is no shared memory: constants, locals.
  struct Place {
    Lives* lives = nullptr;
    int64_t offset = 0, size = 0;  // bytes: of its first one, and in all
  };

  void run(const std::vector<AccessNode>& nodes) {
    for (const AccessNode& node : nodes) {
      switch (node.kind) {
        case AccessNode::Kind::kReads:
          for (const int slot : node.all_of) spans_[static_cast<size_t>(slot)] = extent_of(slot) - 1;
          for (const Access& access : node.reads) touch(access);
          for (const int slot : node.all_of) spans_[static_cast<size_t>(slot)] = 0;
          break;
        case AccessNode::Kind::kStore:
          for (const Access& access : node.reads) touch(access);
          ++now_;
          for (const Access& access : node.writes) touch(access);
          ++now_;
          break;
        case AccessNode::Kind::kLoop: {
          int64_t& value = values_[static_cast<size_t>(node.slot)];
          for (value = 0; value < node.extent; ++value) run(node.body);
          value = 0;
          break;
        }
        case AccessNode::Kind::kCall:
          call(node);
          break;
      }
    }
  }

  int64_t extent_of(int slot) const { return accesses_.extents[static_cast<size_t>(slot)]; }

  /// All values an index takes now: variables that are taken as a whole take all of theirs.
  Interval range(const SlotIndex& index) const {
    Interval range{index.constant, index.constant};
    for (const auto& [slot, factor] : index.terms) {
      const int64_t least = factor * values_[static_cast<size_t>(slot)],
                    most = factor * spans_[static_cast<size_t>(slot)];
      range.lo += least + std::min<int64_t>(0, most);
      range.hi += least + std::max<int64_t>(0, most);
    }
    return range;
  }

  void touch(const Access& access) {
    const Place& place = places_[static_cast<size_t>(access.buffer)];
    if (access.index.empty()) {
      const Interval r = range(access.offset);
      mark(place, r.lo, r.hi - r.lo + access.bytes);
      return;
    }
    const Buffer& buffer = program_.buffers[static_cast<size_t>(access.buffer)];
    int64_t first = 0, last = 0;  // flat, in elements
    for (size_t d = 0; d < access.index.size(); ++d) {
      const int64_t size = buffer.shape[d];
      const Interval r = range(access.index[d]);
      const int64_t lo = std::max<int64_t>(r.lo, 0), hi = std::min(r.hi, size - 1);
      if (lo > hi && access.outside) return;  // all of it is padding
      first = first * size + std::min(lo, size - 1);
      last = last * size + std::max<int64_t>(hi, 0);
    }
    const int64_t element = static_cast<int64_t>(size_of(buffer.type));
    mark(place, first * element, (last - first) * element + access.bytes);
  }

  /// Bytes [first, first + bytes) of a buffer are read or written now. A byte that is written and never read is wanted
  /// as well: the write would destroy what lies there.
  void mark(const Place& place, int64_t first, int64_t bytes) {
    if (place.lives == nullptr) return;
    const int64_t end = std::min(first + bytes, place.size);
    for (int64_t i = place.offset + std::max<int64_t>(first, 0); i < place.offset + end; ++i) {
      int32_t& from = place.lives->from[static_cast<size_t>(i)];
      int32_t& to = place.lives->to[static_cast<size_t>(i)];
      from = std::min(from, now_);
      to = std::max(to, now_);
    }
  }

  void call(const AccessNode& node) {
    if (node.function == nullptr) {
      touch_everything(node);
      return;
    }
    std::vector<int64_t> numbers;
    for (const Argument& a : node.arguments) {
      if (!a.is_address) numbers.push_back(range(a.number).lo);
    }
    for (const Touch& t : node.function->touches(numbers)) {
      const Argument& a = node.arguments.at(static_cast<size_t>(t.argument));
      check(a.is_address, "a function touches a number");
      const int64_t first = range(a.address.offset).lo + t.offset;
      const Place& place = places_[static_cast<size_t>(a.address.buffer)];
      for (int64_t i = 0; i < t.count; ++i) mark(place, first + i * t.step, t.bytes);
      ++now_;
    }
  }

  void touch_everything(const AccessNode& node) {
    for (const bool write : {true, false}) {
      for (const Argument& a : node.arguments) {
        if (!a.is_address) continue;
        const size_t buffer = static_cast<size_t>(a.address.buffer);
        if (write && program_.buffers[buffer].kind == Buffer::Kind::kInput) continue;
        mark(places_[buffer], 0, places_[buffer].size);
      }
      ++now_;
    }
  }

  const Program& program_;
  std::vector<Place> places_;  // by buffer
  std::map<std::string, Lives> lives_;
  AccessProgram accesses_;
  std::vector<int64_t> values_, spans_;  // by slot; a variable that is taken as a whole has value 0 and a span
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
