#include "kernels/widen.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;

loop::Block widen(const std::string& from_buffer, const Affine& from, const std::string& to_buffer, const Affine& to,
                  int64_t count, WidenOrder order) {
  const Affine quad = loop::var("quad");
  const auto four = [&](const Affine& at) -> loop::Block {
    const Expr word = loop::load_word(from_buffer, {from + at}, 4);
    const Expr even = loop::call(loop::kSxtb16, {word}), odd = loop::call(loop::kSxtb16Ror8, {word});
    const bool quads = order == WidenOrder::kQuads;
    const Expr first = quads ? even : loop::call(loop::kPackLow, {even, odd});
    const Expr second = quads ? odd : loop::call(loop::kPackHigh, {even, odd});
    return {loop::store_word(to_buffer, {to + at}, 2, first), loop::store_word(to_buffer, {to + at + 2}, 2, second)};
  };
  // Written out a few times, so that loads overlap.
  const int64_t quads = count / 4;
  const int64_t times = quads % 4 == 0 ? 4 : quads % 2 == 0 ? 2 : 1;
  loop::Block body, result;
  for (int64_t i = 0; i < times; ++i) {
    for (loop::Stmt& stmt : four(quad * (4 * times) + 4 * i)) body.push_back(std::move(stmt));
  }
  if (quads > 0) result.push_back(loop::loop("quad", quads / times, std::move(body)));
  for (int64_t i = quads * 4; i < count; ++i) {
    result.push_back(loop::store(to_buffer, {to + i}, loop::load(from_buffer, {from + i})));
  }
  return result;
}

}  // namespace mote::kernels
