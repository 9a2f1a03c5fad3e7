#include "loop/ir.h"

#include <algorithm>

#include "loop/intrinsics.h"

namespace mote::loop {

size_t size_of(Type type) {
  switch (type) {
    case Type::kI8:
      return 1;
    case Type::kI16:
      return 2;
    case Type::kI32:
    case Type::kU32:
    case Type::kF32:
      return 4;
    case Type::kI64:
      return 8;
  }
  unreachable("type");
}

const char* c_name(Type type) {
  switch (type) {
    case Type::kI8:
      return "int8_t";
    case Type::kI16:
      return "int16_t";
    case Type::kI32:
      return "int32_t";
    case Type::kU32:
      return "uint32_t";
    case Type::kI64:
      return "int64_t";
    case Type::kF32:
      return "float";
  }
  unreachable("type");
}

int64_t Buffer::elements() const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

const Buffer& Program::buffer(const std::string& name) const {
  for (const Buffer& b : buffers) {
    if (b.name == name) return b;
  }
  unreachable("no buffer " + name);
}

Buffer& Program::buffer(const std::string& name) {
  return const_cast<Buffer&>(static_cast<const Program*>(this)->buffer(name));
}

size_t Program::workspace_bytes() const {
  size_t bytes = 0;
  for (const Buffer& b : buffers) {
    if (b.kind != Buffer::Kind::kWorkspace) continue;
    const size_t alignment = static_cast<size_t>(b.alignment);
    bytes = (bytes + alignment - 1) / alignment * alignment + b.size_bytes();
  }
  return bytes;
}

size_t Program::constant_bytes() const {
  size_t bytes = 0;
  for (const Buffer& b : buffers) bytes += b.kind == Buffer::Kind::kConstant ? b.size_bytes() : 0;
  return bytes;
}

namespace {

Type widened(Type type, int lanes) {
  if (lanes > 1) return Type::kU32;
  return type == Type::kI8 || type == Type::kI16 ? Type::kI32 : type;
}

Type common(Type a, Type b) {
  if (a == Type::kF32 || b == Type::kF32) return Type::kF32;
  if (a == Type::kI64 || b == Type::kI64) return Type::kI64;
  return a == Type::kU32 || b == Type::kU32 ? Type::kU32 : Type::kI32;
}

struct TypeOf {
  const Program& program;
  Type operator()(const IntConst& e) const { return e.type; }
  Type operator()(const FloatConst&) const { return Type::kF32; }
  Type operator()(const IndexValue&) const { return Type::kI32; }
  Type operator()(const Load& e) const { return widened(program.buffer(e.buffer).type, e.lanes); }
  Type operator()(const Gather& e) const { return widened(program.buffer(e.buffer).type, 1); }
  Type operator()(const Binary& e) const {
    if (e.op == BinaryOp::kLess || e.op == BinaryOp::kEqual) return Type::kI32;
    if (e.op == BinaryOp::kShiftLeft || e.op == BinaryOp::kShiftRight) return type_of(program, e.a);
    return common(type_of(program, e.a), type_of(program, e.b));
  }
  Type operator()(const Cast& e) const { return widened(e.to, 1); }
  Type operator()(const Select& e) const { return common(type_of(program, e.yes), type_of(program, e.no)); }
  Type operator()(const Call& e) const { return e.intrinsic->result; }
};

void collect(const Block& block, Extents* extents) {
  for (const Stmt& stmt : block) {
    if (const For* f = std::get_if<For>(&stmt.node)) {
      int64_t& extent = (*extents)[f->variable];
      extent = std::max(extent, f->extent);
      collect(f->body, extents);
    } else if (const If* i = std::get_if<If>(&stmt.node)) {
      collect(i->body, extents);
    }
  }
}

}  // namespace

Type type_of(const Program& program, const Expr& expr) {
  return std::visit(TypeOf{program}, expr->node);
}

Extents extents_of(const Program& program) {
  Extents extents;
  collect(program.body, &extents);
  return extents;
}

}  // namespace mote::loop
