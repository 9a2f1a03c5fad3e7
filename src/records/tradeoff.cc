#include "records/tradeoff.h"

#include <algorithm>

#include "support/error.h"

namespace mote::records {
namespace {

bool beats_or_equals(const Outcome& a, const Outcome& b) {
  return a.cycles <= b.cycles && a.flash_bytes <= b.flash_bytes && a.ram_bytes <= b.ram_bytes;
}

}  // namespace

std::vector<Trial> pareto_of(const std::vector<Trial>& trials) {
  std::vector<Trial> sorted;
  for (const Trial& trial : trials) {
    if (trial.outcome.status == Status::kOk) sorted.push_back(trial);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Trial& a, const Trial& b) {
    const Outcome &x = a.outcome, &y = b.outcome;
    if (x.cycles != y.cycles) return x.cycles < y.cycles;
    return x.flash_bytes != y.flash_bytes ? x.flash_bytes < y.flash_bytes : x.ram_bytes < y.ram_bytes;
  });
  // What beats a trial stands before it.
  std::vector<Trial> kept;
  for (Trial& trial : sorted) {
    const bool beaten = std::any_of(kept.begin(), kept.end(),
                                    [&](const Trial& other) { return beats_or_equals(other.outcome, trial.outcome); });
    if (!beaten) kept.push_back(std::move(trial));
  }
  return kept;
}

Tradeoff::Tradeoff(const std::vector<std::vector<Option>>& groups) : totals_{{0, 0}} {
  struct Sum {
    Option total;
    Step step;
  };
  for (const std::vector<Option>& group : groups) {
    check(!group.empty(), "a group without options");
    std::vector<Sum> sums;
    sums.reserve(totals_.size() * group.size());
    for (size_t before = 0; before < totals_.size(); ++before) {
      for (size_t option = 0; option < group.size(); ++option) {
        const Option total{totals_[before].cycles + group[option].cycles, totals_[before].bytes + group[option].bytes};
        sums.push_back({total, {before, option}});
      }
    }
    // A combination that is slower and not smaller cannot become part of a better whole.
    std::stable_sort(sums.begin(), sums.end(), [](const Sum& a, const Sum& b) {
      return a.total.bytes != b.total.bytes ? a.total.bytes < b.total.bytes : a.total.cycles < b.total.cycles;
    });
    totals_.clear();
    steps_.emplace_back();
    for (const Sum& sum : sums) {
      if (!totals_.empty() && sum.total.cycles >= totals_.back().cycles) continue;
      totals_.push_back(sum.total);
      steps_.back().push_back(sum.step);
    }
  }
}

std::optional<size_t> Tradeoff::best_within(uint64_t bytes) const {
  const auto above =
      std::upper_bound(totals_.begin(), totals_.end(), bytes, [](uint64_t b, const Option& o) { return b < o.bytes; });
  if (above == totals_.begin()) return std::nullopt;
  return static_cast<size_t>(above - totals_.begin()) - 1;
}

std::vector<size_t> Tradeoff::choice(size_t total) const {
  check(total < totals_.size(), "there is no such combination");
  std::vector<size_t> options(steps_.size());
  for (size_t group = steps_.size(); group-- > 0;) {
    const Step& step = steps_[group][total];
    options[group] = step.option;
    total = step.before;
  }
  return options;
}

}  // namespace mote::records
