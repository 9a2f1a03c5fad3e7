#include "records/database.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "records/schema.h"

namespace mote::records {
namespace {

/// Best first; a total order over what was measured, so that it does not depend on the order of the rows.
constexpr const char* kBestFirst =
    " ORDER BY cycles, flash_bytes, ram_bytes, workload, knobs, template_version, target, board, via, compiler, flags, "
    "time";

constexpr const char* kSettingColumns = "workload, template_version, target, board, via, compiler, flags";

/// Of a trial t: another of the same setting takes no more of anything, and less of something or was there before.
constexpr const char* kBeaten =
    "EXISTS (SELECT 1 FROM trials o WHERE o.status = 'ok' AND o.workload = t.workload"
    " AND o.template_version = t.template_version AND o.target = t.target AND o.board = t.board AND o.via = t.via"
    " AND o.compiler = t.compiler AND o.flags = t.flags AND o.cycles <= t.cycles AND o.flash_bytes <= t.flash_bytes"
    " AND o.ram_bytes <= t.ram_bytes AND (o.cycles < t.cycles OR o.flash_bytes < t.flash_bytes"
    " OR o.ram_bytes < t.ram_bytes OR o.id < t.id))";

/// The conditions of a query as SQL, with the values to bind.
struct Where {
  std::string sql = " WHERE 1";
  std::vector<std::string> values;

  explicit Where(const Query& query) {
    add("workload", query.workload);
    add("template_version", query.template_version);
    add("target", query.target);
    add("board", query.board);
    add("via", query.via);
    add("compiler", query.compiler);
    add("flags", query.flags);
  }
  void add(const std::string& column, const std::optional<std::string>& value) {
    if (!value) return;
    sql += " AND t." + column + " = ?";
    values.push_back(*value);
  }
  void bind(SQLite::Statement& statement) const {
    for (size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i) + 1, values[i]);
  }
};

std::string text_of(const std::vector<uint64_t>& cycles) {
  return nlohmann::json(cycles).dump();
}

std::optional<std::vector<uint64_t>> parse_cycles(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array()) return std::nullopt;
  std::vector<uint64_t> cycles;
  for (const nlohmann::json& item : json) {
    if (!item.is_number_unsigned()) return std::nullopt;
    cycles.push_back(item.get<uint64_t>());
  }
  return cycles;
}

/// Reads a row whose first kColumnCount columns are kColumns. Another program may have written it, so nothing is taken
/// on trust.
class Row {
 public:
  Row(const std::string& path, SQLite::Statement& statement) : path_(path), statement_(statement) {}

  Trial trial() {
    Trial t;
    t.workload = text();
    t.template_version = text();
    t.setting = {text(), text(), text(), text(), text()};
    t.knobs = text();
    const std::string status_name = text();
    const std::optional<Status> status = status_named(status_name);
    if (!status) fail("has the unknown status '" + status_name + "'");
    t.outcome.status = *status;
    t.outcome.cycles = natural(std::numeric_limits<int64_t>::max(), "cycles");
    const std::optional<std::vector<uint64_t>> all = parse_cycles(text());
    if (!all) fail("has all_cycles that are no list of numbers");
    t.outcome.all_cycles = *all;
    t.outcome.flash_bytes = static_cast<uint32_t>(natural(std::numeric_limits<uint32_t>::max(), "flash_bytes"));
    t.outcome.ram_bytes = static_cast<uint32_t>(natural(std::numeric_limits<uint32_t>::max(), "ram_bytes"));
    t.outcome.error = text();
    t.outcome.build_seconds = next().getDouble();
    t.outcome.load_seconds = next().getDouble();
    t.outcome.run_seconds = next().getDouble();
    t.time = next().getInt64();
    return t;
  }

 private:
  SQLite::Column next() { return statement_.getColumn(column_++); }
  std::string text() { return next().getString(); }
  uint64_t natural(uint64_t most, const char* name) {
    const SQLite::Column column = next();
    const int64_t value = column.getInt64();
    if (!column.isInteger() || value < 0 || static_cast<uint64_t>(value) > most) {
      fail(std::string("has ") + name + " that no trial can have");
    }
    return static_cast<uint64_t>(value);
  }
  [[noreturn]] void fail(const std::string& what) const { throw InputError(path_, "is damaged: a trial " + what); }

  const std::string& path_;
  SQLite::Statement& statement_;
  int column_ = 0;
};

void bind(SQLite::Statement& statement, const Trial& t) {
  int i = 0;
  for (const std::string* text : {&t.workload, &t.template_version, &t.setting.target, &t.setting.board, &t.setting.via,
                                  &t.setting.compiler, &t.setting.flags, &t.knobs}) {
    statement.bind(++i, *text);
  }
  check(t.outcome.cycles <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()), "a trial of too many cycles");
  statement.bind(++i, std::string(name_of(t.outcome.status)));
  statement.bind(++i, static_cast<int64_t>(t.outcome.cycles));
  statement.bind(++i, text_of(t.outcome.all_cycles));
  statement.bind(++i, static_cast<int64_t>(t.outcome.flash_bytes));
  statement.bind(++i, static_cast<int64_t>(t.outcome.ram_bytes));
  statement.bind(++i, t.outcome.error);
  statement.bind(++i, t.outcome.build_seconds);
  statement.bind(++i, t.outcome.load_seconds);
  statement.bind(++i, t.outcome.run_seconds);
  statement.bind(++i, t.time);
}

}  // namespace

struct Database::Impl {
  std::string path;
  mutable SQLite::Database db;

