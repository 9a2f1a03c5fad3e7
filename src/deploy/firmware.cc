#include "deploy/firmware.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "deploy/describe.h"
#include "deploy/template.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

using nlohmann::json;

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

/// `text` with the inclusion of the library's header replaced by the header: every source compiles by itself.
std::string with_header(std::string text, const std::string& prefix, const std::string& header) {
  const std::string include = fmt::format("#include \"{}.h\"\n", prefix);
  const size_t at = text.find(include);
  return at == std::string::npos ? text : text.replace(at, include.size(), header);
}

toolchain::Object compile(toolchain::Toolchain& toolchain, const std::string& name, const std::string& text,
                          const std::vector<std::string>& flags) {
  const toolchain::CompileResult result = toolchain.compile({name, text, toolchain::Source::Language::kC}, flags);
  if (!result.ok()) throw JobError(fmt::format("{} does not compile:\n{}", name, result.messages));
  return *result.object;
}

std::vector<toolchain::Object> compile_library(const std::vector<File>& sources, const std::string& prefix,
                                               toolchain::Toolchain& toolchain, const std::vector<std::string>& flags) {
  std::vector<toolchain::Object> objects;
  for (const File& file : sources) {
    if (!file.path.ends_with(".c")) continue;
    objects.push_back(compile(toolchain, file.path, with_header(file.text, prefix, sources.front().text), flags));
  }
  return objects;
}

}  // namespace

toolchain::Image build_firmware(const std::vector<File>& sources, const std::string& prefix, const target::Board& board,
                                toolchain::Toolchain& toolchain, const std::vector<std::string>& flags,
                                FirmwareKind kind) {
  std::vector<std::string> all_flags = flags;
  json values = describe_board(board);
  values["prefix"] = prefix;
  values["macro"] = macro_prefix(prefix);
  values["profile"] = kind == FirmwareKind::kProfile;
  if (kind == FirmwareKind::kProfile) all_flags.push_back(fmt::format("-D{}_HOOK", macro_prefix(prefix)));

  std::vector<toolchain::Object> objects = compile_library(sources, prefix, toolchain, all_flags);
  objects.push_back(compile(toolchain, "mote_start.c", render("firmware/start.c", values), all_flags));
  const std::string main = with_header(render("firmware/main.c", values), prefix, sources.front().text);
  objects.push_back(compile(toolchain, "mote_main.c", main, all_flags));
  const toolchain::LinkResult linked = toolchain.link_with_script(objects, render("firmware/link.ld", values));
  if (!linked.ok()) throw JobError(fmt::format("{} does not link for {}:\n{}", prefix, board.name, linked.messages));
  return *linked.image;
}

toolchain::Image build_program(const std::vector<Library>& libraries, const std::string& main,
                               const target::Board& board, toolchain::Toolchain& toolchain,
                               const std::vector<std::string>& flags) {
  std::vector<toolchain::Object> objects;
  std::string text = main;
  for (const Library& library : libraries) {
    const std::string& prefix = library.network.prefix;
    for (toolchain::Object& object : compile_library(library.sources, prefix, toolchain, flags)) {
      objects.push_back(std::move(object));
    }
    text = with_header(std::move(text), prefix, library.sources.front().text);
  }
  const json values = describe_board(board);
  objects.push_back(compile(toolchain, "mote_start.c", render("firmware/start.c", values), flags));
  objects.push_back(compile(toolchain, "main.c", text, flags));
  const toolchain::LinkResult linked = toolchain.link_with_script(objects, render("firmware/link.ld", values));
  if (!linked.ok()) throw JobError(fmt::format("the program does not link for {}:\n{}", board.name, linked.messages));
  return *linked.image;
}

Measured measure(const std::vector<File>& sources, const std::string& prefix, const target::Board& board,
                 toolchain::Toolchain& toolchain, const std::vector<std::string>& flags) {
  toolchain::Sizes sizes;
  if (board.target.cortex_m()) {
    sizes = build_firmware(sources, prefix, board, toolchain, flags, FirmwareKind::kPlain).sizes;
  } else {
    for (const toolchain::Object& object : compile_library(sources, prefix, toolchain, flags)) {
      sizes.text += object.sizes.text;
      sizes.rodata += object.sizes.rodata;
      sizes.data += object.sizes.data;
      sizes.bss += object.sizes.bss;
    }
  }
  return {sizes.text, sizes.rodata, sizes.data, sizes.bss, toolchain.version()};
}

}  // namespace mote::deploy
