// TOML files from outside, read strictly: a missing key, a wrong type, a value out of range and a key nobody asked for
// are InputErrors that name the file and the line. (toml++ stays in toml.cc.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mote {

/// One table of a TOML file. Cheap to copy; keeps the parsed file alive. Every accessor marks its key as known.
class TomlTable {
 public:
  /// The root table of a file. Throws InputError when it cannot be read or parsed.
  static TomlTable load(const std::filesystem::path& file);
  /// The root table of `text`; `file` is the name used in errors.
  static TomlTable parse(std::string_view text, const std::string& file);

  bool has(std::string_view key) const;
  /// The string at `key`, which must exist; or `otherwise` when it does not.
  std::string text(std::string_view key) const;
  std::string text(std::string_view key, const std::string& otherwise) const;
  /// The string at `key`, which must be one of `allowed`. Returns its index.
  size_t one_of(std::string_view key, const std::vector<std::string>& allowed) const;
  bool flag(std::string_view key, bool otherwise) const;
  /// The integer at `key`, in [lo, hi].
  int64_t integer(std::string_view key, int64_t lo, int64_t hi) const;
  int64_t integer(std::string_view key, int64_t lo, int64_t hi, int64_t otherwise) const;
  /// A 32-bit address.
  uint32_t address(std::string_view key) const;
  uint32_t address(std::string_view key, uint32_t otherwise) const;
  /// A number of bytes: an integer, or a string such as "64K" or "2M" (powers of 1024).
  uint32_t size(std::string_view key) const;
  uint32_t size(std::string_view key, uint32_t otherwise) const;
  double number(std::string_view key, double lo, double hi, double otherwise) const;
  /// A list of strings; empty when absent.
  std::vector<std::string> texts(std::string_view key) const;
  /// A list of integers, each in [lo, hi]; empty when absent.
  std::vector<int64_t> integers(std::string_view key, int64_t lo, int64_t hi) const;
  /// The sub-table at `key`; an empty table when absent, so that its defaults apply.
  TomlTable table(std::string_view key) const;
  /// The tables of `[[key]]`; empty when absent.
  std::vector<TomlTable> tables(std::string_view key) const;
  /// All keys, in the order of their names (marks nothing).
  std::vector<std::string> keys() const;

  /// The line of the file in which the value at `key` ends; 0 when there is none.
  int last_line(std::string_view key) const;
  /// Throws InputError "FILE:LINE: what" for the value at `key` (for the table itself when there is none).
  [[noreturn]] void fail(std::string_view key, const std::string& what) const;
  /// Throws InputError when the table or one of its sub-tables has a key that no accessor asked for.
  void reject_unknown_keys() const;

 private:
  struct State;
  explicit TomlTable(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace mote
