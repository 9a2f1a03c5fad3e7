// A board's cross compiler: C or assembly text -> object -> image at given addresses. Knows sections, not kernels.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/bytes.h"
#include "support/files.h"
#include "target/board.h"
#include "toolchain/elf.h"
#include "toolchain/object_cache.h"

namespace mote::toolchain {

enum class Compiler : uint8_t { kGcc, kClang };

/// "gcc", "clang".
std::string_view name_of(Compiler compiler);

struct Source {
  enum class Language : uint8_t { kC, kAssembly };
  std::string name;  // for messages and debug information: "conv_0.c"
  std::string text;
  Language language = Language::kC;
};

/// A compiled translation unit: a relocatable ELF file in memory.
struct Object {
  std::string name;
  Bytes elf;
  Sizes sizes;
};

/// That a candidate does not compile or link is an outcome, not an error: no object then, and the messages say why.
struct CompileResult {
  std::optional<Object> object;
  std::string messages;  // what the compiler said: errors, or warnings
  bool ok() const { return object.has_value(); }
};
struct LinkResult {
  std::optional<Image> image;
  std::string messages;
  bool ok() const { return image.has_value(); }
};

/// Where a module goes. Code and constants from `code`; variables from `data`, or right after the constants without it.
struct Placement {
  uint32_t code = 0;
  std::optional<uint32_t> data;
};

/// Use from one thread at a time.
class Toolchain {
 public:
  /// Throws JobError that says what to install when a program is missing. Objects are cached in `cache_folder` unless
  /// it is "".
  explicit Toolchain(const target::Board& board, Compiler compiler = Compiler::kGcc,
                     const std::filesystem::path& cache_folder = {});

  Compiler compiler() const { return compiler_; }
  /// "gcc 12.2.1", "clang 19.1.7": part of a record's key.
  const std::string& version() const { return version_; }
  /// What every compilation gets before its own flags: target, board, warnings, sections. Part of a record's key.
  const std::vector<std::string>& base_flags() const { return base_flags_; }

  /// `flags` come after base_flags(): "-O3", "-funroll-loops" ...
  CompileResult compile(const Source& source, const std::vector<std::string>& flags);
  /// Links for loading into RAM. memcpy, memset and the compiler's own helpers are added as needed. Symbols in `known`
  /// are given their values. No unused function is dropped.
  LinkResult link(const std::vector<Object>& objects, const Placement& placement,
                  const std::vector<std::pair<std::string, uint32_t>>& known = {});
  /// Links by a script of the caller's, with `gc-sections`.
  LinkResult link_with_script(const std::vector<Object>& objects, const std::string& script);
  /// "kernel.c:12" for an address of an image that was compiled with -g; "" when it is not known.
  std::string source_line(const Image& image, uint32_t address);

 private:
  LinkResult run_linker(const std::vector<Object>& objects, const std::string& script,
                        std::vector<std::string> options);
  const std::vector<std::string>& libraries();

  target::Board board_;
  Compiler compiler_;
  std::string driver_, linker_;
  std::string version_;
  std::vector<std::string> base_flags_;
  std::vector<std::string> libraries_;
  bool libraries_known_ = false;
  TemporaryFolder folder_;
  std::optional<ObjectCache> cache_;
};

}  // namespace mote::toolchain
