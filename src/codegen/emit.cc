#include "codegen/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "codegen/expressions.h"
#include "loop/rewrite.h"

namespace mote::codegen {

using loop::Block;
using loop::Buffer;
using loop::Program;
using loop::Stmt;
using loop::Type;

namespace {

std::set<std::string> scalar_locals(const Program& program) {
  std::set<std::string> scalars;
  for (const Buffer& b : program.buffers) {
    if (b.kind == Buffer::Kind::kLocal) scalars.insert(b.name);
  }
  Block copy = program.body;
  loop::rewrite_accesses(&copy, [&](const std::string& name, std::vector<loop::Affine>* index) {
    for (const loop::Affine& a : *index) {
      if (!a.is_constant()) scalars.erase(name);
    }
  });
  loop::rewrite_expressions(&copy, [&](const loop::Expr& expr) {
    if (const auto* g = std::get_if<loop::Gather>(&expr->node)) scalars.erase(g->buffer);
    if (const auto* l = std::get_if<loop::Load>(&expr->node); l != nullptr && l->lanes > 1) scalars.erase(l->buffer);
    return expr;
  });
  loop::for_each_stmt(&copy, [&](Stmt& stmt) {
    if (const auto* i = std::get_if<loop::Invoke>(&stmt.node)) {
      for (const loop::Invoke::Argument& a : i->arguments) scalars.erase(a.buffer);
    }
  });
  return scalars;
}

/// Prints the statements of one function.
class Printer {
 public:
  explicit Printer(Context* context) : context_(context) {}

  std::string block(const Block& block, int depth) {
    std::string text;
    std::vector<std::string> declared_here;
    for (const Buffer& b : context_->program.buffers) {
      if (b.kind == Buffer::Kind::kLocal && declared_.count(b.name) == 0 && belongs(block, b.name)) {
        declared_.insert(b.name);
        declared_here.push_back(b.name);
        text += declaration(b, depth);
      }
    }
    for (const Stmt& stmt : block) text += statement(stmt, depth);
    for (const std::string& name : declared_here) declared_.erase(name);
    return text;
  }

 private:
  /// Whether a local is declared at the top of this block: when more than one of its statements, or one that is no
  /// loop, uses it.
  static bool belongs(const Block& block, const std::string& name) {
    int users = 0;
    bool plain = false;
    for (const Stmt& stmt : block) {
      if (!loop::uses(Block{stmt}, name)) continue;
      ++users;
      plain = plain || !(std::holds_alternative<loop::For>(stmt.node) || std::holds_alternative<loop::If>(stmt.node));
    }
    return users > 1 || plain;
  }

  std::string declaration(const Buffer& b, int depth) const {
    const std::string pad(static_cast<size_t>(depth) * 4, ' ');
    if (context_->scalars.count(b.name) == 0) {
      return fmt::format("{}{} {}[{}];\n", pad, c_name(b.type), b.name, b.elements());
    }
    std::string names;
    for (int64_t i = 0; i < b.elements(); ++i) {
      std::string suffix;
      int64_t rest = i;
      for (size_t d = b.shape.size(); d-- > 0; rest /= b.shape[d])
        suffix = fmt::format("_{}", rest % b.shape[d]) + suffix;
      names += (i == 0 ? "" : ", ") + b.name + suffix;
    }
    return fmt::format("{}{} {};\n", pad, c_name(b.type), names);
  }

  std::string statement(const Stmt& stmt, int depth) {
    const std::string pad(static_cast<size_t>(depth) * 4, ' ');
    if (const auto* f = std::get_if<loop::For>(&stmt.node)) {
      context_->scope[f->variable] = f->extent;
      const std::string body = block(f->body, depth + 1);
      context_->scope.erase(f->variable);
      const std::string& v = f->variable;
      return fmt::format("{0}for (int32_t {1} = 0; {1} < {2}; {1}++) {{\n{3}{0}}}\n", pad, v, f->extent, body);
    }
    if (const auto* s = std::get_if<loop::Store>(&stmt.node)) return pad + store(*s) + ";\n";
    if (const auto* i = std::get_if<loop::If>(&stmt.node)) {
      const std::string condition = text_of(context_, i->condition, false);
      return fmt::format("{0}if ({1}) {{\n{2}{0}}}\n", pad, condition, block(i->body, depth + 1));
    }
    if (const auto* i = std::get_if<loop::Invoke>(&stmt.node)) {
      std::string arguments;
      for (const loop::Invoke::Argument& a : i->arguments) {
        arguments += arguments.empty() ? "" : ", ";
        arguments += a.buffer.empty() ? text_of(a.value) : "&" + element(*context_, a.buffer, a.index);
      }
      return fmt::format("{}{}({});\n", pad, i->function, arguments);
    }
    return fmt::format("{}/* {} */\n", pad, std::get<loop::Comment>(stmt.node).text);
  }

  std::string store(const loop::Store& s) {
    const Buffer& buffer = context_->program.buffer(s.buffer);
    const std::string place = element(*context_, s.buffer, s.index);
    if (s.lanes > 1) {
      context_->writes_words = true;
      return fmt::format("mote_write32(&{}, {})", place, text_of(context_, s.value, false));
    }
    const Type from = type_of(context_->program, s.value);
    if (from == buffer.type) return fmt::format("{} = {}", place, text_of(context_, s.value, false));
    return fmt::format("{} = ({}){}", place, c_name(buffer.type), text_of(context_, s.value, true));
  }

