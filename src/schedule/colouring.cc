#include "schedule/colouring.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace mote::schedule {
namespace {

using Positions = std::vector<bool>;

class Colouring {
 public:
  Colouring(const std::vector<Arc>& arcs, int period, int colours, int effort)
      : used_(static_cast<size_t>(colours), Positions(static_cast<size_t>(period))),
        colour_(arcs.size(), -1),
        effort_(effort) {
    for (const Arc& arc : arcs) {
      std::vector<int>& covered = covered_.emplace_back();
      for (int x = arc.begin + 1; x <= arc.end; ++x) covered.push_back(((x % period) + period) % period);
    }
    order_.resize(arcs.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return arcs[a].begin < arcs[b].begin; });
  }

  bool solve(size_t next) {
    if (next == order_.size()) return true;
    if (effort_-- <= 0) return false;
    const size_t arc = order_[next];
    for (size_t colour = 0; colour < used_.size(); ++colour) {
      if (!fits(arc, colour)) continue;
      set(arc, colour, true);
      colour_[arc] = static_cast<int>(colour);
      if (solve(next + 1)) return true;
      set(arc, colour, false);
    }
    return false;
  }

  const std::vector<int>& colours() const { return colour_; }

 private:
  bool fits(size_t arc, size_t colour) const {
    return std::none_of(covered_[arc].begin(), covered_[arc].end(),
                        [&](int x) { return used_[colour][static_cast<size_t>(x)]; });
  }
  void set(size_t arc, size_t colour, bool value) {
    for (int x : covered_[arc]) used_[colour][static_cast<size_t>(x)] = value;
  }

  std::vector<Positions> used_;            // per colour
  std::vector<std::vector<int>> covered_;  // per arc, the positions it lives in
  std::vector<size_t> order_;
  std::vector<int> colour_;
  int effort_;
};

}  // namespace

std::optional<std::vector<int>> colour_arcs(const std::vector<Arc>& arcs, int period, int colours, int effort) {
  std::vector<int> live(static_cast<size_t>(period));
  for (const Arc& arc : arcs) {
    if (arc.end - arc.begin > period) return std::nullopt;
    for (int x = arc.begin + 1; x <= arc.end; ++x) {
      if (++live[static_cast<size_t>(((x % period) + period) % period)] > colours) return std::nullopt;
    }
  }
  Colouring colouring(arcs, period, colours, effort);
  if (!colouring.solve(0)) return std::nullopt;
  return colouring.colours();
}

}  // namespace mote::schedule
