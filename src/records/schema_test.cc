// Records files that are missing, foreign, damaged, locked, from the future, or in the way of kill -9.

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "records/database.h"
#include "records/testing.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::records {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Mode = Database::Mode;
constexpr std::chrono::milliseconds kImpatient{20};

class SchemaTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = (folder_.path() / "tuning.db").string();

  void write_file(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  std::string read_file() {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void run_sql(const std::string& sql) {
    SQLite::Database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
  }
  /// The message of the E thrown by opening, which must name the file.
  template <typename E>
  std::string refusal(Mode mode) {
    try {
      Database(path_, mode, kImpatient).trials({});
    } catch (const E& error) {
      EXPECT_THAT(error.what(), StartsWith(path_));
      return error.what();
    }
    ADD_FAILURE() << "was opened";
    return "";
  }
};

/// Drops root's rights for a while: root may write everything.
class AsNobody {
 public:
  AsNobody() : effective_(geteuid()) {
    if (effective_ == 0 && seteuid(65534) != 0) throw std::runtime_error("cannot become nobody");
  }
  ~AsNobody() { EXPECT_EQ(seteuid(effective_), 0); }

 private:
  uid_t effective_;
};

TEST_F(SchemaTest, ReadingAMissingFileIsAnError) {
  EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("no such records file"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SchemaTest, WritingNeedsAFolder) {
  path_ = (folder_.path() / "none/tuning.db").string();
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("there is no folder"));
}

TEST_F(SchemaTest, AFolderOrADeviceIsNoFile) {
  path_ = folder_.path().string();
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("is not a file"));
  path_ = (folder_.path() / "pipe").string();
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("is not a file"));
}

TEST_F(SchemaTest, AFileOfAnotherKindIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  write_file(text);
  EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("is not a mote records file"));
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("is not a mote records file"));
  EXPECT_EQ(read_file(), text);
}

TEST_F(SchemaTest, AnotherProgramsDatabaseIsRefusedAndLeftAlone) {
  run_sql("CREATE TABLE trials (patient TEXT)");
  const std::string before = read_file();
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("another program's"));
  EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("another program's"));
  EXPECT_EQ(read_file(), before);
}

TEST_F(SchemaTest, AnEmptyFileIsNewForAWriterAndNoRecordsForAReader) {
  write_file("");
  EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("is not a mote records file"));
  Database(path_, Mode::kWrite).add(std::vector{ok_trial("a", 1)});
  EXPECT_EQ(Database(path_, Mode::kRead).trials({}).size(), 1u);
}

TEST_F(SchemaTest, ANewerSchemaIsRefused) {
  Database(path_, Mode::kWrite);
  run_sql("PRAGMA user_version = 2");
  EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("newer mote (schema 2"));
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("newer mote (schema 2"));
}

TEST_F(SchemaTest, MissingTablesAndColumnsAreDamage) {
  Database(path_, Mode::kWrite);
  run_sql("ALTER TABLE trials DROP COLUMN ram_bytes");
  EXPECT_THAT(refusal<InputError>(Mode::kRead), AllOf(HasSubstr("damaged"), HasSubstr("ram_bytes")));
  run_sql("DROP TABLE trials");
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("no trials table"));
}

TEST_F(SchemaTest, ValuesNoTrialCanHaveAreDamage) {
  for (const char* change : {"status = 'great'", "all_cycles = 'many'", "all_cycles = '[1, -2]'",
                             "all_cycles = '[1.5]'", "flash_bytes = 5000000000"}) {
    std::filesystem::remove(path_);
    Database(path_, Mode::kWrite).add(std::vector{ok_trial("a", 1)});
    run_sql(std::string("UPDATE trials SET ") + change);
    EXPECT_THAT(refusal<InputError>(Mode::kRead), HasSubstr("damaged")) << change;
  }
}

TEST_F(SchemaTest, AnUnwritableFileIsRefusedBeforeTuningStarts) {
  Database(path_, Mode::kWrite).add(std::vector{ok_trial("a", 1)});
  ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
  const AsNobody nobody;
  EXPECT_THAT(refusal<InputError>(Mode::kWrite), HasSubstr("cannot be written"));
}

