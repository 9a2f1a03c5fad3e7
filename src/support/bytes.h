// Raw tensor bytes and typed views of them. Everything mote handles is little-endian, as every supported target is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "support/error.h"

namespace mote {

using Bytes = std::vector<std::byte>;

/// A copy of `bytes` as values of T; the size must be a multiple of sizeof(T).
template <typename T>
std::vector<T> to_values(std::span<const std::byte> bytes) {
  check(bytes.size() % sizeof(T) == 0, "byte count is not a multiple of the element size");
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// The bytes of `values`, in order.
template <typename T>
Bytes to_bytes(std::span<const T> values) {
  Bytes bytes(values.size_bytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
template <typename T>
Bytes to_bytes(const std::vector<T>& values) {
  return to_bytes(std::span<const T>(values));
}

}  // namespace mote
