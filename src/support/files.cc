#include "support/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "support/error.h"
#include "support/spawner.h"

namespace mote {

namespace fs = std::filesystem;

namespace {

/// Reads until the end, whatever size the file says it has (pipes and /proc say 0).
template <typename Container>
Container read_all(const fs::path& file) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  Container contents;
  size_t size = 0;
  ssize_t got = fd.valid() ? 1 : -1;
  while (got > 0) {
    struct stat info {};
    const bool known = size == 0 && ::fstat(fd.get(), &info) == 0 && info.st_size > 0;
    contents.resize(size + (known ? static_cast<size_t>(info.st_size) + 1 : 65536));
    while ((got = ::read(fd.get(), contents.data() + size, contents.size() - size)) < 0 && errno == EINTR) {
    }
    if (got > 0) size += static_cast<size_t>(got);
  }
  if (got < 0) throw InputError(file.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
  contents.resize(size);
  return contents;
}

[[noreturn]] void fail_to_write(const fs::path& file, int error) {
  throw JobError(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(error)));
}

}  // namespace

Bytes read_bytes(const fs::path& file) {
  return read_all<Bytes>(file);
}
std::string read_text(const fs::path& file) {
  return read_all<std::string>(file);
}

void write_file(const fs::path& file, std::span<const std::byte> bytes) {
  std::string name = file.string() + ".XXXXXX";
  FileDescriptor fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) fail_to_write(file, errno);
  int error = 0;
  while (error == 0 && !bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) bytes = bytes.subspan(static_cast<size_t>(written));
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (error == 0 && (::fchmod(fd.get(), 0666 & ~mask) != 0 || ::close(fd.release()) != 0)) error = errno;
  if (error == 0 && ::rename(name.c_str(), file.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(name.c_str());
    fail_to_write(file, error);
  }
}

void write_file(const fs::path& file, std::string_view text) {
  write_file(file, std::as_bytes(std::span(text)));
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "mote-XXXXXX").string();
  if (!::mkdtemp(name.data())) fail_to_write(name, errno);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace mote
