#include "space/config.h"

#include <algorithm>

#include "support/error.h"

namespace mote::space {
namespace {

constexpr int kFactorBits = 16, kMostFactors = 4;
constexpr int64_t kLeastTooLargeFactor = 1 << 15;  // so that a packed value is never negative
constexpr int kAxisBits = 4, kMostAxes = 8;

const int64_t* find(const Config& config, std::string_view name) {
  for (const auto& [knob, value] : config.values) {
    if (knob == name) return &value;
  }
  return nullptr;
}

}  // namespace

int64_t Config::at(std::string_view name) const {
  const int64_t* value = find(*this, name);
  check(value != nullptr, "config has no knob '" + std::string(name) + "'");
  return *value;
}

int64_t Config::get(std::string_view name, int64_t otherwise) const {
  const int64_t* value = find(*this, name);
  return value != nullptr ? *value : otherwise;
}

std::vector<int64_t> Config::factors(std::string_view name) const {
  return unpack_factors(at(name));
}

std::vector<size_t> Config::order(std::string_view name) const {
  return unpack_order(at(name));
}

void Config::set(std::string_view name, int64_t value) {
  const auto knob = std::find_if(values.begin(), values.end(), [&](const auto& k) { return k.first == name; });
  check(knob != values.end(), "config has no knob '" + std::string(name) + "'");
  knob->second = value;
}

int64_t pack_factors(const std::vector<int64_t>& factors) {
  check(factors.size() <= kMostFactors, "a split has at most four factors");
  int64_t value = 0;
  for (size_t i = factors.size(); i-- > 0;) {
    check(factors[i] >= 1 && factors[i] < kLeastTooLargeFactor, "a factor of a split is out of range");
    value = value << kFactorBits | factors[i];
  }
  return value;
}

std::vector<int64_t> unpack_factors(int64_t value) {
  std::vector<int64_t> factors;
  for (; value > 0; value >>= kFactorBits) factors.push_back(value & ((1 << kFactorBits) - 1));
  return factors;
}

int64_t pack_order(const std::vector<size_t>& order) {
  check(order.size() <= kMostAxes, "an order has at most eight axes");
  int64_t value = 0;
  for (size_t i = order.size(); i-- > 0;) value = value << kAxisBits | static_cast<int64_t>(order[i] + 1);
  return value;
}

std::vector<size_t> unpack_order(int64_t value) {
  std::vector<size_t> order;
  for (; value > 0; value >>= kAxisBits) {
    order.push_back(static_cast<size_t>(value & ((1 << kAxisBits) - 1)) - 1);
  }
  return order;
}

}  // namespace mote::space
