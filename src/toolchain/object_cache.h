// Compiled objects, found again by what they were made from. A folder of files, shared by any number of processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/bytes.h"

namespace mote::toolchain {

/// 128 bits of FNV-1a over all `parts` and their lengths, as 32 hexadecimal digits.
std::string content_hash(const std::vector<std::string>& parts);

class ObjectCache {
 public:
  /// Keeps at most about `limit` bytes in `folder`, which is made when needed.
  ObjectCache(std::filesystem::path folder, uint64_t limit);
  /// Nothing when it is not there, or damaged.
  std::optional<Bytes> find(const std::string& key);
  /// A cache that cannot be written is no error: it only is slower.
  void store(const std::string& key, const Bytes& object);

 private:
  void shrink();
  std::filesystem::path folder_;
  uint64_t limit_;
  uint64_t stored_since_shrink_;
};

}  // namespace mote::toolchain
