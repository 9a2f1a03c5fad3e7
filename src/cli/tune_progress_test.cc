#include "cli/tune_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/random.h"

namespace mote::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

size_t columns_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

class TuneProgress : public ::testing::Test {
 protected:
  TuneProgress() {
    tasks_[0].workload = "conv key";
    tasks_[0].title = "conv_2d 32x32x16 -> 32x32x16 3x3";
    tasks_[0].macs = 2'359'296;
    tasks_[0].occurrences = 2;
    tasks_[1].workload = "softmax key";
    progress_.tasks.resize(2);
    for (size_t i = 0; i < 2; ++i) progress_.tasks[i].task = &tasks_[i];
    tune::TaskProgress& conv = progress_.tasks[0];
    conv.fallback_cycles = 3'000'000;
    conv.best_cycles = 1'245'678;
    conv.known = 10;
    conv.trials = 40;
    conv.by_status = {36, 0, 3, 0, 0, 1, 0, 0, 0};
    progress_.current = 0;
    progress_.trials = 40;
    progress_.most_trials = 160;
    progress_.seconds = 10;
    progress_.seconds_left = 30;
  }

  tune::Task tasks_[2];
  tune::Progress progress_;
};

TEST_F(TuneProgress, Durations) {
  EXPECT_EQ(duration_text(0), "0:00");
  EXPECT_EQ(duration_text(7.4), "0:07");
  EXPECT_EQ(duration_text(750), "12:30");
  EXPECT_EQ(duration_text(10931), "3:02:11");
  EXPECT_EQ(duration_text(-5), "0:00");
}

TEST_F(TuneProgress, Picture) {
  EXPECT_THAT(
      progress_picture(progress_, 90, 20),
      ElementsAre("  task                        best cycles per MAC of limit    gain trials           errors",
                  "> conv_2d 32x32x16 -> 32x32x…   1,245,678   0.528        -   2.41x     50 3 build, 1 fault",
                  "  softmax key                           -       -        -       -      0                 ",
                  "  whole model: - cycles after 0:10",
                  "[##############..........................................] 40/160  4.0 trials/s  0:30 left"));
}

TEST_F(TuneProgress, PictureFitsAnyTerminal) {
  Random random(1);
  std::vector<tune::Task> tasks(30);
  for (int round = 0; round < 300; ++round) {
    tune::Progress progress = progress_;
    progress.tasks.clear();
    for (tune::Task& task : tasks) {
      task.title = std::string(random.below(120), 'x') + "→";
      tune::TaskProgress entry;
      entry.task = &task;
      if (random.below(3) > 0) entry.best_cycles = random.bits() >> random.below(64);
      progress.tasks.push_back(entry);
    }
    progress.current = random.below(tasks.size());
    const size_t width = 40 + random.below(160), height = 3 + random.below(60);
    const std::vector<std::string> lines = progress_picture(progress, width, height);
    EXPECT_LE(lines.size(), height);
    for (const std::string& line : lines) EXPECT_LE(columns_of(line), width) << line;
    const size_t current = static_cast<size_t>(
        std::count_if(lines.begin(), lines.end(), [](const std::string& l) { return l[0] == '>'; }));
    EXPECT_EQ(current, 1u) << height;
  }
}

TEST_F(TuneProgress, Line) {
  progress_.tasks[1].best_cycles = 100;
  EXPECT_EQ(progress_line(progress_),
            "40/160 trials  conv_2d 32x32x16 -> 32x32x16 3x3 (x2): 1,245,678 cycles  whole model: 2,491,456 cycles"
            "  4.0 trials/s  0:30 left");
  EXPECT_EQ(progress_line(tune::Progress{}), "0/0 trials  whole model: 0 cycles  0.0 trials/s");
}

TEST_F(TuneProgress, Summary) {
  progress_.tasks[1].best_cycles = progress_.tasks[1].fallback_cycles = 100;
  const std::string text = summary_table({progress_, tune::Ended::kTrials, ""});
  EXPECT_THAT(text, HasSubstr("3 build, 1 fault"));
  EXPECT_THAT(text, AllOf(HasSubstr("6,000,100"), HasSubstr("2,491,456")));
}

TEST_F(TuneProgress, NamesCannotDriveTheTerminal) {
  tasks_[0].title = "conv\x1b[2J\n";
  for (const std::string& line : progress_picture(progress_, 90, 20)) {
    EXPECT_THAT(line, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n"))));
  }
}

/// What a view writes to a stream that is no terminal.
template <typename Use>
std::string written(bool enabled, const Use& use) {
  std::FILE* file = std::tmpfile();
  {
    ProgressView view(file, enabled);
    use(view);
  }
  std::string text(static_cast<size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file), text.size());
  std::fclose(file);
  return text;
}

TEST_F(TuneProgress, OffATerminalThereAreFewPlainLines) {
  const std::string text = written(true, [&](ProgressView& view) {
    for (size_t trials = 0; trials <= 160; ++trials) {
      progress_.trials = trials;
      progress_.seconds = static_cast<double>(trials) / 4;
      view.show(progress_);
    }
  });
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, StartsWith("16/160 trials"));
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_GE(lines, 10);
  EXPECT_LE(lines, 12);
}

TEST_F(TuneProgress, SilentWhenDisabled) {
  EXPECT_THAT(written(false, [&](ProgressView& view) { view.show(progress_); }), IsEmpty());
}

}  // namespace
}  // namespace mote::cli
