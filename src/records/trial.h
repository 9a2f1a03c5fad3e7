// One trial as the records keep it: what was tried, where, and what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "records/outcome.h"

namespace mote::records {

/// What a result depends on besides the workload and the knobs.
struct Setting {
  std::string target;    // "cortex-m7"
  std::string board;     // "nucleo-f746zg"
  std::string via;       // the way it was reached, without an address: "sim", "openocd"
  std::string compiler;  // name and version: "arm-none-eabi-gcc 12.2.1"
  std::string flags;     // its flags, in order, separated by blanks
  bool operator==(const Setting&) const = default;
};

struct Trial {
  std::string workload;          // its key; equal keys have equal spaces and comparable cycles
  std::string template_version;  // of the template that made the kernel: "conv2d 3"; "" when it has none
  Setting setting;
  std::string knobs;  // the config as text: space::Space::text_of()
  Outcome outcome;
  int64_t time = 0;  // when it ended, milliseconds since 1970
  bool operator==(const Trial&) const = default;
};

/// Which trials are meant: those equal in every field that is given.
struct Query {
  std::optional<std::string> workload, template_version, target, board, via, compiler, flags;
};

/// The trials of one workload under exactly these circumstances.
inline Query exactly(const std::string& workload, const std::string& template_version, const Setting& setting) {
  return {workload, template_version, setting.target, setting.board, setting.via, setting.compiler, setting.flags};
}

}  // namespace mote::records
