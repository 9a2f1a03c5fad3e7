#include "loop/build.h"

namespace mote::loop {

namespace {
template <typename T>
Expr make(T node) {
  return std::make_shared<const ExprNode>(ExprNode{std::move(node)});
}
}  // namespace

Expr imm(int64_t value, Type type) {
  return make(IntConst{value, type});
}
Expr imm_f(float value) {
  return make(FloatConst{value});
}
Expr value_of(Affine index) {
  return make(IndexValue{std::move(index)});
}

Expr load(std::string buffer, std::vector<Affine> index) {
  return make(Load{std::move(buffer), std::move(index), 1, nullptr});
}
Expr load_or(std::string buffer, std::vector<Affine> index, Expr outside) {
  return make(Load{std::move(buffer), std::move(index), 1, std::move(outside)});
}
Expr load_word(std::string buffer, std::vector<Affine> index, int lanes) {
  return make(Load{std::move(buffer), std::move(index), lanes, nullptr});
}
Expr load_word_or(std::string buffer, std::vector<Affine> index, int lanes, Expr outside) {
  return make(Load{std::move(buffer), std::move(index), lanes, std::move(outside)});
}
Expr gather(std::string buffer, Expr index) {
  return make(Gather{std::move(buffer), std::move(index)});
}

Expr binary(BinaryOp op, Expr a, Expr b) {
  return make(Binary{op, std::move(a), std::move(b)});
}
Expr operator+(Expr a, Expr b) {
  return binary(BinaryOp::kAdd, std::move(a), std::move(b));
}
Expr operator-(Expr a, Expr b) {
  return binary(BinaryOp::kSub, std::move(a), std::move(b));
}
Expr operator*(Expr a, Expr b) {
  return binary(BinaryOp::kMul, std::move(a), std::move(b));
}
Expr operator/(Expr a, Expr b) {
  return binary(BinaryOp::kDiv, std::move(a), std::move(b));
}
Expr min(Expr a, Expr b) {
  return binary(BinaryOp::kMin, std::move(a), std::move(b));
}
Expr max(Expr a, Expr b) {
  return binary(BinaryOp::kMax, std::move(a), std::move(b));
}
Expr shift_left(Expr a, int bits) {
  return binary(BinaryOp::kShiftLeft, std::move(a), imm(bits));
}
Expr shift_right(Expr a, int bits) {
  return binary(BinaryOp::kShiftRight, std::move(a), imm(bits));
}
Expr less(Expr a, Expr b) {
  return binary(BinaryOp::kLess, std::move(a), std::move(b));
}
Expr select(Expr condition, Expr yes, Expr no) {
  return make(Select{std::move(condition), std::move(yes), std::move(no)});
}
Expr cast(Type to, Expr value) {
  return make(Cast{to, std::move(value)});
}
Expr call(const Intrinsic& intrinsic, std::vector<Expr> arguments) {
  check(arguments.size() == intrinsic.parameters.size(), "wrong number of arguments for an intrinsic");
  return make(Call{&intrinsic, std::move(arguments)});
}
Expr clamp(Expr value, int64_t lo, int64_t hi) {
  if (lo == -128 && hi == 127) return call(kSaturate8, {std::move(value)});
  return min(max(std::move(value), imm(lo)), imm(hi));
}

Stmt loop(std::string variable, int64_t extent, Block body) {
  return Stmt{For{std::move(variable), extent, std::move(body)}};
}
Stmt store(std::string buffer, std::vector<Affine> index, Expr value) {
  return Stmt{Store{std::move(buffer), std::move(index), 1, std::move(value)}};
}
Stmt store_word(std::string buffer, std::vector<Affine> index, int lanes, Expr value) {
  return Stmt{Store{std::move(buffer), std::move(index), lanes, std::move(value)}};
}
Stmt when(Expr condition, Block body) {
  return Stmt{If{std::move(condition), std::move(body)}};
}
Stmt comment(std::string text) {
  return Stmt{Comment{std::move(text)}};
}
Invoke::Argument address(std::string buffer, std::vector<Affine> index) {
  return Invoke::Argument{std::move(buffer), std::move(index), {}};
}
Invoke::Argument number(Affine value) {
  return Invoke::Argument{"", {}, std::move(value)};
}
Stmt invoke(std::string function, std::vector<Invoke::Argument> arguments) {
  return Stmt{Invoke{std::move(function), std::move(arguments)}};
}

Buffer input(std::string name, Type type, std::vector<int64_t> shape) {
  return Buffer{std::move(name), type, std::move(shape), Buffer::Kind::kInput, {}, 4};
}
Buffer output(std::string name, Type type, std::vector<int64_t> shape) {
  return Buffer{std::move(name), type, std::move(shape), Buffer::Kind::kOutput, {}, 4};
}
Buffer constant(std::string name, Type type, std::vector<int64_t> shape, Bytes data, int alignment) {
  Buffer buffer{std::move(name), type, std::move(shape), Buffer::Kind::kConstant, std::move(data), alignment};
  check(buffer.data.size() == buffer.size_bytes(), "a constant's data does not fit its shape");
  return buffer;
}
Buffer workspace(std::string name, Type type, std::vector<int64_t> shape, int alignment) {
  return Buffer{std::move(name), type, std::move(shape), Buffer::Kind::kWorkspace, {}, alignment};
}
Buffer local(std::string name, Type type, std::vector<int64_t> shape) {
  return Buffer{std::move(name), type, std::move(shape), Buffer::Kind::kLocal, {}, 4};
}

}  // namespace mote::loop
