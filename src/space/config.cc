#include "space/config.h"

#include "support/error.h"

namespace mote::space {
namespace {

const int64_t* find(const Config& config, std::string_view name) {
  for (const auto& [knob, value] : config.values) {
    if (knob == name) return &value;
  }
  return nullptr;
}

}  // namespace

int64_t Config::at(std::string_view name) const {
  const int64_t* value = find(*this, name);
  check(value != nullptr, "config has no knob '" + std::string(name) + "'");
  return *value;
}

int64_t Config::get(std::string_view name, int64_t otherwise) const {
  const int64_t* value = find(*this, name);
  return value != nullptr ? *value : otherwise;
}

}  // namespace mote::space
