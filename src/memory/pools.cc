// One buffer after the other goes into the cheapest pool that can still be planned within its size. First without going
// back: a buffer that finds no room comes first in the next attempt. Then depth first through all distributions that
// cost less than the best so far. Which buffers come first decides how soon a mistake shows, and no order is best for
// all problems; so several share the effort.
#include "memory/pools.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "memory/first_fit.h"
#include "memory/separation.h"
#include "support/error.h"

namespace mote::memory {
namespace {

constexpr Effort kCloserLook{.hill_climbing = 20'000, .exact = 100'000};
constexpr Effort kPool{.hill_climbing = 400'000, .exact = 400'000};  // finds what a closer look finds

int64_t cost_in(const Pool& pool, int buffer) {
  return pool.costs.empty() ? 0 : pool.costs.at(static_cast<size_t>(buffer));
}

class Distributor {
 public:
  Distributor(const Problem& problem, const std::vector<Pool>& pools, const Effort& effort)
      : problem_(problem), separation_(problem), pools_(pools), effort_(effort) {
    for (int i = 0; i < static_cast<int>(problem.buffers.size()); ++i) {
      int64_t least = std::numeric_limits<int64_t>::max(), most = 0;
      for (const Pool& pool : pools) {
        least = std::min(least, cost_in(pool, i));
        most = std::max(most, cost_in(pool, i));
      }
      least_.push_back(least);
      spread_.push_back(most - least);
    }
  }

  std::optional<PoolPlan> best() {
    const std::vector<std::vector<int>> orders = orders_to_try();
    const int64_t share = effort_.exact / static_cast<int64_t>(2 * orders.size());
    for (const std::vector<int>& order : orders) {
      begin(order, share);
      attempt();
      begin(order, share);
      descend(0, 0);
      // Nothing is below the least that every buffer can cost.
      if (is_complete_ || (best_ && best_->cost == rest_[0])) break;
    }
    if (best_) best_->optimal = is_complete_ || best_->cost == rest_[0];
    return std::move(best_);
  }

 private:
  std::vector<std::vector<int>> orders_to_try() const {
    using Key = std::tuple<int64_t, int64_t, int>;
    const auto by = [&](auto key_of) {
      std::vector<int> order(problem_.buffers.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key_of(a) < key_of(b); });
      return order;
    };
    const auto buffer = [&](int i) -> const Buffer& { return problem_.buffers[static_cast<size_t>(i)]; };
    const auto spread = [&](int i) { return spread_[static_cast<size_t>(i)]; };
    const auto lifetime = [&](int i) { return int64_t{buffer(i).last} - buffer(i).first + 1; };
    return {by([&](int i) {
              return Key{-spread(i), -buffer(i).size, i};
            }),
            by([&](int i) {
              return Key{-buffer(i).size, -spread(i), i};
            }),
            by([&](int i) {
              return Key{-buffer(i).size * lifetime(i), -spread(i), i};
            }),
            by([&](int i) {
              return Key{buffer(i).first, -buffer(i).size, i};
            })};
  }

  void begin(const std::vector<int>& order, int64_t steps) {
    order_ = order;
    steps_left_ = steps;
    is_complete_ = true;
    contents_.assign(pools_.size(), {});
    rest_.assign(order.size() + 1, 0);
    for (size_t k = order.size(); k-- > 0;) rest_[k] = rest_[k + 1] + least_[static_cast<size_t>(order[k])];
  }

  /// The pools, the cheapest for the buffer first.
  std::vector<size_t> pools_for(int buffer) const {
    std::vector<size_t> pools(pools_.size());
    std::iota(pools.begin(), pools.end(), size_t{0});
    std::stable_sort(pools.begin(), pools.end(),
                     [&](size_t a, size_t b) { return cost_in(pools_[a], buffer) < cost_in(pools_[b], buffer); });
    return pools;
  }

  /// Until everything has found room, in one order or another.
  void attempt() {
    for (bool failed = true; failed && steps_left_ > 0;) {
      contents_.assign(pools_.size(), {});
      failed = false;
      int64_t cost = 0;
      for (size_t k = 0; k < order_.size() && !failed; ++k) {
        const std::optional<size_t> pool = first_with_room(order_[k]);
        failed = !pool;
        if (pool) cost += cost_in(pools_[*pool], order_[k]);
        if (failed)
          std::rotate(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(k),
                      order_.begin() + static_cast<std::ptrdiff_t>(k) + 1);
      }
      if (!failed && (!best_ || cost < best_->cost)) keep(cost);
    }
  }

