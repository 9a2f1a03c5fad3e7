// The primitives a schedule is made of. Each rewrites a program into one that computes the same, or throws
// ScheduleError when it cannot show that. A loop is named by its variable; where several loops have the name (after
// distribute), all are meant.
#pragma once

#include <string>
#include <vector>

#include "loop/ir.h"

namespace mote::loop {

/// for v in E            ->   for v_o in E/f { for v_i in f { v = f*v_o + v_i } };  f must divide E (peel first).
void split(Program* program, const std::string& variable, int64_t factor, const std::string& outer,
           const std::string& inner);

/// for v in E            ->   for v in n {..}; for `rest` in E-n { v = rest + n };  0 < n < E.
void peel(Program* program, const std::string& variable, int64_t n, const std::string& rest);

/// for a { for b {..} }  ->   for b { for a {..} }; b must be all there is in a. Legal when each pair of accesses to a
/// buffer that is written in the nest has the same index, so that no iteration sees another's value but in an
/// accumulation.
void reorder(Program* program, const std::string& outer, const std::string& inner);

/// Reorders `variable` past each of `others` in turn: they stand, in this order, inside it.
void move_inward(Program* program, const std::string& variable, const std::vector<std::string>& others);

/// for a in A { for b in B {..} }  ->  for v in A*B {..}: indices must use a and b only as B*a + b.
void fuse(Program* program, const std::string& outer, const std::string& inner, const std::string& fused);

/// for v in E { S(v) }   ->   S(0); S(1); ...
void unroll(Program* program, const std::string& variable);

/// for v { A; B; C }     ->   for v {A}; for v {B}; for v {C}. Local buffers that carry values between the statements
/// get a leading dimension v; any other buffer that is written in one part and used in another makes it illegal.
void distribute(Program* program, const std::string& variable);

/// Dimensions d and d+1 of a buffer become one.
void flatten(Program* program, const std::string& buffer, int dimension);

/// One factor of a dimension in a packed layout: an index of extent `extent` (0: what the other factors leave) that
/// varies more slowly than the factors after it in the dimension.
struct Factor {
  int dimension;
  int64_t extent;
};

/// Lays a constant out anew: `layout` lists, outermost first, factors of the old dimensions; the data is permuted now,
/// indices are rewritten. Weights [Co,K] as {{0,0},{1,0},{1,2},{0,2}}: pairs of channels by pairs of k. A dimension
/// that its factors do not divide is padded with zeros.
void pack(Program* program, const std::string& buffer, const std::vector<Factor>& layout);

/// for k in E { acc += a[.., k] * b[.., k] }  ->  the same for k in `extent` > E, where one of the buffers is a
/// constant: the dimensions that k walks through grow, and the constant's new elements are 0.
void pad_reduction(Program* program, const std::string& k, int64_t extent);

/// Stores a constant of small integers as a wider type (int8 weights as int16).
void widen(Program* program, const std::string& buffer, Type type);

/// At the top of loop `at`'s body, copies what the body loads from `buffer` into a new workspace or local buffer `copy`
/// of type `type` (minus `offset`), one dimension per loop of `dimensions` (loops inside `at`, outermost first), and
/// loads from there: im2col, a padded row, a tile. There must be one load of the buffer in the loop.
void stage(Program* program, const std::string& at, const std::string& buffer, const std::string& copy,
           Buffer::Kind kind, Type type, int64_t offset, const std::vector<std::string>& dimensions);

/// for k in 2 { acc += a[k] * b[k] } on int16 a and b with consecutive k  ->  acc = smlad(word a, word b, acc).
/// Both buffers must be at even element addresses there.
void tensorize_smlad(Program* program, const std::string& k);

/// Every float sum a + b * c becomes kMultiplyAdd: for cores that do it in one instruction.
void fuse_multiply_add(Program* program);

}  // namespace mote::loop
