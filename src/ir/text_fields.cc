#include "ir/text_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace mote::ir {
namespace {

template <typename Number>
bool parse_number(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

/// The parts of `text` between separators; none for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  for (size_t at = 0; at != std::string_view::npos;) {
    const size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end - at));
    at = end == std::string_view::npos ? end : end + 1;
  }
  return parts;
}

template <typename Number>
bool parse_list(std::string_view text, std::vector<Number>& values) {
  values.clear();
  for (std::string_view part : split(text, ',')) {
    if (!parse_number(part, values.emplace_back())) return false;
  }
  return true;
}

bool parse_hex_byte(std::string_view two_digits, uint8_t& value) {
  const char* end = two_digits.data() + two_digits.size();
  return two_digits.size() == 2 && std::from_chars(two_digits.data(), end, value, 16).ptr == end;
}

bool is_plain(char c) {
  return c >= 32 && c < 127 && c != '"' && c != '\\';
}

}  // namespace

std::string to_text(int32_t value) {
  return fmt::to_string(value);
}
std::string to_text(int64_t value) {
  return fmt::to_string(value);
}
std::string to_text(float value) {
  return fmt::format("{}", value);
}
std::string to_text(double value) {
  return fmt::format("{}", value);
}
std::string to_text(Size2D value) {
  return fmt::format("{}x{}", value.h, value.w);
}
std::string to_text(const Padding2D& value) {
  return fmt::format("{},{},{},{}", value.top, value.bottom, value.left, value.right);
}
std::string to_text(const Clamp& value) {
  return fmt::format("{}..{}", value.lo, value.hi);
}
std::string to_text(Relu::Kind value) {
  return value == Relu::Kind::kRelu ? "relu" : "relu6";
}
std::string to_text(const std::vector<int32_t>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}
std::string to_text(const Table& value) {
  return to_text(to_bytes(std::span<const int8_t>(value)));
}

std::string to_text(const Quantization& value) {
  std::string text = fmt::format("{}:{}", fmt::join(value.scales, ","), fmt::join(value.zero_points, ","));
  if (value.per_channel() || value.axis != 0) text += fmt::format("/{}", value.axis);
  return text;
}

std::string to_text(const Bytes& value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * value.size());
  for (std::byte byte : value) {
    text += kDigits[std::to_integer<size_t>(byte >> 4)];
    text += kDigits[std::to_integer<size_t>(byte & std::byte{15})];
  }
  return text;
}

bool from_text(std::string_view text, int32_t& value) {
  return parse_number(text, value);
}
bool from_text(std::string_view text, int64_t& value) {
  return parse_number(text, value);
}
bool from_text(std::string_view text, float& value) {
  return parse_number(text, value);
}
bool from_text(std::string_view text, double& value) {
  return parse_number(text, value);
}

bool from_text(std::string_view text, Size2D& value) {
  const std::vector<std::string_view> parts = split(text, 'x');
  return parts.size() == 2 && parse_number(parts[0], value.h) && parse_number(parts[1], value.w);
}

bool from_text(std::string_view text, Padding2D& value) {
  std::vector<int32_t> sides;
  if (!parse_list(text, sides) || sides.size() != 4) return false;
  value = {sides[0], sides[1], sides[2], sides[3]};
  return true;
}

bool from_text(std::string_view text, Clamp& value) {
  const size_t dots = text.find("..");
  return dots != std::string_view::npos && parse_number(text.substr(0, dots), value.lo) &&
         parse_number(text.substr(dots + 2), value.hi);
}

bool from_text(std::string_view text, Relu::Kind& value) {
  value = text == "relu6" ? Relu::Kind::kRelu6 : Relu::Kind::kRelu;
  return text == "relu" || text == "relu6";
}

bool from_text(std::string_view text, std::vector<int32_t>& value) {
  return parse_list(text, value);
}

bool from_text(std::string_view text, Table& value) {
  Bytes bytes;
  if (!from_text(text, bytes) || bytes.size() != value.size()) return false;
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<int8_t>(bytes[i]);
  return true;
}

bool from_text(std::string_view text, Quantization& value) {
  const size_t slash = text.find('/');
  value.axis = 0;
  if (slash != std::string_view::npos && !parse_number(text.substr(slash + 1), value.axis)) return false;
  text = text.substr(0, slash);
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && parse_list(text.substr(0, colon), value.scales) &&
         parse_list(text.substr(colon + 1), value.zero_points);
}

bool from_text(std::string_view text, Bytes& value) {
  value.clear();
  value.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    if (!parse_hex_byte(text.substr(i, 2), byte)) return false;
    value.push_back(static_cast<std::byte>(byte));
  }
  return true;
}

std::string quote(std::string_view name) {
  std::string text = "\"";
  for (char c : name) {
    if (is_plain(c)) {
      text += c;
    } else if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (c == '\n') {
      text += "\\n";
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text + '"';
}

bool unquote(std::string_view text, std::string& name) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
  text = text.substr(1, text.size() - 2);
  name.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) {
      name += text[i];
      continue;
    }
    if (text[i] != '\\' || ++i == text.size()) return false;
    uint8_t byte = 0;
    if (text[i] == 'n') {
      name += '\n';
    } else if (text[i] == '"' || text[i] == '\\') {
      name += text[i];
    } else if (text[i] == 'x' && parse_hex_byte(text.substr(i + 1, 2), byte)) {
      name += static_cast<char>(byte);
      i += 2;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace mote::ir
