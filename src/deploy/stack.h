// How much stack a firmware's functions take, from its machine code: compiled C, assembly and the compiler's helpers
// alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "toolchain/elf.h"

namespace mote::deploy {

/// Bytes of stack that a call of `function` takes at most, with everything it calls; interrupts come on top. Nothing
/// when the image has no such function, or when it cannot be told: something calls itself, or through a pointer.
std::optional<uint32_t> stack_bound(const toolchain::Image& image, const std::string& function);

}  // namespace mote::deploy
