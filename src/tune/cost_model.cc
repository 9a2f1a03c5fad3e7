#include "tune/cost_model.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "support/error.h"

namespace mote::tune {
namespace {

constexpr int kRounds = 60;
// Merits are learned once, from many points of many workloads: there is something to tell apart.
constexpr int kMeritRounds = 200;
constexpr const char* kMeritDepth = "6";
// Points are few and features cheap: shallow trees, a brisk learning rate, and one thread, so that sums are added in
// the same order every time.
constexpr std::pair<const char*, const char*> kParameters[] = {
    {"max_depth", "4"}, {"eta", "0.2"},           {"min_child_weight", "0.1"}, {"gamma", "0.0001"},
    {"nthread", "1"},   {"tree_method", "exact"}, {"verbosity", "0"}};

/// XGBoost fails only when we misuse it.
void require(int status) {
  if (status != 0) unreachable(std::string("XGBoost: ") + XGBGetLastError());
}

/// Owns a matrix of XGBoost.
class Matrix {
 public:
  template <typename Rows, typename Features>
  Matrix(const Rows& rows, const Features& features_of) {
    const size_t columns = features_of(rows.front()).size();
    std::vector<float> values;
    values.reserve(rows.size() * columns);
    for (const auto& row : rows) {
      const std::vector<float>& features = features_of(row);
      check(features.size() == columns, "points of one model differ in their number of features");
      values.insert(values.end(), features.begin(), features.end());
    }
    require(
        XGDMatrixCreateFromMat(values.data(), rows.size(), columns, std::numeric_limits<float>::quiet_NaN(), &handle_));
  }
  ~Matrix() { XGDMatrixFree(handle_); }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  DMatrixHandle handle() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

}  // namespace

struct CostModel::Impl {
  Impl(uint64_t model_seed, Goal model_goal) : seed(model_seed), goal(model_goal) {}
  ~Impl() { forget(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void forget() {
    if (booster != nullptr) XGBoosterFree(booster);
    booster = nullptr;
  }

  uint64_t seed;
  Goal goal;
  BoosterHandle booster = nullptr;
};

CostModel::CostModel(uint64_t seed, Goal goal) : impl_(new Impl(seed, goal)) {}
CostModel::~CostModel() = default;
CostModel::CostModel(CostModel&&) noexcept = default;

void CostModel::fit(std::span<const Example> examples) {
  impl_->forget();
  if (examples.empty()) return;
  std::vector<const Example*> sorted;
  for (const Example& example : examples) sorted.push_back(&example);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Example* a, const Example* b) { return a->group < b->group; });
  std::vector<float> merits, priors, weights;
  std::vector<uint32_t> group_sizes;
  for (size_t i = 0; i < sorted.size(); ++i) {
    merits.push_back(sorted[i]->merit);
    priors.push_back(sorted[i]->prior);
    weights.push_back(sorted[i]->weight);
    if (i == 0 || sorted[i]->group != sorted[i - 1]->group) group_sizes.push_back(0);
    ++group_sizes.back();
  }
  const Matrix matrix(sorted, [](const Example* example) -> const std::vector<float>& { return example->features; });
  require(XGDMatrixSetFloatInfo(matrix.handle(), "label", merits.data(), merits.size()));
  require(XGDMatrixSetFloatInfo(matrix.handle(), "base_margin", priors.data(), priors.size()));
  if (impl_->goal == Goal::kOrder) {
    require(XGDMatrixSetUIntInfo(matrix.handle(), "group", group_sizes.data(), group_sizes.size()));
  } else {
    require(XGDMatrixSetFloatInfo(matrix.handle(), "weight", weights.data(), weights.size()));
  }

  const DMatrixHandle matrices[] = {matrix.handle()};
  require(XGBoosterCreate(matrices, 1, &impl_->booster));
  for (const auto& [name, value] : kParameters) require(XGBoosterSetParam(impl_->booster, name, value));
  if (impl_->goal == Goal::kOrder) {
    require(XGBoosterSetParam(impl_->booster, "objective", "rank:pairwise"));
    require(XGBoosterSetParam(impl_->booster, "num_pairsample", "4"));
  } else {
    require(XGBoosterSetParam(impl_->booster, "objective", "reg:squarederror"));
    require(XGBoosterSetParam(impl_->booster, "max_depth", kMeritDepth));
  }
  require(XGBoosterSetParam(impl_->booster, "seed", std::to_string(impl_->seed & 0x7fffffff).c_str()));
  const int rounds = impl_->goal == Goal::kMerit ? kMeritRounds : kRounds;
  for (int round = 0; round < rounds; ++round) {
    require(XGBoosterUpdateOneIter(impl_->booster, round, matrix.handle()));
  }
}

std::vector<float> CostModel::score(std::span<const std::vector<float>> rows, std::span<const float> priors) const {
  if (impl_->booster == nullptr || rows.empty()) return std::vector<float>(rows.size(), 0.0F);
  const Matrix matrix(rows, [](const std::vector<float>& row) -> const std::vector<float>& { return row; });
  const std::vector<float> none(priors.empty() ? rows.size() : 0);
  const std::span<const float> margins = priors.empty() ? std::span<const float>(none) : priors;
  check(margins.size() == rows.size(), "one prior per row");
  require(XGDMatrixSetFloatInfo(matrix.handle(), "base_margin", margins.data(), margins.size()));
  bst_ulong count = 0;
  const float* scores = nullptr;
  constexpr int kMargin = 1;
  require(XGBoosterPredict(impl_->booster, matrix.handle(), kMargin, 0, 0, &count, &scores));
  check(count == rows.size(), "XGBoost scored another number of points");
  return {scores, scores + count};
}

}  // namespace mote::tune
