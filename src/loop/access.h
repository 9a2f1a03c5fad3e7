// When a program needs each byte of its memory, and what follows from it: how closely its operands may overlap.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loop/ir.h"

namespace mote::loop {

/// When each byte of a buffer holds something that is still wanted: from its first access to its last one, both
/// included, in moments of the program. Inputs are there from the beginning, outputs stay to the end. Never too short.
struct Lives {
  std::vector<int32_t> from, to;  // by byte; to < from: never wanted
};

/// The lives of all inputs and outputs by name, and of the whole workspace as kWorkspaceName (when there is any).
std::map<std::string, Lives> lives_of(const Program& program);
inline constexpr const char* kWorkspaceName = "workspace";

/// The least d for which the two may share memory whenever `upper` begins d or more bytes above the beginning of
/// `lower`; at most lower's size, where they do not overlap at all.
int64_t safe_distance(const Lives& upper, const Lives& lower);

/// Whether the two may share memory when they begin at the same address.
bool may_coincide(const Lives& a, const Lives& b);

}  // namespace mote::loop
