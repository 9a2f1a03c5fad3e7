#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "tune/cost_model.h"
#include "tune/points.h"
#include "tune/searches.h"

namespace mote::tune {
namespace {

constexpr size_t kFirstRandom = 4;    // trials before the model has a say
constexpr size_t kLooks = 160;        // random programs looked at before the first proposal
constexpr int kRounds = 2;            // of looking at the programs that the looks before them make promising
constexpr double kRandomShare = 0.1;  // of every batch: what the model would never propose
constexpr size_t kChains = 64;        // annealed side by side, half from the best known points and half from anywhere
constexpr size_t kSteps = 60;         // of each chain
constexpr size_t kCandidates = 4;     // the best candidates kept, times the batch
constexpr size_t kPromised = 4;       // proposals that the next batch is judged by
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
        program_model_(random_.bits()) {}

  std::vector<uint64_t> propose(size_t count) override {
    if (count == 0) return {};
    const size_t guided =
        count > 1 ? count - static_cast<size_t>(std::ceil(kRandomShare * static_cast<double>(count))) : 1;
    std::vector<uint64_t> proposals;
    if (knows_something()) {
      if (!fitted_) fit();
      proposals = choose(inputs_.program ? scouted(count) : promising(count * kCandidates), guided);
      scouted_ = 0;
    }
    while (proposals.size() < count) {
      const std::optional<uint64_t> index = points_.draw_evenly(random_);
      if (!index) break;
      proposals.push_back(*index);
    }
    return proposals;
  }

