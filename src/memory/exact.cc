// Every plan can be pushed down until each buffer rests on the floor or on another one, and its buffers can be listed
// by rising offset. So it is enough to look at sequences in which each buffer rests as low as those before it allow,
// and in which offsets never fall.

#include "memory/exact.h"

#include <algorithm>
#include <numeric>

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

class Search {
 public:
  Search(const Problem& problem, const Separation& separation, int64_t peak, int64_t effort)
      : problem_(problem), separation_(separation), best_peak_(peak), effort_(effort), cliques_(cliques_of(problem)) {
    const size_t n = problem.buffers.size();
    offsets_.assign(n, 0);
    lowest_.assign(n, 0);
    placed_.assign(n, false);
    for (const Clique& clique : cliques_) {
      steps_.push_back(steps_of(separation, clique));
      bound_cost_ += static_cast<int64_t>(clique.size());
    }
    for (size_t i = 0; i < n; ++i) remaining_ += problem.buffers[i].size > 0 ? 1 : 0;
  }

  Exact run() {
    extend(-1, 0);
    return {std::move(best_offsets_), effort_ > 0};
  }

 private:
  /// Places every buffer that can be next after `last`, which was placed at `floor`, one after the other.
  void extend(int last, int64_t floor) {
    if (remaining_ == 0) {
      best_peak_ = peak_of(problem_, offsets_);
      best_offsets_ = offsets_;
      return;
    }
    effort_ -= bound_cost_;
    if (effort_ <= 0 || bound(floor) >= best_peak_) return;
    for (const int i : candidates(last, floor)) {
      const std::vector<int64_t> saved = lowest_;
      place(i);
      extend(i, offsets_[static_cast<size_t>(i)]);
      placed_[static_cast<size_t>(i)] = false;
      offsets_[static_cast<size_t>(i)] = 0;
      ++remaining_;
      lowest_ = saved;
      if (effort_ <= 0 || bound(floor) >= best_peak_) return;
    }
  }

  void place(int i) {
    const int64_t offset = lowest_[static_cast<size_t>(i)];
    offsets_[static_cast<size_t>(i)] = offset;
    placed_[static_cast<size_t>(i)] = true;
    --remaining_;
    for (const int j : separation_.neighbours(i)) {
      int64_t& lowest = lowest_[static_cast<size_t>(j)];
      const int64_t above =
          align_up(offset + separation_.distance(i, j), problem_.buffers[static_cast<size_t>(j)].align);
      if (!placed_[static_cast<size_t>(j)]) lowest = std::max(lowest, above);
    }
  }

  /// Buffers that may come next, the lowest and largest first; none when one that is left can never come.
  std::vector<int> candidates(int last, int64_t floor) const {
    std::vector<int> found;
    for (size_t k = 0; k < placed_.size(); ++k) {
      const int i = static_cast<int>(k);
      if (placed_[k] || problem_.buffers[k].size == 0) continue;
      if (lowest_[k] < floor) {
        if (is_settled(i)) return {};
        continue;
      }
      // Of buffers at one offset that do not rest on each other, one order is enough.
      const bool is_twin = last >= 0 && lowest_[k] == floor && i < last && !are_neighbours(last, i);
      if (!is_twin) found.push_back(i);
    }
    std::sort(found.begin(), found.end(), [&](int a, int b) {
      const size_t x = static_cast<size_t>(a), y = static_cast<size_t>(b);
      if (lowest_[x] != lowest_[y]) return lowest_[x] < lowest_[y];
      if (problem_.buffers[x].size != problem_.buffers[y].size)
        return problem_.buffers[x].size > problem_.buffers[y].size;
      return a < b;
    });
    return found;
  }

  /// Whether nothing that is still to come can push `i` further up.
  bool is_settled(int i) const {
    return std::all_of(separation_.neighbours(i).begin(), separation_.neighbours(i).end(),
                       [&](int j) { return placed_[static_cast<size_t>(j)]; });
  }

  bool are_neighbours(int i, int j) const {
    return std::binary_search(separation_.neighbours(i).begin(), separation_.neighbours(i).end(), j);
  }

  /// No completion has a smaller peak: of each clique, what is left has to stand on the lowest place that is left.
  int64_t bound(int64_t floor) const {
    int64_t bound = 0;
    for (size_t c = 0; c < cliques_.size(); ++c) {
      Stack stack;
      int64_t base = INT64_MAX;
      for (size_t k = 0; k < cliques_[c].size(); ++k) {
        const size_t i = static_cast<size_t>(cliques_[c][k]);
        const int64_t size = problem_.buffers[i].size;
        if (placed_[i]) {
          bound = std::max(bound, offsets_[i] + size);
          continue;
        }
        base = std::min(base, std::max(floor, lowest_[i]));
        bound = std::max(bound, std::max(floor, lowest_[i]) + size);
        stack.add(steps_[c][k], size);
      }
      if (base != INT64_MAX) bound = std::max(bound, base + stack.height());
    }
    return bound;
  }

  const Problem& problem_;
  const Separation& separation_;
  int64_t best_peak_;
  int64_t effort_;
  std::vector<Clique> cliques_;
  std::vector<std::vector<int64_t>> steps_;  // steps_of() each clique
  int64_t bound_cost_ = 0;
  std::vector<int64_t> offsets_;
  std::vector<int64_t> lowest_;  // of what is not placed: the lowest offset that what is placed allows
  std::vector<bool> placed_;
  int remaining_ = 0;
  std::vector<int64_t> best_offsets_;
};

}  // namespace

int64_t lower_bound(const Problem& problem, const Separation& separation) {
  int64_t bound = 0;
  for (const Clique& clique : cliques_of(problem)) {
    const std::vector<int64_t> steps = steps_of(separation, clique);
    Stack stack;
    for (size_t k = 0; k < clique.size(); ++k) {
      stack.add(steps[k], problem.buffers[static_cast<size_t>(clique[k])].size);
    }
    bound = std::max(bound, stack.height());
  }
  return bound;
}

Exact search_exact(const Problem& problem, const Separation& separation, int64_t peak, int64_t effort) {
  return Search(problem, separation, peak, effort).run();
}

}  // namespace mote::memory
