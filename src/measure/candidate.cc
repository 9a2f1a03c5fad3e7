#include "measure/candidate.h"

#include <chrono>

#include "codegen/emit.h"

namespace mote::measure {

using records::Outcome;
using records::Status;

Candidate build_candidate(const Lower& lower, const space::Config& config, toolchain::Toolchain& toolchain,
                          const std::vector<std::string>& flags, const EditSource& edit) {
  const auto begin = std::chrono::steady_clock::now();
  Candidate candidate;
  Outcome& outcome = candidate.outcome;
  try {
    candidate.program = lower(config, kCandidateFunction);
  } catch (const loop::ScheduleError& error) {
    outcome.status = Status::kIllegal;
    outcome.error = error.what();
  }
  if (candidate.program) {
    toolchain::Source source{"candidate.c", codegen::emit_kernel(*candidate.program)};
    if (edit) source.text = edit(config, std::move(source.text));
    toolchain::CompileResult compiled = toolchain.compile(source, flags);
    outcome.ram_bytes = static_cast<uint32_t>(candidate.program->workspace_bytes());
    if (compiled.ok()) {
      const toolchain::Sizes& sizes = compiled.object->sizes;
      outcome.flash_bytes = static_cast<uint32_t>(sizes.text + sizes.rodata + sizes.data);
      candidate.object = std::move(compiled.object);
    } else {
      outcome.status = Status::kBuild;
      outcome.error = compiled.messages;
    }
  }
  outcome.build_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return candidate;
}

}  // namespace mote::measure
