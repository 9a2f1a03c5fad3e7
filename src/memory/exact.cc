// Of two buffers that live at the same time, one lies below the other. Once it is decided which, each buffer has a
// lowest offset; when the lowest offsets of all are free of conflicts, they are a plan, and else two that are in each
// other's way are the next to be decided.

#include "memory/exact.h"

#include <algorithm>
#include <tuple>

#include "support/error.h"

namespace mote::memory {
namespace {

/// The buffers that live at one step and no superset of which lives at another.
using Clique = std::vector<int>;

std::vector<Clique> cliques_of(const Problem& problem) {
  std::vector<Clique> cliques;
  for (const Buffer& begins : problem.buffers) {
    // A set of live buffers is largest when one of them has just begun.
    Clique clique;
    for (size_t i = 0; i < problem.buffers.size(); ++i) {
      const Buffer& b = problem.buffers[i];
      if (b.size > 0 && b.first <= begins.first && begins.first <= b.last) clique.push_back(static_cast<int>(i));
    }
    if (!clique.empty()) cliques.push_back(std::move(clique));
  }
  std::sort(cliques.begin(), cliques.end());
  cliques.erase(std::unique(cliques.begin(), cliques.end()), cliques.end());
  return cliques;
}

/// For each member of `clique`: how far above its beginning the next one of the clique begins, at least.
std::vector<int64_t> steps_of(const Separation& separation, const Clique& clique) {
  std::vector<int64_t> steps;
  for (const int lower : clique) {
    int64_t least = INT64_MAX;
    for (const int upper : clique) {
      if (upper != lower) least = std::min(least, separation.distance(lower, upper));
    }
    steps.push_back(clique.size() > 1 ? least : 0);
  }
  return steps;
}

/// The least height of a stack of buffers: all of their steps, but the topmost counts with its size. Add one by one.
class Stack {
 public:
  void add(int64_t step, int64_t size) {
    steps_ += step;
    least_top_ = std::min(least_top_, size - step);
    largest_ = std::max(largest_, size);
  }
  int64_t height() const { return largest_ == 0 ? 0 : std::max(largest_, steps_ + least_top_); }

 private:
  int64_t steps_ = 0, least_top_ = INT64_MAX, largest_ = 0;
};

/// Cliques with what their bound is made of.
class Cliques {
 public:
  struct Bound {
    int64_t bytes = 0;
    Clique stack;
  };

  Cliques(const Problem& problem, const Separation& separation) : problem_(problem), cliques_(cliques_of(problem)) {
    for (const Clique& clique : cliques_) {
      steps_.push_back(steps_of(separation, clique));
      members_ += static_cast<int64_t>(clique.size());
    }
  }

  int64_t members() const { return members_; }

  /// The highest that buffers reach, or the first stack that reaches `enough`, when none lies below `lowest`.
  Bound bound(const std::vector<int64_t>& lowest, int64_t enough) const {
    Bound best;
    for (size_t c = 0; c < cliques_.size() && best.bytes < enough; ++c) {
      const Clique& clique = cliques_[c];
      std::vector<size_t> order(clique.size());
      for (size_t k = 0; k < order.size(); ++k) order[k] = k;
      const auto base = [&](size_t k) { return lowest[static_cast<size_t>(clique[k])]; };
      std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return base(a) > base(b); });
      Stack stack;
      for (size_t n = 0; n < order.size(); ++n) {
        stack.add(steps_[c][order[n]], problem_.buffers[static_cast<size_t>(clique[order[n]])].size);
        const int64_t bytes = base(order[n]) + stack.height();
        if (bytes <= best.bytes) continue;
        best.bytes = bytes;
        best.stack.clear();
        for (size_t k = 0; k <= n; ++k) best.stack.push_back(clique[order[k]]);
      }
    }
    return best;
  }

 private:
  const Problem& problem_;
  std::vector<Clique> cliques_;
  std::vector<std::vector<int64_t>> steps_;  // steps_of() each clique
  int64_t members_ = 0;
};

class Search {
 public:
  Search(const Problem& problem, const Separation& separation, int64_t peak, int64_t effort)
      : problem_(problem),
        separation_(separation),
        cliques_(problem, separation),
        best_peak_(peak),
        effort_(effort),
        lowest_(problem.buffers.size(), 0),
        above_(problem.buffers.size()) {
    for (size_t i = 0; i < problem.buffers.size(); ++i) {
      for (const int j : separation.neighbours(static_cast<int>(i))) {
        if (static_cast<int>(i) < j) pairs_.emplace_back(static_cast<int>(i), j);
      }
    }
    node_cost_ = cliques_.members() + static_cast<int64_t>(pairs_.size()) + 1;
  }

  Exact run() {
    Exact exact;
    const bool complete = explore() >= 0;
    exact.offsets = std::move(best_offsets_);
    if (complete) exact.proof = {std::move(nodes_), best_peak_};
    return exact;
  }

