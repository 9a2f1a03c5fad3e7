// The records file: every trial ever measured, one row each, in SQLite (docs/records.md has the schema). Written as
// trials end; several programs may use one file at a time. The file comes from outside: all of it is checked.
//
// Errors, from every call, naming the file. InputError: it is missing, foreign, damaged, from a newer mote, or cannot
// be written. JobError: it is locked by another program, or the disk failed.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "records/trial.h"

namespace mote::records {

inline constexpr int kSchemaVersion = 1;

class Database {
 public:
  enum class Mode : uint8_t { kRead, kWrite };

  /// Opens the records in `path`. kWrite creates the file when it does not exist and fails now rather than at the first
  /// trial when it cannot be written. `patience`: how long to wait for another program's lock.
  Database(const std::string& path, Mode mode, std::chrono::milliseconds patience = std::chrono::seconds(20));
  ~Database();
  Database(Database&&) noexcept;

  const std::string& path() const;

  /// Adds trials, all or none; on the disk when it returns.
  void add(std::span<const Trial> trials);
  /// Adds those that are not there already (equal in all but error text and times spent); returns how many that were.
  size_t merge(std::span<const Trial> trials);
  /// Removes, of each workload in each setting, failures and all but the `keep` fastest points, and those that budgets
  /// may want: no other is as fast and as small in flash and in RAM (unless `keep` is 0). Returns how many it removed.
  /// A point that gave a wrong result stays, so that it is not chosen later.
  size_t prune(const Query& query, size_t keep);

  /// The trials in the order they were added.
  std::vector<Trial> trials(const Query& query) const;
  /// Calls `visit` for each trial in the order they were added, one at a time in memory.
  void each(const Query& query, const std::function<void(const Trial&)>& visit) const;
  /// The fastest trial; among equals the smallest, so that the order of measuring does not matter. A point that ever
  /// gave a wrong result with the same template, target, compiler and flags is not chosen, on whatever board that was.
  std::optional<Trial> best(const Query& query) const;
  /// The same, down to the `most`-th: one trial per point and setting, the best first.
  std::vector<Trial> ranked(const Query& query, size_t most) const;

  struct Summary {
    std::string workload, template_version;
    Setting setting;
    size_t trials = 0, failed = 0;
    std::optional<uint64_t> best_cycles;
  };
  /// One entry per workload and setting, sorted.
  std::vector<Summary> summaries(const Query& query) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mote::records
