#include "ir/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

namespace mote::ir {

size_t size_of(DType type) {
  switch (type) {
    case DType::kInt8:
      return 1;
    case DType::kInt16:
      return 2;
    case DType::kInt32:
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
      return 8;
  }
  unreachable("dtype");
}

std::string_view name_of(DType type) {
  switch (type) {
    case DType::kInt8:
      return "i8";
    case DType::kInt16:
      return "i16";
    case DType::kInt32:
      return "i32";
    case DType::kInt64:
      return "i64";
    case DType::kFloat32:
      return "f32";
  }
  unreachable("dtype");
}

int64_t elements(const Shape& shape) {
  int64_t product = 1;
  for (int32_t dimension : shape) {
    if (__builtin_mul_overflow(product, int64_t{dimension}, &product)) return std::numeric_limits<int64_t>::max();
  }
  return product;
}

std::string text_of(const Shape& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

Bytes left_of_source(const Tensor& tensor, const Bytes& data) {
  if (tensor.source_channels.empty()) return data;
  const size_t size = size_of(tensor.dtype), left = tensor.source_channels.size();
  const size_t pixels = tensor.size_bytes() / (size * left), channels = data.size() / (size * pixels);
  check(static_cast<size_t>(tensor.source_channels.back()) < channels,
        "a channel that the source tensor does not have");
  Bytes result;
  for (size_t pixel = 0; pixel < pixels; ++pixel) {
    for (const int32_t channel : tensor.source_channels) {
      const std::byte* const from = data.data() + (pixel * channels + static_cast<size_t>(channel)) * size;
      result.insert(result.end(), from, from + size);
    }
  }
  return result;
}

}  // namespace mote::ir
