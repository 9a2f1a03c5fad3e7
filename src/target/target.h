// A target is a CPU: what it can do, and how a compiler is told about it. How fast it does it is in target/pipeline.h.
#pragma once

#include <string>
#include <vector>

namespace mote::target {

/// Loaded from targets/NAME.toml.
struct Target {
  std::string name;                // "cortex-m7"
  std::string isa;                 // "armv6-m", "armv7-m", "armv7e-m", "armv8-m.main", "host"
  bool dsp = false;                // SMLAD, SXTB16, SSAT ...
  bool fpu = false;                // single-precision FPU
  std::vector<std::string> flags;  // compiler flags: -mcpu=..., -mthumb, -mfpu=..., -mfloat-abi=...
  std::string pipeline;            // name of its pipeline model, "" when it has none: "m7", "m4"
};

/// Throws InputError naming the file and line.
Target load_target(const std::string& name_or_file);

/// Names of the shipped targets, sorted.
std::vector<std::string> target_names();

}  // namespace mote::target
