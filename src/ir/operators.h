// The operators: a closed set of plain structs. Adding one breaks the build at every place that must learn it.
//
// Each struct says what the operator computes and in which order its operands stand in Operator::inputs. All operators
// have one output. An int8 operator computes exactly what TensorFlow Lite Micro's reference kernel computes, bit for
// bit (reference/ is the definition, ir/quantized.h has the fixed-point parameters); a float operator computes the same
// in binary32, up to the order of summation.
//
// Shapes: images are [N,H,W,C]. Pads are explicit (the importer turned SAME and VALID into them). A padded position
// holds the input's zero point, that is real 0, except in MaxPool2D and AveragePool2D, which leave it out.
//
// Activations are int8 with one scale, or float32; weights and bias are constants. ir/verify.h checks all of this.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/tensor.h"

namespace mote::ir {

struct Padding2D {
  int32_t top = 0, bottom = 0, left = 0, right = 0;
  bool operator==(const Padding2D&) const = default;
};

/// Height and width: strides, dilations, window sizes.
struct Size2D {
  int32_t h = 1, w = 1;
  bool operator==(const Size2D&) const = default;
};

/// Bounds on the *stored* output value: a fused activation, as the importer or a pass worked it out. For int8 the
/// bounds are integers in [-128, 127]; for float they are real values, infinite when there is no bound.
struct Clamp {
  double lo = -std::numeric_limits<double>::infinity();
  double hi = std::numeric_limits<double>::infinity();
  bool operator==(const Clamp&) const = default;
};

/// A map from int8 to int8; entry i is the output for the stored input i - 128.
using Table = std::array<int8_t, 256>;

/// inputs: {x [N,H,W,Ci], weights [Co,Kh,Kw,Ci], bias [Co] or none}. int8: weights symmetric, per tensor or per Co;
/// bias int32.
struct Conv2D {
  Size2D stride = {}, dilation = {};
  Padding2D padding = {};
  Clamp clamp = {};
  bool operator==(const Conv2D&) const = default;
};

/// inputs: {x [N,H,W,Ci], weights [1,Kh,Kw,Ci*M], bias [Ci*M] or none}. Output channel c*M+m reads input channel c.
struct DepthwiseConv2D {
  Size2D stride = {}, dilation = {};
  Padding2D padding = {};
  int32_t multiplier = 1;  // M
  Clamp clamp = {};
  bool operator==(const DepthwiseConv2D&) const = default;
};

/// inputs: {x [.., K] seen as [rows, K], weights [Co, K], bias [Co] or none}; output [rows, Co].
struct Dense {
  Clamp clamp = {};
  bool operator==(const Dense&) const = default;
};

/// inputs: {a, b}, numpy broadcasting.
struct Add {
  Clamp clamp = {};
  bool operator==(const Add&) const = default;
};

/// inputs: {a, b}, numpy broadcasting.
struct Mul {
  Clamp clamp = {};
  bool operator==(const Mul&) const = default;
};

/// inputs: {x [N,H,W,C]}. Mean of the window's stored values, the padding left out, rounded half away from zero.
struct AveragePool2D {
  Size2D window = {}, stride = {};
  Padding2D padding = {};
  Clamp clamp = {};
  bool operator==(const AveragePool2D&) const = default;
};

/// inputs: {x [N,H,W,C]}. Maximum of the window, the padding left out.
struct MaxPool2D {
  Size2D window = {}, stride = {};
  Padding2D padding = {};
  Clamp clamp = {};
  bool operator==(const MaxPool2D&) const = default;
};

/// inputs: {x}. Mean over `axes` (sorted, not negative); whether dimensions of 1 are kept shows in the output's shape.
struct Mean {
  std::vector<int32_t> axes = {};
  bool operator==(const Mean&) const = default;
};

/// inputs: {x}. Softmax over the last dimension. int8 output: scale 1/256, zero point -128; rows whose exponentials add
/// up to 512 times the greatest or more, where the reference kernel aborts, give -128 throughout.
struct Softmax {
  float beta = 1;
  bool operator==(const Softmax&) const = default;
};

/// inputs: {x}.
struct Logistic {
  bool operator==(const Logistic&) const = default;
};

/// inputs: {x}.
struct Tanh {
  bool operator==(const Tanh&) const = default;
};

/// inputs: {x}. RELU (lo 0, hi infinite), RELU6 (0, 6) and their like as operators of their own; `lo` and `hi` are real
/// values. TensorFlow Lite Micro requantises in RELU and only clamps in RELU6, whose output parameters it ignores.
struct Relu {
  enum class Kind : uint8_t { kRelu, kRelu6 } kind = Kind::kRelu;
  bool operator==(const Relu&) const = default;
};

/// inputs: {x}. `before` and `after` have one entry per dimension. int8: `value` is a stored value.
struct Pad {
  std::vector<int32_t> before = {}, after = {};
  double value = 0;
  bool operator==(const Pad&) const = default;
};

/// inputs: {x}. Same bytes, the output's shape.
struct Reshape {
  bool operator==(const Reshape&) const = default;
};

/// inputs: one or more, alike in dtype and in all dimensions but `axis`.
struct Concat {
  int32_t axis = 0;
  bool operator==(const Concat&) const = default;
};

/// inputs: {x}. The part of x that begins at `begin`, which has one entry per dimension, and has the output's shape.
struct Slice {
  std::vector<int32_t> begin = {};
  bool operator==(const Slice&) const = default;
};

/// inputs: {x, into or none}. `into`, which has the output's shape, with x in the place that begins at `begin` (one
/// entry per dimension). Without `into`, what other inserts do not write is not defined (here: zeros); `into` is the
/// output of an insert and read by nothing else, so that a chain of them fills one tensor in place. No source model
/// has it: concatenations are taken apart into it where memory is scarce.
struct Insert {
  std::vector<int32_t> begin = {};
  bool operator==(const Insert&) const = default;
};

/// inputs: {x}. float32 to int8, or int8 to int8 (requantisation).
struct Quantize {
  bool operator==(const Quantize&) const = default;
};

/// inputs: {x}. int8 to float32.
struct Dequantize {
  bool operator==(const Dequantize&) const = default;
};

/// inputs: {x}, int8. Output = table[x]. No source model has it: passes turn one-input int8 operators into it.
struct Lookup {
  Table table{};
  bool operator==(const Lookup&) const = default;
};

using OpAttributes =
    std::variant<Conv2D, DepthwiseConv2D, Dense, Add, Mul, AveragePool2D, MaxPool2D, Mean, Softmax, Logistic, Tanh,
                 Relu, Pad, Reshape, Concat, Slice, Insert, Quantize, Dequantize, Lookup>;

/// One operator of a graph.
struct Operator {
  OpAttributes attributes = {};
  std::vector<TensorId> inputs = {};  // in the order its struct states; kNoTensor for an absent optional operand
  TensorId output = kNoTensor;
  std::optional<Table> post = {};  // int8 only: applied to every stored output value, after the clamp (a fused Lookup)
  std::vector<int32_t> source = {};  // indices of the source model's operators that are fused into it, ascending
  int64_t source_macs = 0;           // multiply-accumulates of those, as the source model counts them
  // int8 only: the quantisation of the values the operator computes and clamps, before `post`, where it is not the
  // output tensor's. Parameters derived from an output scale or zero point come from computed_in(), ir/quantized.h.
  std::optional<Quantization> computed = {};
  bool operator==(const Operator&) const = default;
};

/// "conv_2d", "depthwise_conv_2d", "dense" ...: the name used in the text form, reports and records.
std::string_view kind_of(const OpAttributes& attributes);

/// For std::visit with one lambda per alternative.
template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace mote::ir
