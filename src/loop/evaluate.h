// Runs a loop program, slowly and literally: the meaning that primitives must keep and that emitted C must match.
#pragma once

#include <map>
#include <string>

#include "loop/ir.h"

namespace mote::loop {

/// `inputs` by buffer name; gives the bytes of every output buffer. Every index is checked: a violation aborts, as does
/// Invoke (an external function has no meaning here).
std::map<std::string, Bytes> evaluate(const Program& program, const std::map<std::string, Bytes>& inputs);

}  // namespace mote::loop