  /// Runs `insert` (with kColumns as its parameters) for each trial in one transaction; returns the rows that came in.
  size_t insert(const std::string& sql, std::span<const Trial> trials) {
    return guarded(path, [&] {
      SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
      SQLite::Statement statement(db, sql);
      size_t added = 0;
      for (const Trial& trial : trials) {
        bind(statement, trial);
        added += static_cast<size_t>(statement.exec());
        statement.reset();
      }
      transaction.commit();
      return added;
    });
  }

  /// Calls `visit` with the trials of `sql` until it returns false.
  template <typename Visit>
  void select(const std::string& tail, const Where& where, const Visit& visit) const {
    guarded(path, [&] {
      SQLite::Statement statement(db, std::string("SELECT ") + kColumns + " FROM trials t" + where.sql + tail);
      where.bind(statement);
      while (statement.executeStep()) {
        if (!visit(Row(path, statement).trial())) break;
      }
    });
  }
};

Database::Database(const std::string& path, Mode mode, std::chrono::milliseconds patience)
    : impl_(new Impl{path, open_records(path, mode, patience)}) {}
Database::~Database() = default;
Database::Database(Database&&) noexcept = default;

const std::string& Database::path() const {
  return impl_->path;
}

void Database::add(std::span<const Trial> trials) {
  std::string marks = "?";
  for (int i = 1; i < kColumnCount; ++i) marks += ", ?";
  impl_->insert(std::string("INSERT INTO trials (") + kColumns + ") VALUES (" + marks + ")", trials);
}

size_t Database::merge(std::span<const Trial> trials) {
  std::string marks = "?1";
  for (int i = 2; i <= kColumnCount; ++i) marks += ", ?" + std::to_string(i);
  return impl_->insert(std::string("INSERT INTO trials (") + kColumns + ") SELECT " + marks +
                           " WHERE NOT EXISTS (SELECT 1 FROM trials WHERE workload = ?1 AND knobs = ?8"
                           " AND template_version = ?2 AND target = ?3 AND board = ?4 AND via = ?5 AND compiler = ?6"
                           " AND flags = ?7 AND status = ?9 AND cycles = ?10 AND time = ?18)",
                       trials);
}

size_t Database::prune(const Query& query, size_t keep) {
  return guarded(impl_->path, [&] {
    const Where where(query);
    const std::string beaten = keep == 0 ? "1" : kBeaten;
    const std::string ranked = std::string("SELECT id, row_number() OVER (PARTITION BY ") + kSettingColumns +
                               kBestFirst + ", id) AS place, " + beaten + " AS beaten FROM trials t" + where.sql +
                               " AND t.status = 'ok'";
    SQLite::Statement statement(impl_->db, "DELETE FROM trials AS t" + where.sql +
                                               " AND t.status != 'wrong result' AND t.id NOT IN (SELECT id FROM (" +
                                               ranked + ") WHERE place <= ? OR NOT beaten)");
    int parameter = 0;
    for (int times = 0; times < 2; ++times) {
      for (const std::string& value : where.values) statement.bind(++parameter, value);
    }
    statement.bind(++parameter, static_cast<int64_t>(keep));
    const int removed = statement.exec();
    return static_cast<size_t>(removed);
  });
}

void Database::each(const Query& query, const std::function<void(const Trial&)>& visit) const {
  impl_->select(" ORDER BY id", Where(query), [&](const Trial& trial) {
    visit(trial);
    return true;
  });
}

std::vector<Trial> Database::trials(const Query& query) const {
  std::vector<Trial> found;
  each(query, [&](const Trial& trial) { found.push_back(trial); });
  return found;
}

std::optional<Trial> Database::best(const Query& query) const {
  std::vector<Trial> found = ranked(query, 1);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Trial> Database::ranked(const Query& query, size_t most) const {
  const std::string tail =
      std::string(
          " AND status = 'ok' AND NOT EXISTS (SELECT 1 FROM trials w WHERE w.workload = t.workload AND w.knobs = "
          "t.knobs"
          " AND w.template_version = t.template_version AND w.target = t.target AND w.compiler = t.compiler"
          " AND w.flags = t.flags AND w.status = 'wrong result')") +
      kBestFirst;
  std::vector<Trial> found;
  std::set<std::vector<std::string>> seen;
  if (most == 0) return found;
  impl_->select(tail, Where(query), [&](Trial trial) {
    const Setting& s = trial.setting;
    if (seen.insert(
                {trial.workload, trial.template_version, s.target, s.board, s.via, s.compiler, s.flags, trial.knobs})
            .second) {
      found.push_back(std::move(trial));
    }
    return found.size() < most;
  });
  return found;
}

std::vector<Database::Summary> Database::summaries(const Query& query) const {
  return guarded(impl_->path, [&] {
    const Where where(query);
    SQLite::Statement statement(
        impl_->db, std::string("SELECT ") + kSettingColumns +
                       ", count(*), sum(status != 'ok'), min(CASE WHEN status = 'ok' THEN cycles END) FROM trials t" +
                       where.sql + " GROUP BY " + kSettingColumns + " ORDER BY " + kSettingColumns);
    where.bind(statement);
    std::vector<Summary> found;
    while (statement.executeStep()) {
      const auto text = [&](int column) { return statement.getColumn(column).getString(); };
      Summary summary{text(0), text(1), {text(2), text(3), text(4), text(5), text(6)}, 0, 0, {}};
      summary.trials = static_cast<size_t>(statement.getColumn(7).getInt64());
      summary.failed = static_cast<size_t>(statement.getColumn(8).getInt64());
      if (!statement.getColumn(9).isNull()) {
        summary.best_cycles = static_cast<uint64_t>(statement.getColumn(9).getInt64());
      }
      found.push_back(std::move(summary));
    }
    return found;
  });
}

}  // namespace mote::records
