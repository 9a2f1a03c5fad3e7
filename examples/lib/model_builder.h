// Builds float graphs layer by layer.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace mote::examples {

enum class Activation { kNone, kRelu, kRelu6 };

/// Where a window slides: its size, its stride, and whether the image is padded so that output = ceil(input / stride)
/// (TensorFlow's SAME, the odd row or column at the end) or not at all (VALID).
struct Window {
  ir::Size2D size;
  ir::Size2D stride;
  bool same = true;
};

class ModelBuilder {
 public:
  explicit ModelBuilder(const std::string& name);

  ir::TensorId input(ir::Shape shape);
  /// `weights` [bias.size(), window.h, window.w, channels of x].
  ir::TensorId conv(ir::TensorId x, const Window& window, const std::vector<float>& weights,
                    const std::vector<float>& bias, Activation activation);
  /// `weights` [1, window.h, window.w, channels of x]: one output channel for each input channel.
  ir::TensorId depthwise(ir::TensorId x, const Window& window, const std::vector<float>& weights,
                         const std::vector<float>& bias, Activation activation);
  /// `weights` [bias.size(), elements of x].
  ir::TensorId dense(ir::TensorId x, const std::vector<float>& weights, const std::vector<float>& bias,
                     Activation activation);
  ir::TensorId add(ir::TensorId a, ir::TensorId b, Activation activation);
  ir::TensorId max_pool(ir::TensorId x, const Window& window);
  ir::TensorId average_pool(ir::TensorId x, const Window& window);
  ir::TensorId reshape(ir::TensorId x, ir::Shape shape);
  ir::TensorId softmax(ir::TensorId x);

  const ir::Shape& shape(ir::TensorId x) const { return graph_.tensor(x).shape; }
  const ir::Graph& graph() const { return graph_; }
  /// The graph, with `x` as its output. The builder is empty afterwards.
  ir::Graph finish(ir::TensorId x);

 private:
  ir::TensorId constant(const std::string& role, ir::Shape shape, const std::vector<float>& values);
  ir::TensorId append(ir::OpAttributes attributes, std::vector<ir::TensorId> inputs, ir::Shape shape);

  ir::Graph graph_;
};

}  // namespace mote::examples
