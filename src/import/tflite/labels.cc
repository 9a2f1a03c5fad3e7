#include "import/tflite/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "support/error.h"

namespace mote::import {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;  // of zip's records, without names
constexpr uint32_t kEndSignature = 0x06054b50, kEntrySignature = 0x02014b50, kLocalSignature = 0x04034b50;

uint32_t number(Bytes bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= std::to_integer<uint32_t>(bytes[at + i]) << (8 * i);
  return value;
}

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Where the archive's end record begins; it may be followed by a comment.
std::optional<size_t> find_end(Bytes model) {
  if (model.size() < kEndBytes) return std::nullopt;
  const size_t last = model.size() - kEndBytes, first = last - std::min<size_t>(last, 0xFFFF);
  for (size_t at = last + 1; at-- > first;) {
    if (number(model, at, 4) == kEndSignature) return at;
  }
  return std::nullopt;
}

/// The contents of a stored entry whose local record begins at `at`.
std::optional<Bytes> contents(Bytes model, size_t at, size_t size) {
  if (at > model.size() || model.size() - at < kLocalBytes || number(model, at, 4) != kLocalSignature) {
    return std::nullopt;
  }
  const size_t begin = at + kLocalBytes + number(model, at + 26, 2) + number(model, at + 28, 2);
  if (begin > model.size() || model.size() - begin < size) return std::nullopt;
  return model.subspan(begin, size);
}

bool speaks_of_labels(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.ends_with(".txt") && name.find("label") != std::string::npos;
}

}  // namespace

std::vector<std::string> parse_labels(Bytes bytes, const std::string& file) {
  std::vector<std::string> labels;
  const std::string text = text_of(bytes);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    labels.push_back(std::move(line));
    at = end + 1;
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) throw InputError(file, "has no labels: one a line is wanted");
  return labels;
}

std::vector<std::string> packed_labels(Bytes model, const std::string& file) {
  const std::optional<size_t> end = find_end(model);
  if (!end) return {};
  const size_t entries = number(model, *end + 10, 2), directory = number(model, *end + 12, 4);
  const size_t offset = number(model, *end + 16, 4);
  if (directory > *end) return {};
  // Some writers count offsets from the archive's start, some from the file's.
  const size_t shift = *end - directory >= offset ? *end - directory - offset : 0;
  size_t at = *end - directory;
  for (size_t i = 0; i < entries; ++i) {
    if (at > *end || *end - at < kEntryBytes || number(model, at, 4) != kEntrySignature) return {};
    const size_t name_size = number(model, at + 28, 2);
    const size_t all = kEntryBytes + name_size + number(model, at + 30, 2) + number(model, at + 32, 2);
    if (*end - at < all) return {};
    const bool stored = number(model, at + 10, 2) == 0;
    if (stored && speaks_of_labels(text_of(model.subspan(at + kEntryBytes, name_size)))) {
      const std::optional<Bytes> found = contents(model, shift + number(model, at + 42, 4), number(model, at + 24, 4));
      return found && !found->empty() ? parse_labels(*found, file) : std::vector<std::string>();
    }
    at += all;
  }
  return {};
}

}  // namespace mote::import
