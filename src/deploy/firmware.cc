#include "deploy/firmware.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "deploy/describe.h"
#include "deploy/stack.h"
#include "deploy/template.h"
#include "support/data_dir.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::deploy {
namespace {

using nlohmann::json;

/// `text` with the inclusion of each header of `files` replaced by the header: every source compiles by itself.
std::string with_headers(std::string text, const std::vector<File>& files) {
  for (const File& file : files) {
    if (!file.path.ends_with(".h")) continue;
    const std::string name = std::filesystem::path(file.path).filename();
    const std::string include = fmt::format("#include \"{}\"\n", name);
    const size_t at = text.find(include);
    if (at != std::string::npos) text.replace(at, include.size(), file.text);
  }
  return text;
}

toolchain::Object compile(toolchain::Toolchain& toolchain, const std::string& name, const std::string& text,
                          const std::vector<std::string>& flags) {
  const toolchain::CompileResult result = toolchain.compile({name, text, toolchain::Source::Language::kC}, flags);
  if (!result.ok()) throw JobError(fmt::format("{} does not compile:\n{}", name, result.messages));
  return *result.object;
}

std::vector<toolchain::Object> compile_all(const std::vector<File>& sources, toolchain::Toolchain& toolchain,
                                           const std::vector<std::string>& flags) {
  std::vector<toolchain::Object> objects;
  for (const File& file : sources) {
    if (!file.path.ends_with(".c")) continue;
    objects.push_back(compile(toolchain, file.path, with_headers(file.text, sources), flags));
  }
  return objects;
}

/// The board with so much memory that everything links: what is too large shall be measured, too.
target::Board with_plenty(target::Board board) {
  constexpr uint32_t kPlenty = 0x08000000;
  for (target::MemoryRegion& region : board.regions) region.size = std::max(region.size, kPlenty);
  return board;
}

/// The runtime's own headers that a template includes.
File runtime_header(const std::string& name) {
  return {name, read_text(data_folder("runtime") / name)};
}

toolchain::Image link(const std::vector<toolchain::Object>& objects, const std::string& script, const std::string& name,
                      toolchain::Toolchain& toolchain) {
  const toolchain::LinkResult linked = toolchain.link_with_script(objects, script);
  if (!linked.ok()) throw JobError(fmt::format("{} does not link:\n{}", name, linked.messages));
  return *linked.image;
}

}  // namespace

json describe_board(const target::Board& board) {
  using Kind = target::CycleCounter::Kind;
  return {{"board", board.name},
          {"version", MOTE_VERSION},
          {"fpu", board.target.fpu},
          {"init", !board.init.text.empty()},
          {"init_text", target::c_statements(board.init)},
          {"flash_address", fmt::format("{:#010x}", board.flash().address)},
          {"flash_size", board.flash().size},
          {"ram_address", fmt::format("{:#010x}", board.ram().address)},
          {"ram_size", board.ram().size},
          {"stack_bytes", board.stack_bytes},
          {"dwt", board.counter.kind == Kind::kDwt},
          {"dwt_lock", board.counter.dwt_lock},
          {"systick", board.counter.kind == Kind::kSysTick},
          {"timer", board.counter.kind == Kind::kTimer},
          {"timer_down", board.counter.counts_down},
          {"timer_address", fmt::format("{:#010x}", board.counter.address)},
          {"none", board.counter.kind == Kind::kNone}};
}

toolchain::Image build_firmware(const std::vector<File>& sources, const std::string& prefix, const target::Board& board,
                                toolchain::Toolchain& toolchain, const std::vector<std::string>& flags,
                                FirmwareKind kind) {
  std::vector<std::string> all_flags = flags;
  json values = describe_board(board);
  values["prefix"] = prefix;
  values["macro"] = macro_prefix(prefix);
  values["profile"] = kind == FirmwareKind::kProfile;
  if (kind == FirmwareKind::kProfile) all_flags.push_back(fmt::format("-D{}_HOOK", macro_prefix(prefix)));

  std::vector<toolchain::Object> objects = compile_all(sources, toolchain, all_flags);
  objects.push_back(compile(toolchain, "mote_start.c", render("firmware/start.c", values), all_flags));
  const std::string main = render("firmware/main.c", values);
  const std::vector<File> headers = {sources.front(), runtime_header("cortex_m.h")};
  objects.push_back(compile(toolchain, "mote_main.c", with_headers(main, headers), all_flags));
  return link(objects, render("firmware/link.ld", values), prefix + " for " + board.name, toolchain);
}

toolchain::Image build_program(const std::vector<Library>& libraries, const std::string& main,
                               const target::Board& board, toolchain::Toolchain& toolchain,
                               const std::vector<std::string>& flags) {
  std::vector<toolchain::Object> objects;
  std::string text = main;
  for (const Library& library : libraries) {
    for (toolchain::Object& object : compile_all(library.sources, toolchain, flags)) {
      objects.push_back(std::move(object));
    }
    text = with_headers(std::move(text), library.sources);
  }
  const json values = describe_board(board);
  objects.push_back(compile(toolchain, "mote_start.c", render("firmware/start.c", values), flags));
  objects.push_back(compile(toolchain, "main.c", text, flags));
  return link(objects, render("firmware/link.ld", values), "the program for " + board.name, toolchain);
}

toolchain::Image build_package(const std::vector<File>& files, toolchain::Toolchain& toolchain,
                               const std::vector<std::string>& flags) {
  const auto script =
      std::find_if(files.begin(), files.end(), [](const File& file) { return file.path.ends_with(".ld"); });
  check(script != files.end(), "a firmware has a linker script");
  return link(compile_all(files, toolchain, flags), script->text, "the firmware", toolchain);
}

File weights_object(const Library& library, toolchain::Toolchain& toolchain) {
  std::string text;
  for (const File& file : library.sources) {
    if (holds_weights(library, file)) text += file.text + "\n";
  }
  const std::string name = library.network.prefix + "_weights";
  const Bytes elf = compile(toolchain, name + ".c", text, library.origin.flags).elf;
  return {name + ".o", std::string(reinterpret_cast<const char*>(elf.data()), elf.size())};
}

Measured measure(const std::vector<File>& sources, const std::string& prefix, const target::Board& board,
                 toolchain::Toolchain& toolchain, const std::vector<std::string>& flags) {
  toolchain::Sizes sizes;
  std::optional<uint32_t> stack;
  std::map<std::string, uint32_t> functions;
  if (board.target.cortex_m()) {
    const toolchain::Image image =
        build_firmware(sources, prefix, with_plenty(board), toolchain, flags, FirmwareKind::kPlain);
    sizes = image.sizes;
    stack = stack_bound(image, prefix + "_run");
    for (const toolchain::Symbol& symbol : image.symbols) {
      if (symbol.function) functions[symbol.name] = symbol.size;
    }
  } else {
    for (const toolchain::Object& object : compile_all(sources, toolchain, flags)) {
      sizes.text += object.sizes.text;
      sizes.rodata += object.sizes.rodata;
      sizes.data += object.sizes.data;
      sizes.bss += object.sizes.bss;
    }
  }
  return {sizes.text, sizes.rodata, sizes.data, sizes.bss, toolchain.version(), functions, stack};
}

}  // namespace mote::deploy
