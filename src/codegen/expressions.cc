#include "codegen/expressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "codegen/emit.h"

namespace mote::codegen {

using loop::Affine;
using loop::BinaryOp;
using loop::Expr;
using loop::Type;

std::string text_of(const Affine& a) {
  std::string text;
  for (const auto& [name, factor] : a.terms) {
    const int64_t size = std::abs(factor);
    if (text.empty()) {
      text = factor < 0 ? "-" : "";
    } else {
      text += factor < 0 ? " - " : " + ";
    }
    text += size == 1 ? name : fmt::format("{} * {}", size, name);
  }
  if (text.empty()) return fmt::format("{}", a.constant);
  if (a.constant != 0) text += fmt::format(" {} {}", a.constant < 0 ? '-' : '+', std::abs(a.constant));
  return text;
}

Affine flat(const loop::Buffer& buffer, const std::vector<Affine>& index) {
  check(index.size() == buffer.shape.size(), "wrong number of indices for " + buffer.name);
  Affine sum;
  for (size_t d = 0; d < index.size(); ++d) sum = sum * buffer.shape[d] + index[d];
  return sum;
}

std::string name_of(const Context& context, const loop::Buffer& buffer) {
  return buffer.kind == loop::Buffer::Kind::kConstant ? constant_symbol(context.program, buffer) : buffer.name;
}

std::string element(const Context& context, const std::string& name, const std::vector<Affine>& index) {
  const loop::Buffer& buffer = context.program.buffer(name);
  if (context.scalars.count(name) == 0) {
    return fmt::format("{}[{}]", name_of(context, buffer), text_of(flat(buffer, index)));
  }
  std::string text = name;
  for (const Affine& a : index) text += fmt::format("_{}", a.constant);
  return text;
}

namespace {

void use(Context* context, const loop::Intrinsic* intrinsic) {
  if (std::find(context->used.begin(), context->used.end(), intrinsic) != context->used.end()) return;
  for (const loop::Intrinsic* needed : intrinsic->uses) use(context, needed);
  context->used.push_back(intrinsic);
}

std::string integer(int64_t value, Type type) {
  if (type == Type::kU32) return fmt::format("{}u", static_cast<uint32_t>(value));
  if (type == Type::kI64) return fmt::format("INT64_C({})", value);
  if (value == INT32_MIN) return "INT32_MIN";
  return fmt::format("{}", value);
}

std::string floating(float value) {
  if (std::isinf(value)) return value > 0 ? "(1.0f / 0.0f)" : "(-1.0f / 0.0f)";
  std::string text = fmt::format("{:.9g}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

/// The tests that keep `load` inside its buffer, or "" when none is needed; sets `never` when it is always outside.
std::string bounds(const Context& context, const loop::Load& load, bool* never) {
  const loop::Buffer& buffer = context.program.buffer(load.buffer);
  std::string tests;
  for (size_t d = 0; d < load.index.size(); ++d) {
    const loop::Interval range = range_of(load.index[d], context.scope);
    const int64_t extent = buffer.shape[d];
    if (range.hi < 0 || range.lo >= extent) *never = true;
    std::string test;
    const std::string index = text_of(load.index[d]);
    if (range.lo < 0 && range.hi >= extent) {
      test = fmt::format("(uint32_t)({}) < {}u", index, extent);
    } else if (range.lo < 0) {
      test = fmt::format("{} >= 0", index);
    } else if (range.hi >= extent) {
      test = fmt::format("{} < {}", index, extent);
    }
    if (!test.empty()) tests += (tests.empty() ? "" : " && ") + test;
  }
  return tests;
}

std::string load_text(Context* context, const loop::Load& load, bool nested) {
  std::string inside = element(*context, load.buffer, load.index);
  if (load.lanes > 1) {
    context->reads_words = true;
    inside = fmt::format("mote_read32(&{})", inside);
  }
  if (!load.outside) return inside;
  bool never = false;
  const std::string tests = bounds(*context, load, &never);
  if (never) return text_of(context, load.outside, nested);
  if (tests.empty()) return inside;
  const std::string text = fmt::format("{} ? {} : {}", tests, inside, text_of(context, load.outside, true));
  return nested ? "(" + text + ")" : text;
}

std::string binary_text(Context* context, const loop::Binary& e, Type result, bool nested) {
  const auto operand = [&](const Expr& side) {
    const std::string text = text_of(context, side, true);
    return result == Type::kI64 && type_of(context->program, side) != Type::kI64 ? "(int64_t)" + text : text;
  };
  const std::string a = operand(e.a);
  const bool shift = e.op == BinaryOp::kShiftLeft || e.op == BinaryOp::kShiftRight;
  const std::string b = shift ? text_of(context, e.b, true) : operand(e.b);
  const char* sign = nullptr;
  switch (e.op) {
    case BinaryOp::kAdd:
      sign = "+";
      break;
    case BinaryOp::kSub:
      sign = "-";
      break;
    case BinaryOp::kMul:
      sign = "*";
      break;
    case BinaryOp::kDiv:
      sign = "/";
      break;
    case BinaryOp::kShiftRight:
      sign = ">>";
      break;
    case BinaryOp::kAnd:
      sign = "&";
      break;
    case BinaryOp::kLess:
      sign = "<";
      break;
    case BinaryOp::kEqual:
      sign = "==";
      break;
    case BinaryOp::kShiftLeft:
      if (result == Type::kI32) return fmt::format("(int32_t)((uint32_t){} << {})", a, b);
      sign = "<<";
      break;
    case BinaryOp::kMin:
      if (result != Type::kI32) return fmt::format("({} < {} ? {} : {})", a, b, a, b);
      context->uses_min = true;
      return fmt::format("mote_min({}, {})", text_of(context, e.a, false), text_of(context, e.b, false));
    case BinaryOp::kMax:
      if (result != Type::kI32) return fmt::format("({} > {} ? {} : {})", a, b, a, b);
      context->uses_max = true;
      return fmt::format("mote_max({}, {})", text_of(context, e.a, false), text_of(context, e.b, false));
  }
  const std::string text = fmt::format("{} {} {}", a, sign, b);
  return nested ? "(" + text + ")" : text;
}

}  // namespace

std::string text_of(Context* context, const Expr& expr, bool nested) {
  if (const auto* e = std::get_if<loop::IntConst>(&expr->node)) {
    const std::string text = integer(e->value, e->type);
    return nested && e->value < 0 ? "(" + text + ")" : text;
  }
  if (const auto* e = std::get_if<loop::FloatConst>(&expr->node)) {
    const std::string text = floating(e->value);
    return nested && text.front() == '-' ? "(" + text + ")" : text;
  }
  if (const auto* e = std::get_if<loop::IndexValue>(&expr->node)) {
    const bool single = e->index.terms.size() + (e->index.constant != 0 ? 1 : 0) <= 1;
    return nested && !single ? "(" + text_of(e->index) + ")" : text_of(e->index);
  }
  if (const auto* e = std::get_if<loop::Load>(&expr->node)) return load_text(context, *e, nested);
  if (const auto* e = std::get_if<loop::Gather>(&expr->node)) {
    return fmt::format("{}[{}]", name_of(*context, context->program.buffer(e->buffer)),
                       text_of(context, e->index, false));
  }
  if (const auto* e = std::get_if<loop::Binary>(&expr->node)) {
    return binary_text(context, *e, type_of(context->program, expr), nested);
  }
  if (const auto* e = std::get_if<loop::Cast>(&expr->node)) {
    return fmt::format("({}){}", c_name(e->to), text_of(context, e->value, true));
  }
  if (const auto* e = std::get_if<loop::Select>(&expr->node)) {
    const std::string text = fmt::format("{} ? {} : {}", text_of(context, e->condition, true),
                                         text_of(context, e->yes, true), text_of(context, e->no, true));
    return nested ? "(" + text + ")" : text;
  }
  const auto& e = std::get<loop::Call>(expr->node);
  use(context, e.intrinsic);
  std::string arguments;
  for (size_t i = 0; i < e.arguments.size(); ++i) {
    const bool convert = e.intrinsic->parameters[i] != type_of(context->program, e.arguments[i]);
    arguments += i == 0 ? "" : ", ";
    arguments += convert
                     ? fmt::format("({}){}", c_name(e.intrinsic->parameters[i]), text_of(context, e.arguments[i], true))
                     : text_of(context, e.arguments[i], false);
  }
  return fmt::format("{}({})", e.intrinsic->name, arguments);
}

}  // namespace mote::codegen
