// A search proposes the points of one task that are worth a trial, and learns from what became of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "tune/features.h"
#include "tune/measurer.h"

namespace mote::tune {

class Search {
 public:
  virtual ~Search() = default;
  /// Up to `count` points, as indices of the task's space: all different and legal, none proposed or told of before.
  /// Fewer only when the space has no more of them; none when it is exhausted.
  virtual std::vector<uint64_t> propose(size_t count) = 0;
  /// What became of a point, proposed or not (the fallback, records of an earlier run).
  virtual void tell(uint64_t index, const Outcome& outcome) = 0;
  /// What a byte of flash costs from now on: the cheapest point is looked for, not the fastest. Only the search by a
  /// model heeds it.
  virtual void set_price(double /*cycles_per_byte*/) {}
  /// The share of the best point's cycles (or cost) that the next proposals are expected to take off; nothing when that
  /// is not known.
  virtual std::optional<double> promise() { return std::nullopt; }
};

enum class Strategy : uint8_t { kExhaustive, kRandom, kAnnealing, kGenetic, kModel };

/// "exhaustive", "random", "annealing", "genetic", "model".
std::string_view name_of(Strategy strategy);
/// All of them, in the order of the enum.
std::vector<Strategy> strategies();

/// The strategy of that name; nothing when there is none.
std::optional<Strategy> strategy_named(std::string_view name);

/// A search of `task`'s space, which must outlive it. Every random choice comes from `seed`. `inputs` are what the
/// model of kModel learns from.
std::unique_ptr<Search> make_search(Strategy strategy, const Task& task, uint64_t seed, const ModelInputs& inputs = {});

}  // namespace mote::tune
