// Several boards of one kind, with a session on each: work goes to whichever board is free. A board that fails is set
// aside, connected anew after a pause that grows from failure to failure, and reported; its work goes to the others.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "device/device.h"
#include "session/session.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::session {

struct PoolOptions {
  std::chrono::milliseconds first_pause{500};  // of a board that has failed; doubled with each failure in a row ...
  std::chrono::milliseconds longest_pause{30'000};   // ... up to this
  std::chrono::milliseconds patience{120'000};       // how long jobs wait while no board at all is in service
  unsigned attempts = 2;                             // a job whose board fails this often is to blame itself
  const std::atomic<bool>* stop = nullptr;           // set from outside: no further job is begun
  std::function<void(const std::string&)> on_event;  // "sim is set aside: ..."; one call at a time, from any thread
  std::filesystem::path cache_folder;                // of the toolchains; "" for none
};

/// What became of one board.
struct BoardState {
  std::string via;
  bool in_service = false;
  size_t jobs = 0;         // done
  size_t failures = 0;     // times it was set aside
  std::string last_error;  // of the last of these
};

/// Use from one thread at a time.
class Pool {
 public:
  using Job = std::function<void(Session& session, size_t index)>;
  enum class End : uint8_t { kDone, kLost, kNotBegun };
  struct JobEnd {
    End end = End::kNotBegun;  // kNotBegun: only after `stop`
    std::string error;         // kLost: what the last connection said
  };

  /// Connects to all of `vias`. Throws InputError for a via that is not one, ConnectionError when no board answers, and
  /// JobError when none of them can be worked with.
  Pool(const std::vector<std::string>& vias, const target::Board& board, PoolOptions options = {});
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Runs jobs 0 to count - 1, begun in this order, each on one board, several at once; a job that throws
  /// ConnectionError is begun again on another board or when its own is back. Throws what else a job throws, and
  /// ConnectionError when the run before lost jobs because its patience for boards to come back was at an end.
  std::vector<JobEnd> run(size_t count, const Job& job);

  std::vector<BoardState> boards() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Bench;
  struct Work;

  void connect(Bench& bench);
  void serve(Bench& bench, Work& work);
  bool bring_back(Bench& bench, Work& work, std::unique_lock<std::mutex>& lock);
  void set_aside(Bench& bench, const std::string& error);
  bool out_of_patience() const;
  void give_up(Work& work);
  bool stopping() const { return options_.stop != nullptr && *options_.stop; }

  target::Board board_;
  PoolOptions options_;
  std::vector<std::unique_ptr<Bench>> benches_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Clock::time_point> none_since_;  // since when no board is in service
  bool abandoned_ = false;                       // the last run ended for want of boards
};

}  // namespace mote::session
