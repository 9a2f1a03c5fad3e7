#include "measure/candidate.h"

#include <chrono>

#include "codegen/emit.h"
#include "toolchain/constants.h"

namespace mote::measure {

using records::Outcome;
using records::Status;

namespace {

std::vector<toolchain::Constant> constants_of(const loop::Program& program) {
  std::vector<toolchain::Constant> constants;
  for (const loop::Buffer& buffer : program.buffers) {
    if (buffer.kind != loop::Buffer::Kind::kConstant) continue;
    const size_t alignment = std::max(static_cast<size_t>(buffer.alignment), size_of(buffer.type));
    constants.push_back({codegen::constant_symbol(program, buffer), static_cast<uint32_t>(alignment), buffer.data});
  }
  return constants;
}

}  // namespace

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
    toolchain::Source source{"candidate.c", codegen::emit_kernel(*candidate.program, false)};
    if (edit) source.text = edit(config, std::move(source.text));
    toolchain::CompileResult compiled = toolchain.compile(source, flags);
    outcome.ram_bytes = static_cast<uint32_t>(candidate.program->workspace_bytes());
    if (compiled.ok()) {
      candidate.objects.push_back(std::move(*compiled.object));
      const std::vector<toolchain::Constant> constants = constants_of(*candidate.program);
      if (!constants.empty()) {
        candidate.objects.push_back(toolchain::constants_object("constants", constants, candidate.objects.front()));
      }
      for (const toolchain::Object& object : candidate.objects) outcome.flash_bytes += object.sizes.flash();
    } else {
      outcome.status = Status::kBuild;
      outcome.error = compiled.messages;
    }
  }
  outcome.build_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return candidate;
}

}  // namespace mote::measure
