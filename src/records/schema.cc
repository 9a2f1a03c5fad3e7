#include "records/schema.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

namespace mote::records {
namespace {

constexpr int kApplicationId = 0x6d6f7465;  // "mote"; the file command and we ourselves know a records file by it

constexpr const char* kCreate = R"(
CREATE TABLE trials (
  id               INTEGER PRIMARY KEY,
  workload         TEXT NOT NULL,
  template_version TEXT NOT NULL,
  target           TEXT NOT NULL,
  board            TEXT NOT NULL,
  via              TEXT NOT NULL,
  compiler         TEXT NOT NULL,
  flags            TEXT NOT NULL,
  knobs            TEXT NOT NULL,
  status           TEXT NOT NULL,
  cycles           INTEGER NOT NULL CHECK (cycles >= 0),
  all_cycles       TEXT NOT NULL,
  flash_bytes      INTEGER NOT NULL CHECK (flash_bytes >= 0),
  ram_bytes        INTEGER NOT NULL CHECK (ram_bytes >= 0),
  error            TEXT NOT NULL,
  build_seconds    REAL NOT NULL,
  load_seconds     REAL NOT NULL,
  run_seconds      REAL NOT NULL,
  time             INTEGER NOT NULL
) STRICT;
CREATE INDEX trials_by_point ON trials (workload, knobs);
CREATE INDEX trials_by_cycles ON trials (workload, status, cycles);
)";

namespace fs = std::filesystem;

/// Whether SQLite had to open a file we asked to write read-only.
bool is_read_only(SQLite::Database& db) {
  return sqlite3_db_readonly(db.getHandle(), "main") != 0;
}

void require_usable_path(const std::string& path, Database::Mode mode) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw InputError(path, "is not a file; records are kept in a single SQLite file");
  }
  if (!fs::exists(status) && mode == Database::Mode::kRead) {
    throw InputError(path, "there is no such records file; `mote tune --records FILE` makes one");
  }
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    throw InputError(path, "cannot be created: there is no folder '" + folder.string() + "'");
  }
}

/// A WAL database in a folder we may not write can only be read as a file that nobody changes.
bool must_be_immutable(const std::string& path) {
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  std::error_code ignored;
  return faccessat(AT_FDCWD, folder.c_str(), W_OK, AT_EACCESS) != 0 && !fs::exists(path + "-wal", ignored);
}

/// SQLite's file: URI of a path, so that no character of the path is taken for an option.
std::string uri_of(const std::string& path, const char* options) {
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string()) {
    if (c == '?' || c == '#' || c == '%') {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned>(c));
      uri += escaped;
    } else {
      uri += c;
    }
  }
  return uri + options;
}

SQLite::Database open_file(const std::string& path, Database::Mode mode, int patience) {
  if (mode == Database::Mode::kWrite) {
    return {uri_of(path, ""), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI, patience};
  }
  return {uri_of(path, must_be_immutable(path) ? "?immutable=1" : ""), SQLite::OPEN_READONLY | SQLite::OPEN_URI,
          patience};
}

int pragma(SQLite::Database& db, const std::string& name) {
  return db.execAndGet("PRAGMA " + name).getInt();
}

bool has_tables(SQLite::Database& db) {
  return db.execAndGet("SELECT count(*) FROM sqlite_master").getInt() > 0;
}

void require_ours(SQLite::Database& db, const std::string& path) {
  if (pragma(db, "application_id") != kApplicationId) {
    throw InputError(path, "is not a mote records file: it is empty or another program's SQLite database");
  }
  const int version = pragma(db, "user_version");
  if (version > kSchemaVersion) {
    throw InputError(path, "was written by a newer mote (schema " + std::to_string(version) +
                               ", this one knows up to " + std::to_string(kSchemaVersion) +
                               "); use that one, or its `mote records export`");
  }
  if (version < 1 || !db.tableExists("trials")) throw InputError(path, "is damaged: it has no trials table");
}

void create(SQLite::Database& db) {
  db.exec(kCreate);
  db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

/// Under the writer's lock, so that of two programs that find no file one creates the tables and the other sees them.
void prepare_for_writing(SQLite::Database& db, const std::string& path) {
  if (is_read_only(db)) throw InputError(path, "cannot be written: the file is read-only");
  db.exec("PRAGMA synchronous = FULL");
  {
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    if (pragma(db, "application_id") == 0 && pragma(db, "user_version") == 0 && !has_tables(db)) create(db);
    require_ours(db, path);
    transaction.commit();
  }
  // Readers and a writer do not wait for each other in this mode. Should another program hold the file at this moment,
  // the next one to open it switches; until then the file works in the older mode, as safely.
  sqlite3_exec(db.getHandle(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
}

}  // namespace

void rethrow(const std::string& path, const SQLite::Exception& failure) {
  const std::string text = failure.what();
  switch (failure.getErrorCode() & 0xff) {
    case SQLITE_NOTADB:
      throw InputError(path, "is not a mote records file (nor any SQLite database)");
    case SQLITE_CORRUPT:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:  // a table or column that is not what it should be
      throw InputError(path, "is damaged (" + text + "); sqlite3's .recover may save what is left");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw InputError(path, "cannot be written (" + text + ")");
    case SQLITE_CANTOPEN:
      throw InputError(path, "cannot be opened (" + text + "); may its folder be written?");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw JobError(path + ": another program has locked the records (" + text + ")");
    case SQLITE_FULL:
      throw JobError(path + ": the disk is full");
    default:
      throw JobError(path + ": " + text);
  }
}

SQLite::Database open_records(const std::string& path, Database::Mode mode, std::chrono::milliseconds patience) {
  require_usable_path(path, mode);
  return guarded(path, [&] {
    SQLite::Database db = open_file(path, mode, static_cast<int>(patience.count()));
    db.exec("PRAGMA trusted_schema = OFF");
    if (mode == Database::Mode::kWrite)
      prepare_for_writing(db, path);
    else
      require_ours(db, path);
    const SQLite::Statement columns(db,
                                    std::string("SELECT ") + kColumns + " FROM trials");  // fails when one is missing
    return db;
  });
}

}  // namespace mote::records
