// The real Measurer: kernels are built, loaded into a board's RAM, run on seeded random inputs and held against the
// reference. With several boards each kernel runs on whichever is free; what comes of it does not depend on which.
#pragma once

#include <atomic>
#include <filesystem>
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
  std::vector<std::string> flags{"-O2"};  // compiler flags beyond the board's
  uint32_t repeats = 2;                   // runs of each candidate; one will do for a long one where they are alike
  uint64_t seed = 1;                      // of the inputs
  unsigned jobs = 2;                      // compilers at once
  std::chrono::milliseconds run_limit{20'000};  // wall-clock time for all repeats
  const std::atomic<bool>* stop = nullptr;      // set from outside: measure() returns what it has
  EditSource edit{};                            // applied to every candidate's C: for tests
  std::filesystem::path cache_folder{};         // of objects, found again by their sources; "" for none
};

/// What is tuned: how its programs are made, and what they must compute.
struct Subject {
  Lower lower;
  std::vector<Bytes> inputs;      // of the program, in its order
  Bytes expected;                 // its output
  bool is_float = false;          // the output is float32 and need not be equal to the bit
  std::vector<uint64_t> seeds{};  // inputs that are random bytes may be named by their seeds, one each, and are then
                                  // made on the board
};

class DeviceMeasurer : public tune::Measurer {
 public:
  /// `workloads`: one per task, found by key. `pool`, of such boards, must outlive this.
  DeviceMeasurer(session::Pool& pool, const target::Board& board, std::vector<kernels::Workload> workloads,
                 const Options& options);
  /// Programs of your own: subjects by their tasks' workload keys.
  DeviceMeasurer(session::Pool& pool, const target::Board& board, std::map<std::string, Subject> subjects,
                 const Options& options);
  ~DeviceMeasurer() override;

  /// The outcomes, or the first few of them when it was asked to stop.
  std::vector<records::Outcome> measure(const tune::Task& task, const std::vector<space::Config>& configs) override;

  /// Name and version, and all flags, of the compiler: part of a record's key.
  std::string compiler() const;
  std::string flags() const;

 private:
  const Subject& subject_of(const std::string& workload);
  records::Outcome run(session::Session& session, const Subject& subject, const Candidate& candidate);
  session::CallResult call(session::Session& session, const session::Module& module,
                           const std::vector<uint32_t>& arguments);
  void run_loaded(session::Session& session, const Subject& subject, const session::Module& module,
                  records::Outcome* outcome);

  session::Pool& pool_;
  target::Target target_;
  std::map<std::string, kernels::Workload> workloads_;  // whose subjects are made when they are first measured
  std::map<std::string, Subject> subjects_;
  Options options_;
  std::vector<std::unique_ptr<toolchain::Toolchain>> toolchains_;  // one per job
};

/// The difference of an output from the reference, for people; "" when there is none. Integers must be equal; floats
/// differ by at most 1e-5 of the greatest magnitude (or of 1).
std::string difference(bool is_float, std::span<const std::byte> got, std::span<const std::byte> expected);

}  // namespace mote::measure
