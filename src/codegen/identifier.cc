#include <array>
#include <string_view>

#include "codegen/emit.h"

namespace mote::codegen {

namespace {

constexpr std::array<std::string_view, 40> kReserved{
    "auto",     "break",  "case",     "char",   "const",  "continue", "default", "do",     "double",  "else",
    "enum",     "extern", "float",    "for",    "goto",   "if",       "inline",  "int",    "long",    "register",
    "return",   "short",  "restrict", "signed", "sizeof", "static",   "struct",  "switch", "typedef", "union",
    "unsigned", "void",   "volatile", "while",  "_Bool",  "asm",      "main",    "bool",   "true",    "false"};

}  // namespace

std::string identifier(const std::string& name) {
  std::string result;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit) {
      result += c;
    } else if (!result.empty() && result.back() != '_') {
      result += '_';
    }
  }
  while (!result.empty() && result.back() == '_') result.pop_back();
  if (result.size() > 48) result.resize(48);  // C99 guarantees 63 significant characters; the rest is for our prefixes
  if (result.empty()) return "unnamed";
  if (result.front() >= '0' && result.front() <= '9') result.insert(0, "n");
  for (const std::string_view word : kReserved) {
    if (result == word) return result + "_";
  }
  return result;
}

std::string string_literal(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    const bool printable = c >= ' ' && c <= '~';
    if (c == '"' || c == '\\' || c == '?') result += '\\';  // two ? begin a trigraph
    result += printable ? c : '_';
  }
  return result + "\"";
}

}  // namespace mote::codegen
