#include "deploy/order.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "deploy/streaming.h"
#include "deploy/views.h"
#include "passes/edit.h"

namespace mote::deploy {
namespace {

using Done = std::vector<bool>;  // by operator

/// What guess_ram() finds at a step, by which operators have run before it.
class Cost {
 public:
  explicit Cost(const ir::Graph& graph) : graph_(graph), uses_(passes::uses_of(graph)) {
    const std::vector<Place> places = views_of(graph).places;
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
      roots_.push_back(places[i].root);
      const bool is_made = uses_.producer[i] >= 0 || uses_.is_input[i];
      if (is_made && !graph.tensor(places[i].root).is_constant())
        tensors_.push_back({i, places[i], static_cast<int64_t>(graph.tensors[i].size_bytes())});
    }
    // Those that share a root next to each other and by where they begin.
    std::sort(tensors_.begin(), tensors_.end(), [](const Tensor& a, const Tensor& b) {
      return std::pair(a.place.root, a.place.offset) < std::pair(b.place.root, b.place.offset);
    });
  }

  size_t tensors() const { return tensors_.size(); }

  bool can_run(const Done& done, size_t op) const {
    if (done[op]) return false;
    const std::vector<ir::TensorId>& inputs = graph_.operators[op].inputs;
    return std::all_of(inputs.begin(), inputs.end(), [&](ir::TensorId id) {
      const int producer = id == ir::kNoTensor ? -1 : uses_.producer[static_cast<size_t>(id)];
      return producer < 0 || done[static_cast<size_t>(producer)];
    });
  }

  /// Bytes while `op` runs after `done`, less what it can write over.
  int64_t during(const Done& done, size_t op) const {
    std::vector<int64_t> dying;
    const ir::TensorId root = roots_[static_cast<size_t>(graph_.operators[op].output)];
    for (const Tensor& tensor : tensors_) {
      if (tensor.place.root != root && dies_in(tensor.id, done, op)) dying.push_back(tensor.size);
    }
    return live(done, op) - reused_bytes(graph_, graph_.operators[op], dying);
  }

  /// Bytes that wait between two steps.
  int64_t after(const Done& done) const { return live(done, std::nullopt); }

 private:
  struct Tensor {
    size_t id = 0;
    Place place;
    int64_t size = 0;
  };

  bool is_wanted_after(size_t tensor, const Done& done, std::optional<size_t> op) const {
    const std::vector<int>& readers = uses_.readers[tensor];
    return uses_.is_output[tensor] || std::any_of(readers.begin(), readers.end(), [&](int reader) {
             return !done[static_cast<size_t>(reader)] && static_cast<size_t>(reader) != op;
           });
  }

  bool reads(size_t op, size_t tensor) const {
    const std::vector<int>& readers = uses_.readers[tensor];
    return std::find(readers.begin(), readers.end(), static_cast<int>(op)) != readers.end();
  }

  bool dies_in(size_t tensor, const Done& done, size_t op) const {
    return reads(op, tensor) && !is_wanted_after(tensor, done, op);
  }

  bool is_live(size_t tensor, const Done& done, std::optional<size_t> op) const {
    const int producer = uses_.producer[tensor];
    if (op && producer == static_cast<int>(*op)) return true;
    if (producer >= 0 && !done[static_cast<size_t>(producer)]) return false;
    if (is_wanted_after(tensor, done, op) || (op && reads(*op, tensor))) return true;
    // An input that nobody reads is there when the first operator begins.
    return producer < 0 && uses_.readers[tensor].empty() && std::find(done.begin(), done.end(), true) == done.end();
  }

  /// Bytes that are live, those of views of one tensor once.
  int64_t live(const Done& done, std::optional<size_t> op) const {
    int64_t bytes = 0, counted = 0;  // counted up to here of the root
    ir::TensorId root = ir::kNoTensor;
    for (const Tensor& tensor : tensors_) {
      if (!is_live(tensor.id, done, op)) continue;
      if (tensor.place.root != root) counted = 0;
      root = tensor.place.root;
      const int64_t from = std::max(counted, tensor.place.offset), to = tensor.place.offset + tensor.size;
      bytes += std::max<int64_t>(0, to - from);
      counted = std::max(counted, to);
    }
    return bytes;
  }

  const ir::Graph& graph_;
  const passes::Uses uses_;
  std::vector<ir::TensorId> roots_;  // by tensor
  std::vector<Tensor> tensors_;
};

/// The best way to have run a set of operators.
struct Way {
  int64_t peak = 0;
  std::vector<size_t> order;
  bool operator<(const Way& other) const { return std::tie(peak, order) < std::tie(other.peak, other.order); }
};

using Ways = std::map<Done, Way>;

/// All sets of one operator more, as long as the peak stays below `limit`.
Ways one_more(const Cost& cost, const Ways& ways, int64_t limit) {
  Ways next;
  for (const auto& [done, way] : ways) {
    for (size_t op = 0; op < done.size(); ++op) {
      if (!cost.can_run(done, op)) continue;
      Way longer{std::max(way.peak, cost.during(done, op)), way.order};
      if (longer.peak >= limit) continue;
      longer.order.push_back(op);
      Done with_op = done;
      with_op[op] = true;
      const auto [known, is_new] = next.emplace(std::move(with_op), longer);
      if (!is_new && longer < known->second) known->second = std::move(longer);
    }
  }
  return next;
}

/// Keeps the `most` sets with the lowest peaks, and of those that leave the fewest bytes behind.
void thin_out(const Cost& cost, size_t most, Ways* ways) {
  if (ways->size() <= most) return;
  struct Rank {
    int64_t peak = 0, after = 0;
    const Done* done = nullptr;
    bool operator<(const Rank& other) const {
      return std::tie(peak, after, *done) < std::tie(other.peak, other.after, *other.done);
    }
  };
  std::vector<Rank> ranks;
  for (const auto& [done, way] : *ways) ranks.push_back({way.peak, cost.after(done), &done});
  std::nth_element(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(most), ranks.end());
  Ways kept;
  for (size_t i = 0; i < most; ++i) kept.insert(ways->extract(*ranks[i].done));
  *ways = std::move(kept);
}

}  // namespace

ir::Graph order_for_ram(ir::Graph graph, int64_t effort) {
  const size_t count = graph.operators.size();
  if (count < 2) return graph;
  const Cost cost(graph);
  const int64_t effort_a_set = static_cast<int64_t>(count * std::max<size_t>(1, cost.tensors()));
  const size_t most = static_cast<size_t>(std::clamp<int64_t>(effort / effort_a_set, 4, 4096));
  const int64_t limit = guess_ram(graph);
  Ways ways{{Done(count), Way{}}};
  for (size_t step = 0; step < count && !ways.empty(); ++step) {
    ways = one_more(cost, ways, limit);
    thin_out(cost, most, &ways);
  }
  if (ways.empty()) return graph;
  std::vector<ir::Operator> ordered;
  for (const size_t op : ways.begin()->second.order) ordered.push_back(std::move(graph.operators[op]));
  graph.operators = std::move(ordered);
  return graph;
}

}  // namespace mote::deploy
