// The records file as SQLite sees it: opening, checking and creating it. Private to the room.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <string>

#include "records/database.h"
#include "support/error.h"

namespace mote::records {

/// All columns but the id, in the order the room reads and writes them.
inline constexpr const char* kColumns =
    "workload, template_version, target, board, via, compiler, flags, knobs, status, cycles, all_cycles, flash_bytes, "
    "ram_bytes, error, build_seconds, load_seconds, run_seconds, time";
inline constexpr int kColumnCount = 18;

/// What SQLite's failure means to the user of `path`.
[[noreturn]] void rethrow(const std::string& path, const SQLite::Exception& failure);

/// Runs `work` and translates SQLite's failures.
template <typename Work>
auto guarded(const std::string& path, const Work& work) {
  try {
    return work();
  } catch (const SQLite::Exception& failure) {
    rethrow(path, failure);
  }
}

/// Opens `path`, creates the tables when it is new, and checks that it is ours. Errors as in database.h.
SQLite::Database open_records(const std::string& path, Database::Mode mode, std::chrono::milliseconds patience);

}  // namespace mote::records
