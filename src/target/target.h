// A target is a CPU: what it can do, and how a compiler is told about it. How fast it does it is in target/pipeline.h.
#pragma once

#include <string>
#include <vector>

namespace mote::target {

/// Loaded from targets/NAME.toml.
struct Target {
  std::string name;                // "cortex-m7"
  std::string description;         // one line, for people
  std::string isa;                 // "armv6-m", "armv7-m", "armv7e-m", "armv8-m.main", "host"
  bool dsp = false;                // SMLAD, SXTB16, SSAT ...
  bool fpu = false;                // single-precision FPU
  std::vector<std::string> flags;  // compiler flags: -mcpu=..., -mthumb, -mfpu=..., -mfloat-abi=...
  std::string pipeline;            // name of its pipeline model, "" when it has none: "m7", "m4"

  /// Whether it is an Arm Cortex-M (anything but the computer mote runs on).
  bool cortex_m() const { return isa != "host"; }
};

/// `name_or_file`: a shipped target's name, or a path (it has a slash or ends in .toml). Throws InputError naming file
/// and line.
Target load_target(const std::string& name_or_file);

/// Names of the shipped targets, sorted.
std::vector<std::string> target_names();

}  // namespace mote::target