 private:
  /// Two that are in each other's way, and where each would have to go if the other stayed.
  struct Conflict {
    int a = -1, b = -1;
    int64_t a_above = 0, b_above = 0;
  };

  /// The proof's node for what is decided so far; -1 when the effort is spent.
  int explore() {
    effort_ -= node_cost_;
    if (effort_ <= 0) return -1;
    const int node = static_cast<int>(nodes_.size());
    nodes_.emplace_back();
    const auto is_leaf = [&] {
      Cliques::Bound bound = cliques_.bound(lowest_, best_peak_);
      if (bound.bytes < best_peak_) return false;
      nodes_[static_cast<size_t>(node)].stack = std::move(bound.stack);
      return true;
    };
    if (is_leaf()) return node;
    const Conflict conflict = worst_conflict();
    if (conflict.a < 0) {
      best_offsets_ = lowest_;
      best_peak_ = peak_of(problem_, best_offsets_);
      check(is_leaf(), "a plan reaches its own peak");
      return node;
    }
    nodes_[static_cast<size_t>(node)].a = conflict.a;
    nodes_[static_cast<size_t>(node)].b = conflict.b;
    // First what moves less: plans are found sooner.
    const bool a_first = conflict.b_above - lowest(conflict.b) <= conflict.a_above - lowest(conflict.a);
    for (const bool a_is_below : {a_first, !a_first}) {
      const int child = a_is_below ? explore_with(conflict.a, conflict.b) : explore_with(conflict.b, conflict.a);
      if (child < 0) return -1;
      Proof::Node& parent = nodes_[static_cast<size_t>(node)];
      (a_is_below ? parent.a_is_below : parent.b_is_below) = child;
    }
    return node;
  }

  int explore_with(int lower, int upper) {
    const std::vector<int64_t> saved = lowest_;
    above_[static_cast<size_t>(lower)].push_back(upper);
    raise(upper, beginning_above(lower, upper));
    const int node = explore();
    above_[static_cast<size_t>(lower)].pop_back();
    lowest_ = saved;
    return node;
  }

  int64_t lowest(int i) const { return lowest_[static_cast<size_t>(i)]; }

  int64_t beginning_above(int lower, int upper) const {
    return align_up(lowest(lower) + separation_.distance(lower, upper),
                    problem_.buffers[static_cast<size_t>(upper)].align);
  }

  /// `i` begins at `offset` or higher, and with it what is decided to lie above it. Ends, also where the decisions go
  /// in a circle, because nothing has to be known of what is above the best peak.
  void raise(int i, int64_t offset) {
    if (offset <= lowest(i)) return;
    lowest_[static_cast<size_t>(i)] = offset;
    if (offset >= best_peak_) return;
    for (size_t k = 0; k < above_[static_cast<size_t>(i)].size(); ++k) {
      const int upper = above_[static_cast<size_t>(i)][k];
      raise(upper, beginning_above(i, upper));
    }
  }

  /// The conflict that leaves the least choice: one of two is too high at once, or both move far.
  Conflict worst_conflict() const {
    Conflict worst;
    std::tuple<int, int64_t> most{-1, -1};
    for (const auto& [a, b] : pairs_) {
      const int64_t apart = lowest(b) - lowest(a);
      if (apart >= separation_.distance(a, b) || -apart >= separation_.distance(b, a)) continue;
      const Conflict conflict{a, b, beginning_above(b, a), beginning_above(a, b)};
      const auto is_too_high = [&](int i, int64_t offset) {
        return offset + problem_.buffers[static_cast<size_t>(i)].size >= best_peak_;
      };
      const std::tuple<int, int64_t> score{
          (is_too_high(a, conflict.a_above) ? 1 : 0) + (is_too_high(b, conflict.b_above) ? 1 : 0),
          std::min(conflict.a_above - lowest(a), conflict.b_above - lowest(b))};
      if (score <= most) continue;
      most = score;
      worst = conflict;
    }
    return worst;
  }

  const Problem& problem_;
  const Separation& separation_;
  Cliques cliques_;
  int64_t best_peak_;
  int64_t effort_;
  int64_t node_cost_ = 0;
  std::vector<std::pair<int, int>> pairs_;  // of neighbours
  std::vector<int64_t> lowest_;             // offsets that the decisions allow
  std::vector<std::vector<int>> above_;     // by buffer: those decided to lie above it
  std::vector<Proof::Node> nodes_;
  std::vector<int64_t> best_offsets_;
};

}  // namespace

Proof lower_bound(const Problem& problem, const Separation& separation) {
  const std::vector<int64_t> floor(problem.buffers.size(), 0);
  Cliques::Bound bound = Cliques(problem, separation).bound(floor, INT64_MAX);
  if (bound.bytes == 0) return {};
  return {{{.stack = std::move(bound.stack)}}, bound.bytes};
}

Exact search_exact(const Problem& problem, const Separation& separation, int64_t peak, int64_t effort) {
  return Search(problem, separation, peak, effort).run();
}

}  // namespace mote::memory
