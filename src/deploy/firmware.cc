#include "deploy/firmware.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "codegen/emit.h"
#include "deploy/describe.h"
#include "deploy/stack.h"
#include "deploy/template.h"
#include "support/data_dir.h"
#include "support/error.h"
#include "support/files.h"
#include "target/fast_memory.h"

namespace mote::deploy {
namespace {

using nlohmann::json;

std::string hexadecimal(uint32_t address) {
  return fmt::format("{:#010x}", address);
}

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

/// Objects among the sources are taken as they are.
std::vector<toolchain::Object> compile_all(const std::vector<File>& sources, toolchain::Toolchain& toolchain,
                                           const std::vector<std::string>& flags) {
  std::vector<toolchain::Object> objects;
  for (const File& file : sources) {
    if (file.path.ends_with(".c")) {
      objects.push_back(compile(toolchain, file.path, with_headers(file.text, sources), flags));
    } else if (file.path.ends_with(".o")) {
      objects.push_back({file.path, to_bytes(std::span<const char>(file.text)), {}});
    }
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
          {"caches", board.instruction_cache.size != 0 && board.data_cache.size != 0},
          {"init", !board.init.text.empty()},
          {"init_text", target::c_statements(board.init)},
          {"flash_address", hexadecimal(board.flash().address)},
          {"flash_size", board.flash().size},
          {"ram_address", hexadecimal(board.ram().address)},
          {"ram_size", board.ram().size},
          {"stack_bytes", board.stack_bytes},
          {"dwt", board.counter.kind == Kind::kDwt},
          {"dwt_lock", board.counter.dwt_lock},
          {"systick", board.counter.kind == Kind::kSysTick},
          {"timer", board.counter.kind == Kind::kTimer},
          {"timer_down", board.counter.counts_down},
          {"timer_address", hexadecimal(board.counter.address)},
          {"none", board.counter.kind == Kind::kNone}};
}

json describe_placements(const std::vector<Parts>& libraries, const target::Board& board) {
  json code = json::array(), data = json::array();
  std::map<std::string, std::vector<std::string>> arenas;  // the linker's patterns, by the memory that is not main RAM
  for (const Parts& library : libraries) {
    const Placement& placement = library.placement;
    for (const std::string& pattern : code_sections(placement)) code.push_back({{"pattern", pattern}});
    for (const std::string& pattern : data_sections(placement)) data.push_back({{"pattern", pattern}});
    if (placement.arena) arenas[placement.data_memory].push_back(fmt::format("*(.bss.{}_arena)", library.prefix));
    for (const ArenaPool& pool : library.pools) {
      if (pool.memory != board.ram().name)
        arenas[pool.memory].push_back(fmt::format("*({})", arena_section(library.prefix, pool)));
    }
  }
  const target::FastMemory code_memory = target::fast_code_memory(board), data_memory = target::fast_data_memory(board);
  const bool tightly_coupled = data_memory.region != &board.ram();
  json values;
  values["fast_code"] = !code.empty();
  values["fast_data"] = !data.empty();
  const bool arena_in_fast = data_memory.region != nullptr && arenas.count(data_memory.region->name) > 0;
  values["fast_data_memory"] = tightly_coupled && !(data.empty() && !arena_in_fast);
  values["fast_data_region"] = tightly_coupled ? "FAST_DATA" : "RAM";
  if (!code.empty()) {
    values["fast_code_address"] = hexadecimal(code_memory.address);
    values["fast_code_size"] = code_memory.size();
  }
  if (data_memory.region != nullptr) {
    values["fast_data_address"] = hexadecimal(data_memory.address);
    values["fast_data_size"] = data_memory.size();
  }
  values["fast_code_sections"] = std::move(code);
  values["fast_data_sections"] = std::move(data);
  values["arenas_elsewhere"] = values["arena_memories"] = json::array();
  for (const target::MemoryRegion& region : board.regions) {
    if (arenas.count(region.name) == 0) continue;
    const bool is_fast = &region == data_memory.region;
    const std::string name = codegen::identifier(region.name);
    const json elsewhere = {{"section", is_fast ? "fast_bss" : "bss_" + name},
                            {"patterns", fmt::format("{}", fmt::join(arenas[region.name], "\n    "))},
                            {"region", is_fast ? "FAST_DATA" : "ARENA_" + macro_prefix(name)}};
    values["arenas_elsewhere"].push_back(elsewhere);
    if (is_fast) continue;
    values["arena_memories"].push_back(
        {{"region", elsewhere["region"]}, {"address", hexadecimal(region.address)}, {"size", region.size}});
  }
  return values;
}

std::vector<toolchain::Object> compile_library(const Library& library, toolchain::Toolchain& toolchain,
                                               const std::vector<std::string>& more_flags) {
  std::vector<std::string> flags = library.origin.flags;
  flags.insert(flags.end(), more_flags.begin(), more_flags.end());
  return compile_all(library.sources, toolchain, flags);
}

Parts parts_of(const Library& library) {
  return {library.network.prefix, library.sources, library.origin.flags, library.placement, library.arena.pools};
}

toolchain::Image build_firmware(const Parts& parts, const target::Board& board, toolchain::Toolchain& toolchain,
                                FirmwareKind kind, const std::vector<std::string>& more_flags) {
  json values = describe_board(board);
  values.update(describe_placements({parts}, board));
  values["prefix"] = parts.prefix;
  values["macro"] = macro_prefix(parts.prefix);
  values["profile"] = kind == FirmwareKind::kProfile;
  std::vector<std::string> flags = parts.flags;
  flags.insert(flags.end(), more_flags.begin(), more_flags.end());
  if (kind == FirmwareKind::kProfile) flags.push_back(fmt::format("-D{}_HOOK", macro_prefix(parts.prefix)));

  std::vector<File> sources = parts.sources;
  sources.push_back({"mote_start.c", render("firmware/start.c", values)});
  sources.push_back({"mote_main.c", render("firmware/main.c", values)});
  sources.push_back(runtime_header("cortex_m.h"));
  return link(compile_all(sources, toolchain, flags), render("firmware/link.ld", values),
              parts.prefix + " for " + board.name, toolchain);
}

toolchain::Image build_firmware(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain,
                                FirmwareKind kind, const std::vector<std::string>& more_flags) {
  return build_firmware(parts_of(library), board, toolchain, kind, more_flags);
}

toolchain::Image build_program(const std::vector<Library>& libraries, const std::string& main,
                               const target::Board& board, toolchain::Toolchain& toolchain,
                               const std::vector<std::string>& flags) {
  std::vector<toolchain::Object> objects;
  std::vector<Parts> placed;
  std::string text = main;
  for (const Library& library : libraries) {
    for (toolchain::Object& object : compile_library(library, toolchain, flags)) objects.push_back(std::move(object));
    text = with_headers(std::move(text), library.sources);
    placed.push_back(parts_of(library));
  }
  json values = describe_board(board);
  values.update(describe_placements(placed, board));
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

Measured measure(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain) {
  toolchain::Sizes sizes;
  std::optional<uint32_t> stack;
  std::map<std::string, uint32_t> functions;
  if (board.target.cortex_m()) {
    const toolchain::Image image = build_firmware(library, with_plenty(board), toolchain, FirmwareKind::kPlain);
    sizes = image.sizes;
    stack = stack_bound(image, library.network.prefix + "_run");
    for (const toolchain::Symbol& symbol : image.symbols) {
      if (symbol.function) functions[symbol.name] = symbol.size;
    }
  } else {
    for (const toolchain::Object& object : compile_library(library, toolchain)) {
      sizes.text += object.sizes.text;
      sizes.rodata += object.sizes.rodata;
      sizes.data += object.sizes.data;
      sizes.bss += object.sizes.bss;
    }
  }
  return {sizes.text, sizes.rodata, sizes.data, sizes.bss, toolchain.version(), functions, stack, sizes.copied};
}

}  // namespace mote::deploy
