// Constant data as an object file, written without a compiler: weights need not be printed as C and read again for
// every candidate.
#pragma once

#include <string>
#include <vector>

#include "toolchain/toolchain.h"

namespace mote::toolchain {

struct Constant {
  std::string symbol;      // global
  uint32_t alignment = 1;  // a power of two
  Bytes bytes;             // as they lie in memory
};

/// A relocatable object with one section of constants, for the machine that `like` was compiled for. Throws InputError
/// when `like` is no ELF file.
Object constants_object(const std::string& name, const std::vector<Constant>& constants, const Object& like);

}  // namespace mote::toolchain
