#include "deploy/linked_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "deploy/firmware.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

/// With less than before; nothing when there is nothing smaller.
std::optional<Library> make_again(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                                  const target::Board& board, const Choose& choose, const Goal& goal) {
  if (*goal.flash_bytes <= 0) return std::nullopt;
  try {
    return make_library(graph, model, prefix, board, choose, goal);
  } catch (const InputError&) {
    return std::nullopt;  // whose message would name a budget that nobody gave
  }
}

}  // namespace

Library make_linked_library(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                            const target::Board& board, const Choose& choose, const Goal& goal,
                            toolchain::Toolchain& toolchain) {
  constexpr int kMostTries = 12;
  int64_t fewest = std::numeric_limits<int64_t>::max();
  Goal tighter = goal;
  std::optional<Library> library = make_library(graph, model, prefix, board, choose, goal);
  for (int tries = 0; library && tries < kMostTries; ++tries) {
    if (goal.fast_bytes) library->placement = place(*library, board, toolchain, *goal.fast_bytes);
    if (!goal.flash_bytes) return *std::move(library);
    const int64_t flash = measure(*library, board, toolchain).flash_bytes();
    if (flash <= *goal.flash_bytes) return *std::move(library);
    fewest = std::min(fewest, flash);
    // Less than what was chosen comes to, not than what it might have come to: each time something else is chosen.
    tighter.flash_bytes = static_cast<int64_t>(library->network.flash_bytes) - (flash - *goal.flash_bytes);
    library = make_again(graph, model, prefix, board, choose, tighter);
  }
  throw InputError(model, fmt::format("needs {} bytes of flash at least, start-up code included, and --flash allows "
                                      "{}: {} bytes too many",
                                      fewest, *goal.flash_bytes, fewest - *goal.flash_bytes));
}

}  // namespace mote::deploy
