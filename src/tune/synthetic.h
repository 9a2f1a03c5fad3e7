// A made-up workload of 25,920 points whose cost has the traits of a real kernel's: registers that run out, loads that
// tiling saves, loop overhead that unrolling saves until the code no longer fits the cache, and a few per cent of
// roughness that nothing predicts. For tests and benchmarks of searches.
#pragma once

#include <algorithm>
#include <string>

#include "support/random.h"
#include "tune/measurer.h"

namespace mote::tune {

inline Task synthetic_task(const std::string& workload) {
  Task task;
  task.workload = workload;
  task.title = "synthetic " + workload;
  task.template_version = "synthetic 1";
  task.macs = 1'000'000;
  task.space.alternatives.clear();
  for (const char* algorithm : {"direct", "im2col", "gemm"}) {
    task.space.alternatives.push_back(
        {algorithm,
         {space::choice("order", {"ijk", "ikj", "jik", "jki", "kij", "kji"}, ""),
          space::power_of_two("tile_co", 1, 8, ""), space::one_of("tile_ow", {1, 2, 3, 4, 6, 8}, ""),
          space::power_of_two("unroll", 1, 16, ""), space::one_of("widen", {0, 1, 2}, ""), space::flag("pack", ""),
          space::flag("pointers", "")},
         {}});
  }
  task.fallback = task.space.at(0);
  return task;
}

/// `variant` moves the optimum: another shape of the same operator.
inline uint64_t synthetic_cycles(const space::Config& c, uint64_t variant) {
  Random shape(variant);
  const double load_cost = 0.6 + 0.8 * shape.unit(), overhead = 1 + 3 * shape.unit();
  const int registers = static_cast<int>(shape.between(9, 15)), cache = static_cast<int>(shape.between(60, 240));
  const double copy_cost = 0.1 + 0.5 * shape.unit();
  const uint64_t good_order = shape.below(6), good_algorithm = shape.below(3);

  const int64_t co = c.at("tile_co"), ow = c.at("tile_ow"), unroll = c.at("unroll"), widen = c.at("widen");
  const int64_t algorithm = c.alternative == "direct" ? 0 : c.alternative == "im2col" ? 1 : 2, order = c.at("order");
  const bool pack = c.at("pack") == 1, pointers = c.at("pointers") == 1;

  double per_mac = widen == 0 ? 1.0 : 0.5;
  per_mac += load_cost * (1.0 / static_cast<double>(co) + 1.0 / static_cast<double>(ow)) / (widen == 2 ? 2 : 1);
  per_mac += overhead / static_cast<double>(unroll * co * ow);
  const int64_t used = co * ow + (widen == 2 ? 3 : 1) * std::min(co, ow) + (pointers ? 2 : 4);
  if (used > registers) per_mac += 0.25 * static_cast<double>(used - registers);
  const int64_t code = unroll * co * ow / (widen == 2 ? 2 : 1);
  if (code > cache) per_mac *= 1 + 0.002 * static_cast<double>(code - cache);
  if (static_cast<uint64_t>(algorithm) != good_algorithm) per_mac += copy_cost * (algorithm == 1 ? 0.7 : 1.0);
  per_mac *= 1 + 0.09 * static_cast<double>((static_cast<uint64_t>(order) + 6 - good_order) % 6);
  if (pack != (widen == 2)) per_mac *= 1.15;
  if (algorithm == 0 && !pointers) per_mac *= 1.1;

  uint64_t hash = Random(variant * 1000003 + static_cast<uint64_t>(algorithm)).bits();
  for (const auto& [name, value] : c.values) hash = Random(hash + static_cast<uint64_t>(value)).bits();
  return static_cast<uint64_t>(1e6 * per_mac * (1 + 0.04 * Random(hash).unit()));
}

}  // namespace mote::tune
