#include "loop/evaluate.h"

#include <algorithm>

#include "loop/intrinsics.h"

namespace mote::loop {

namespace {

class Evaluation {
 public:
  Evaluation(const Program& program, const std::map<std::string, Bytes>& inputs) : program_(program) {
    for (const Buffer& buffer : program.buffers) {
      Bytes& bytes = memory_[buffer.name];
      bytes.resize(buffer.size_bytes());
      if (buffer.kind == Buffer::Kind::kConstant) bytes = buffer.data;
      if (buffer.kind == Buffer::Kind::kInput) bytes = inputs.at(buffer.name);
      check(bytes.size() == buffer.size_bytes(), "input of the wrong size: " + buffer.name);
    }
  }

  void run(const Block& block) {
    for (const Stmt& stmt : block) {
      if (const For* f = std::get_if<For>(&stmt.node)) {
        for (int64_t i = 0; i < f->extent; ++i) {
          variables_[f->variable] = i;
          run(f->body);
        }
        variables_.erase(f->variable);
      } else if (const Store* s = std::get_if<Store>(&stmt.node)) {
        int64_t at = 0;
        check(address(s->buffer, s->index, &at), "store outside buffer " + s->buffer);
        const Type stored = s->lanes > 1 ? Type::kU32 : program_.buffer(s->buffer).type;
        write(s->buffer, at, s->lanes, convert(value(s->value), type_of(program_, s->value), stored));
      } else if (const If* c = std::get_if<If>(&stmt.node)) {
        if (value(c->condition).i != 0) run(c->body);
      } else {
        check(std::holds_alternative<Comment>(stmt.node), "an external function cannot be evaluated");
      }
    }
  }

  Bytes take(const std::string& name) { return std::move(memory_.at(name)); }

 private:
  int64_t index(const Affine& a) const {
    int64_t sum = a.constant;
    for (const auto& [name, factor] : a.terms) sum += factor * variables_.at(name);
    return sum;
  }

  bool address(const std::string& name, const std::vector<Affine>& indices, int64_t* at) const {
    const Buffer& buffer = program_.buffer(name);
    check(indices.size() == buffer.shape.size(), "wrong number of indices for " + name);
    *at = 0;
    for (size_t d = 0; d < indices.size(); ++d) {
      const int64_t i = index(indices[d]);
      if (i < 0 || i >= buffer.shape[d]) return false;
      *at = *at * buffer.shape[d] + i;
    }
    return true;
  }

  Value read(const std::string& name, int64_t at, int lanes) const {
    const Buffer& buffer = program_.buffer(name);
    check(at >= 0 && at + lanes <= buffer.elements(), "load outside buffer " + name);
    const std::byte* p = memory_.at(name).data() + at * static_cast<int64_t>(size_of(buffer.type));
    const Type type = lanes > 1 ? Type::kU32 : buffer.type;
    if (type == Type::kF32) return Value{0, get<float>(p)};
    if (type == Type::kI8) return Value{get<int8_t>(p), 0};
    if (type == Type::kI16) return Value{get<int16_t>(p), 0};
    if (type == Type::kU32) return Value{get<uint32_t>(p), 0};
    if (type == Type::kI64) return Value{get<int64_t>(p), 0};
    return Value{get<int32_t>(p), 0};
  }

  void write(const std::string& name, int64_t at, int lanes, Value v) {
    const Buffer& buffer = program_.buffer(name);
    check(at + lanes <= buffer.elements(), "store outside buffer " + name);
    const size_t bytes = size_of(buffer.type) * static_cast<size_t>(lanes);
    std::byte* p = memory_.at(name).data() + at * static_cast<int64_t>(size_of(buffer.type));
    if (buffer.type == Type::kF32) {
      std::memcpy(p, &v.f, sizeof v.f);
    } else {
      std::memcpy(p, &v.i, bytes);  // little-endian: the low bytes
    }
  }

  template <typename T>
  static T get(const std::byte* p) {
    T t;
    std::memcpy(&t, p, sizeof t);
    return t;
  }

  static Value convert(Value v, Type from, Type to) {
    if (to == Type::kF32) return from == Type::kF32 ? v : Value{0, static_cast<float>(v.i)};
    const int64_t i = from == Type::kF32 ? static_cast<int64_t>(v.f) : v.i;
    switch (to) {
      case Type::kI8:
        return Value{static_cast<int8_t>(i), 0};
      case Type::kI16:
        return Value{static_cast<int16_t>(i), 0};
      case Type::kI32:
        return Value{static_cast<int32_t>(i), 0};
      case Type::kU32:
        return Value{static_cast<uint32_t>(i), 0};
      default:
        return Value{i, 0};
    }
  }

