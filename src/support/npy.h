// NumPy's .npy files: one array with its type and shape
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/bytes.h"

namespace mote {

enum class NpyType : uint8_t { kInt8, kFloat32 };

/// An array in row-major order, little-endian.
struct NpyArray {
  NpyType type = NpyType::kInt8;
  std::vector<int64_t> shape = {};  // empty: a scalar
  Bytes data = {};
  bool operator==(const NpyArray&) const = default;
};

/// Reads format versions 1 to 3, int8 and little-endian float32, row-major. Throws InputError naming `file` for
/// anything else, saying which call in NumPy makes an array that fits.
NpyArray parse_npy(std::span<const std::byte> bytes, const std::string& file);

/// The array as a file of format version 1, as numpy.save() writes it. `data` must have the size that `shape` states.
Bytes npy_of(const NpyArray& array);

/// Whether `bytes` begin as an .npy file does.
bool is_npy(std::span<const std::byte> bytes);

}  // namespace mote
