#include "support/npy.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>

#include "support/error.h"

namespace mote {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;  // of the data in the file

size_t size_of(NpyType type) {
  return type == NpyType::kInt8 ? 1 : 4;
}

std::string_view descriptor_of(NpyType type) {
  return type == NpyType::kInt8 ? "|i1" : "<f4";
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Number of elements, unless it does not fit.
std::optional<size_t> elements(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(count, static_cast<size_t>(dimension), &count)) return {};
  }
  if (count > std::numeric_limits<size_t>::max() / 8) return {};
  return count;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// Reads the header, a literal Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Header {
 public:
  Header(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  void read_into(NpyArray& array) {
    bool has_type = false, has_order = false, has_shape = false;
    expect("{");
    while (!accept("}")) {
      const std::string_view key = read_string();
      expect(":");
      if (key == "descr") {
        array.type = type_of(read_string());
        has_type = true;
      } else if (key == "fortran_order") {
        read_order();
        has_order = true;
      } else if (key == "shape") {
        array.shape = read_shape();
        has_shape = true;
      } else {
        fail(fmt::format("has the unknown key '{}'", key.substr(0, 40)));
      }
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    skip_space();
    if (!text_.empty()) fail("goes on after its end");
    if (!has_type || !has_order || !has_shape) fail("lacks one of 'descr', 'fortran_order' and 'shape'");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw InputError(file_, "the header of the array " + what); }

  void skip_space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool accept(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) {
    if (!accept(word)) fail(fmt::format("has no '{}' where one must be", word));
  }

  std::string_view read_string() {
    skip_space();
    const char quote = text_.empty() ? '\0' : text_[0];
    const size_t end = quote == '\'' || quote == '"' ? text_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) fail("has no string where one must be");
    const std::string_view string = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return string;
  }

  NpyType type_of(std::string_view descriptor) const {
    for (NpyType type : {NpyType::kInt8, NpyType::kFloat32}) {
      if (descriptor == descriptor_of(type)) return type;
    }
    throw InputError(file_, fmt::format("an array of '{}'; only int8 and float32 can be read: "
                                        "save array.astype(numpy.float32), or numpy.int8",
                                        descriptor.substr(0, 40)));
  }

  void read_order() {
    if (accept("False")) return;
    if (!accept("True")) fail("has neither True nor False as 'fortran_order'");
    throw InputError(file_, "an array in column-major order: save numpy.ascontiguousarray(array)");
  }

  std::vector<int64_t> read_shape() {
    constexpr size_t kMaxDimensions = 32;
    std::vector<int64_t> shape;
    expect("(");
    while (!accept(")")) {
      int64_t dimension = -1;
      skip_space();
      const std::from_chars_result result = std::from_chars(text_.data(), text_.data() + text_.size(), dimension);
      if (result.ec != std::errc() || dimension < 0) fail("has a shape that is no list of sizes");
      text_.remove_prefix(static_cast<size_t>(result.ptr - text_.data()));
      shape.push_back(dimension);
      if (shape.size() > kMaxDimensions) fail("has a shape of too many dimensions");
      if (!accept(",")) {
        expect(")");
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& file_;
};

/// Number stored in `bytes`, least significant first.
size_t little_endian(std::span<const std::byte> bytes) {
  size_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<size_t>(bytes[i]);
  return value;
}

}  // namespace

bool is_npy(std::span<const std::byte> bytes) {
  return text_of(bytes).starts_with(kMagic);
}

NpyArray parse_npy(std::span<const std::byte> bytes, const std::string& file) {
  if (!is_npy(bytes)) throw InputError(file, "this is no .npy file: it does not begin with \\x93NUMPY");
  bytes = bytes.subspan(kMagic.size());
  if (bytes.size() < 2) throw InputError(file, "the .npy file is cut off in its version");
  const int version = std::to_integer<int>(bytes[0]);
  if (version < 1 || version > 3) throw InputError(file, fmt::format("version {} of .npy is not known", version));
  const size_t length_size = version == 1 ? 2 : 4;
  bytes = bytes.subspan(2);
  if (bytes.size() < length_size || bytes.size() - length_size < little_endian(bytes.first(length_size))) {
    throw InputError(file, "the .npy file is cut off in its header");
  }
  const size_t length = little_endian(bytes.first(length_size));
  NpyArray array;
  Header(text_of(bytes.subspan(length_size, length)), file).read_into(array);
  bytes = bytes.subspan(length_size + length);
  const std::optional<size_t> count = elements(array.shape);
  if (!count || *count * size_of(array.type) != bytes.size()) {
    throw InputError(file,
                     fmt::format("an array of shape {} of {} does not have {} bytes of data", shape_text(array.shape),
                                 array.type == NpyType::kInt8 ? "int8" : "float32", bytes.size()));
  }
  array.data.assign(bytes.begin(), bytes.end());
  return array;
}

Bytes npy_of(const NpyArray& array) {
  const std::optional<size_t> count = elements(array.shape);
  check(count && array.data.size() == *count * size_of(array.type),
        "the array's data does not have the size of its shape");
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                   descriptor_of(array.type), shape_text(array.shape));
  const size_t before = kMagic.size() + 4;  // version and length
  header.append((kAlignment - (before + header.size() + 1) % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string file{kMagic};
  file += {'\1', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  file += header;
  Bytes bytes = to_bytes(std::span<const char>(file));
  bytes.insert(bytes.end(), array.data.begin(), array.data.end());
  return bytes;
}

}  // namespace mote
