// Whole files, read and written at once.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "support/bytes.h"

namespace mote {

/// The whole file. Throws InputError when it cannot be read.
Bytes read_bytes(const std::filesystem::path& file);
std::string read_text(const std::filesystem::path& file);

/// Writes the whole file, or leaves what was there: into a temporary file beside it that is then renamed. Throws
/// JobError that names the file and the reason.
void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& file, std::string_view text);

/// A new empty folder in the system's temporary folder, removed with everything in it when this goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace mote
