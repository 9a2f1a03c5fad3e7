#include "records/outcome.h"

#include <array>

namespace mote::records {
namespace {

constexpr std::array<std::string_view, kStatusCount> kNames = {"ok",    "illegal", "build",        "too large", "load",
                                                               "fault", "timeout", "wrong result", "connection"};

}  // namespace

std::string_view name_of(Status status) {
  return kNames.at(static_cast<size_t>(status));
}

std::optional<Status> status_named(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Status>(i);
  }
  return std::nullopt;
}

}  // namespace mote::records
