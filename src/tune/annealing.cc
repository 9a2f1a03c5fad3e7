#include <cmath>
#include <limits>
#include <unordered_map>

#include "tune/points.h"
#include "tune/searches.h"

namespace mote::tune {
namespace {

constexpr size_t kChains = 4;
constexpr double kHot = 0.1;      // a step that makes it 10 % slower is taken with probability 1/e at first
constexpr double kCold = 0.01;    // and one of 1 % in the end
constexpr double kCooling = 0.9;  // per result of a chain
constexpr int kPatience = 40;     // results without progress after which a chain starts again from the best point

constexpr double kFailed = std::numeric_limits<double>::infinity();

struct Chain {
  uint64_t at = 0;
  double cost = kFailed;  // log of the cycles; kFailed before its first success
  double best = kFailed;
  double temperature = kHot;
  int since_progress = 0;
};

class AnnealingSearch final : public Search {
 public:
  AnnealingSearch(const Task& task, uint64_t seed) : points_(task.space), random_(seed), chains_(kChains) {}

  std::vector<uint64_t> propose(size_t count) override {
    std::vector<uint64_t> proposals;
    while (proposals.size() < count) {
      const size_t turn = turn_++ % kChains;
      std::optional<uint64_t> index;
      if (chains_[turn].cost != kFailed) index = points_.draw_near(chains_[turn].at, random_);
      if (!index) index = points_.draw(random_);
      if (!index) break;
      proposed_by_[*index] = turn;
      proposals.push_back(*index);
    }
    return proposals;
  }

  void tell(uint64_t index, const Outcome& outcome) override {
    points_.take(index);
    const double cost = outcome.status == Status::kOk ? std::log(1.0 + static_cast<double>(outcome.cycles)) : kFailed;
    if (cost < best_.cost) best_ = {index, cost, cost, kHot, 0};
    const auto proposed = proposed_by_.find(index);
    if (proposed != proposed_by_.end()) {
      step(chains_[proposed->second], index, cost);
      proposed_by_.erase(proposed);
    } else {
      start_worst_chain(index, cost);
    }
  }

 private:
  void step(Chain& chain, uint64_t index, double cost) {
    chain.temperature = std::max(kCold, chain.temperature * kCooling);
    const double luck = random_.unit();
    if (cost < chain.cost || (cost != kFailed && luck < std::exp((chain.cost - cost) / chain.temperature))) {
      chain.at = index;
      chain.cost = cost;
    }
    if (cost < chain.best) {
      chain.best = cost;
      chain.since_progress = 0;
    } else if (++chain.since_progress >= kPatience && best_.cost != kFailed) {
      chain = best_;
    }
  }

  /// A point measured before this search began is where a chain may start.
  void start_worst_chain(uint64_t index, double cost) {
    Chain* worst = &chains_.front();
    for (Chain& chain : chains_) {
      if (chain.cost > worst->cost) worst = &chain;
    }
    if (cost < worst->cost) *worst = {index, cost, cost, kHot, 0};
  }

  Points points_;
  Random random_;
  std::vector<Chain> chains_;
  Chain best_;
  size_t turn_ = 0;
  std::unordered_map<uint64_t, size_t> proposed_by_;
};

}  // namespace

std::unique_ptr<Search> annealing_search(const Task& task, uint64_t seed) {
  return std::make_unique<AnnealingSearch>(task, seed);
}

}  // namespace mote::tune
