#include "import/tflite/quote.h"

#include <fmt/format.h>

namespace mote::import {

namespace {

// Bytes of the well-formed UTF-8 sequence of a printable character that `text` starts with; 0 when there is none.
size_t utf8_length(std::string_view text) {
  const unsigned char first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7f) return 0;
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = static_cast<unsigned char>(text[1]);
  if ((first == 0xc2 && second < 0xa0) ||                                        // C1 control characters
      (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90) ||    // longer than needed
      (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90) ||  // surrogates, beyond Unicode
      (first == 0xe2 && (second == 0x80 || second == 0x81))) {  // among them the bidirectional overrides
    return 0;
  }
  return length;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (text[0] == '"' || text[0] == '\\') out += '\\';
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest) return '"' + escaped(text) + '"';
  return '"' + escaped(text.substr(0, kLongest / 2)) + "..." + escaped(text.substr(text.size() - kLongest / 2)) + '"';
}

}  // namespace mote::import
