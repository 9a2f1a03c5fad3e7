#include "deploy/code_size.h"

#include <algorithm>
#include <string_view>

#include "deploy/code_estimate.h"
#include "deploy/shared_code.h"

namespace mote::deploy {
namespace {

uint64_t hash_of(std::string_view text, uint64_t hash = 14695981039346656037u) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return hash;
}

}  // namespace

std::vector<Piece> pieces_of(const loop::Program& program, std::optional<uint64_t> measured_bytes) {
  constexpr uint64_t kLeast = 16;
  std::vector<Piece> pieces;
  for (const loop::Buffer& b : program.buffers) {
    if (b.kind != loop::Buffer::Kind::kConstant) continue;
    const std::string_view data(reinterpret_cast<const char*>(b.data.data()), b.data.size());
    pieces.push_back(
        {hash_of(data, static_cast<uint64_t>(b.type) * 64 + static_cast<uint64_t>(b.alignment)), b.size_bytes()});
  }
  for (const loop::Function& function : program.functions) {
    loop::Program alone;
    alone.functions = {function};
    const uint64_t bytes = function.code_bytes != 0 ? function.code_bytes : code_estimate(alone);
    pieces.push_back({hash_of(anonymous_text(function)), bytes});
  }
  loop::Program without_functions = program;
  without_functions.functions.clear();
  uint64_t own = code_estimate(without_functions);
  if (measured_bytes) own = std::max(kLeast + bytes_of(pieces), *measured_bytes) - bytes_of(pieces);
  pieces.push_back({hash_of(anonymous_text(program)), own});
  return pieces;
}

uint64_t bytes_of(const std::vector<Piece>& pieces) {
  uint64_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.bytes;
  return bytes;
}

}  // namespace mote::deploy
