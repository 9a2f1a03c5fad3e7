#include "measure/measurer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>

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

/// Inputs of a workload and what must come out.
struct DeviceMeasurer::Reference {
  std::vector<Bytes> inputs;
  std::vector<uint64_t> seeds;
  Bytes output;
};

std::string difference(const ir::Tensor& tensor, std::span<const std::byte> got, std::span<const std::byte> expected) {
  if (got.size() != expected.size()) return "the sizes differ";
  if (tensor.dtype != ir::DType::kFloat32) {
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

DeviceMeasurer::DeviceMeasurer(session::Session& session, const target::Board& board,
                               std::vector<kernels::Workload> workloads, const Options& options)
    : session_(session), target_(board.target), options_(options) {
  for (kernels::Workload& w : workloads) workloads_.try_emplace(w.key, std::move(w));
  for (unsigned i = 0; i < std::max(options.jobs, 1u); ++i) {
    toolchains_.push_back(std::make_unique<toolchain::Toolchain>(board));
  }
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

const DeviceMeasurer::Reference& DeviceMeasurer::reference_for(const kernels::Workload& workload) {
  std::unique_ptr<Reference>& reference = references_[workload.key];
  if (reference) return *reference;
  reference = std::make_unique<Reference>();
  uint64_t seed = options_.seed * 1000;
  for (const ir::TensorId id : workload.graph.inputs) {
    reference->seeds.push_back(++seed);
    reference->inputs.push_back(random_input(workload.graph.tensor(id), seed));
  }
  reference->output =
      reference::interpret(workload.graph, reference->inputs).at(static_cast<size_t>(workload.op().output));
  return *reference;
}

std::vector<Outcome> DeviceMeasurer::measure(const tune::Task& task, const std::vector<space::Config>& configs) {
  const kernels::Workload& workload = workloads_.at(task.workload);
  const auto build = [&](size_t i, toolchain::Toolchain* toolchain) {
    return build_candidate(workload, configs[i], target_, *toolchain, options_.flags);
  };
  // While one candidate runs on the board, the next ones are compiled: job j builds candidates j, j + jobs, j + 2 *
  // jobs ...
  const size_t jobs = toolchains_.size();
  std::vector<std::future<Candidate>> building(configs.size());
  const auto start = [&](size_t i) {
    if (i < configs.size()) building[i] = std::async(std::launch::async, build, i, toolchains_[i % jobs].get());
  };
  for (size_t i = 0; i < jobs; ++i) start(i);
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < configs.size(); ++i) {
    if (!building[i].valid()) break;
    Candidate candidate = building[i].get();
    const bool stopping = options_.stop != nullptr && options_.stop->load();
    if (stopping) break;
    start(i + jobs);
    if (candidate.object) run(workload, &candidate);
    outcomes.push_back(std::move(candidate.outcome));
  }
  for (std::future<Candidate>& rest : building) {
    if (rest.valid()) rest.wait();
  }
  return outcomes;
}

void DeviceMeasurer::run(const kernels::Workload& workload, Candidate* candidate) {
  Outcome& outcome = candidate->outcome;
  const auto begin = std::chrono::steady_clock::now();
  const auto failed = [&](Status status, const std::string& text) {
    outcome.status = status;
    outcome.error = text;
  };
  try {
    session::LoadResult loaded = session_.load({*candidate->object});
    outcome.load_seconds = seconds_since(begin);
    if (const session::LoadFailure* failure = std::get_if<session::LoadFailure>(&loaded)) {
      const bool large = failure->kind == session::LoadFailure::Kind::kTooLarge;
      failed(large ? Status::kTooLarge : Status::kLoad, failure->text);
      return;
    }
    run_loaded(workload, std::get<session::Module>(loaded), candidate);
  } catch (const device::ConnectionError& error) {
    failed(Status::kConnection, error.what());
  } catch (const JobError& error) {
    failed(Status::kTooLarge, error.what());  // no room for the tensors
  }
}

void DeviceMeasurer::run_loaded(const kernels::Workload& workload, const session::Module& module,
                                Candidate* candidate) {
  Outcome& outcome = candidate->outcome;
  const auto begin = std::chrono::steady_clock::now();
  const Reference& reference = reference_for(workload);
  std::vector<std::unique_ptr<Allocation>> tensors;
  std::vector<uint32_t> arguments;
  for (size_t i = 0; i < reference.inputs.size(); ++i) {
    const uint32_t bytes = static_cast<uint32_t>(reference.inputs[i].size());
    tensors.push_back(std::make_unique<Allocation>(&session_, bytes));
    arguments.push_back(tensors.back()->address);
    if (workload.graph.tensor(workload.graph.inputs[i]).dtype == ir::DType::kFloat32) {
      session_.write(arguments.back(), reference.inputs[i]);
    } else {
      session_.fill_random(arguments.back(), bytes, reference.seeds[i]);
    }
  }
  // What a candidate may write is filled with a pattern that must be gone from the output and stay behind it.
  const uint32_t output_bytes = static_cast<uint32_t>(reference.output.size());
  std::vector<uint32_t> guards;
  for (const uint32_t bytes : {output_bytes, outcome.ram_bytes}) {
    if (bytes == 0) continue;
    tensors.push_back(std::make_unique<Allocation>(&session_, bytes + kGuardBytes));
    arguments.push_back(tensors.back()->address);
    guards.push_back(arguments.back() + bytes);
    session_.fill(arguments.back(), bytes + kGuardBytes, kGuard);
  }
  const uint32_t output = arguments[reference.inputs.size()];
  const session::CallResult result =
      session_.call(module, kCandidateFunction, arguments, options_.repeats, options_.run_limit);
  outcome.run_seconds = seconds_since(begin);
  if (!result.ok()) {
    const session::Fault::Kind kind = result.fault->kind;
    outcome.status = kind == session::Fault::Kind::kTimeout      ? Status::kTimeout
                     : kind == session::Fault::Kind::kConnection ? Status::kConnection
                                                                 : Status::kFault;
    outcome.error = result.fault->text();
    return;
  }
  outcome.cycles = result.least;
  outcome.all_cycles = {result.least};
  if (result.repeats > 1) outcome.all_cycles.push_back(result.most);
  outcome.error = difference(workload.output(), session_.read(output, output_bytes), reference.output);
  for (const uint32_t guard : guards) {
    const Bytes behind = session_.read(guard, kGuardBytes);
    const bool intact = std::all_of(behind.begin(), behind.end(), [](std::byte b) { return b == kGuard; });
    if (!intact) outcome.error = "it wrote behind its output or its workspace";
  }
  if (!outcome.error.empty()) outcome.status = Status::kWrongResult;
}

}  // namespace mote::measure
