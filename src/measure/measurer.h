// The real Measurer: kernels are built, loaded into a board's RAM, run on seeded random inputs and held against the
// reference. With several boards each kernel runs on whichever is free; what comes of it does not depend on which.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernel.h"
#include "measure/candidate.h"
#include "session/pool.h"
#include "tune/measurer.h"

namespace mote::measure {

struct Options {
  std::vector<std::string> flags{"-O2"};        // compiler flags beyond the board's
  uint32_t repeats = 2;                         // runs of each candidate, without returning to the host between them
  uint64_t seed = 1;                            // of the inputs
  unsigned jobs = 2;                            // compilers at once
  std::chrono::milliseconds run_limit{20'000};  // wall-clock time for all repeats
  const std::atomic<bool>* stop = nullptr;      // set from outside: measure() returns what it has
  EditSource edit{};                            // applied to every candidate's C: for tests
};

class DeviceMeasurer : public tune::Measurer {
 public:
  /// `workloads`: one per task, found by key. `pool`, of such boards, must outlive this.
  DeviceMeasurer(session::Pool& pool, const target::Board& board, std::vector<kernels::Workload> workloads,
                 const Options& options);
  ~DeviceMeasurer() override;

  /// The outcomes, or the first few of them when it was asked to stop.
  std::vector<records::Outcome> measure(const tune::Task& task, const std::vector<space::Config>& configs) override;

  /// Name and version, and all flags, of the compiler: part of a record's key.
  std::string compiler() const;
  std::string flags() const;

 private:
  struct Reference;
  const Reference& reference_for(const kernels::Workload& workload);
  records::Outcome run(session::Session& session, const kernels::Workload& workload, const Candidate& candidate);
  void run_loaded(session::Session& session, const kernels::Workload& workload, const session::Module& module,
                  records::Outcome* outcome);

  session::Pool& pool_;
  target::Target target_;
  std::map<std::string, kernels::Workload> workloads_;
  std::map<std::string, std::unique_ptr<Reference>> references_;
  Options options_;
  std::vector<std::unique_ptr<toolchain::Toolchain>> toolchains_;  // one per job
};

/// The difference of a kernel's output from the reference, for people; "" when there is none. int8 must be equal;
/// floats differ by at most 1e-5 of the greatest magnitude (or of 1).
std::string difference(const ir::Tensor& tensor, std::span<const std::byte> got, std::span<const std::byte> expected);

}  // namespace mote::measure
