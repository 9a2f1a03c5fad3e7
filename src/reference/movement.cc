// Operators that only move bytes: Pad, Reshape, Concat, Slice, Insert.
#include "reference/operators.h"

namespace mote::reference {
namespace {

/// One element of `dtype` that holds `value`.
Bytes element_of(ir::DType dtype, double value) {
  switch (dtype) {
    case ir::DType::kInt8:
      return to_bytes(std::vector{static_cast<int8_t>(value)});
    case ir::DType::kInt16:
      return to_bytes(std::vector{static_cast<int16_t>(value)});
    case ir::DType::kInt32:
      return to_bytes(std::vector{static_cast<int32_t>(value)});
    case ir::DType::kInt64:
      return to_bytes(std::vector{static_cast<int64_t>(value)});
    case ir::DType::kFloat32:
      return to_bytes(std::vector{static_cast<float>(value)});
  }
  unreachable("dtype");
}

}  // namespace

Bytes pad(const Call& call, const ir::Pad& pad) {
  const ir::Shape& in = call.input(0).shape;
  const ir::Shape& out = call.output().shape;
  const Bytes fill = element_of(call.output().dtype, pad.value);
  Bytes y;
  for (int64_t i = 0; i < ir::elements(out); ++i) {
    // From the last dimension to the first: the position in `out`, and the one in `in` that it shows, if any.
    int64_t rest = i;
    int64_t index = 0;
    int64_t stride = 1;
    bool inside = true;
    for (size_t d = out.size(); d-- > 0;) {
      const int64_t position = rest % out[d] - pad.before[d];
      inside = inside && position >= 0 && position < in[d];
      index += position * stride;
      stride *= in[d];
      rest /= out[d];
    }
    const std::byte* from = inside ? &call.operands[0][static_cast<size_t>(index) * fill.size()] : fill.data();
    y.insert(y.end(), from, from + fill.size());
  }
  return y;
}

Bytes reshape(const Call& call) {
  return call.operands[0];
}

Bytes concat(const Call& call, const ir::Concat& concat) {
  const ir::Shape& out = call.output().shape;
  const ir::Shape outer(out.begin(), out.begin() + concat.axis);
  Bytes y;
  for (size_t i = 0; i < static_cast<size_t>(ir::elements(outer)); ++i) {
    for (const Bytes& x : call.operands) {
      const size_t chunk = x.size() / static_cast<size_t>(ir::elements(outer));
      y.insert(y.end(), x.data() + i * chunk, x.data() + (i + 1) * chunk);
    }
  }
  return y;
}

Bytes slice(const Call& call, const ir::Slice& slice) {
  const ir::Shape& in = call.input(0).shape;
  const ir::Shape& out = call.output().shape;
  const size_t size = ir::size_of(call.output().dtype);
  Bytes y;
  for (int64_t i = 0; i < ir::elements(out); ++i) {
    int64_t rest = i, index = 0, stride = 1;
    for (size_t d = out.size(); d-- > 0;) {
      index += (rest % out[d] + slice.begin[d]) * stride;
      stride *= in[d];
      rest /= out[d];
    }
    const std::byte* const from = &call.operands[0][static_cast<size_t>(index) * size];
    y.insert(y.end(), from, from + size);
  }
  return y;
}

Bytes insert(const Call& call, const ir::Insert& insert) {
  const ir::Shape& in = call.input(0).shape;
  const ir::Shape& out = call.output().shape;
  const size_t size = ir::size_of(call.output().dtype);
  Bytes y = call.has(1) ? call.operands[1] : Bytes(call.output().size_bytes());
  for (int64_t i = 0; i < ir::elements(in); ++i) {
    int64_t rest = i, index = 0, stride = 1;
    for (size_t d = in.size(); d-- > 0;) {
      index += (rest % in[d] + insert.begin[d]) * stride;
      stride *= out[d];
      rest /= in[d];
    }
    std::copy_n(&call.operands[0][static_cast<size_t>(i) * size], size, &y[static_cast<size_t>(index) * size]);
  }
  return y;
}

}  // namespace mote::reference
