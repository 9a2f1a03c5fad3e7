#include "support/error.h"

#include <cstdio>
#include <cstdlib>

namespace mote {

InputError::InputError(const std::string& where, const std::string& what)
    : std::runtime_error(where.empty() ? what : where + ": " + what), where_(where) {}

void check(bool condition, std::string_view message, std::source_location where) {
  if (!condition) unreachable(message, where);
}

void unreachable(std::string_view message, std::source_location where) {
  std::fprintf(stderr, "mote: internal error at %s:%u: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
               static_cast<int>(message.size()), message.data());
  std::abort();
}

}  // namespace mote
