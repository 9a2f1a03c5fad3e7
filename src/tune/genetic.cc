#include <algorithm>

#include "tune/points.h"
#include "tune/searches.h"

namespace mote::tune {
namespace {

constexpr size_t kPopulation = 24;    // the best points so far are the parents
constexpr size_t kFirstRandom = 16;   // successes before which there is nothing to breed from
constexpr double kMutation = 0.5;     // of children that also change one knob, and half of these another, ...
constexpr double kImmigrants = 0.05;  // of proposals that are random points
constexpr int kAttempts = 30;         // to breed a child that is fresh

class GeneticSearch final : public Search {
 public:
  GeneticSearch(const Task& task, uint64_t seed) : points_(task.space), random_(seed) {}

  std::vector<uint64_t> propose(size_t count) override {
    std::vector<uint64_t> proposals;
    while (proposals.size() < count) {
      std::optional<uint64_t> index;
      if (successes_ >= kFirstRandom && random_.unit() >= kImmigrants) index = breed();
      if (!index) index = points_.draw(random_);
      if (!index) break;
      proposals.push_back(*index);
    }
    return proposals;
  }

  void tell(uint64_t index, const Outcome& outcome) override {
    points_.take(index);
    if (outcome.status != Status::kOk) return;
    ++successes_;
    const Parent parent{outcome.cycles, index};
    if (std::find(parents_.begin(), parents_.end(), parent) != parents_.end()) return;
    parents_.insert(std::upper_bound(parents_.begin(), parents_.end(), parent), parent);
    if (parents_.size() > kPopulation) parents_.pop_back();
  }

 private:
  using Parent = std::pair<uint64_t, uint64_t>;  // cycles, index

  /// The better of two at random.
  uint64_t choose_parent() {
    return parents_[std::min(random_.below(parents_.size()), random_.below(parents_.size()))].second;
  }

  std::optional<uint64_t> breed() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const uint64_t mother = choose_parent(), father = choose_parent();
      uint64_t child = points_.crossing(mother, father, random_);
      while (random_.unit() < kMutation) child = points_.neighbour(child, random_);
      if (!points_.is_fresh(child)) continue;
      points_.take(child);
      return child;
    }
    return std::nullopt;
  }

  Points points_;
  Random random_;
  std::vector<Parent> parents_;  // sorted, the best first
  size_t successes_ = 0;
};

}  // namespace

std::unique_ptr<Search> genetic_search(const Task& task, uint64_t seed) {
  return std::make_unique<GeneticSearch>(task, seed);
}

}  // namespace mote::tune
