// The three kinds of failure, and their three mechanisms.
//
//   bad input (a model, a board file, an option)      throw InputError    the program ends with exit code 2
//   the job could not be done (fault, dead probe ...) throw JobError      the program ends with exit code 1
//   our own bug                                       check(...)          the program aborts
//
// A candidate kernel that does not fit, build, finish or match is none of these: it is a value (see records/outcome.h).
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mote {

/// Input from outside is wrong. `where` names the file, and inside it the line, tensor or operator; `what` says what is
/// wrong and what to do about it. The message reads "where: what".
class InputError : public std::runtime_error {
 public:
  InputError(const std::string& where, const std::string& what);
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

/// The input was right and the job failed all the same: a fault on the board, a missing compiler, a mismatch, a full
/// disk.
class JobError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Aborts with `message` and the caller's place when `condition` is false: only for what our own code got wrong.
void check(bool condition, std::string_view message, std::source_location where = std::source_location::current());

/// Aborts: a place that cannot be reached unless our own code is wrong.
[[noreturn]] void unreachable(std::string_view message, std::source_location where = std::source_location::current());

}  // namespace mote
