// What a tensor is.
//
// Layout: row-major, no padding; images are NHWC. int8 values are two's complement, float is IEEE-754 binary32.
// Quantisation is affine: real = scale * (stored - zero_point). The scale and zero point belong to the *tensor*; an
// operator never carries a copy of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/bytes.h"

namespace mote::ir {

enum class DType : uint8_t { kInt8, kInt16, kInt32, kInt64, kFloat32 };

/// Bytes an element takes: 1, 2, 4, 8, 4.
size_t size_of(DType type);
/// "i8", "i16", "i32", "i64", "f32".
std::string_view name_of(DType type);

/// Affine quantisation. One scale: per tensor. More: per slice along `axis`, zero points all 0 in that case.
struct Quantization {
  std::vector<float> scales = {};
  std::vector<int32_t> zero_points = {};  // as many as scales
  int axis = 0;                           // meaningful when there is more than one scale

  bool per_channel() const { return scales.size() > 1; }
  bool operator==(const Quantization&) const = default;
};

/// Index of a tensor in Graph::tensors.
using TensorId = int32_t;
/// An optional operand that is absent (a missing bias).
inline constexpr TensorId kNoTensor = -1;

using Shape = std::vector<int32_t>;

/// Number of elements: the product of the dimensions (1 for a scalar); INT64_MAX when it does not fit.
int64_t elements(const Shape& shape);
/// "1x32x32x3", or "scalar".
std::string text_of(const Shape& shape);

struct Tensor {
  std::string name = {};  // as in the model; anything at all, so it is sanitised before it reaches emitted C
  DType dtype = DType::kInt8;
  Shape shape = {};
  std::optional<Quantization> quant = {};  // none for float and for plain integers
  std::optional<Bytes> data = {};          // present: a constant of size_bytes() bytes
  int source_index = -1;                   // its index in the source model; -1: made by a pass
  // Which of the source tensor's channels (indices along the last dimension, ascending) are left; empty: all.
  std::vector<int32_t> source_channels = {};

  bool is_constant() const { return data.has_value(); }
  size_t size_bytes() const { return static_cast<size_t>(elements(shape)) * size_of(dtype); }
  /// Per-tensor scale; it must be quantised.
  float scale() const { return quant.value().scales.at(0); }
  /// Per-tensor zero point; it must be quantised.
  int32_t zero_point() const { return quant.value().zero_points.at(0); }
  bool operator==(const Tensor&) const = default;
};

/// Of `data`, the bytes of the source tensor of `tensor`, those that `tensor` still has: all, or its source_channels.
Bytes left_of_source(const Tensor& tensor, const Bytes& data);

}  // namespace mote::ir
