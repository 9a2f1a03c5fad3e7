// Text for people: colour, numbers, tables.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace mote::cli {

enum class Style { kHeading, kDim, kGood, kNotice, kBad };

/// `text` in a style when `stream` is a terminal that shows colour (and NO_COLOR is not set), as it is otherwise.
std::string styled(const std::string& text, Style style, std::FILE* stream = stdout);

/// "12,501,632".
std::string grouped(int64_t number);

/// Rows of cells under a header, printed in columns as wide as their widest cell.
class Table {
 public:
  /// A column's title; a '>' before it (">MACs") aligns the column to the right.
  explicit Table(const std::vector<std::string>& titles);
  /// A cell for each column; those missing at the end are empty.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// The table with `indent` spaces before every line; the header is styled for `stream`.
  std::string text(int indent = 2, std::FILE* stream = stdout) const;
  /// The table as Markdown.
  std::string markdown() const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mote::cli