  /// What the best of the next proposals are estimated to take, as far as measurements agreed with estimates so far (by
  /// their median), against the best point.
  std::optional<double> promise() override {
    if (!inputs_.program || !inputs_.estimate || successes_ == 0) return std::nullopt;
    if (promise_) return promise_;
    if (!fitted_) fit();
    const std::vector<Candidate> ranked = ranked_known();
    std::vector<double> errors;
    for (const Candidate& known : ranked) {
      errors.push_back(std::log2(cost_of(known_.at(known.index))) - estimate_of(seen_of(known.index)));
    }
    std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2), errors.end());
    const double best = std::log2(cost_of(known_.at(ranked.front().index))) - errors[errors.size() / 2];
    double least = best;
    const std::vector<Candidate> candidates = scouted(kPromised);
    for (size_t i = 0; i < std::min(kPromised, candidates.size()); ++i) {
      least = std::min(least, estimate_of(seen_of(candidates[i].index)));
    }
    promise_ = 1 - std::exp2(least - best);
    return promise_;
  }

  void tell(uint64_t index, const Outcome& outcome) override {
    promise_.reset();
    points_.take(index);
    fitted_ = false;
    scouted_ = 0;
    Known& known = known_[index];
    if (outcome.status != Status::kOk) return;
    successes_ += known.cycles == 0 ? 1 : 0;
    if (known.cycles != 0 && known.cycles <= outcome.cycles) return;
    known = {std::max<uint64_t>(1, outcome.cycles), outcome.flash_bytes};
  }

  void set_price(double cycles_per_byte) override {
    if (cycles_per_byte == price_) return;
    price_ = cycles_per_byte;
    promise_.reset();
    fitted_ = false;
    scouted_ = 0;
  }

 private:
  /// What was measured of a point.
  struct Known {
    uint64_t cycles = 0;  // the least; 0 when it never worked
    uint64_t flash = 0;
  };

  double cost_of(const Known& known) const {
    return static_cast<double>(known.cycles) + price_ * static_cast<double>(known.flash);
  }

  const std::vector<float>& features_of(uint64_t index) {
    const auto [entry, is_new] = features_.try_emplace(index);
    if (is_new) entry->second = inputs_.knobs(task_, task_.space.at(index));
    return entry->second;
  }

  /// Before the first trials only a prior does.
  bool knows_something() const {
    const bool has_prior = inputs_.program && (inputs_.estimate || inputs_.taught);
    return has_prior || (known_.size() >= kFirstRandom && successes_ > 1);
  }

  /// What the models see of a point that was lowered.
  struct Seen {
    std::vector<float> features;  // the program's, then the knobs'
    float estimate = 0;           // log2 of the cycles, as estimated
    float prior = 0;              // the score of what is known before the first trial
    double flash = 0;             // bytes, as estimated
  };

  /// Bytes of flash have a price in cycles, and estimates are told in units of their own: those of the best point.
  void weigh_bytes(const std::vector<Candidate>& ranked) {
    bytes_weight_ = 0;
    if (price_ <= 0 || !inputs_.program || !inputs_.flash || ranked.empty()) return;
    const uint64_t best = ranked.front().index;
    bytes_weight_ =
        price_ * std::exp2(static_cast<double>(seen_of(best).estimate)) / static_cast<double>(known_.at(best).cycles);
  }

  /// log2 of the estimated cost.
  double estimate_of(const Seen& seen) const {
    const double cycles = static_cast<double>(seen.estimate);
    return bytes_weight_ <= 0 ? cycles : std::log2(std::exp2(cycles) + bytes_weight_ * seen.flash);
  }

  float prior_of(const Seen& seen) const {
    return seen.prior - kScorePerHalf * static_cast<float>(estimate_of(seen) - static_cast<double>(seen.estimate));
  }

  const Seen& seen_of(uint64_t index) {
    const auto [entry, is_new] = seen_.try_emplace(index);
    Seen& seen = entry->second;
    if (is_new) {
      seen.features = inputs_.program(task_, task_.space.at(index));
      seen.prior = estimated_score(inputs_.estimate, seen.features);
      seen.estimate = -seen.prior / kScorePerHalf;
      if (inputs_.flash) seen.flash = inputs_.flash(seen.features);
      if (inputs_.taught) seen.prior = inputs_.taught->score(seen.features, seen.prior);
      const std::vector<float>& knobs = features_of(index);
      seen.features.insert(seen.features.end(), knobs.begin(), knobs.end());
    }
    return seen;
  }

  /// The known points, the best first.
  std::vector<Candidate> ranked_known() const {
    std::vector<Candidate> ranked;
    for (const auto& [index, known] : known_) {
      if (known.cycles != 0) ranked.push_back({static_cast<float>(1 / cost_of(known)), index});
    }
    std::sort(ranked.begin(), ranked.end());
    return ranked;
  }

  void fit() {
    const std::vector<Candidate> ranked = ranked_known();
    const double best = ranked.empty() ? 0 : cost_of(known_.at(ranked.front().index));
    weigh_bytes(ranked);
    std::vector<Example> examples;
    for (const auto& [index, known] : known_) {
      const double merit = known.cycles == 0 ? 0 : best / cost_of(known);
      examples.push_back({features_of(index), static_cast<float>(merit), 0});
    }
    if (!inputs_.program) {
      model_.fit(examples);
    } else {
      size_t i = 0;
      for (const auto& [index, known] : known_) {
        const Seen& seen = seen_of(index);
        examples[i].features = seen.features;
        examples[i++].prior = prior_of(seen);
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

  /// What the knobs' model finds best, of the points that may still be proposed.
  std::vector<Candidate> promising(size_t most) {
    return best_fresh(points_.size() <= kChains * kSteps ? score_all() : anneal(), most);
  }

  /// Fresh points in the order of the model that knows their programs. Lowering a point is dear: the knobs' model
  /// learns from those that were lowered which others are worth it.
  std::vector<Candidate> scouted(size_t count) {
    for (size_t tries = 0; tries < 4 * kLooks && seen_.size() < kLooks; ++tries) {
      const uint64_t index = points_.random_evenly(random_);
      if (points_.is_legal(index)) seen_of(index);
    }
    for (int round = 0; round < kRounds && scouted_ < count; ++round) {
      std::vector<Example> examples;
      for (const Candidate& candidate : ranked_seen())
        examples.push_back({features_of(candidate.index), candidate.score, 0});
      model_.fit(examples);
      for (const Candidate& candidate : promising(count * kCandidates)) seen_of(candidate.index);
    }
    scouted_ = std::max(scouted_, count);
    std::vector<Candidate> ranked = ranked_seen();
    std::erase_if(ranked, [&](const Candidate& candidate) { return points_.is_taken(candidate.index); });
    return ranked;
  }

  /// All points that were lowered, as the model that knows their programs ranks them.
  std::vector<Candidate> ranked_seen() const {
    std::vector<Candidate> ranked;
    std::vector<std::vector<float>> rows;
    std::vector<float> priors;
    for (const auto& [index, seen] : seen_) {
      ranked.push_back({0, index});
      rows.push_back(seen.features);
      priors.push_back(prior_of(seen));
    }
    const std::vector<float> scores = known_.empty() ? priors : program_model_.score(rows, priors);
    for (size_t i = 0; i < ranked.size(); ++i) ranked[i].score = scores[i];
    std::sort(ranked.begin(), ranked.end());
    return ranked;
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
  CostModel model_, program_model_;
  bool fitted_ = false;
  size_t scouted_ = 0;  // proposals that were looked for since the last outcome: a promise looks for what comes next
  size_t successes_ = 0;
  std::optional<double> promise_;
  std::map<uint64_t, Known> known_;
  double bytes_weight_ = 0;  // of a byte, in the units of estimates
  double price_ = 0;         // cycles that a byte of flash is worth
  std::unordered_map<uint64_t, std::vector<float>> features_;
  std::map<uint64_t, Seen> seen_;
};

}  // namespace

std::unique_ptr<Search> model_search(const Task& task, uint64_t seed, const ModelInputs& inputs) {
  return std::make_unique<ModelSearch>(task, seed, inputs);
}

}  // namespace mote::tune
