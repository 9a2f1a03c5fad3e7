#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace mote::cli {

namespace {

bool shows_colour(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return ::isatty(::fileno(stream)) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

const char* code_of(Style style) {
  switch (style) {
    case Style::kHeading:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kNotice:
      return "\x1b[33m";
    case Style::kBad:
      return "\x1b[31m";
  }
  return "";
}

// Columns a UTF-8 text takes: its characters.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string styled(const std::string& text, Style style, std::FILE* stream) {
  if (!shows_colour(stream)) return text;
  return code_of(style) + text + "\x1b[0m";
}

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  const size_t first = text[0] == '-' ? 1 : 0;
  for (size_t place = text.size(); place > first + 3;) {
    place -= 3;
    text.insert(place, ",");
  }
  return text;
}

Table::Table(const std::vector<std::string>& titles) {
  for (const std::string& title : titles) {
    right_.push_back(title.starts_with('>'));
    titles_.push_back(right_.back() ? title.substr(1) : title);
  }
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(titles_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(int indent, std::FILE* stream) const {
  std::vector<size_t> widths;
  for (size_t column = 0; column < titles_.size(); ++column) {
    widths.push_back(width_of(titles_[column]));
    for (const std::vector<std::string>& row : rows_) widths[column] = std::max(widths[column], width_of(row[column]));
  }
  const auto line_of = [&](const std::vector<std::string>& cells) {
    std::string line(static_cast<size_t>(indent), ' ');
    for (size_t column = 0; column < cells.size(); ++column) {
      const std::string fill(widths[column] - width_of(cells[column]), ' ');
      line += (column == 0 ? "" : "  ") + (right_[column] ? fill + cells[column] : cells[column] + fill);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  std::string text = styled(line_of(titles_), Style::kDim, stream) + "\n";
  for (const std::vector<std::string>& row : rows_) text += line_of(row) + "\n";
  return text;
}

std::string Table::markdown() const {
  const auto line_of = [](const std::vector<std::string>& cells) {
    std::string line = "|";
    for (const std::string& cell : cells) line += " " + cell + " |";
    return line + "\n";
  };
  std::string text = line_of(titles_) + "|";
  for (const bool right : right_) text += right ? "---:|" : "---|";
  text += "\n";
  for (const std::vector<std::string>& row : rows_) text += line_of(row);
  return text;
}

}  // namespace mote::cli
