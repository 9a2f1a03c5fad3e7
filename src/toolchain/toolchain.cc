#include "toolchain/toolchain.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "support/error.h"
#include "support/subprocess.h"

namespace mote::toolchain {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds kCompileLimit{120'000};  // generated kernels can be large; a hang must still end

/// The program, or an error that says what to install.
std::string need_program(const std::vector<std::string>& names, const std::string& package) {
  for (const std::string& name : names) {
    if (find_program(name)) return name;
  }
  throw JobError(fmt::format("{} not found: apt-get install {}", names[0], package));
}

std::string gcc_packages(const std::string& prefix) {
  if (prefix == "arm-none-eabi-") return "gcc-arm-none-eabi libnewlib-arm-none-eabi";
  return prefix.empty() ? "gcc binutils" : "the toolchain with prefix " + prefix;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// What `arguments` print, which must be one line.
std::string ask(const std::vector<std::string>& arguments) {
  Command command;
  command.arguments = arguments;
  command.limit = kCompileLimit;
  const CommandResult result = run_command(command);
  if (!result.ok()) {
    throw JobError(fmt::format("'{}' failed: {}", fmt::join(arguments, " "), first_line(result.err)));
  }
  return first_line(result.out);
}

/// A file name made of `name`: its last part, with only letters, digits, '.' and '_' in it.
std::string file_name_for(const std::string& name, const std::string& extension) {
  std::string file = fs::path(name).filename().string();
  for (char& c : file) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_') c = '_';
  }
  return file.ends_with(extension) ? file : "source" + file + extension;
}

/// Code and constants, then variables: at `placement.data` or right behind.
std::string module_script(const Placement& placement, const std::vector<std::pair<std::string, uint32_t>>& known) {
  std::string script;
  for (const auto& [name, value] : known) script += fmt::format("{} = {:#x};\n", name, value);
  script += fmt::format(R"(SECTIONS {{
  . = {:#x};
  .text : {{ *(.text .text.*) }}
  .rodata : ALIGN(16) {{ *(.rodata .rodata.*) }}
)",
                        placement.code);
  if (placement.data) script += fmt::format("  . = {:#x};\n", *placement.data);
  script += R"(  .data : ALIGN(16) { *(.data .data.*) }
  .bss : ALIGN(16) { *(.bss .bss.* COMMON) }
  /DISCARD/ : { *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .note*) }
}
)";
  return script;
}

}  // namespace

std::string_view name_of(Compiler compiler) {
  return compiler == Compiler::kGcc ? "gcc" : "clang";
}

Toolchain::Toolchain(const target::Board& board, Compiler compiler, const fs::path& cache_folder)
    : board_(board), compiler_(compiler) {
  const std::string packages = gcc_packages(board.toolchain_prefix);
  const bool clang = compiler == Compiler::kClang;
  const std::string gcc = need_program({board.toolchain_prefix + "gcc"}, packages);
  driver_ = clang ? need_program({"clang-19", "clang"}, "clang-19 lld-19") : gcc;
  linker_ = need_program({board.toolchain_prefix + "ld"}, packages);
  if (clang) linker_ = need_program({"ld.lld-19", "ld.lld"}, "clang-19 lld-19");
  version_ = fmt::format("{} {}", name_of(compiler), ask({driver_, clang ? "-dumpversion" : "-dumpfullversion"}));

  if (clang && board.target.cortex_m()) {
    // Clang has no C library of its own for these CPUs: newlib's headers come with gcc's.
    const fs::path libc = ask({gcc, "-print-file-name=libc.a"});
    base_flags_ = {"--target=arm-none-eabi", "-isystem",
                   fs::weakly_canonical(libc.parent_path().parent_path() / "include")};
  }
  base_flags_.insert(base_flags_.end(), board.target.flags.begin(), board.target.flags.end());
  base_flags_.insert(base_flags_.end(), board.flags.begin(), board.flags.end());
  for (const char* flag : {"-std=c99", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections", "-fno-common",
                           "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-stack-protector"}) {
    base_flags_.emplace_back(flag);
  }
  if (!board.target.cortex_m()) {
    // Host code is linked at fixed addresses below 4 GiB, as on a board.
    for (const char* flag : {"-fno-pic", "-fno-pie", "-mcmodel=small"}) base_flags_.emplace_back(flag);
  }
  if (!cache_folder.empty()) cache_.emplace(cache_folder, 256u << 20);
}

