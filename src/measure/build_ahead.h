// Candidates compiled on several threads, ahead of the boards that run them.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "measure/candidate.h"

namespace mote::measure {

class BuildAhead {
 public:
  using Build = std::function<Candidate(size_t index, toolchain::Toolchain& toolchain)>;

  /// Starts building candidates 0 to count - 1, in order, on one thread for each of `toolchains`. `stop` may be null;
  /// once it is set nothing more is begun. All but `count` and `build` must outlive this.
  BuildAhead(size_t count, const std::vector<std::unique_ptr<toolchain::Toolchain>>& toolchains, Build build,
             const std::atomic<bool>* stop);
  /// Begins nothing more, and waits for what is being built.
  ~BuildAhead();
  BuildAhead(const BuildAhead&) = delete;
  BuildAhead& operator=(const BuildAhead&) = delete;

  /// Waits for a candidate; nothing when it was not begun because of `stop`. Throws what `build` threw. From any
  /// thread.
  const std::optional<Candidate>& wait(size_t index) const { return built_.at(index).get(); }

 private:
  void work(toolchain::Toolchain& toolchain);

  Build build_;
  const std::atomic<bool>* stop_;
  std::atomic<bool> leaving_{false};
  std::atomic<size_t> next_{0};
  std::vector<std::promise<std::optional<Candidate>>> promises_;
  std::vector<std::shared_future<std::optional<Candidate>>> built_;
  std::vector<std::thread> threads_;
};

}  // namespace mote::measure
