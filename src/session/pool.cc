#include "session/pool.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <thread>

namespace mote::session {

using std::chrono::milliseconds;

namespace {
constexpr milliseconds kGlance{100};  // how often who waits looks at what nobody announces: the stop flag, the time
}

/// One board with all that is needed to work with it.
struct Pool::Bench {
  BoardState state;
  std::unique_ptr<device::Device> device;
  std::unique_ptr<toolchain::Toolchain> toolchain;
  std::unique_ptr<Session> session;
  milliseconds pause{0};
  Clock::time_point back_at;  // when it is connected to again
};

/// What a run has still to do.
struct Pool::Work {
  const Job& job;
  std::deque<size_t> waiting;
  size_t unfinished = 0;
  std::vector<unsigned> attempts;
  std::vector<JobEnd> ends;
  std::exception_ptr error;  // of a job, other than a lost connection

  void finish(size_t index, End end, const std::string& text = "") {
    ends[index] = {end, text};
    --unfinished;
  }
};

Pool::Pool(const std::vector<std::string>& vias, const target::Board& board, PoolOptions options)
    : board_(board), options_(std::move(options)) {
  check(!vias.empty(), "a pool has at least one board");
  std::exception_ptr first;
  for (const std::string& via : vias) {
    Bench& bench = *benches_.emplace_back(std::make_unique<Bench>());
    bench.state.via = via;
    try {
      connect(bench);
    } catch (const JobError& error) {
      if (!first) first = std::current_exception();
      set_aside(bench, error.what());
    }
  }
  const bool any =
      std::any_of(benches_.begin(), benches_.end(), [](const auto& bench) { return bench->state.in_service; });
  if (!any) std::rethrow_exception(first);
}

Pool::~Pool() = default;

std::vector<BoardState> Pool::boards() const {
  const std::lock_guard lock(mutex_);
  std::vector<BoardState> states;
  for (const auto& bench : benches_) states.push_back(bench->state);
  return states;
}

/// Everything anew: the device, which starts what it needs on this side, and the session on it.
void Pool::connect(Bench& bench) {
  bench.session.reset();
  bench.device.reset();
  if (!bench.toolchain) {
    bench.toolchain = std::make_unique<toolchain::Toolchain>(board_, toolchain::Compiler::kGcc, options_.cache_folder);
  }
  bench.device = device::open_device(bench.state.via, board_);
  bench.session = std::make_unique<Session>(*bench.device, board_, *bench.toolchain);
  bench.state.in_service = true;
}

void Pool::set_aside(Bench& bench, const std::string& error) {
  bench.state.in_service = false;
  ++bench.state.failures;
  bench.state.last_error = error;
  bench.pause = std::min(std::max(2 * bench.pause, options_.first_pause), options_.longest_pause);
  bench.back_at = Clock::now() + bench.pause;
  const bool none =
      std::none_of(benches_.begin(), benches_.end(), [](const auto& other) { return other->state.in_service; });
  if (none && !none_since_) none_since_ = Clock::now();
  if (options_.on_event) {
    options_.on_event(
        fmt::format("{} is set aside for {:.1f} s: {}", bench.state.via, bench.pause.count() / 1e3, error));
  }
}

bool Pool::out_of_patience() const {
  return none_since_ && Clock::now() - *none_since_ > options_.patience;
}

/// No board comes back: what waits is lost.
void Pool::give_up(Work& work) {
  const std::string why = fmt::format("no board was to be had for {} s", options_.patience.count() / 1000);
  for (const size_t index : work.waiting) work.finish(index, End::kLost, why);
  work.waiting.clear();
  abandoned_ = true;
  changed_.notify_all();
}

/// Connects to a board that is aside, when its pause is over. False when there is nothing left to do for it.
bool Pool::bring_back(Bench& bench, Work& work, std::unique_lock<std::mutex>& lock) {
  while (!bench.state.in_service) {
    if (work.unfinished == 0 || work.error || stopping()) return false;
    if (Clock::now() < bench.back_at) {
      changed_.wait_for(lock, kGlance);
      continue;
    }
    lock.unlock();
    std::string error;
    try {
      connect(bench);
    } catch (const std::runtime_error& failure) {
      error = failure.what();
    }
    lock.lock();
    if (!error.empty()) {
      set_aside(bench, error);
      if (out_of_patience()) give_up(work);
      continue;
    }
    none_since_.reset();
    if (options_.on_event) options_.on_event(bench.state.via + " answers again");
  }
  return true;
}

void Pool::serve(Bench& bench, Work& work) {
  std::unique_lock lock(mutex_);
  while (bring_back(bench, work, lock)) {
    if (work.unfinished == 0 || work.error || stopping()) return;
    if (work.waiting.empty()) {  // what another board is busy with may come back
      changed_.wait_for(lock, kGlance);
      continue;
    }
    const size_t index = work.waiting.front();
    work.waiting.pop_front();
    lock.unlock();
    std::optional<std::string> lost;
    std::exception_ptr error;
    try {
      work.job(*bench.session, index);
    } catch (const device::ConnectionError& failure) {
      lost = failure.what();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error) {
      work.error = error;
    } else if (!lost) {
      ++bench.state.jobs;
      bench.pause = milliseconds(0);
      work.finish(index, End::kDone);
    } else {
      set_aside(bench, *lost);
      if (++work.attempts[index] >= options_.attempts) {
        work.finish(index, End::kLost, *lost);
      } else {
        work.waiting.push_front(index);
      }
    }
    changed_.notify_all();
  }
}

std::vector<Pool::JobEnd> Pool::run(size_t count, const Job& job) {
  if (std::exchange(abandoned_, false)) {
    std::string errors;
    for (const auto& bench : benches_) {
      bench->back_at = Clock::now();
      errors += fmt::format("\n  {}: {}", bench->state.via, bench->state.last_error);
    }
    throw device::ConnectionError("no board is left:" + errors);
  }
  Work work{job, {}, count, std::vector<unsigned>(count), std::vector<JobEnd>(count), nullptr};
  for (size_t i = 0; i < count; ++i) work.waiting.push_back(i);
  std::vector<std::thread> threads;
  for (const auto& bench : benches_) threads.emplace_back([&] { serve(*bench, work); });
  for (std::thread& thread : threads) thread.join();
  if (work.error) std::rethrow_exception(work.error);
  return work.ends;
}

}  // namespace mote::session
