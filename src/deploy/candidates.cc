#include "deploy/candidates.h"

#include <algorithm>
#include <limits>

namespace mote::deploy {
namespace {

constexpr size_t kMostShortened = 4;  // of what is known, the fastest

/// First points and their neighbours, of every alternative.
std::vector<space::Config> guesses(const space::Space& space) {
  std::vector<space::Config> configs;
  for (const space::Alternative& alternative : space.alternatives) {
    configs.push_back(alternative.at(0));
    for (const space::Knob& knob : alternative.knobs) {
      for (const int64_t value : knob.values) configs.push_back(alternative.with({{knob.name, value}}));
    }
  }
  std::erase_if(configs, [&](const space::Config& config) { return space.why_illegal(config).has_value(); });
  return configs;
}

std::optional<Candidate> lowered(const kernels::Workload& workload, const space::Space& space,
                                 const space::Config& config, const target::Target& target,
                                 const std::string& function) {
  try {
    Candidate candidate;
    candidate.kernel.program = kernels::lower(workload, config, target, function);
    candidate.kernel.knobs = space.text_of(config);
    candidate.kernel.config = config;
    return candidate;
  } catch (const loop::ScheduleError&) {
    return std::nullopt;  // not with these constants
  }
}

/// All knobs of an alternative at their least: the least code, as a rule.
space::Config least_of(const space::Alternative& alternative) {
  space::Config config = alternative.at(0);
  for (const space::Knob& knob : alternative.knobs) {
    config.set(knob.name, *std::min_element(knob.values.begin(), knob.values.end()));
  }
  return config;
}

/// What is not known: slower than everything measured; compiled C still slower than scheduled kernels.
void guess_costs(std::vector<Candidate>& unknown, uint64_t slowest) {
  for (size_t i = 0; i < unknown.size(); ++i) {
    unknown[i].cycles = (unknown[i].kernel.program.functions.empty() ? 6 : 2) * slowest + i;
    unknown[i].pieces = pieces_of(unknown[i].kernel.program, std::nullopt);
  }
}

/// `from` with less unrolling, whose costs follow from its own.
std::vector<Candidate> with_less_code(const Candidate& from, const kernels::Workload& workload,
                                      const space::Space& space, const target::Target& target,
                                      const std::string& function) {
  // A loop's end costs a taken branch and what the scheduler cannot move across it: measured, 2 to 7 % at the least.
  constexpr uint64_t kShares[] = {16, 32};  // of the cycles, that the least and the next budget cost
  const space::Alternative* const alternative = space.alternative(from.kernel.config.alternative);
  const space::Knob* const knob = alternative == nullptr ? nullptr : alternative->knob(kernels::kCodeBudgetKnob);
  if (knob == nullptr) return {};
  std::vector<int64_t> budgets = knob->values;
  std::sort(budgets.begin(), budgets.end());
  std::vector<Candidate> smaller;
  for (size_t i = 0; i < std::size(kShares) && i < budgets.size(); ++i) {
    space::Config config = from.kernel.config;
    if (budgets[i] >= config.at(kernels::kCodeBudgetKnob)) break;
    config.set(kernels::kCodeBudgetKnob, budgets[i]);
    if (space.why_illegal(config)) continue;
    std::optional<Candidate> candidate = lowered(workload, space, config, target, function);
    if (!candidate) continue;
    candidate->cycles = from.cycles + from.cycles / kShares[i];
    if (from.kernel.cycles) candidate->kernel.cycles = candidate->cycles;
    candidate->pieces = pieces_of(candidate->kernel.program, std::nullopt);
    candidate->pieces.back().bytes = from.pieces.back().bytes;  // its own function is the same
    if (bytes_of(candidate->pieces) < bytes_of(from.pieces)) smaller.push_back(std::move(*candidate));
  }
  return smaller;
}

/// Adds the forms with less unrolling of the first `most` of `candidates`: each takes time to be scheduled.
void add_less_code(std::vector<Candidate>& candidates, size_t most, const kernels::Workload& workload,
                   const space::Space& space, const target::Target& target, const std::string& function) {
  const size_t count = std::min(most, candidates.size());
  for (size_t i = 0; i < count; ++i) {
    for (Candidate& candidate : with_less_code(candidates[i], workload, space, target, function)) {
      candidates.push_back(std::move(candidate));
    }
  }
}

/// What a kernel takes that nobody measured, in cycles: hardly less.
uint64_t effort_of(const kernels::Workload& workload) {
  return static_cast<uint64_t>(ir::macs_of(workload.graph, workload.op()) + ir::elements(workload.output().shape));
}

std::vector<Candidate> joined(std::vector<Candidate> known, std::vector<Candidate> unknown) {
  check(!known.empty() || !unknown.empty(), "an operator without any kernel");
  // Beside what is known the guesses mean something.
  for (Candidate& candidate : unknown) {
    if (!known.empty()) candidate.kernel.cycles = candidate.cycles;
  }
  std::move(unknown.begin(), unknown.end(), std::back_inserter(known));
  for (Candidate& candidate : known) candidate.kernel.footprint = footprint_of(candidate.kernel.program);
  return known;
}

}  // namespace

std::vector<Candidate> candidates_of(const kernels::Workload& workload, const target::Target& target,
                                     const Choose& choose, const std::string& function, Offer offer) {
  const space::Space space = kernels::space_of(workload, target);
  std::vector<Candidate> known, unknown;
  size_t least_scratch = std::numeric_limits<size_t>::max();
  uint64_t slowest = effort_of(workload);
  for (const Known& point : choose ? choose(workload, space) : std::vector<Known>{}) {
    std::optional<Candidate> candidate = lowered(workload, space, point.config, target, function);
    if (!candidate) continue;
    candidate->kernel.tuned = candidate->measured = true;
    candidate->cycles = point.cycles;
    candidate->kernel.cycles = candidate->cycles;
    candidate->pieces = pieces_of(candidate->kernel.program, point.flash_bytes);
    least_scratch = std::min(least_scratch, candidate->kernel.program.workspace_bytes());
    slowest = std::max(slowest, point.cycles);
    known.push_back(std::move(*candidate));
  }
  if (std::optional<Candidate> fallback =
          lowered(workload, space, kernels::fallback_of(workload, target), target, function)) {
    least_scratch = std::min(least_scratch, fallback->kernel.program.workspace_bytes());
    unknown.push_back(std::move(*fallback));
  }
  for (const space::Config& config : guesses(space)) {
    std::optional<Candidate> candidate = lowered(workload, space, config, target, function);
    if (!candidate || candidate->kernel.program.workspace_bytes() >= least_scratch) continue;
    unknown.push_back(std::move(*candidate));
  }
  for (const space::Alternative& alternative : space.alternatives) {
    if (offer != Offer::kSmallCode || space.why_illegal(least_of(alternative))) continue;
    if (std::optional<Candidate> candidate = lowered(workload, space, least_of(alternative), target, function))
      unknown.push_back(std::move(*candidate));
  }
  const size_t first = unknown.empty() ? 0 : 1;  // the fallback stays where it is
  std::stable_sort(unknown.begin() + static_cast<std::ptrdiff_t>(first), unknown.end(),
                   [](const Candidate& a, const Candidate& b) {
                     return a.kernel.program.workspace_bytes() > b.kernel.program.workspace_bytes();
                   });
  guess_costs(unknown, slowest);
  if (offer == Offer::kSmallCode) {
    add_less_code(known, kMostShortened, workload, space, target, function);
    add_less_code(unknown, 1, workload, space, target, function);
  }
  return joined(std::move(known), std::move(unknown));
}

std::vector<Candidate> candidates_of_part(const kernels::Workload& part, const kernels::Workload& whole,
                                          int64_t positions, int64_t of, const target::Target& target,
                                          const Choose& choose, const std::string& function, Offer offer) {
  constexpr size_t kMost = 4;  // of those that are known
  constexpr uint64_t kCallCycles = 100;
  const auto share = [&](uint64_t cycles) {
    return cycles * static_cast<uint64_t>(positions) / static_cast<uint64_t>(of) + kCallCycles;
  };
  const space::Space space = kernels::space_of(part, target);
  std::vector<Candidate> known, unknown;
  uint64_t slowest = effort_of(part);
  for (const Known& point : choose ? choose(whole, kernels::space_of(whole, target)) : std::vector<Known>{}) {
    if (known.size() == kMost) break;
    std::optional<Candidate> candidate = lowered(part, space, point.config, target, function);
    if (!candidate) continue;
    candidate->kernel.tuned = true;
    candidate->cycles = share(point.cycles);
    candidate->kernel.cycles = candidate->cycles;
    candidate->pieces = pieces_of(candidate->kernel.program, point.flash_bytes);
    slowest = std::max(slowest, candidate->cycles);
    known.push_back(std::move(*candidate));
  }
  std::vector<space::Config> more = {kernels::fallback_of(part, target)};
  for (const space::Alternative& alternative : space.alternatives) {
    more.push_back(alternative.at(0));
    if (offer == Offer::kSmallCode) more.push_back(least_of(alternative));
  }
  for (const space::Config& config : more) {
    if (space.why_illegal(config)) continue;
    if (std::optional<Candidate> candidate = lowered(part, space, config, target, function))
      unknown.push_back(std::move(*candidate));
  }
  guess_costs(unknown, slowest);
  if (offer == Offer::kSmallCode) {
    add_less_code(known, kMostShortened, part, space, target, function);
    add_less_code(unknown, 1, part, space, target, function);
  }
  return joined(std::move(known), std::move(unknown));
}

}  // namespace mote::deploy
