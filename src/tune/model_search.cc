#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "tune/cost_model.h"
#include "tune/points.h"
#include "tune/searches.h"

namespace mote::tune {
namespace {

constexpr size_t kFirstRandom = 8;    // trials before the model has a say
constexpr size_t kLooks = 12;         // with knowledge from elsewhere: random programs looked at for each trial
constexpr double kRandomShare = 0.1;  // of every batch: what the model would never propose
constexpr size_t kChains = 64;        // annealed side by side, half from the best known points and half from anywhere
constexpr size_t kSteps = 60;         // of each chain
constexpr size_t kCandidates = 4;     // the best candidates kept, times the batch
constexpr int kNearby = 1;            // points that differ in so few knobs are near each other
constexpr double kMostNearby = 0.5;   // the share of a batch that may be near a better one of it

struct Candidate {
  float score = 0;
  uint64_t index = 0;
  bool operator<(const Candidate& other) const {
    return score != other.score ? score > other.score : index < other.index;
  }
};

class ModelSearch final : public Search {
 public:
  ModelSearch(const Task& task, uint64_t seed, ModelInputs inputs)
      : task_(task),
        points_(task.space),
        random_(seed),
        inputs_(std::move(inputs)),
        model_(random_.bits()),
        program_model_(random_.bits()),
        elsewhere_model_(random_.bits()) {
    if (inputs_.program) elsewhere_model_.fit(inputs_.elsewhere);
  }

  std::vector<uint64_t> propose(size_t count) override {
    const size_t guided =
        count > 1 ? count - static_cast<size_t>(std::ceil(kRandomShare * static_cast<double>(count))) : 1;
    std::vector<uint64_t> proposals;
    if (known_.size() >= kFirstRandom && successes_ > 1) {
      if (!fitted_) fit();
      const std::unordered_map<uint64_t, float> seen = points_.size() <= kChains * kSteps ? score_all() : anneal();
      std::vector<Candidate> candidates = best_fresh(seen, count * kCandidates);
      if (knows_elsewhere()) add_some_fresh(count * kLooks, &candidates);
      proposals = choose(by_program(std::move(candidates)), guided);
    } else if (knows_elsewhere()) {
      if (!fitted_) fit();
      std::vector<Candidate> candidates;
      add_some_fresh(count * kLooks, &candidates);
      proposals = choose(by_program(std::move(candidates)), guided);
    }
    while (proposals.size() < count) {
      const std::optional<uint64_t> index = points_.draw_evenly(random_);
      if (!index) break;
      proposals.push_back(*index);
    }
    return proposals;
  }

  void tell(uint64_t index, const Outcome& outcome) override {
    points_.take(index);
    fitted_ = false;
    uint64_t& cycles = known_.try_emplace(index, 0).first->second;
    if (outcome.status != Status::kOk) return;
    successes_ += cycles == 0 ? 1 : 0;
    cycles = cycles == 0 ? std::max<uint64_t>(1, outcome.cycles) : std::min(cycles, outcome.cycles);
  }

 private:
  const std::vector<float>& features_of(uint64_t index) {
    const auto [entry, is_new] = features_.try_emplace(index);
    if (is_new) entry->second = inputs_.knobs(task_, task_.space.at(index));
    return entry->second;
  }

  bool knows_elsewhere() const { return inputs_.program && !inputs_.elsewhere.empty(); }

  /// What the models see of a point that was lowered.
  struct Seen {
    std::vector<float> features;  // the program's, then the knobs'
    float prior = 0;              // the score of what is known elsewhere
  };

  const Seen& seen_of(uint64_t index) {
    const auto [entry, is_new] = seen_.try_emplace(index);
    Seen& seen = entry->second;
    if (is_new) {
      seen.features = inputs_.program(task_, task_.space.at(index));
      if (knows_elsewhere()) seen.prior = elsewhere_model_.score(std::span(&seen.features, 1)).front();
      const std::vector<float>& knobs = features_of(index);
      seen.features.insert(seen.features.end(), knobs.begin(), knobs.end());
    }
    return seen;
  }

  /// The known points, the best first.
  std::vector<Candidate> ranked_known() const {
    std::vector<Candidate> ranked;
    for (const auto& [index, cycles] : known_) {
      if (cycles != 0) ranked.push_back({1.0F / static_cast<float>(cycles), index});
    }
    std::sort(ranked.begin(), ranked.end());
    return ranked;
  }

  void fit() {
    std::vector<std::pair<uint64_t, uint64_t>> sorted(known_.begin(), known_.end());
    std::sort(sorted.begin(), sorted.end());
    uint64_t best = 0;
    for (const auto& [index, cycles] : sorted) {
      if (cycles != 0 && (best == 0 || cycles < best)) best = cycles;
    }
    std::vector<Example> examples;
    for (const auto& [index, cycles] : sorted) {
      const float merit = cycles == 0 ? 0.0F : static_cast<float>(best) / static_cast<float>(cycles);
      examples.push_back({features_of(index), merit, 0});
    }
    model_.fit(examples);
    if (inputs_.program) {
      for (size_t i = 0; i < sorted.size(); ++i) {
        const Seen& seen = seen_of(sorted[i].first);
        examples[i].features = seen.features;
        examples[i].prior = seen.prior;
      }
      program_model_.fit(examples);
    }
    fitted_ = true;
  }