TEST_F(SchemaTest, AnUnwritableFolderIsRefusedForWritingAndFineForReading) {
  Database(path_, Mode::kWrite).add(std::vector{ok_trial("a", 1)});
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0555), 0);
  {
    const AsNobody nobody;
    EXPECT_EQ(Database(path_, Mode::kRead).trials({}).size(), 1u);
    EXPECT_NE(refusal<InputError>(Mode::kWrite), "");
    path_ = (folder_.path() / "new.db").string();
    EXPECT_NE(refusal<InputError>(Mode::kWrite), "");
  }
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
}

TEST_F(SchemaTest, PathsMayHoldAnyCharacter) {
  path_ = (folder_.path() / "50%41?mode=ro#x y.db").string();
  Database(path_, Mode::kWrite).add(std::vector{ok_trial("a", 1)});
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(Database(path_, Mode::kRead).trials({}).size(), 1u);
}

TEST_F(SchemaTest, ALockedFileIsAJobErrorAfterAWhile) {
  Database db(path_, Mode::kWrite, kImpatient);
  SQLite::Database other(path_, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  EXPECT_THAT(refusal<JobError>(Mode::kWrite), HasSubstr("another program has locked the records"));
  EXPECT_THROW(db.add(std::vector{ok_trial("a", 1)}), JobError);
  other.exec("ROLLBACK");
  db.add(std::vector{ok_trial("b", 1)});
  EXPECT_EQ(db.trials({}).size(), 1u);
}

TEST_F(SchemaTest, AMutatedFileIsReadOrRefusedButNeverCrashes) {
  Random fill(1);
  std::vector<Trial> trials;
  for (int i = 0; i < 60; ++i) trials.push_back(random_trial(fill));
  Database(path_, Mode::kWrite).add(trials);
  const std::string good = read_file();
  int refused = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string bad = good;
    for (uint64_t edits = random.between(1, 8); edits > 0; --edits) {
      const size_t reach = random.below(2) == 0 ? 200 : bad.size();  // the header is where most goes wrong
      bad[random.below(reach)] = static_cast<char>(random.bits());
    }
    if (random.below(4) == 0) bad.resize(random.below(bad.size()));
    write_file(bad);
    try {
      const Database db(path_, Mode::kRead, kImpatient);
      db.ranked({}, 100);
      db.summaries({});
      db.trials({});
    } catch (const InputError&) {
      ++refused;
    } catch (const JobError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
}

/// Runs `work` in a child process; returns its id.
template <typename Work>
pid_t start(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  return child;
}

TEST_F(SchemaTest, KilledAtAnyMomentLosesNoTrialThatWasAdded) {
  Random random(1);
  for (int round = 0; round < 15; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = start([&] {
      Database db(path_, Mode::kWrite);
      for (int i = 0;; ++i) {
        db.add(std::vector{ok_trial("a" + std::to_string(i), 1), ok_trial("b" + std::to_string(i), 1)});
        if (write(pipe_ends[1], "+", 1) != 1) _exit(1);
      }
    });
    close(pipe_ends[1]);
    const int wanted = static_cast<int>(random.below(40));
    char mark;
    int reported = 0;
    while (reported < wanted && read(pipe_ends[0], &mark, 1) == 1) ++reported;
    ASSERT_EQ(kill(child, SIGKILL), 0);
    while (read(pipe_ends[0], &mark, 1) == 1) ++reported;
    close(pipe_ends[0]);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);

    Database db(path_, Mode::kWrite);
    const size_t kept = db.trials({}).size();
    EXPECT_EQ(kept % 2, 0u) << "half a batch";
    EXPECT_GE(kept / 2, static_cast<size_t>(reported));
    EXPECT_LE(kept / 2, static_cast<size_t>(reported) + 1);
    db.prune({}, 0);
  }
}

TEST_F(SchemaTest, SeveralWritersShareOneNewFile) {
  std::vector<pid_t> children;
  for (int writer = 0; writer < 4; ++writer) {
    children.push_back(start([&] {
      Database db(path_, Mode::kWrite);
      for (int i = 0; i < 20; ++i) db.add(std::vector{ok_trial(std::to_string(writer) + "/" + std::to_string(i), 1)});
    }));
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(Database(path_, Mode::kRead).ranked({}, 1000).size(), 80u);
}

}  // namespace
}  // namespace mote::records
