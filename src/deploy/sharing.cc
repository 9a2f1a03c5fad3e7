#include "deploy/sharing.h"

#include <algorithm>
#include <map>
#include <string>

#include "loop/access.h"

namespace mote::deploy {

Sharing sharing_of(const loop::Program& program) {
  const std::map<std::string, loop::Lives> lives = loop::lives_of(program);
  std::vector<std::pair<int, const loop::Lives*>> operands;
  int inputs = 0;
  for (const loop::Buffer& b : program.buffers) {
    if (b.kind == loop::Buffer::Kind::kInput) operands.emplace_back(inputs++, &lives.at(b.name));
    if (b.kind == loop::Buffer::Kind::kOutput) operands.emplace_back(kOutput, &lives.at(b.name));
  }
  if (lives.count(loop::kWorkspaceName) > 0) operands.emplace_back(kScratch, &lives.at(loop::kWorkspaceName));

  Sharing sharing;
  sharing.in_place.assign(static_cast<size_t>(inputs), false);
  for (const auto& [upper, above] : operands) {
    for (const auto& [lower, below] : operands) {
      if (upper == lower || (upper >= 0 && lower >= 0)) continue;
      const int64_t distance = loop::safe_distance(*above, *below);
      if (distance < static_cast<int64_t>(below->from.size())) sharing.pairs.push_back({upper, lower, distance});
      if (upper >= 0 && lower == kOutput) {
        sharing.in_place[static_cast<size_t>(upper)] = loop::may_coincide(*above, *below);
      }
    }
  }
  return sharing;
}

Footprint footprint_of(const loop::Program& program) {
  Footprint footprint{static_cast<int64_t>(program.workspace_bytes()), 1, sharing_of(program)};
  for (const loop::Buffer& b : program.buffers) {
    if (b.kind == loop::Buffer::Kind::kWorkspace)
      footprint.alignment = std::max<int64_t>(footprint.alignment, b.alignment);
  }
  return footprint;
}

}  // namespace mote::deploy
