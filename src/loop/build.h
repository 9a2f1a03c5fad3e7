// Short forms to write loop programs with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "loop/intrinsics.h"
#include "loop/ir.h"

namespace mote::loop {

/// Integers of type kI32 unless stated, and floats.
Expr imm(int64_t value, Type type = Type::kI32);
Expr imm_f(float value);
/// Loop variable as an index.
inline Affine var(const std::string& name) {
  return Affine::variable(name);
}
/// An index as a value.
Expr value_of(Affine index);
Expr load(std::string buffer, std::vector<Affine> index);
/// A load with a value for indices outside the buffer's shape.
Expr load_or(std::string buffer, std::vector<Affine> index, Expr outside);
/// int8 x 4 or int16 x 2 as one word.
Expr load_word(std::string buffer, std::vector<Affine> index, int lanes);
/// The same with a word for indices outside the buffer's shape; the lanes are all inside or all outside.
Expr load_word_or(std::string buffer, std::vector<Affine> index, int lanes, Expr outside);
Expr gather(std::string buffer, Expr index);
Expr binary(BinaryOp op, Expr a, Expr b);
Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr min(Expr a, Expr b);
Expr max(Expr a, Expr b);
Expr shift_left(Expr a, int bits);
Expr shift_right(Expr a, int bits);
/// a < b, as 0 or 1.
Expr less(Expr a, Expr b);
Expr select(Expr condition, Expr yes, Expr no);
Expr cast(Type to, Expr value);
Expr call(const Intrinsic& intrinsic, std::vector<Expr> arguments);
/// value limited to [lo, hi].
Expr clamp(Expr value, int64_t lo, int64_t hi);

Stmt loop(std::string variable, int64_t extent, Block body);
Stmt store(std::string buffer, std::vector<Affine> index, Expr value);
Stmt store_word(std::string buffer, std::vector<Affine> index, int lanes, Expr value);
Stmt when(Expr condition, Block body);
Stmt comment(std::string text);
/// Arguments of Invoke.
Invoke::Argument address(std::string buffer, std::vector<Affine> index);
Invoke::Argument number(Affine value);
Stmt invoke(std::string function, std::vector<Invoke::Argument> arguments);

Buffer input(std::string name, Type type, std::vector<int64_t> shape);
Buffer output(std::string name, Type type, std::vector<int64_t> shape);
Buffer constant(std::string name, Type type, std::vector<int64_t> shape, Bytes data, int alignment = 4);
Buffer workspace(std::string name, Type type, std::vector<int64_t> shape, int alignment = 4);
Buffer local(std::string name, Type type, std::vector<int64_t> shape);

}  // namespace mote::loop
