// Graphs made by a program: for tests, examples and benchmarks. Weights come from a seed; int8 scales are chosen the
// way a calibration would, so that values spread over their range instead of saturating.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/activation.h"
#include "ir/graph.h"
#include "support/random.h"

namespace mote::ir {

struct ConvOptions {
  Size2D stride = {};
  Size2D dilation = {};
  bool same = true;  // SAME padding, or VALID
  Activation activation = Activation::kNone;
  bool bias = true;
  bool per_channel = true;  // int8: one weight scale per output channel, or one for all
};

struct PoolOptions {
  Size2D stride = {};
  bool same = false;
  Activation activation = Activation::kNone;
};

/// Builds a graph operator by operator; each function appends one and gives the tensor that it writes. Arguments must
/// make a legal operator (finish() aborts otherwise). Tensors are named after their operators: "conv_2d_3".
class GraphBuilder {
 public:
  /// `dtype` of inputs and of what follows from them: int8 or float32.
  GraphBuilder(std::string name, uint64_t seed, DType dtype = DType::kInt8);

  /// An input whose values are spread evenly over about [-1, 1] (int8: a random zero point).
  TensorId input(const Shape& shape);
  /// Random values like an input's: an operand for add() and mul().
  TensorId constant(const Shape& shape);

  TensorId conv_2d(TensorId x, int32_t channels, Size2D window, const ConvOptions& options = {});
  TensorId depthwise_conv_2d(TensorId x, int32_t multiplier, Size2D window, const ConvOptions& options = {});
  /// `x` as rows as long as its last dimension.
  TensorId dense(TensorId x, int32_t channels, const ConvOptions& options = {});
  TensorId add(TensorId a, TensorId b, Activation activation = Activation::kNone);
  TensorId mul(TensorId a, TensorId b, Activation activation = Activation::kNone);
  TensorId average_pool_2d(TensorId x, Size2D window, const PoolOptions& options);
  TensorId max_pool_2d(TensorId x, Size2D window, const PoolOptions& options);
  TensorId mean(TensorId x, const std::vector<int32_t>& axes, bool keep_dimensions);
  TensorId softmax(TensorId x, float beta = 1);
  TensorId logistic(TensorId x);
  TensorId tanh(TensorId x);
  TensorId relu(TensorId x);
  TensorId relu6(TensorId x);
  /// Pads with real 0.
  TensorId pad(TensorId x, const std::vector<int32_t>& before, const std::vector<int32_t>& after);
  /// Pads with `value`, a stored value for int8.
  TensorId pad(TensorId x, const std::vector<int32_t>& before, const std::vector<int32_t>& after, double value);
  TensorId reshape(TensorId x, const Shape& shape);
  /// The part of `x` that begins at `begin`.
  TensorId slice(TensorId x, const std::vector<int32_t>& begin, const Shape& shape);
  /// int8: operands of another quantisation than the first one's are requantised before.
  TensorId concat(const std::vector<TensorId>& operands, int32_t axis);
  /// To int8, in a quantisation of its own choice.
  TensorId quantize(TensorId x);
  TensorId dequantize(TensorId x);

  void output(TensorId id) { graph_.outputs.push_back(id); }
  const Shape& shape(TensorId id) const { return graph_.tensor(id).shape; }
  /// The graph so far, without what finish() adds; for changing something by hand before finishing.
  Graph& graph() { return graph_; }
  /// The source of everything random here.
  Random& random() { return random_; }

  /// The graph, as if it had been read from a model: source_index, source and source_macs are those of its own tensors
  /// and operators. Aborts with the verifier's findings when it is not legal.
  Graph finish();

 private:
  // What values of a tensor are expected to be like.
  struct Spread {
    double mean = 0, deviation = 1;
    double rms() const;
  };

  bool is_i8(TensorId id) const { return graph_.tensor(id).dtype == DType::kInt8; }
  TensorId add_tensor(Tensor tensor, Spread spread);
  TensorId add_operator(OpAttributes attributes, std::vector<TensorId> inputs, TensorId output);
  /// An activation tensor of x's type; int8 gets a quantisation that holds `spread` within `bounds` (real values).
  TensorId new_like(TensorId x, const std::string& kind, Shape shape, Spread spread, Clamp bounds = {});
  TensorId new_quantized(TensorId x, const std::string& kind, Shape shape, Spread spread, Quantization quant);
  /// Appends weights and a bias; gives the operands {x, weights, bias} and sets `result` to what comes out of them.
  std::vector<TensorId> weigh(TensorId x, const std::string& kind, const Shape& shape, int axis,
                              const ConvOptions& options, Spread& result);
  TensorId add_bias(TensorId x, const std::string& name, const std::vector<float>& weight_scales, double deviation);
  TensorId pool(TensorId x, Size2D window, const PoolOptions& options, bool average);
  TensorId requantize(TensorId x, Quantization quant);
  /// Scale and zero point of an int8 tensor; nothing of use for a float one.
  Quantization quantization_of(TensorId x) const { return graph_.tensor(x).quant.value_or(Quantization{}); }
  std::string name_for(const std::string& kind) const;

  Graph graph_;
  Random random_;
  DType dtype_;
  std::vector<Spread> spreads_;  // by tensor
};

}  // namespace mote::ir
