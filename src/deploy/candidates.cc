#include "deploy/candidates.h"

#include <algorithm>
#include <limits>

#include "deploy/code_estimate.h"

namespace mote::deploy {
namespace {

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

/// What is not known: slower than everything measured.
void guess_costs(std::vector<Candidate>& unknown, uint64_t slowest) {
  for (size_t i = 0; i < unknown.size(); ++i) {
    unknown[i].cycles = 2 * slowest + i;
    unknown[i].flash_bytes = unknown[i].kernel.program.constant_bytes() + code_estimate(unknown[i].kernel.program);
  }
}

/// What a kernel takes that nobody measured, in cycles: hardly less.
uint64_t effort_of(const kernels::Workload& workload) {
  return static_cast<uint64_t>(ir::macs_of(workload.graph, workload.op()) + ir::elements(workload.output().shape));
}

std::vector<Candidate> joined(std::vector<Candidate> known, std::vector<Candidate> unknown) {
  check(!known.empty() || !unknown.empty(), "an operator without any kernel");
  std::move(unknown.begin(), unknown.end(), std::back_inserter(known));
  for (Candidate& candidate : known) candidate.kernel.footprint = footprint_of(candidate.kernel.program);
  return known;
}

}  // namespace

std::vector<Candidate> candidates_of(const kernels::Workload& workload, const target::Target& target,
                                     const Choose& choose, const std::string& function) {
  const space::Space space = kernels::space_of(workload, target);
  std::vector<Candidate> known, unknown;
  size_t least_scratch = std::numeric_limits<size_t>::max();
  uint64_t slowest = effort_of(workload);
  for (const Known& point : choose ? choose(workload, space) : std::vector<Known>{}) {
    std::optional<Candidate> candidate = lowered(workload, space, point.config, target, function);
    if (!candidate) continue;
    candidate->kernel.tuned = candidate->measured = true;
    candidate->cycles = point.cycles;
    candidate->flash_bytes = point.flash_bytes;
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
  const size_t first = unknown.empty() ? 0 : 1;  // the fallback stays where it is
  std::stable_sort(unknown.begin() + static_cast<std::ptrdiff_t>(first), unknown.end(),
                   [](const Candidate& a, const Candidate& b) {
                     return a.kernel.program.workspace_bytes() > b.kernel.program.workspace_bytes();
                   });
  guess_costs(unknown, slowest);
  return joined(std::move(known), std::move(unknown));
}

std::vector<Candidate> candidates_of_part(const kernels::Workload& part, const kernels::Workload& whole, int64_t rows,
                                          int64_t of, const target::Target& target, const Choose& choose,
                                          const std::string& function) {
  constexpr size_t kMost = 4;  // of those that are known
  constexpr uint64_t kCallCycles = 100;
  const auto share = [&](uint64_t cycles) {
    return cycles * static_cast<uint64_t>(rows) / static_cast<uint64_t>(of) + kCallCycles;
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
    candidate->flash_bytes = point.flash_bytes;
    slowest = std::max(slowest, candidate->cycles);
    known.push_back(std::move(*candidate));
  }
  std::vector<space::Config> more = {kernels::fallback_of(part, target)};
  for (const space::Alternative& alternative : space.alternatives) more.push_back(alternative.at(0));
  for (const space::Config& config : more) {
    if (space.why_illegal(config)) continue;
    if (std::optional<Candidate> candidate = lowered(part, space, config, target, function))
      unknown.push_back(std::move(*candidate));
  }
  guess_costs(unknown, slowest);
  return joined(std::move(known), std::move(unknown));
}

}  // namespace mote::deploy
