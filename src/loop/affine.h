// Affine index arithmetic: a constant plus integer multiples of loop variables.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace mote::loop {

/// constant + sum of coefficient * variable. Variables with coefficient 0 are never stored.
struct Affine {
  int64_t constant = 0;
  std::map<std::string, int64_t> terms;

  Affine() = default;
  Affine(int64_t value) : constant(value) {}  // NOLINT: an integer is an affine expression
  static Affine variable(const std::string& name) {
    Affine a;
    a.terms[name] = 1;
    return a;
  }

  bool is_constant() const { return terms.empty(); }
  /// The factor of `name`, 0 when it does not occur.
  int64_t coefficient(const std::string& name) const;
  /// This expression with `name` replaced.
  Affine substitute(const std::string& name, const Affine& by) const;
  bool operator==(const Affine&) const = default;
};

Affine operator+(const Affine& a, const Affine& b);
Affine operator-(const Affine& a, const Affine& b);
Affine operator*(const Affine& a, int64_t factor);

/// Loop extents: variable v runs over [0, extents[v]).
using Extents = std::map<std::string, int64_t>;

/// Least and greatest value over all iterations; every variable must be in `extents`.
struct Interval {
  int64_t lo, hi;
};
Interval range_of(const Affine& a, const Extents& extents);

/// a / divisor and a % divisor as affine expressions, for a >= 0 over `extents`: possible when the terms that are no
/// multiples of the divisor stay within one period. Returns false when it is not.
bool divide(const Affine& a, int64_t divisor, const Extents& extents, Affine* quotient, Affine* remainder);

}  // namespace mote::loop
