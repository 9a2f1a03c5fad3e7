#include "cli/tune_progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/describe.h"
#include "cli/terminal.h"

namespace mote::cli {

namespace {

using tune::Progress;
using tune::Status;
using tune::TaskProgress;

constexpr size_t kLeastWidth = 40;

size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// The first `width` columns of a UTF-8 text; "…" in the last one when it was longer.
std::string cut(const std::string& text, size_t width) {
  if (columns_of(text) <= width) return text;
  std::string kept;
  size_t columns = 0;
  for (const char c : text) {
    if ((c & 0xc0) != 0x80 && ++columns > width - 1) break;
    kept += c;
  }
  return kept + "…";
}

std::string padded(const std::string& text, size_t width) {
  const std::string kept = cut(text, width);
  return kept + std::string(width - columns_of(kept), ' ');
}

std::string cycles_text(const std::optional<uint64_t>& cycles) {
  return cycles ? grouped(static_cast<int64_t>(*cycles)) : "-";
}

std::string per_mac_text(const TaskProgress& task) {
  if (!task.best_cycles || task.task->macs <= 0) return "-";
  return fmt::format("{:.3f}", static_cast<double>(*task.best_cycles) / static_cast<double>(task.task->macs));
}

/// How near the task is to what the multiplier could do; more than 100 % where an algorithm needs fewer products.
std::string limit_text(const TaskProgress& task) {
  if (!task.best_cycles || *task.best_cycles == 0 || task.task->limit <= 0) return "-";
  return fmt::format("{:.0f} %", 100 * task.task->limit / static_cast<double>(*task.best_cycles));
}

/// "2 build, 1 fault".
std::string errors_text(const TaskProgress& task) {
  std::string text;
  for (int i = 1; i < records::kStatusCount; ++i) {
    const Status status = static_cast<Status>(i);
    if (task.count(status) == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", task.count(status), tune::name_of(status));
  }
  return text;
}

/// How much faster than the fallback: "2.41x"; nothing to say without both.
std::string gain_text(const std::optional<uint64_t>& before, const std::optional<uint64_t>& after) {
  if (!before || !after || *after == 0) return "-";
  return fmt::format("{:.2f}x", static_cast<double>(*before) / static_cast<double>(*after));
}

std::string title_of(const tune::Task& task) {
  const std::string title = printable(task.title.empty() ? task.workload : task.title);
  return task.occurrences == 1 ? title : fmt::format("{} (x{})", title, task.occurrences);
}

/// Cycles a task has in the whole model; one without a success counts as the costliest.
uint64_t weight_of(const TaskProgress& task) {
  if (!task.best_cycles) return UINT64_MAX;
  return *task.best_cycles * static_cast<uint64_t>(task.task->occurrences);
}

/// The tasks to show, in their order: all, or the current one and the costliest.
std::vector<size_t> shown_tasks(const Progress& progress, size_t most) {
  std::vector<size_t> order(progress.tasks.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if ((progress.current == a) != (progress.current == b)) return progress.current == a;
    return weight_of(progress.tasks[a]) > weight_of(progress.tasks[b]);
  });
  order.resize(std::min(order.size(), most));
  std::sort(order.begin(), order.end());
  return order;
}

/// Columns for the tasks' failures by kind.
size_t errors_width(const Progress& progress) {
  size_t width = 6;
  for (const TaskProgress& task : progress.tasks) width = std::max(width, errors_text(task).size());
  return width;
}

std::string task_line(const Progress& progress, size_t index, size_t width) {
  const TaskProgress& task = progress.tasks[index];
  const std::string figures =
      fmt::format("{:>11} {:>7} {:>8} {:>7} {:>6} {:>{}}", cycles_text(task.best_cycles), per_mac_text(task),
                  limit_text(task), gain_text(task.fallback_cycles, task.best_cycles), task.known + task.trials,
                  errors_text(task), errors_width(progress));
  const char* mark = progress.current == index ? "> " : task.finished ? "= " : "  ";
  const size_t room = width > figures.size() + 3 ? width - figures.size() - 3 : 1;
  return cut(mark + padded(title_of(*task.task), room) + " " + figures, width);
}

std::string heading_line(const Progress& progress, size_t width) {
  const std::string figures = fmt::format("{:>11} {:>7} {:>8} {:>7} {:>6} {:>{}}", "best cycles", "per MAC", "of limit",
                                          "gain", "trials", "errors", errors_width(progress));
  const size_t room = width > figures.size() + 3 ? width - figures.size() - 3 : 1;
  return cut("  " + padded("task", room) + " " + figures, width);
}

std::string bar_line(const Progress& progress, size_t width) {
  const std::string figures =
      fmt::format(" {}/{}  {:.1f} trials/s  {} left", progress.trials, progress.most_trials,
                  progress.trials_per_second(), progress.seconds_left ? duration_text(*progress.seconds_left) : "-");
  if (width < figures.size() + 12) return cut(figures.substr(1), width);
  const size_t room = width - figures.size() - 2;
  const double share =
      progress.most_trials == 0 ? 1 : static_cast<double>(progress.trials) / static_cast<double>(progress.most_trials);
  const size_t full = static_cast<size_t>(static_cast<double>(room) * std::clamp(share, 0.0, 1.0));
  return "[" + std::string(full, '#') + std::string(room - full, '.') + "]" + figures;
}

std::string total_line(const Progress& progress) {
  const std::optional<uint64_t> total = progress.total_cycles();
  return fmt::format("  whole model: {} cycles after {}", cycles_text(total), duration_text(progress.seconds));
}

/// The terminal's columns and rows.
std::pair<size_t, size_t> size_of(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {100, 24};
  return {size.ws_col, size.ws_row};
}

}  // namespace

std::string duration_text(double seconds) {
  const int64_t whole = std::llround(std::clamp(seconds, 0.0, 1e9));
  const int64_t hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::vector<std::string> progress_picture(const Progress& progress, size_t width, size_t height) {
  width = std::max(width, kLeastWidth);
  const size_t most_tasks = std::max<size_t>(height, 3) - 3 + (height > 4 ? 0 : 1);
  std::vector<std::string> lines;
  if (height > 4) lines.push_back(heading_line(progress, width));
  for (const size_t task : shown_tasks(progress, most_tasks)) lines.push_back(task_line(progress, task, width));
  lines.push_back(cut(total_line(progress), width));
  lines.push_back(bar_line(progress, width));
  return lines;
}

std::string progress_line(const Progress& progress) {
  std::string line = fmt::format("{}/{} trials", progress.trials, progress.most_trials);
  if (progress.current) {
    const TaskProgress& task = progress.tasks[*progress.current];
    line += fmt::format("  {}: {} cycles", title_of(*task.task), cycles_text(task.best_cycles));
  }
  const std::optional<uint64_t> total = progress.total_cycles();
  if (total) line += fmt::format("  whole model: {} cycles", cycles_text(total));
  line += fmt::format("  {:.1f} trials/s", progress.trials_per_second());
  if (progress.seconds_left) line += "  " + duration_text(*progress.seconds_left) + " left";
  return line;
}

std::string summary_table(const tune::Result& result) {
  Table table({"task", ">occurs", ">fallback", ">best cycles", ">gain", ">per MAC", ">of limit", ">trials", "errors"});
  std::optional<uint64_t> before = 0;
  for (const TaskProgress& task : result.progress.tasks) {
    const std::optional<uint64_t>& fallback = task.fallback_cycles;
    if (!fallback) before.reset();
    if (before) *before += *fallback * static_cast<uint64_t>(task.task->occurrences);
    table.add({printable(task.task->title.empty() ? task.task->workload : task.task->title),
               std::to_string(task.task->occurrences), cycles_text(fallback), cycles_text(task.best_cycles),
               gain_text(fallback, task.best_cycles), per_mac_text(task), limit_text(task),
               std::to_string(task.known + task.trials), errors_text(task)});
  }
  const std::optional<uint64_t> after = result.progress.total_cycles();
  table.add({"whole model", "", cycles_text(before), cycles_text(after), gain_text(before, after), "", "",
             std::to_string(result.progress.trials)});
  return table.text();
}

ProgressView::ProgressView(std::FILE* stream, bool enabled)
    : stream_(stream), enabled_(enabled), is_terminal_(::isatty(::fileno(stream)) == 1) {}

ProgressView::~ProgressView() {
  std::fflush(stream_);
}

void ProgressView::show(const Progress& progress) {
  if (!enabled_) return;
  if (is_terminal_) {
    draw(progress);
  } else {
    log(progress);
  }
}

void ProgressView::clear() {
  if (drawn_lines_ > 0) fmt::print(stream_, "\x1b[{}A\r\x1b[J", drawn_lines_);
  drawn_lines_ = 0;
  std::fflush(stream_);
}

/// One write, so that the terminal does not show half a picture.
void ProgressView::draw(const Progress& progress) {
  const auto [width, height] = size_of(stream_);
  std::string text = drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r", drawn_lines_) : "";
  const std::vector<std::string> lines = progress_picture(progress, width, height - 1);
  for (const std::string& line : lines) text += line + "\x1b[K\n";
  text += "\x1b[J";
  drawn_lines_ = lines.size();
  std::fwrite(text.data(), 1, text.size(), stream_);
  std::fflush(stream_);
}

void ProgressView::log(const Progress& progress) {
  constexpr double kMostSilence = 30;
  const size_t tenth = progress.most_trials == 0 ? 10 : progress.trials * 10 / progress.most_trials;
  if (tenth == logged_tenth_ && progress.seconds - logged_seconds_ < kMostSilence) return;
  logged_tenth_ = tenth;
  logged_seconds_ = progress.seconds;
  fmt::print(stream_, "{}\n", progress_line(progress));
  std::fflush(stream_);
}

}  // namespace mote::cli