  std::vector<float> scores_of(const std::vector<uint64_t>& points) {
    std::vector<std::vector<float>> rows;
    for (const uint64_t point : points) rows.push_back(features_of(point));
    return model_.score(rows);
  }

  std::vector<uint64_t> chain_starts() {
    std::vector<uint64_t> starts;
    for (const Candidate& known : ranked_known()) {
      if (starts.size() == kChains / 2) break;
      starts.push_back(known.index);
    }
    while (starts.size() < kChains) starts.push_back(points_.random_evenly(random_));
    return starts;
  }

  /// A small space needs no search on the model.
  std::unordered_map<uint64_t, float> score_all() {
    std::vector<uint64_t> points;
    for (uint64_t index = 0; index < points_.size(); ++index) {
      if (points_.is_fresh(index)) points.push_back(index);
    }
    const std::vector<float> scores = scores_of(points);
    std::unordered_map<uint64_t, float> seen;
    for (size_t i = 0; i < points.size(); ++i) seen.emplace(points[i], scores[i]);
    return seen;
  }

  /// The points that annealing on the model comes past, with their scores.
  std::unordered_map<uint64_t, float> anneal() {
    std::vector<uint64_t> chains = chain_starts();
    std::vector<float> scores = scores_of(chains);
    const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
    const double range = std::max(1e-6, static_cast<double>(*high - *low));
    std::unordered_map<uint64_t, float> seen;
    for (size_t step = 0; step < kSteps; ++step) {
      const double temperature = 0.2 * range * (1 - static_cast<double>(step) / static_cast<double>(kSteps));
      std::vector<uint64_t> moved;
      for (const uint64_t chain : chains) moved.push_back(points_.neighbour(chain, random_));
      const std::vector<float> new_scores = scores_of(moved);
      for (size_t i = 0; i < kChains; ++i) {
        seen.emplace(moved[i], new_scores[i]);
        const double gain = static_cast<double>(new_scores[i] - scores[i]);
        const double luck = random_.unit();
        if (gain < 0 && (temperature <= 0 || luck >= std::exp(gain / temperature))) continue;
        chains[i] = moved[i];
        scores[i] = new_scores[i];
      }
    }
    return seen;
  }

  /// The best `most` of them that may still be proposed.
  std::vector<Candidate> best_fresh(const std::unordered_map<uint64_t, float>& seen, size_t most) {
    std::vector<Candidate> ranked, fresh;
    for (const auto& [index, score] : seen) ranked.push_back({score, index});
    std::sort(ranked.begin(), ranked.end());
    for (const Candidate& candidate : ranked) {
      if (fresh.size() == most) break;
      if (points_.is_fresh(candidate.index)) fresh.push_back(candidate);
    }
    return fresh;
  }

  /// Adds up to `most` fresh points of all alternatives, untaken.
  void add_some_fresh(size_t most, std::vector<Candidate>* candidates) {
    for (size_t tries = 0, added = 0; tries < 4 * most && added < most; ++tries) {
      const uint64_t index = points_.random_evenly(random_);
      const bool there =
          std::any_of(candidates->begin(), candidates->end(), [&](const Candidate& c) { return c.index == index; });
      if (there || !points_.is_fresh(index)) continue;
      candidates->push_back({0, index});
      ++added;
    }
  }

  /// The candidates in the order of the model that knows their programs, where there is one.
  std::vector<Candidate> by_program(std::vector<Candidate> candidates) {
    if (!inputs_.program) return candidates;
    std::vector<std::vector<float>> rows;
    std::vector<float> priors;
    for (const Candidate& candidate : candidates) {
      rows.push_back(seen_of(candidate.index).features);
      priors.push_back(seen_of(candidate.index).prior);
    }
    const std::vector<float> scores = known_.empty() ? priors : program_model_.score(rows, priors);
    for (size_t i = 0; i < candidates.size(); ++i) candidates[i].score = scores[i];
    std::sort(candidates.begin(), candidates.end());
    return candidates;
  }

  /// The best candidates, but not all from one corner: of those near a better one only a share.
  std::vector<uint64_t> choose(const std::vector<Candidate>& candidates, size_t count) {
    std::vector<uint64_t> chosen;
    size_t nearby_left = static_cast<size_t>(kMostNearby * static_cast<double>(count));
    for (const Candidate& candidate : candidates) {
      if (chosen.size() == count) break;
      const bool nearby = std::any_of(chosen.begin(), chosen.end(), [&](uint64_t other) {
        return points_.distance(candidate.index, other) <= kNearby;
      });
      if (nearby && nearby_left == 0) continue;
      nearby_left -= nearby ? 1 : 0;
      chosen.push_back(candidate.index);
      points_.take(candidate.index);
    }
    return chosen;
  }

  const Task& task_;
  Points points_;
  Random random_;
  ModelInputs inputs_;
  CostModel model_, program_model_, elsewhere_model_;
  bool fitted_ = false;
  size_t successes_ = 0;
  std::unordered_map<uint64_t, uint64_t> known_;  // index to least cycles, 0 when it never worked
  std::unordered_map<uint64_t, std::vector<float>> features_;
  std::unordered_map<uint64_t, Seen> seen_;
};

}  // namespace

std::unique_ptr<Search> model_search(const Task& task, uint64_t seed, const ModelInputs& inputs) {
  return std::make_unique<ModelSearch>(task, seed, inputs);
}

}  // namespace mote::tune
