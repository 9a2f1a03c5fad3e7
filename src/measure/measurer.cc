#include "measure/measurer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/build_ahead.h"
#include "reference/interpret.h"
#include "support/random.h"

namespace mote::measure {

using records::Outcome;
using records::Status;

namespace {

constexpr uint32_t kGuardBytes = 32;  // behind every tensor a candidate may write
constexpr std::byte kGuard{0xA5};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Bytes of all that a candidate's arguments point to: the inputs, then, each with a guard behind it, the output and
/// the workspace, if it has one.
std::vector<uint32_t> tensors_of(const Subject& subject, const Outcome& outcome) {
  std::vector<uint32_t> tensors;
  for (const Bytes& input : subject.inputs) tensors.push_back(static_cast<uint32_t>(input.size()));
  for (const uint32_t bytes : {static_cast<uint32_t>(subject.expected.size()), outcome.ram_bytes}) {
    if (bytes > 0) tensors.push_back(bytes + kGuardBytes);
  }
  return tensors;
}

/// Device memory for the length of a trial.
class Allocation {
 public:
  Allocation(session::Session* session, uint32_t bytes) : session_(session), address(session->allocate(bytes)) {}
  ~Allocation() { session_->free(address); }
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;

 private:
  session::Session* session_;

 public:
  const uint32_t address;
};

Bytes random_input(const ir::Tensor& tensor, uint64_t seed) {
  Random random(seed);
  Bytes bytes(tensor.size_bytes());
  if (tensor.dtype != ir::DType::kFloat32) {
    random.fill(bytes);
    return bytes;
  }
  std::vector<float> values(static_cast<size_t>(ir::elements(tensor.shape)));
  for (float& v : values) v = static_cast<float>(random.normal());
  return to_bytes(values);
}

}  // namespace

std::string difference(bool is_float, std::span<const std::byte> got, std::span<const std::byte> expected) {
  if (got.size() != expected.size()) return "the sizes differ";
  if (!is_float) {
    for (size_t i = 0; i < got.size(); ++i) {
      if (got[i] == expected[i]) continue;
      return fmt::format("byte {}: got {}, expected {}", i, static_cast<int8_t>(got[i]),
                         static_cast<int8_t>(expected[i]));
    }
    return "";
  }
  const std::vector<float> a = to_values<float>(got), b = to_values<float>(expected);
  float scale = 1;
  for (const float v : b) scale = std::max(scale, std::abs(v));
  for (size_t i = 0; i < a.size(); ++i) {
    // Written so that NaN is a difference.
    if (!(std::abs(a[i] - b[i]) <= 1e-5f * scale)) return fmt::format("element {}: got {}, expected {}", i, a[i], b[i]);
  }
  return "";
}

DeviceMeasurer::DeviceMeasurer(session::Pool& pool, const target::Board& board,
                               std::vector<kernels::Workload> workloads, const Options& options)
    : pool_(pool), target_(board.target), options_(options) {
  for (kernels::Workload& w : workloads) workloads_.try_emplace(w.key, std::move(w));
  for (unsigned i = 0; i < std::max(options.jobs, 1u); ++i) {
    toolchains_.push_back(
        std::make_unique<toolchain::Toolchain>(board, toolchain::Compiler::kGcc, options.cache_folder));
  }
}

DeviceMeasurer::DeviceMeasurer(session::Pool& pool, const target::Board& board, std::map<std::string, Subject> subjects,
                               const Options& options)
    : DeviceMeasurer(pool, board, std::vector<kernels::Workload>{}, options) {
  subjects_ = std::move(subjects);
}

DeviceMeasurer::~DeviceMeasurer() = default;

std::string DeviceMeasurer::compiler() const {
  return toolchains_.front()->version();
}

std::string DeviceMeasurer::flags() const {
  std::string text;
  for (const std::string& flag : toolchains_.front()->base_flags()) text += (text.empty() ? "" : " ") + flag;
  for (const std::string& flag : options_.flags) text += " " + flag;
  return text;
}

const Subject& DeviceMeasurer::subject_of(const std::string& key) {
  const auto known = subjects_.find(key);
  if (known != subjects_.end()) return known->second;
  const kernels::Workload& workload = workloads_.at(key);
  Subject subject;
  subject.lower = [this, &workload](const space::Config& config, const std::string& name) {
    return kernels::lower(workload, config, target_, name);
  };
  subject.is_float = workload.output().dtype == ir::DType::kFloat32;
  bool random_bytes = true;
  uint64_t seed = options_.seed * 1000;
  for (const ir::TensorId id : workload.graph.inputs) {
    const ir::Tensor& tensor = workload.graph.tensor(id);
    random_bytes = random_bytes && tensor.dtype != ir::DType::kFloat32;
    subject.seeds.push_back(++seed);
    subject.inputs.push_back(random_input(tensor, seed));
  }
  if (!random_bytes) subject.seeds.clear();
  subject.expected = reference::interpret(workload.graph, subject.inputs).at(static_cast<size_t>(workload.op().output));
  return subjects_.emplace(key, std::move(subject)).first->second;
}

std::vector<Outcome> DeviceMeasurer::measure(const tune::Task& task, const std::vector<space::Config>& configs) {
  const Subject& subject = subject_of(task.workload);
  const auto build = [&](size_t i, toolchain::Toolchain& toolchain) {
    return build_candidate(subject.lower, configs[i], toolchain, options_.flags, options_.edit);
  };
  const BuildAhead candidates(configs.size(), toolchains_, build, options_.stop);
  std::vector<Outcome> outcomes(configs.size());
  const std::vector<session::Pool::JobEnd> ends = pool_.run(configs.size(), [&](session::Session& session, size_t i) {
    const std::optional<Candidate>& candidate = candidates.wait(i);
    if (candidate) outcomes[i] = run(session, subject, *candidate);
  });
  using End = session::Pool::End;
  size_t measured = 0;
  while (measured < ends.size() && ends[measured].end != End::kNotBegun && candidates.wait(measured)) {
    Outcome& outcome = outcomes[measured];
    if (ends[measured].end == End::kLost) {
      outcome = candidates.wait(measured)->outcome;
      outcome.status = Status::kConnection;
      outcome.error = ends[measured].error;
    }
    ++measured;
  }
  outcomes.resize(measured);
  return outcomes;
}

Outcome DeviceMeasurer::run(session::Session& session, const Subject& subject, const Candidate& candidate) {
  Outcome outcome = candidate.outcome;
  if (candidate.objects.empty()) return outcome;
  const auto begin = std::chrono::steady_clock::now();
  const auto failed = [&](Status status, const std::string& text) {
    outcome.status = status;
    outcome.error = text;
  };
  try {
    const session::LoadResult loaded = session.load(candidate.objects, tensors_of(subject, outcome));
    outcome.load_seconds = seconds_since(begin);
    if (const session::LoadFailure* failure = std::get_if<session::LoadFailure>(&loaded)) {
      const bool large = failure->kind == session::LoadFailure::Kind::kTooLarge;
      failed(large ? Status::kTooLarge : Status::kLoad, failure->text);
    } else {
      run_loaded(session, subject, std::get<session::Module>(loaded), &outcome);
    }
  } catch (const device::ConnectionError&) {
    throw;  // the pool's affair
  } catch (const JobError& error) {
    failed(Status::kLoad, error.what());
  }
  return outcome;
}

session::CallResult DeviceMeasurer::call(session::Session& session, const session::Module& module,
                                         const std::vector<uint32_t>& arguments) {
  // Where runs are alike a long one needs no other: only in a short one the branches that are not predicted yet count.
  constexpr uint64_t kShort = 100'000;
  const auto run = [&](uint32_t repeats) {
    return session.call(module, kCandidateFunction, arguments, repeats, options_.run_limit);
  };
  if (options_.repeats == 1 || !session.device().runs_are_alike()) return run(options_.repeats);
  const session::CallResult once = run(1);
  return once.ok() && once.least < kShort ? run(options_.repeats) : once;
}

void DeviceMeasurer::run_loaded(session::Session& session, const Subject& subject, const session::Module& module,
                                Outcome* result) {
  Outcome& outcome = *result;
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<uint32_t> sizes = tensors_of(subject, outcome);
  const size_t inputs = subject.inputs.size();
  std::vector<std::unique_ptr<Allocation>> tensors;
  std::vector<uint32_t> arguments;
  for (const uint32_t bytes : sizes) {
    tensors.push_back(std::make_unique<Allocation>(&session, bytes));
    arguments.push_back(tensors.back()->address);
  }
  for (size_t i = 0; i < inputs; ++i) {
    if (subject.seeds.empty()) {
      session.write(arguments[i], subject.inputs[i]);
    } else {
      session.fill_random(arguments[i], sizes[i], subject.seeds[i]);
    }
  }
  // What a candidate may write is filled with a pattern that must be gone from the output and stay behind it.
  std::vector<uint32_t> guards;
  for (size_t i = inputs; i < sizes.size(); ++i) {
    session.fill(arguments[i], sizes[i], kGuard);
    guards.push_back(arguments[i] + sizes[i] - kGuardBytes);
  }
  const session::CallResult called = call(session, module, arguments);
  outcome.run_seconds = seconds_since(begin);
  if (!called.ok()) {
    const session::Fault::Kind kind = called.fault->kind;
    if (kind == session::Fault::Kind::kConnection) throw device::ConnectionError(called.fault->detail);
    outcome.status = kind == session::Fault::Kind::kTimeout ? Status::kTimeout : Status::kFault;
    outcome.error = called.fault->text();
    return;
  }
  outcome.cycles = called.least;
  outcome.all_cycles = {called.least};
  if (called.repeats > 1) outcome.all_cycles.push_back(called.most);
  outcome.error =
      difference(subject.is_float, session.read(arguments[inputs], static_cast<uint32_t>(subject.expected.size())),
                 subject.expected);
  for (const uint32_t guard : guards) {
    const Bytes behind = session.read(guard, kGuardBytes);
    const bool intact = std::all_of(behind.begin(), behind.end(), [](std::byte b) { return b == kGuard; });
    if (!intact) outcome.error = "it wrote behind its output or its workspace";
  }
  if (!outcome.error.empty()) outcome.status = Status::kWrongResult;
}

}  // namespace mote::measure