  Context* context_;
  std::set<std::string> declared_;
};

/// The helper functions the context says are used.
std::string helpers(const Context& context) {
  std::string text;
  if (context.reads_words) {
    text +=
        "static inline uint32_t mote_read32(const void *p)\n{\n    uint32_t word;\n    memcpy(&word, p, sizeof word);\n"
        "    return word;\n}\n\n";
  }
  if (context.writes_words) {
    text += "static inline void mote_write32(void *p, uint32_t word)\n{\n    memcpy(p, &word, sizeof word);\n}\n\n";
  }
  if (context.uses_min)
    text += "static inline int32_t mote_min(int32_t a, int32_t b)\n{\n    return a < b ? a : b;\n}\n\n";
  if (context.uses_max)
    text += "static inline int32_t mote_max(int32_t a, int32_t b)\n{\n    return a > b ? a : b;\n}\n\n";
  for (const loop::Intrinsic* intrinsic : context.used) text += std::string(intrinsic->text) + "\n";
  return text;
}

/// Pointers into the workspace parameter, one per workspace buffer, at the offsets workspace_bytes() counts with.
std::string workspace_pointers(const Program& program) {
  std::string text;
  size_t offset = 0;
  for (const Buffer& b : program.buffers) {
    if (b.kind != Buffer::Kind::kWorkspace) continue;
    const size_t alignment = static_cast<size_t>(b.alignment);
    offset = (offset + alignment - 1) / alignment * alignment;
    const std::string place = offset == 0 ? "workspace" : fmt::format("((uint8_t *)workspace + {})", offset);
    text += fmt::format("    {0} *const {1} = ({0} *){2}{3};\n", c_name(b.type), b.name, offset == 0 ? "" : "(void *)",
                        place);
    offset += b.size_bytes();
  }
  return text;
}

/// Whether `name` occurs in C text as a whole word.
bool mentions(const std::string& text, const std::string& name) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) return true;
  }
  return false;
}

/// Says that the inputs are not used of which `body` reads nothing: a window that sees only padding.
std::string unused_inputs(const Program& program, const std::string& body) {
  std::string text;
  for (const Buffer& b : program.buffers) {
    if (b.kind == Buffer::Kind::kInput && !mentions(body, b.name)) text += fmt::format("    (void){};\n", b.name);
  }
  return text;
}

template <typename T>
std::string number(T value) {
  if constexpr (std::is_same_v<T, float>) {
    std::string text = fmt::format("{:.9g}", value);
    return text + (text.find_first_of(".e") == std::string::npos ? ".0f" : "f");
  } else {
    return fmt::format("{}", value);
  }
}

template <typename T>
std::string values_text(const Bytes& data, const char* suffix) {
  std::string text, line = "    ";
  for (const T value : to_values<T>(data)) {
    const std::string item = number(value) + suffix + ",";
    if (line.size() + item.size() > 110) {
      text += line + "\n";
      line = "    ";
    }
    line += item + " ";
  }
  while (line.back() == ' ') line.pop_back();
  return text + line + "\n";
}

std::string definition(const Program& program, const Buffer& b, const char* storage) {
  std::string values;
  switch (b.type) {
    case Type::kI8:
      values = values_text<int8_t>(b.data, "");
      break;
    case Type::kI16:
      values = values_text<int16_t>(b.data, "");
      break;
    case Type::kI32:
      values = values_text<int32_t>(b.data, "");
      break;
    case Type::kU32:
      values = values_text<uint32_t>(b.data, "u");
      break;
    case Type::kI64:
      values = values_text<int64_t>(b.data, "LL");
      break;
    case Type::kF32:
      values = values_text<float>(b.data, "");
      break;
  }
  for (size_t at = 0; (at = values.find("-2147483648,", at)) != std::string::npos;) values.replace(at, 11, "INT32_MIN");
  const bool aligned = static_cast<size_t>(b.alignment) > size_of(b.type);
  const std::string attribute = aligned ? fmt::format(" __attribute__((aligned({})))", b.alignment) : "";
  return fmt::format("{}const {} {}[{}]{} = {{\n{}}};\n", storage, c_name(b.type), constant_symbol(program, b),
                     b.elements(), attribute, values);
}

}  // namespace

std::string constant_symbol(const Program& program, const Buffer& buffer) {
  return program.name + "_" + buffer.name;
}

std::string emit_constant(const Program& program, const Buffer& buffer) {
  return definition(program, buffer, "");
}

std::string prototype(const Program& program) {
  std::string parameters;
  for (const bool outputs : {false, true}) {
    for (const Buffer& b : program.buffers) {
      if (b.kind != (outputs ? Buffer::Kind::kOutput : Buffer::Kind::kInput)) continue;
      parameters += fmt::format("{}{}{} *{}{}", parameters.empty() ? "" : ", ", outputs ? "" : "const ", c_name(b.type),
                                program.may_alias ? "" : "restrict ", b.name);
    }
  }
  if (program.workspace_bytes() > 0) parameters += ", void *workspace";
  return fmt::format("void {}({})", program.name, parameters);
}

std::string emit_kernel(const Program& program, bool with_constants) {
  Context context{program, {}, scalar_locals(program), {}, false, false, false, false};
  const std::string body = Printer(&context).block(program.body, 1);
  std::string text = "#include <stdint.h>\n#include <string.h>\n\n" + helpers(context);
  for (const Buffer& b : program.buffers) {
    if (b.kind != Buffer::Kind::kConstant) continue;
    text += with_constants
                ? definition(program, b, "static ")
                : fmt::format("extern const {} {}[{}];\n", c_name(b.type), constant_symbol(program, b), b.elements());
    if (with_constants) text += "\n";
  }
  if (!with_constants && program.constant_bytes() > 0) text += "\n";
  for (const loop::Function& f : program.functions) text += f.text + "\n";
  text += fmt::format("{};\n\n/* {} */\n{}\n{{\n", prototype(program), program.title, prototype(program));
  return text + workspace_pointers(program) + unused_inputs(program, body) + body + "}\n";
}

}  // namespace mote::codegen
