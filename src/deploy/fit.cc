#include "deploy/fit.h"

#include <fmt/format.h>

#include "deploy/emit.h"
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
                              int64_t code_bytes) {
  std::vector<Excess> found;
  if (!board.target.cortex_m()) return found;  // a computer has enough
  const int64_t stack = board.stack_bytes;
  Excess ram{fmt::format("RAM ({})", board.ram().name), arena.bytes() + stack, board.ram().size, ""};
  if (ram.over() > 0) {
    ram.detail = fmt::format("activations and scratch {}, stack {}{}", arena.bytes(), stack, hungriest(network, arena));
    found.push_back(ram);
  }
  const int64_t constants = static_cast<int64_t>(constant_bytes(network));
  Excess flash{fmt::format("flash ({})", board.flash().name), constants + code_bytes, board.flash().size, ""};
  if (flash.over() > 0) {
    const std::string code = code_bytes > 0 ? fmt::format(", code {}", code_bytes) : ", code not counted";
    flash.detail = fmt::format("weights and tables {}{}{}", constants, code, heaviest(network));
    found.push_back(flash);
  }
  return found;
}

void require_fit(const Network& network, const Arena& arena, const target::Board& board, const std::string& model,
                 int64_t code_bytes) {
  std::vector<std::string> lines;
  for (const Excess& e : check_fit(network, arena, board, code_bytes)) {
    lines.push_back(fmt::format("it needs {} bytes of {} and there are {}: {} bytes too many ({})", e.needed, e.memory,
                                e.available, e.over(), e.detail));
  }
  if (lines.empty()) return;
  throw InputError(model, fmt::format("too large for {}: {}", board.name, fmt::join(lines, "; ")));
}

}  // namespace mote::deploy
