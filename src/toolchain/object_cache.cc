#include "toolchain/object_cache.h"

#include <fmt/core.h>

#include <algorithm>

#include "support/error.h"
#include "support/files.h"

namespace mote::toolchain {

namespace fs = std::filesystem;

namespace {

// A file is the object and then its own hash, so that a damaged one is seen.
constexpr size_t kHashSize = 32;

std::string hash_of(std::span<const std::byte> bytes) {
  return content_hash({std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
}

}  // namespace

std::string content_hash(const std::vector<std::string>& parts) {
  const unsigned __int128 prime = (static_cast<unsigned __int128>(1) << 88) + 0x13B;
  unsigned __int128 hash = (static_cast<unsigned __int128>(0x6C62272E07BB0142u) << 64) | 0x62B821756295C58Du;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * prime; };
  for (const std::string& part : parts) {
    for (size_t i = 0; i < sizeof(uint64_t); ++i) add(static_cast<unsigned char>(uint64_t{part.size()} >> (8 * i)));
    for (const char c : part) add(static_cast<unsigned char>(c));
  }
  return fmt::format("{:016x}{:016x}", static_cast<uint64_t>(hash >> 64), static_cast<uint64_t>(hash));
}

ObjectCache::ObjectCache(fs::path folder, uint64_t limit)
    : folder_(std::move(folder)), limit_(limit), stored_since_shrink_(limit) {}

std::optional<Bytes> ObjectCache::find(const std::string& key) {
  const fs::path file = folder_ / (key + ".o");
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    Bytes bytes = read_bytes(file);
    if (bytes.size() < kHashSize) return std::nullopt;
    const Bytes stored(bytes.end() - kHashSize, bytes.end());
    bytes.resize(bytes.size() - kHashSize);
    const std::string hash = hash_of(bytes);
    if (!std::equal(stored.begin(), stored.end(), std::as_bytes(std::span(hash)).begin())) return std::nullopt;
    fs::last_write_time(file, fs::file_time_type::clock::now(), error);
    return bytes;
  } catch (const InputError&) {
    return std::nullopt;  // another process may have removed it meanwhile
  }
}

void ObjectCache::store(const std::string& key, const Bytes& object) {
  std::error_code error;
  fs::create_directories(folder_, error);
  Bytes bytes = object;
  const std::string hash = hash_of(object);
  const std::span<const std::byte> tail = std::as_bytes(std::span(hash));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  try {
    write_file(folder_ / (key + ".o"), bytes);
  } catch (const JobError&) {
    return;
  }
  stored_since_shrink_ += bytes.size();
  if (stored_since_shrink_ > limit_ / 8) shrink();
}

void ObjectCache::shrink() {
  struct Entry {
    fs::file_time_type used;
    uint64_t size;
    fs::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error;
  for (const fs::directory_entry& item : fs::directory_iterator(folder_, error)) {
    if (item.path().extension() != ".o") continue;
    const Entry entry{item.last_write_time(error), item.file_size(error), item.path()};
    if (error) continue;
    total += entry.size;
    entries.push_back(entry);
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (total <= limit_) break;
    fs::remove(entry.path, error);
    total -= entry.size;
  }
  stored_since_shrink_ = 0;
}

}  // namespace mote::toolchain