CompileResult Toolchain::compile(const Source& source, const std::vector<std::string>& flags) {
  const bool c = source.language == Source::Language::kC;
  // Compiled in a folder of our own by its plain name, so that messages and debug information show just that name.
  const std::string file = file_name_for(source.name, c ? ".c" : ".S");
  Command command;
  command.arguments = {driver_};
  if (compiler_ == Compiler::kGcc) command.arguments.emplace_back("-pipe");
  command.arguments.insert(command.arguments.end(), base_flags_.begin(), base_flags_.end());
  command.arguments.insert(command.arguments.end(), flags.begin(), flags.end());
  command.arguments.insert(command.arguments.end(), {"-c", file, "-o", "object.o"});
  command.folder = folder_.path();
  command.limit = kCompileLimit;

  CompileResult result;
  std::string key;
  if (cache_) {
    std::vector<std::string> parts = command.arguments;
    parts.push_back(version_);
    parts.push_back(source.text);
    key = content_hash(parts);
    if (const std::optional<Bytes> found = cache_->find(key)) {
      result.object = Object{source.name, *found, object_sizes(*found, source.name)};
      return result;
    }
  }
  write_file(folder_.path() / file, source.text);
  command.arguments.push_back("-ffile-prefix-map=" + folder_.path().string() + "=.");
  const CommandResult run = run_command(command);
  result.messages = run.err;
  if (run.timed_out) result.messages += fmt::format("{}: the compiler took too long and was stopped\n", source.name);
  if (run.signal != 0) result.messages += fmt::format("{}: the compiler ended by signal {}\n", source.name, run.signal);
  if (!run.ok()) return result;
  Object object{source.name, read_bytes(folder_.path() / "object.o"), {}};
  object.sizes = object_sizes(object.elf, source.name);
  if (cache_ && result.messages.empty()) cache_->store(key, object.elf);  // warnings must show every time
  result.object = std::move(object);
  return result;
}

const std::vector<std::string>& Toolchain::libraries() {
  if (libraries_known_) return libraries_;
  std::vector<std::string> gcc = {board_.toolchain_prefix + "gcc"};
  gcc.insert(gcc.end(), board_.target.flags.begin(), board_.target.flags.end());
  gcc.insert(gcc.end(), board_.flags.begin(), board_.flags.end());
  // The host's own C library picks its memcpy at start-up by code that a module does not run; runtime/memory.c stands
  // in.
  const std::vector<std::string> names =
      board_.target.cortex_m() ? std::vector<std::string>{"libc.a", "libgcc.a"} : std::vector<std::string>{"libgcc.a"};
  for (const std::string& name : names) {
    std::vector<std::string> question = gcc;
    question.push_back("-print-file-name=" + name);
    const std::string path = ask(question);
    if (path.find('/') == std::string::npos) {
      throw JobError(fmt::format("{} not found: apt-get install {}", name, gcc_packages(board_.toolchain_prefix)));
    }
    libraries_.push_back(path);
  }
  libraries_known_ = true;
  return libraries_;
}

LinkResult Toolchain::run_linker(const std::vector<Object>& objects, const std::string& script,
                                 std::vector<std::string> options) {
  const std::string script_file = folder_.path() / "script.ld", output = folder_.path() / "image.elf";
  write_file(script_file, script);
  Command command;
  // Without --nmagic the first segment begins at a page and holds the file's own headers: loading it would overwrite
  // what lies below the code.
  command.arguments = {linker_, "-static", "--nmagic", "-T", script_file, "-o", output};
  if (!board_.target.cortex_m()) command.arguments.insert(command.arguments.end(), {"-z", "norelro", "--no-relax"});
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  for (size_t i = 0; i < objects.size(); ++i) {
    const std::string file = folder_.path() / fmt::format("{}.o", i);
    write_file(file, objects[i].elf);
    command.arguments.push_back(file);
  }
  command.arguments.emplace_back("--start-group");
  for (const std::string& library : libraries()) command.arguments.push_back(library);
  command.arguments.emplace_back("--end-group");
  command.limit = kCompileLimit;
  const CommandResult run = run_command(command);
  LinkResult result;
  result.messages = run.err;
  // Objects are known by their sources' names, not by ours for the temporary files.
  for (size_t i = objects.size(); i-- > 0;) {
    const std::string file = folder_.path() / fmt::format("{}.o", i);
    for (size_t at = 0; (at = result.messages.find(file, at)) != std::string::npos; at += objects[i].name.size()) {
      result.messages.replace(at, file.size(), objects[i].name);
    }
  }
  if (run.timed_out) result.messages += "the linker took too long and was stopped\n";
  if (run.ok()) result.image = read_image(read_bytes(output), "linked module");
  return result;
}

LinkResult Toolchain::link(const std::vector<Object>& objects, const Placement& placement,
                           const std::vector<std::pair<std::string, uint32_t>>& known) {
  return run_linker(objects, module_script(placement, known), {"--entry=0"});
}

LinkResult Toolchain::link_with_script(const std::vector<Object>& objects, const std::string& script) {
  return run_linker(objects, script, {"--gc-sections"});
}

std::string Toolchain::source_line(const Image& image, uint32_t address) {
  const std::string name = board_.toolchain_prefix + "addr2line";
  if (!find_program(name)) return "";
  const std::string file = folder_.path() / "debug.elf";
  write_file(file, image.elf);
  Command command;
  command.arguments = {name, "-s", "-e", file, fmt::format("{:#x}", address & ~1u)};
  command.limit = kCompileLimit;
  const CommandResult result = run_command(command);
  const std::string line = first_line(result.out);
  const bool known = result.ok() && line.find('?') == std::string::npos && !line.ends_with(":0");
  return known ? line.substr(0, line.find(" (discriminator")) : "";
}

}  // namespace mote::toolchain
