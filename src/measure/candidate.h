// One candidate kernel from config to object code: the part of a trial that needs no board.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "loop/ir.h"
#include "records/outcome.h"
#include "space/config.h"
#include "toolchain/toolchain.h"

namespace mote::measure {

/// A compiled kernel, or why there is none.
struct Candidate {
  records::Outcome
      outcome;  // status kOk so far, or the failure; build_seconds, flash_bytes and ram_bytes are filled in
  std::optional<loop::Program> program;
  std::vector<toolchain::Object> objects;  // code and constants; none when it failed
};

/// Name of every candidate's function.
inline constexpr const char* kCandidateFunction = "mote_candidate";

/// Changes a candidate's C before it is compiled: see sabotage.h.
using EditSource = std::function<std::string(const space::Config& config, std::string source)>;

/// The program for a config, with the given name; throws loop::ScheduleError when the config is illegal after all.
using Lower = std::function<loop::Program(const space::Config& config, const std::string& function_name)>;

/// Lowers, emits and compiles, constants apart from the code as in a deployed library. Never throws for what the config
/// or the compiler did.
Candidate build_candidate(const Lower& lower, const space::Config& config, toolchain::Toolchain& toolchain,
                          const std::vector<std::string>& flags, const EditSource& edit = {});

}  // namespace mote::measure
