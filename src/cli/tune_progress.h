// What `mote tune` shows while it runs and when it is done: a picture redrawn in place on a terminal, plain lines
// elsewhere. On standard error, so that standard output stays free for --json.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "tune/progress.h"

namespace mote::cli {

/// The picture: a line per task with its best cycles, cycles per MAC, trials and errors, then the bar over all trials
/// with trials per second and time left. No line is longer than `width` columns, there are at most `height` of them (at
/// least 3): of too many tasks the current and the costliest are shown. Plain text, without colours.
std::vector<std::string> progress_picture(const tune::Progress& progress, size_t width, size_t height);

/// One line for a log: "128/500 trials  conv_2d …: 12,345 cycles  4.2 trials/s  1:28 left".
std::string progress_line(const tune::Progress& progress);

/// The table when it is over: fallback and best cycles of each task, what was gained, cycles per MAC and what share of
/// the multiplier's limit that is, trials, errors by kind, and the
/// whole model's cycles.
std::string summary_table(const tune::Result& result);

/// "0:07", "12:30", "3:02:11".
std::string duration_text(double seconds);

/// Draws progress on a stream: as a picture when it is a terminal, else a line whenever a tenth of the trials is done
/// or half a minute has passed. To be fed by tune::Options::on_progress.
class ProgressView {
 public:
  /// `enabled` false: shows nothing at all (--quiet).
  explicit ProgressView(std::FILE* stream = stderr, bool enabled = true);
  /// Leaves the last picture standing.
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void show(const tune::Progress& progress);
  /// Takes the picture off the screen, so that something else can be printed; show() draws it anew.
  void clear();

 private:
  void draw(const tune::Progress& progress);
  void log(const tune::Progress& progress);

  std::FILE* stream_;
  bool enabled_, is_terminal_;
  size_t drawn_lines_ = 0;
  size_t logged_tenth_ = 0;
  double logged_seconds_ = 0;
};

}  // namespace mote::cli
