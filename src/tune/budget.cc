#include "tune/budget.h"

#include <algorithm>

namespace mote::tune {
namespace {

/// The options that no other one beats or equals in both.
std::vector<records::Option> worth_having(std::vector<records::Option> options) {
  std::sort(options.begin(), options.end(), [](const records::Option& a, const records::Option& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.cycles < b.cycles;
  });
  std::vector<records::Option> kept;
  for (const records::Option& option : options) {
    if (kept.empty() || option.cycles < kept.back().cycles) kept.push_back(option);
  }
  return kept;
}

double slope(const records::Option& from, const records::Option& to) {
  return static_cast<double>(from.cycles - to.cycles) / static_cast<double>(to.bytes - from.bytes);
}

}  // namespace

double price_of_flash(const std::vector<Choices>& tasks, uint64_t flash) {
  std::vector<std::vector<records::Option>> groups;
  for (const Choices& task : tasks)
    groups.insert(groups.end(), static_cast<size_t>(task.occurrences), worth_having(task.options));
  if (groups.empty()) return 0;
  const records::Tradeoff tradeoff(groups);
  const std::vector<records::Option>& totals = tradeoff.totals();
  // Where nothing fits yet, bytes are worth what the first ones are.
  const size_t now = tradeoff.best_within(flash).value_or(0);
  double price = 0;
  for (size_t i = now + 1; i < totals.size(); ++i) price = std::max(price, slope(totals[now], totals[i]));
  return price;
}

}  // namespace mote::tune
