#include "deploy/fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "deploy/emit.h"
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

}  // namespace

std::vector<Excess> check_fit(const Network& network, const Arena& arena, const target::Board& board,
                              const std::optional<Measured>& measured) {
  std::vector<Excess> found;
  if (!board.target.cortex_m()) return found;  // a computer has enough
  // What a call needs, or, before that is known, what boards of this kind leave for the stack.
  const int64_t stack = std::max<int64_t>(board.stack_bytes, measured ? measured->stack_bytes.value_or(0) : 0);
  const int64_t in_ram = arena_bytes_in(arena, board, board.ram().name);
  const int64_t variables = measured ? measured->ram_bytes() - (arena.bytes() - in_ram) : in_ram;
  Excess ram{fmt::format("RAM ({})", board.ram().name), variables + stack, board.ram().size, ""};
  if (ram.over() > 0) {
    ram.detail = fmt::format("activations and scratch {}, stack {}{}", arena.bytes(), stack, hungriest(network, arena));
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

void require_fit(const Network& network, const Arena& arena, const target::Board& board, const std::string& model,
                 const std::optional<Measured>& measured, const std::string& advice) {
  std::vector<std::string> lines;
  for (const Excess& e : check_fit(network, arena, board, measured)) {
    lines.push_back(fmt::format("it needs {} bytes of {} and there are {}: {} bytes too many ({})", e.needed, e.memory,
                                e.available, e.over(), e.detail));
  }
  if (lines.empty()) return;
  throw InputError(model, fmt::format("too large for {}: {}{}", board.name, fmt::join(lines, "; "), advice));
}

}  // namespace mote::deploy
