#include "deploy/stack.h"

#include <algorithm>
#include <map>
#include <span>

#include "schedule/stack_use.h"

namespace mote::deploy {
namespace {

class Bounds {
 public:
  explicit Bounds(const toolchain::Image& image) : image_(image) {}

  std::optional<uint32_t> of(uint32_t address) {
    const auto [known, is_new] = bounds_.try_emplace(address, std::nullopt);
    if (!is_new) return known->second;  // nothing as well while it is being looked at: it calls itself
    const std::optional<schedule::StackUse> use = schedule::stack_use(address, code_at(address));
    if (!use) return std::nullopt;
    uint32_t most = use->bytes;
    for (const schedule::StackUse::Call& call : use->calls) {
      const std::optional<uint32_t> callee = of(call.target & ~1u);
      if (!callee) return std::nullopt;
      most = std::max(most, call.depth + *callee);
    }
    return bounds_[address] = most;
  }

 private:
  /// The function at `address`; the compiler's helpers do not all say how long they are, and end with their section.
  std::span<const std::byte> code_at(uint32_t address) const {
    for (const toolchain::Segment& segment : image_.segments) {
      if (!segment.executable || address < segment.address || address - segment.address >= segment.bytes.size())
        continue;
      const std::span<const std::byte> rest = std::span(segment.bytes).subspan(address - segment.address);
      for (const toolchain::Symbol& symbol : image_.symbols) {
        if (symbol.function && symbol.address() == address && symbol.size > 0) {
          return rest.first(std::min<size_t>(symbol.size, rest.size()));
        }
      }
      return rest;
    }
    return {};
  }

  const toolchain::Image& image_;
  std::map<uint32_t, std::optional<uint32_t>> bounds_;
};

}  // namespace

std::optional<uint32_t> stack_bound(const toolchain::Image& image, const std::string& function) {
  const toolchain::Symbol* const symbol = image.find(function);
  if (symbol == nullptr || !symbol->function) return std::nullopt;
  return Bounds(image).of(symbol->address());
}

}  // namespace mote::deploy
