#include "tune/search.h"

#include "support/error.h"
#include "tune/points.h"
#include "tune/searches.h"

namespace mote::tune {
namespace {

class ExhaustiveSearch final : public Search {
 public:
  explicit ExhaustiveSearch(const Task& task) : points_(task.space) {}

  std::vector<uint64_t> propose(size_t count) override {
    std::vector<uint64_t> proposals;
    for (; proposals.size() < count && next_ < points_.size(); ++next_) {
      if (points_.is_fresh(next_)) proposals.push_back(next_);
    }
    return proposals;
  }
  void tell(uint64_t index, const Outcome&) override { points_.take(index); }

 private:
  Points points_;
  uint64_t next_ = 0;
};

class RandomSearch final : public Search {
 public:
  RandomSearch(const Task& task, uint64_t seed) : points_(task.space), random_(seed) {}

  std::vector<uint64_t> propose(size_t count) override {
    std::vector<uint64_t> proposals;
    while (proposals.size() < count) {
      const std::optional<uint64_t> index = points_.draw(random_);
      if (!index) break;
      proposals.push_back(*index);
    }
    return proposals;
  }
  void tell(uint64_t index, const Outcome&) override { points_.take(index); }

 private:
  Points points_;
  Random random_;
};

}  // namespace

std::string_view name_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::kExhaustive:
      return "exhaustive";
    case Strategy::kRandom:
      return "random";
    case Strategy::kAnnealing:
      return "annealing";
    case Strategy::kGenetic:
      return "genetic";
    case Strategy::kModel:
      return "model";
  }
  unreachable("a strategy without a name");
}

std::vector<Strategy> strategies() {
  return {Strategy::kExhaustive, Strategy::kRandom, Strategy::kAnnealing, Strategy::kGenetic, Strategy::kModel};
}

std::optional<Strategy> strategy_named(std::string_view name) {
  for (const Strategy strategy : strategies()) {
    if (name_of(strategy) == name) return strategy;
  }
  return std::nullopt;
}

std::unique_ptr<Search> exhaustive_search(const Task& task) {
  return std::make_unique<ExhaustiveSearch>(task);
}

std::unique_ptr<Search> random_search(const Task& task, uint64_t seed) {
  return std::make_unique<RandomSearch>(task, seed);
}

std::unique_ptr<Search> make_search(Strategy strategy, const Task& task, uint64_t seed, const ModelInputs& inputs) {
  switch (strategy) {
    case Strategy::kExhaustive:
      return exhaustive_search(task);
    case Strategy::kRandom:
      return random_search(task, seed);
    case Strategy::kAnnealing:
      return annealing_search(task, seed);
    case Strategy::kGenetic:
      return genetic_search(task, seed);
    case Strategy::kModel:
      return model_search(task, seed, inputs);
  }
  unreachable("a strategy without a search");
}

}  // namespace mote::tune
