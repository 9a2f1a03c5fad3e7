#include "support/subprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support/error.h"
#include "support/files.h"

namespace mote {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr milliseconds kPatience{20'000};

CommandResult shell(const std::string& script, milliseconds limit = milliseconds(0)) {
  Command command;
  command.arguments = {"sh", "-c", script};
  command.limit = limit;
  return run_command(command);
}

/// The process ids in `file`, once there are `count` of them.
std::vector<pid_t> process_ids(const std::filesystem::path& file, size_t count) {
  std::vector<pid_t> ids;
  for (const auto end = steady_clock::now() + kPatience; ids.size() < count && steady_clock::now() < end;) {
    std::this_thread::sleep_for(milliseconds(5));
    ids.clear();
    std::ifstream stream(file);
    for (pid_t id; stream >> id;) ids.push_back(id);
  }
  return ids;
}

bool gone(pid_t id) {
  for (const auto end = steady_clock::now() + kPatience; steady_clock::now() < end;) {
    if (::kill(id, 0) != 0 && errno == ESRCH) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

// A child, its background child, and one that left for a session of its own: what kills by group or parent misses the
// last.
std::string family(const std::filesystem::path& file) {
  return "echo $$ >> " + file.string() + "; sleep 1000 & echo $! >> " + file.string() + "; setsid sh -c 'echo $$ >> " +
         file.string() + "; exec sleep 1000' & wait";
}

TEST(RunCommand, GivesOutputErrorAndExitCode) {
  const CommandResult result = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_FALSE(result.ok());
  EXPECT_TRUE(shell("true").ok());
}

TEST(RunCommand, TellsTheSignal) {
  EXPECT_EQ(shell("kill -TERM $$").signal, SIGTERM);
}

TEST(RunCommand, NoShellTouchesTheArguments) {
  Command command;
  command.arguments = {"printf", "%s|", "$HOME", "a b", "", "`x`", "\"'"};
  EXPECT_EQ(run_command(command).out, "$HOME|a b||`x`|\"'|");
}

TEST(RunCommand, PassesLargeInputAndOutput) {
  Command command;
  command.arguments = {"cat"};
  for (int i = 0; i < 300'000; ++i) command.input += std::to_string(i) + "\n";
  EXPECT_EQ(run_command(command).out, command.input);
  command.output_limit = 1000;
  EXPECT_EQ(run_command(command).out, command.input.substr(0, 1000));
  command.arguments = {"true"};  // does not read its input
  EXPECT_TRUE(run_command(command).ok());
}

TEST(RunCommand, SetsEnvironmentAndFolder) {
  Command command;
  command.arguments = {"sh", "-c", "echo $MOTE_TEST_VALUE; pwd"};
  command.environment = {{"MOTE_TEST_VALUE", "a b"}};
  command.folder = "/";
  EXPECT_EQ(run_command(command).out, "a b\n/\n");
}

TEST(RunCommand, NamesAMissingProgram) {
  Command command;
  command.arguments = {"no-such-program-anywhere"};
  try {
    run_command(command);
    FAIL() << "no exception";
  } catch (const JobError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no-such-program-anywhere: no such program"));
  }
  const TemporaryFolder folder;
  write_file(folder.path() / "bad", "#!/no/interpreter\n");
  std::filesystem::permissions(folder.path() / "bad", std::filesystem::perms::owner_all);
  command.arguments = {(folder.path() / "bad").string()};
  EXPECT_THROW(run_command(command), JobError);
  command.arguments = {"true"};
  command.folder = "/no/such/folder";
  EXPECT_THROW(run_command(command), JobError);
  command.folder = "";
  command.arguments = {"true", std::string(1'000'000, 'x')};
  EXPECT_THROW(run_command(command), JobError);
}

TEST(RunCommand, EndsAtItsLimitWithAllItStarted) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "ids";
  const CommandResult result = shell(family(file), milliseconds(1500));
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.ok());
  const std::vector<pid_t> ids = process_ids(file, 3);
  ASSERT_EQ(ids.size(), 3u);
  for (pid_t id : ids) EXPECT_TRUE(gone(id)) << id;
}

TEST(RunCommand, LeavesNothingBehindAtANormalEnd) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "ids";
  EXPECT_TRUE(shell("setsid sleep 1000 >/dev/null 2>&1 & echo $! >> " + file.string()).ok());
  const std::vector<pid_t> ids = process_ids(file, 1);
  ASSERT_EQ(ids.size(), 1u);
  EXPECT_TRUE(gone(ids[0]));
}

TEST(RunCommand, FromManyThreads) {
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &good] {
      for (int i = 0; i < 25; ++i) {
        const std::string word = std::to_string(t * 1000 + i);
        good[t] += shell("echo " + word).out == word + "\n";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, std::vector<int>(4, 25));
}

// The heart of the matter: we are killed with SIGKILL while a command and its descendants run.
TEST(Processes, DoNotOutliveAKilledParent) {
  for (const bool background : {false, true}) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "ids";
    const pid_t victim = ::fork();
    if (victim == 0) {
      Command command;
      command.arguments = {"sh", "-c", family(file)};
      if (background) {
        const BackgroundProcess process(command);
        ::pause();
      }
      run_command(command);
      ::_exit(0);
    }
    const std::vector<pid_t> ids = process_ids(file, 3);
    ASSERT_EQ(ids.size(), 3u);
    for (pid_t id : ids) EXPECT_EQ(::kill(id, 0), 0) << "not running before the kill: " << id;
    ::kill(victim, SIGKILL);
    ::waitpid(victim, nullptr, 0);
    for (pid_t id : ids) EXPECT_TRUE(gone(id)) << id;
  }
}

TEST(BackgroundProcess, WaitsForALine) {
  Command command;
  command.arguments = {"sh", "-c", "echo one; echo port 1234 >&2; sleep 1000"};
  BackgroundProcess process(command);
  EXPECT_EQ(process.wait_for_line([](const std::string& line) { return line.starts_with("port"); }, kPatience),
            "port 1234");
  EXPECT_EQ(process.wait_for_line([](const std::string& line) { return line == "never"; }, milliseconds(10)),
            std::nullopt);
  EXPECT_TRUE(process.running());
  process.kill();
  EXPECT_FALSE(process.running());
  EXPECT_THAT(process.output(), HasSubstr("one\n"));
}

TEST(BackgroundProcess, ItsEndIsSeen) {
  Command command;
  command.arguments = {"sh", "-c", "echo gone"};
  BackgroundProcess process(command);
  EXPECT_EQ(process.wait_for_line([](const std::string&) { return false; }, kPatience), std::nullopt);
  for (const auto end = steady_clock::now() + kPatience; process.running() && steady_clock::now() < end;) {
  }
  EXPECT_FALSE(process.running());
}

TEST(FindProgram, LooksInPath) {
  EXPECT_TRUE(find_program("sh"));
  EXPECT_FALSE(find_program(""));
  EXPECT_FALSE(find_program("/etc/passwd"));
  EXPECT_FALSE(find_program("/"));
}

}  // namespace
}  // namespace mote
