#include "deploy/fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "deploy/pools.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

/// The operator during which most bytes of the arena are in use.
std::string hungriest(const Network& network, const Arena& arena) {
  size_t worst = 0;
  int64_t most = -1;
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const int64_t live = arena.live_bytes(i);
    if (live > most) {
      most = live;
      worst = i;
    }
  }
  if (most < 0) return "";
  return fmt::format("; most during operator {}, {}: {}", worst,
                     title_of(network.graph, network.graph.operators[worst]), most);
}

/// The operator with the most weights.
std::string heaviest(const Network& network) {
  size_t worst = 0, most = 0;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    const size_t bytes = network.kernels[i] ? network.kernels[i]->program.constant_bytes() : 0;
    if (bytes <= most) continue;
    most = bytes;
    worst = i;
  }
  if (most == 0) return "";
  return fmt::format("; most of operator {}, {}: {}", worst, title_of(network.graph, network.graph.operators[worst]),
                     most);
}

/// Bytes of the main RAM that the library takes, without the stack, and in words what they are.
Excess in_main_ram(const Library& library, const target::Board& board, const std::optional<Measured>& measured) {
  const std::string& main = board.ram().name;
  int64_t arena = 0, all = 0;
  for (const ArenaPool& pool : pools_of(library, board)) {
    all += pool.bytes;
    arena += pool.memory == main ? pool.bytes : 0;
  }
  Excess ram{fmt::format("RAM ({})", main), arena, board.ram().size, ""};
  ram.detail = fmt::format("activations and scratch {}", arena);
  if (all > arena) ram.detail += fmt::format(" and {} in other memories", all - arena);
  if (!measured) return ram;
  // Copies of code are never in the main RAM.
  const bool has_copies = library.placement.data_memory == main;
  const int64_t copies = has_copies ? int64_t{measured->copied_bytes} - library.placement.code_bytes() : 0;
  const int64_t variables = int64_t{measured->data_bytes} + measured->bss_bytes - (all - arena);
  ram.needed = variables + copies;
  if (copies > 0) ram.detail += fmt::format(", copies of weights {}", copies);
  return ram;
}

}  // namespace

std::vector<Excess> check_fit(const Library& library, const target::Board& board,
                              const std::optional<Measured>& measured) {
  const Network& network = library.network;
  std::vector<Excess> found;
  if (!board.target.cortex_m()) return found;  // a computer has enough
  // What a call needs, or, before that is known, what boards of this kind leave for the stack.
  const int64_t stack = std::max<int64_t>(board.stack_bytes, measured ? measured->stack_bytes.value_or(0) : 0);
  Excess ram = in_main_ram(library, board, measured);
  ram.needed += stack;
  if (ram.over() > 0) {
    ram.detail += fmt::format(", stack {}{}", stack, hungriest(network, library.arena));
    found.push_back(ram);
  }
  const int64_t constants = static_cast<int64_t>(constant_bytes(network));
  const int64_t stored = measured ? measured->flash_bytes() : constants;
  Excess flash{fmt::format("flash ({})", board.flash().name), stored, board.flash().size, ""};
  if (flash.over() > 0) {
    const std::string code = measured ? fmt::format(", code {}", measured->code_bytes) : ", code not counted";
    flash.detail = fmt::format("weights and tables {}{}{}", constants, code, heaviest(network));
    found.push_back(flash);
  }
  return found;
}

void require_fit(const Library& library, const target::Board& board, const std::string& model,
                 const std::optional<Measured>& measured, const std::string& advice) {
  std::vector<std::string> lines;
  for (const Excess& e : check_fit(library, board, measured)) {
    lines.push_back(fmt::format("it needs {} bytes of {} and there are {}: {} bytes too many ({})", e.needed, e.memory,
                                e.available, e.over(), e.detail));
  }
  if (lines.empty()) return;
  throw InputError(model, fmt::format("too large for {}: {}{}", board.name, fmt::join(lines, "; "), advice));
}

}  // namespace mote::deploy