  Value arithmetic(const Binary& e) const {
    const Type type_a = type_of(program_, e.a), type_b = type_of(program_, e.b);
    const Type result = type_of(program_, std::make_shared<const ExprNode>(ExprNode{e}));
    const bool floating = type_a == Type::kF32 || type_b == Type::kF32;
    const Value raw_a = value(e.a), raw_b = value(e.b);
    if (floating) {
      const float a = convert(raw_a, type_a, Type::kF32).f, b = convert(raw_b, type_b, Type::kF32).f;
      switch (e.op) {
        case BinaryOp::kAdd:
          return Value{0, a + b};
        case BinaryOp::kSub:
          return Value{0, a - b};
        case BinaryOp::kMul:
          return Value{0, a * b};
        case BinaryOp::kDiv:
          return Value{0, a / b};
        case BinaryOp::kMin:
          return Value{0, a < b ? a : b};
        case BinaryOp::kMax:
          return Value{0, a > b ? a : b};
        case BinaryOp::kLess:
          return Value{a < b, 0};
        case BinaryOp::kEqual:
          return Value{a == b, 0};
        default:
          unreachable("shift of a float");
      }
    }
    const int64_t a = raw_a.i, b = raw_b.i;
    const auto whole = [&](int64_t v) { return convert(Value{v, 0}, Type::kI64, result); };
    switch (e.op) {
      case BinaryOp::kAdd:
        return whole(a + b);
      case BinaryOp::kSub:
        return whole(a - b);
      case BinaryOp::kMul:
        return whole(a * b);
      case BinaryOp::kDiv:
        check(b != 0, "division by zero");
        return whole(a / b);
      case BinaryOp::kMin:
        return whole(std::min(a, b));
      case BinaryOp::kMax:
        return whole(std::max(a, b));
      case BinaryOp::kShiftLeft:
        return whole(static_cast<int64_t>(static_cast<uint64_t>(a) << b));
      case BinaryOp::kShiftRight:
        return whole(a >> b);
      case BinaryOp::kAnd:
        return whole(a & b);
      case BinaryOp::kLess:
        return Value{a < b, 0};
      case BinaryOp::kEqual:
        return Value{a == b, 0};
    }
    unreachable("operation");
  }

  Value value(const Expr& expr) const {
    if (const IntConst* e = std::get_if<IntConst>(&expr->node)) return Value{e->value, 0};
    if (const FloatConst* e = std::get_if<FloatConst>(&expr->node)) return Value{0, e->value};
    if (const IndexValue* e = std::get_if<IndexValue>(&expr->node)) return Value{index(e->index), 0};
    if (const Load* e = std::get_if<Load>(&expr->node)) {
      int64_t at = 0;
      if (!address(e->buffer, e->index, &at)) {
        check(e->outside != nullptr, "load outside buffer " + e->buffer);
        return value(e->outside);
      }
      return read(e->buffer, at, e->lanes);
    }
    if (const Gather* e = std::get_if<Gather>(&expr->node)) return read(e->buffer, value(e->index).i, 1);
    if (const Binary* e = std::get_if<Binary>(&expr->node)) return arithmetic(*e);
    if (const Cast* e = std::get_if<Cast>(&expr->node))
      return convert(value(e->value), type_of(program_, e->value), e->to);
    if (const Select* e = std::get_if<Select>(&expr->node)) return value(value(e->condition).i != 0 ? e->yes : e->no);
    const Call& e = std::get<Call>(expr->node);
    std::vector<Value> arguments;
    for (size_t i = 0; i < e.arguments.size(); ++i) {
      arguments.push_back(
          convert(value(e.arguments[i]), type_of(program_, e.arguments[i]), e.intrinsic->parameters[i]));
    }
    return e.intrinsic->meaning(arguments);
  }

  const Program& program_;
  std::map<std::string, Bytes> memory_;
  std::map<std::string, int64_t> variables_;
};

}  // namespace

std::map<std::string, Bytes> evaluate(const Program& program, const std::map<std::string, Bytes>& inputs) {
  Evaluation evaluation(program, inputs);
  evaluation.run(program.body);
  std::map<std::string, Bytes> outputs;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.kind == Buffer::Kind::kOutput) outputs[buffer.name] = evaluation.take(buffer.name);
  }
  return outputs;
}

}  // namespace mote::loop