  /// Puts the buffer there.
  std::optional<size_t> first_with_room(int buffer) {
    for (const size_t p : pools_for(buffer)) {
      contents_[p].push_back(buffer);
      if (fits(p)) return p;
      contents_[p].pop_back();
    }
    return std::nullopt;
  }

  /// Gives the buffers from `order_[k]` on their pools.
  void descend(size_t k, int64_t cost) {
    if (best_ && cost + rest_[k] >= best_->cost) return;
    if (k == order_.size()) return keep(cost);
    const int i = order_[k];
    for (const size_t p : pools_for(i)) {
      if (steps_left_ <= 0) {
        is_complete_ = false;
        return;
      }
      std::vector<int>& content = contents_[p];
      content.push_back(i);
      if (fits(p)) descend(k + 1, cost + cost_in(pools_[p], i));
      content.pop_back();
    }
  }

  /// Whether what the pool has can be planned within its size: mostly one order tells, or the bound.
  bool fits(size_t p) {
    constexpr int64_t kStepsToPlace = 256;  // a buffer
    const int64_t limit = pools_[p].bytes;
    std::vector<int> content = contents_[p];
    steps_left_ -= kStepsToPlace * static_cast<int64_t>(content.size());
    const auto end_of = [&](const std::vector<int64_t>& offsets, int i) {
      return offsets[static_cast<size_t>(i)] + problem_.buffers[static_cast<size_t>(i)].size;
    };
    std::sort(content.begin(), content.end());
    const std::vector<int64_t> offsets = first_fit(problem_, separation_, largest_first(problem_, content));
    if (std::all_of(content.begin(), content.end(), [&](int i) { return end_of(offsets, i) <= limit; })) return true;
    const Plan closer = plan(part_of(problem_, content), kCloserLook);
    steps_left_ -= kCloserLook.hill_climbing + kCloserLook.exact;
    if (closer.peak_bytes > limit && closer.lower_bound_bytes <= limit) is_complete_ = false;  // not known
    return closer.peak_bytes <= limit;
  }

  /// Plans the pools as they are now.
  void keep(int64_t cost) {
    PoolPlan found;
    found.cost = cost;
    found.pool_of.assign(problem_.buffers.size(), 0);
    found.offsets.assign(problem_.buffers.size(), 0);
    for (size_t p = 0; p < pools_.size(); ++p) {
      std::vector<int> content = contents_[p];
      std::sort(content.begin(), content.end());
      const Plan plan = memory::plan(part_of(problem_, content), kPool);
      check(plan.peak_bytes <= pools_[p].bytes, "a pool cannot be planned although its buffers fit");
      found.bytes.push_back(plan.peak_bytes);
      for (size_t k = 0; k < content.size(); ++k) {
        found.pool_of[static_cast<size_t>(content[k])] = static_cast<int>(p);
        found.offsets[static_cast<size_t>(content[k])] = plan.offsets[k];
      }
    }
    steps_left_ -= kPool.hill_climbing;
    best_ = std::move(found);
  }

  const Problem& problem_;
  const Separation separation_;
  const std::vector<Pool>& pools_;
  const Effort effort_;
  std::vector<int64_t> least_, spread_;     // by buffer: its cost in the best pool, and how much more in the worst
  std::vector<int> order_;                  // that is being tried
  std::vector<int64_t> rest_;               // least cost of the buffers from here on
  std::vector<std::vector<int>> contents_;  // by pool
  int64_t steps_left_ = 0;
  bool is_complete_ = true;  // nothing was passed over for want of steps
  std::optional<PoolPlan> best_;
};

}  // namespace

std::optional<PoolPlan> plan_in_pools(const Problem& problem, const std::vector<Pool>& pools, const Effort& effort) {
  for (const Pool& pool : pools) {
    check(pool.costs.empty() || pool.costs.size() == problem.buffers.size(), "a pool has a cost for each buffer");
  }
  if (pools.empty()) return std::nullopt;
  return Distributor(problem, pools, effort).best();
}

Problem part_of(const Problem& problem, const std::vector<int>& wanted) {
  Problem part;
  std::vector<int> place(problem.buffers.size(), -1);
  for (const int i : wanted) {
    place[static_cast<size_t>(i)] = static_cast<int>(part.buffers.size());
    part.buffers.push_back(problem.buffers.at(static_cast<size_t>(i)));
  }
  for (const Overlap& overlap : problem.overlaps) {
    const int upper = place[static_cast<size_t>(overlap.upper)], lower = place[static_cast<size_t>(overlap.lower)];
    if (upper >= 0 && lower >= 0) part.overlaps.push_back({upper, lower, overlap.distance});
  }
  return part;
}

}  // namespace mote::memory
