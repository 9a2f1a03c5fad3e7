// Nothing outlives mote, and nothing measured is lost, when it is killed in the middle of tuning.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "e2e/mote.h"
#include "gtest/gtest.h"
#include "support/files.h"
#include "support/random.h"

namespace mote::tests {

namespace {

using std::chrono::steady_clock;

const char* const kMark = "MOTE_TEST_MARK";

/// Processes whose environment holds our mark: mote and all that it started. Zombies have no environment.
std::vector<pid_t> marked(const std::string& mark) {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string environment{std::istreambuf_iterator<char>(file), {}};
    if (environment.find(std::string(kMark) + "=" + mark) != std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

/// Whether `done` comes true within a minute.
template <typename Done>
bool within_a_minute(Done done) {
  const auto end = steady_clock::now() + std::chrono::minutes(1);
  while (steady_clock::now() < end) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

/// Starts mote without any of our own means against orphans.
pid_t start_mote(const std::vector<std::string>& arguments, const std::string& mark) {
  std::vector<std::string> words = {MOTE_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    setenv(kMark, mark.c_str(), 1);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  return pid;
}

int64_t trials_in(const std::string& records) {
  const CommandResult result = run_mote({"records", "list", records, "--json"});
  if (result.exit_code != 0) return 0;
  int64_t trials = 0;
  const nlohmann::json document = nlohmann::json::parse(result.out);
  for (const nlohmann::json& workload : document.at("workloads")) trials += workload.at("trials").get<int64_t>();
  return trials;
}

class Killed : public testing::TestWithParam<int> {};

TEST_P(Killed, LeavesNoProcessAndLosesNoTrial) {
  const TemporaryFolder folder;
  const std::string records = folder.path() / "tuning.db";
  const std::string mark = std::to_string(getpid()) + "-" + std::to_string(GetParam());
  const pid_t pid = start_mote({"tune", source_file("examples/digits/digits.tflite"), "--board", "nucleo-f746zg",
                                "--records", records, "--trials", "100000", "--repeats", "1"},
                               mark);
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(within_a_minute([&] { return trials_in(records) >= 8; }));
  EXPECT_TRUE(within_a_minute([&] { return marked(mark).size() > 1; })) << "mote starts processes of its own";
  const int64_t before = trials_in(records);
  kill(pid, GetParam());
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(within_a_minute([&] { return marked(mark).empty(); }));
  EXPECT_GE(trials_in(records), before);

  const CommandResult next = run_mote({"tune", source_file("examples/digits/digits.tflite"), "--board", "nucleo-f746zg",
                                       "--records", records, "--trials", "2"});
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_GT(trials_in(records), before);
}

INSTANTIATE_TEST_SUITE_P(Signals, Killed, testing::Values(SIGKILL, SIGINT, SIGTERM));

/// MOTE_KILLS: how many times; a few by default.
int kills_wanted() {
  const char* wanted = std::getenv("MOTE_KILLS");
  return wanted == nullptr ? 3 : std::max(1, std::atoi(wanted));
}

TEST(KilledAtRandomMoments, LeavesNoProcessAndASoundFileAndLosesNoTrial) {
  const TemporaryFolder folder;
  const std::string records = folder.path() / "tuning.db";
  const uint64_t seed = static_cast<uint64_t>(getpid());
  Random random(seed);
  int64_t before = 0;
  for (int round = 0; round < kills_wanted(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    const std::string mark = std::to_string(getpid()) + "-random-" + std::to_string(round);
    const pid_t pid = start_mote({"tune", source_file("examples/digits/digits.tflite"), "--board", "nucleo-f746zg",
                                  "--records", records, "--trials", "100000", "--repeats", "1", "--batch", "2"},
                                 mark);
    ASSERT_GT(pid, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(1, 3000)));
    before = std::max(before, trials_in(records));  // whatever is in the file by now must stay in it
    kill(pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(within_a_minute([&] { return marked(mark).empty(); }));
    EXPECT_GE(trials_in(records), before);
    if (std::filesystem::exists(records)) {
      const CommandResult listed = run_mote({"records", "list", records});
      EXPECT_EQ(listed.exit_code, 0) << listed.err;
    }
  }
  const CommandResult next = run_mote({"tune", source_file("examples/digits/digits.tflite"), "--board", "nucleo-f746zg",
                                       "--records", records, "--trials", "2"});
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_GT(trials_in(records), before);
}

}  // namespace

}  // namespace mote::tests
