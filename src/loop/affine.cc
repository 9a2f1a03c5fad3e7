#include "loop/affine.h"

#include "support/error.h"

namespace mote::loop {

int64_t Affine::coefficient(const std::string& name) const {
  const auto found = terms.find(name);
  return found == terms.end() ? 0 : found->second;
}

Affine Affine::substitute(const std::string& name, const Affine& by) const {
  const int64_t factor = coefficient(name);
  if (factor == 0) return *this;
  Affine rest = *this;
  rest.terms.erase(name);
  return rest + by * factor;
}

Affine operator+(const Affine& a, const Affine& b) {
  Affine sum = a;
  sum.constant += b.constant;
  for (const auto& [name, factor] : b.terms) {
    const int64_t total = sum.terms[name] += factor;
    if (total == 0) sum.terms.erase(name);
  }
  return sum;
}

Affine operator-(const Affine& a, const Affine& b) {
  return a + b * -1;
}

Affine operator*(const Affine& a, int64_t factor) {
  Affine product;
  if (factor == 0) return product;
  product.constant = a.constant * factor;
  for (const auto& [name, coefficient] : a.terms) product.terms[name] = coefficient * factor;
  return product;
}

Interval range_of(const Affine& a, const Extents& extents) {
  Interval range{a.constant, a.constant};
  for (const auto& [name, factor] : a.terms) {
    const auto extent = extents.find(name);
    check(extent != extents.end(), "a variable is used outside its loop: " + name);
    (factor > 0 ? range.hi : range.lo) += factor * (extent->second - 1);
  }
  return range;
}

bool divide(const Affine& a, int64_t divisor, const Extents& extents, Affine* quotient, Affine* remainder) {
  Affine multiple, rest;
  for (const auto& [name, factor] : a.terms) {
    (factor % divisor == 0 ? multiple : rest).terms[name] = factor % divisor == 0 ? factor / divisor : factor;
  }
  const int64_t whole = a.constant >= 0 ? a.constant / divisor : -((-a.constant + divisor - 1) / divisor);
  multiple.constant = whole;
  rest.constant = a.constant - whole * divisor;
  const Interval range = range_of(rest, extents);
  if (range.lo < 0 || range.hi >= divisor) return false;
  *quotient = multiple;
  *remainder = rest;
  return true;
}

}  // namespace mote::loop
