// Tensors of a model file -> ir::Tensor.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "import/tflite/quote.h"
#include "import/tflite/source.h"
#include "ir/verify.h"

namespace mote::import {

namespace {

constexpr uint32_t kMaxRank = 6;
constexpr size_t kMaxConstantBytes = size_t{256} << 20;

std::optional<ir::DType> dtype_of(tflite::TensorType type) {
  switch (type) {
    case tflite::TensorType::FLOAT32:
      return ir::DType::kFloat32;
    case tflite::TensorType::INT8:
      return ir::DType::kInt8;
    case tflite::TensorType::INT16:
      return ir::DType::kInt16;
    case tflite::TensorType::INT32:
      return ir::DType::kInt32;
    case tflite::TensorType::INT64:
      return ir::DType::kInt64;
    default:
      return std::nullopt;
  }
}

// A batch of unknown size is taken to be 1; any other unknown size is refused. The tensor's bytes fit an int32.
ir::Shape shape_of(const tflite::Tensor& tensor, ir::DType dtype) {
  ir::Shape shape;
  const uint32_t rank = tensor.shape() == nullptr ? 0 : tensor.shape()->size();
  if (rank > kMaxRank) throw Refusal(fmt::format("has {} dimensions; mote takes up to {}", rank, kMaxRank));
  int64_t bytes = static_cast<int64_t>(ir::size_of(dtype));
  for (uint32_t i = 0; i < rank; ++i) {
    int32_t size = tensor.shape()->Get(i);
    if (i == 0 && size == -1) size = 1;
    if (size < 1 || size > ir::kMaxDimension) {
      throw Refusal(fmt::format("has a dimension of {}, which is not in [1, {}]", size, ir::kMaxDimension));
    }
    bytes *= size;
    if (bytes > INT32_MAX) throw Refusal("is larger than 2 GiB");
    shape.push_back(size);
  }
  const auto* signature = tensor.shape_signature();
  for (uint32_t i = 1; signature != nullptr && i < signature->size(); ++i) {
    if (signature->Get(i) < 0) throw Refusal(fmt::format("has a dynamic dimension {}; only the batch may be", i));
  }
  if (signature != nullptr && signature->size() > 0 && signature->Get(0) < 0 && !shape.empty() && shape[0] != 1) {
    throw Refusal(fmt::format("has a dynamic batch of {}; only 1 is supported", shape[0]));
  }
  return shape;
}

// The verifier sees to it that a vector lies inside the file, but not that elements of 8 bytes are aligned.
int64_t element(const flatbuffers::Vector<int64_t>& vector, uint32_t index) {
  int64_t value;
  std::memcpy(&value, vector.Data() + index * sizeof value, sizeof value);
  return value;
}

std::optional<ir::Quantization> quantization_of(const tflite::Tensor& tensor, ir::DType dtype, const ir::Shape& shape) {
  const tflite::QuantizationParameters* stored = tensor.quantization();
  if (dtype == ir::DType::kFloat32 || stored == nullptr) return std::nullopt;
  if (stored->details_type() != tflite::QuantizationDetails::NONE) throw Refusal("has a custom quantisation");
  const auto* scales = stored->scale();
  const auto* zero_points = stored->zero_point();
  if (scales == nullptr || scales->size() == 0) return std::nullopt;
  if (zero_points == nullptr || zero_points->size() != scales->size()) {
    throw Refusal(fmt::format("has {} scales and {} zero points", scales->size(),
                              zero_points == nullptr ? 0 : zero_points->size()));
  }
  ir::Quantization quant;
  for (uint32_t i = 0; i < scales->size(); ++i) {
    const float scale = scales->Get(i);
    const int64_t zero_point = element(*zero_points, i);
    const bool is_i8 = dtype == ir::DType::kInt8;
    // A bias scale that underflowed to 0 does no harm: it says nothing that the scales of input and weights do not.
    if (!is_i8 && scale == 0) return std::nullopt;
    if (!std::isfinite(scale) || scale <= 0) throw Refusal(fmt::format("has scale {}", scale));
    const bool fits = is_i8 ? zero_point >= -128 && zero_point <= 127 : zero_point == 0;
    if (!fits || (zero_point != 0 && scales->size() > 1)) {
      throw Refusal(
          fmt::format("has zero point {}, which its type or its quantisation per channel does not allow", zero_point));
    }
    quant.scales.push_back(scale);
    quant.zero_points.push_back(static_cast<int32_t>(zero_point));
  }
  if (!quant.per_channel()) return quant;
  quant.axis = stored->quantized_dimension();
  if (quant.axis < 0 || static_cast<size_t>(quant.axis) >= shape.size() ||
      static_cast<size_t>(shape[static_cast<size_t>(quant.axis)]) != quant.scales.size()) {
    throw Refusal(
        fmt::format("has {} scales along dimension {}, which does not fit its shape", quant.scales.size(), quant.axis));
  }
  return quant;
}

// The constant's bytes, inside the FlatBuffer or behind it; empty for a tensor that is computed.
std::span<const std::byte> constant_bytes(const Source& source, const tflite::Tensor& tensor) {
  const auto* buffers = source.model->buffers();
  if (tensor.buffer() == 0 && (buffers == nullptr || buffers->size() == 0)) return {};
  if (buffers == nullptr || tensor.buffer() >= buffers->size()) {
    throw Refusal(fmt::format("refers to buffer {}, which does not exist", tensor.buffer()));
  }
  const tflite::Buffer& buffer = *buffers->Get(tensor.buffer());
  if (buffer.offset() > 1) {
    const uint64_t size = source.bytes.size();
    if (buffer.offset() > size || buffer.size() > size - buffer.offset()) {
      throw Refusal(fmt::format("refers to buffer {}, which lies beyond the end of the file", tensor.buffer()));
    }
    return source.bytes.subspan(buffer.offset(), buffer.size());
  }
  if (buffer.data() == nullptr) return {};
  return std::as_bytes(std::span(buffer.data()->data(), buffer.data()->size()));
}

ir::Tensor convert(Source& source, int index) {
  const tflite::Tensor& stored = *source.graph->tensors()->Get(static_cast<uint32_t>(index));
  const std::optional<ir::DType> dtype = dtype_of(stored.type());
  if (!dtype) throw Refusal(fmt::format("is of type {}; mote takes int8 and float32", name_of(stored.type())));
  if (stored.is_variable()) throw Refusal("is a variable");
  if (stored.sparsity() != nullptr) throw Refusal("is sparse");
  ir::Tensor tensor;
  if (stored.name() != nullptr) tensor.name = stored.name()->str();
  tensor.dtype = *dtype;
  tensor.shape = shape_of(stored, *dtype);
  tensor.quant = quantization_of(stored, *dtype, tensor.shape);
  tensor.source_index = index;
  const std::span<const std::byte> data = constant_bytes(source, stored);
  if (data.empty()) return tensor;
  if (data.size() != tensor.size_bytes()) {
    throw Refusal(fmt::format("is a constant of {} bytes where its shape needs {}", data.size(), tensor.size_bytes()));
  }
  source.constant_bytes += data.size();
  if (source.constant_bytes > kMaxConstantBytes) throw Refusal("brings the constants to more than 256 MiB");
  tensor.data = Bytes(data.begin(), data.end());
  return tensor;
}

}  // namespace

ir::Tensor& tensor_at(Source& source, int index) {
  if (!has_tensor(source, index)) throw Refusal(fmt::format("there is no tensor {}", index));
  ir::Tensor& tensor = source.draft.tensor(index);
  if (source.converted[static_cast<size_t>(index)]) return tensor;
  try {
    tensor = convert(source, index);
  } catch (const Refusal& refusal) {
    const auto* name = source.graph->tensors()->Get(static_cast<uint32_t>(index))->name();
    throw Refusal(fmt::format("tensor {} {} {}", index, quoted(name == nullptr ? "" : name->str()), refusal.what()));
  }
  source.converted[static_cast<size_t>(index)] = true;
  return tensor;
}

std::vector<int64_t> integers_at(Source& source, int index) {
  const ir::Tensor& tensor = tensor_at(source, index);
  const bool wide = tensor.dtype == ir::DType::kInt64;
  if (!wide && tensor.dtype != ir::DType::kInt32) throw Refusal(fmt::format("tensor {} must hold integers", index));
  if (!tensor.is_constant()) throw Refusal(fmt::format("tensor {} must be a constant", index));
  if (wide) return to_values<int64_t>(*tensor.data);
  const std::vector<int32_t> values = to_values<int32_t>(*tensor.data);
  return {values.begin(), values.end()};
}

}  // namespace mote::import
