#include "measure/program_features.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>

#include "schedule/call_estimate.h"
#include "support/error.h"
#include "tune/loop_features.h"

namespace mote::measure {
namespace {

/// The operations of a workload: multiply-accumulates, or, where there are none, elements to make.
double work_of(const kernels::Workload& w) {
  const int64_t macs = ir::macs_of(w.graph, w.op());
  return static_cast<double>(macs > 0 ? macs : static_cast<int64_t>(ir::elements(w.output().shape)));
}

/// Shared by the copies of a FeatureFn.
struct Lowering {
  std::map<std::string, kernels::Workload> workloads;
  target::Target target;
  schedule::CallEstimator estimator;

  std::vector<float> features(const std::string& workload, const space::Config& config) const {
    try {
      const kernels::Workload& w = workloads.at(workload);
      return tune::loop_features(kernels::lower(w, config, target, "candidate"), estimator, work_of(w));
    } catch (const loop::ScheduleError&) {
      return std::vector<float>(tune::loop_feature_names().size(), std::numeric_limits<float>::quiet_NaN());
    }
  }
};

/// The lowerings for the targets that trials were measured on, made as they are needed; null for an unknown target.
class Lowerings {
 public:
  explicit Lowerings(const std::vector<kernels::Workload>& workloads) : workloads_(workloads) {}
  const Lowering* of(const std::string& target);

 private:
  const std::vector<kernels::Workload>& workloads_;
  std::map<std::string, std::shared_ptr<const Lowering>> known_;
};

std::shared_ptr<const Lowering> lowering_of(const std::vector<kernels::Workload>& workloads,
                                            const target::Target& target) {
  const std::shared_ptr<Lowering> lowering =
      std::make_shared<Lowering>(Lowering{{}, target, schedule::CallEstimator(target.pipeline)});
  for (const kernels::Workload& workload : workloads) lowering->workloads.try_emplace(workload.key, workload);
  return lowering;
}

const Lowering* Lowerings::of(const std::string& target) {
  const auto [entry, is_new] = known_.try_emplace(target);
  if (is_new) {
    try {
      entry->second = lowering_of(workloads_, target::load_target(target));
    } catch (const InputError&) {
      // A target of somebody else's.
    }
  }
  return entry->second.get();
}

/// All trials of one workload in one setting.
using Group = std::vector<const records::Trial*>;

std::vector<Group> groups_of(const std::vector<records::Trial>& trials) {
  std::map<std::vector<std::string>, Group> groups;
  for (const records::Trial& t : trials) {
    if (t.outcome.status == records::Status::kConnection) continue;
    const records::Setting& s = t.setting;
    groups[{t.workload, t.template_version, s.target, s.board, s.via, s.compiler, s.flags}].push_back(&t);
  }
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  return sorted;
}

/// The fastest half, and the first of the others.
void keep_most(Group* group, size_t most) {
  if (group->size() <= most) return;
  const auto cost = [](const records::Trial* t) {
    return t->outcome.status == records::Status::kOk ? t->outcome.cycles : UINT64_MAX;
  };
  Group sorted = *group;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const records::Trial* a, const records::Trial* b) { return cost(a) < cost(b); });
  sorted.resize(most / 2);
  for (const records::Trial* trial : *group) {
    if (sorted.size() == most) break;
    if (std::find(sorted.begin(), sorted.end(), trial) == sorted.end()) sorted.push_back(trial);
  }
  *group = std::move(sorted);
}

}  // namespace

tune::FeatureFn program_features(const std::vector<kernels::Workload>& workloads, const target::Target& target) {
  return [lowering = lowering_of(workloads, target)](const tune::Task& task, const space::Config& config) {
    return lowering->features(task.workload, config);
  };
}

std::vector<tune::Example> examples_from(const std::vector<records::Trial>& trials,
                                         const std::vector<kernels::Workload>& workloads, size_t most) {
  Lowerings lowerings(workloads);
  std::vector<tune::Example> examples;
  uint32_t number = 0;
  for (Group& group : groups_of(trials)) {
    const Lowering* lowering = lowerings.of(group.front()->setting.target);
    if (!lowering) continue;
    const auto workload = lowering->workloads.find(group.front()->workload);
    if (workload == lowering->workloads.end()) continue;
    const space::Space space = kernels::space_of(workload->second, lowering->target);
    keep_most(&group, most);
    const bool any = std::any_of(group.begin(), group.end(),
                                 [](const records::Trial* t) { return t->outcome.status == records::Status::kOk; });
    if (!any) continue;
    const double work = work_of(workload->second);
    ++number;
    for (const records::Trial* t : group) {
      const std::optional<space::Config> config = space.parse(t->knobs);
      if (!config) continue;
      const bool ok = t->outcome.status == records::Status::kOk;
      const double merit = ok ? work / static_cast<double>(std::max<uint64_t>(1, t->outcome.cycles)) : 0;
      examples.push_back({lowering->features(t->workload, *config), static_cast<float>(merit), number});
    }
  }
  return examples;
}

}  // namespace mote::measure
