#include "lib/model_builder.h"

#include <algorithm>
#include <utility>

namespace mote::examples {

using ir::Shape;
using ir::TensorId;

namespace {

struct Extent {
  int32_t out, before, after;
};

Extent slide(int32_t in, int32_t window, int32_t stride, bool same) {
  if (!same) return {(in - window) / stride + 1, 0, 0};
  const int32_t out = (in + stride - 1) / stride;
  const int32_t padding = std::max(0, (out - 1) * stride + window - in);
  return {out, padding / 2, padding - padding / 2};
}

struct Slide {
  ir::Padding2D padding;
  Shape out;
};

Slide slide(const Shape& in, const Window& window, int32_t out_channels) {
  const Extent h = slide(in.at(1), window.size.h, window.stride.h, window.same);
  const Extent w = slide(in.at(2), window.size.w, window.stride.w, window.same);
  return {{h.before, h.after, w.before, w.after}, {in[0], h.out, w.out, out_channels}};
}

ir::Clamp clamp_of(Activation activation) {
  ir::Clamp clamp;
  if (activation != Activation::kNone) clamp.lo = 0;
  if (activation == Activation::kRelu6) clamp.hi = 6;
  return clamp;
}

int32_t size_of(const std::vector<float>& values) {
  return static_cast<int32_t>(values.size());
}

}  // namespace

ModelBuilder::ModelBuilder(const std::string& name) {
  graph_.name = name;
}

TensorId ModelBuilder::input(Shape shape) {
  ir::Tensor tensor;
  tensor.name = "input";
  tensor.dtype = ir::DType::kFloat32;
  tensor.shape = std::move(shape);
  graph_.tensors.push_back(tensor);
  graph_.inputs.push_back(static_cast<TensorId>(graph_.tensors.size() - 1));
  return graph_.inputs.back();
}

TensorId ModelBuilder::conv(TensorId x, const Window& window, const std::vector<float>& weights,
                            const std::vector<float>& bias, Activation activation) {
  const Slide over = slide(shape(x), window, size_of(bias));
  const TensorId w = constant("weights", {size_of(bias), window.size.h, window.size.w, shape(x)[3]}, weights);
  const TensorId b = constant("bias", {size_of(bias)}, bias);
  return append(ir::Conv2D{window.stride, {}, over.padding, clamp_of(activation)}, {x, w, b}, over.out);
}

TensorId ModelBuilder::depthwise(TensorId x, const Window& window, const std::vector<float>& weights,
                                 const std::vector<float>& bias, Activation activation) {
  const Slide over = slide(shape(x), window, size_of(bias));
  const TensorId w = constant("weights", {1, window.size.h, window.size.w, shape(x)[3]}, weights);
  const TensorId b = constant("bias", {size_of(bias)}, bias);
  return append(ir::DepthwiseConv2D{window.stride, {}, over.padding, 1, clamp_of(activation)}, {x, w, b}, over.out);
}

TensorId ModelBuilder::dense(TensorId x, const std::vector<float>& weights, const std::vector<float>& bias,
                             Activation activation) {
  const auto features = static_cast<int32_t>(ir::elements(shape(x)));
  const TensorId w = constant("weights", {size_of(bias), features}, weights);
  const TensorId b = constant("bias", {size_of(bias)}, bias);
  return append(ir::Dense{clamp_of(activation)}, {x, w, b}, {1, size_of(bias)});
}

TensorId ModelBuilder::add(TensorId a, TensorId b, Activation activation) {
  return append(ir::Add{clamp_of(activation)}, {a, b}, shape(a));
}

TensorId ModelBuilder::max_pool(TensorId x, const Window& window) {
  const Slide over = slide(shape(x), window, shape(x)[3]);
  return append(ir::MaxPool2D{window.size, window.stride, over.padding, {}}, {x}, over.out);
}

TensorId ModelBuilder::average_pool(TensorId x, const Window& window) {
  const Slide over = slide(shape(x), window, shape(x)[3]);
  return append(ir::AveragePool2D{window.size, window.stride, over.padding, {}}, {x}, over.out);
}

TensorId ModelBuilder::reshape(TensorId x, Shape shape) {
  return append(ir::Reshape{}, {x}, std::move(shape));
}

TensorId ModelBuilder::softmax(TensorId x) {
  return append(ir::Softmax{}, {x}, shape(x));
}

ir::Graph ModelBuilder::finish(TensorId x) {
  graph_.outputs = {x};
  return std::move(graph_);
}

TensorId ModelBuilder::constant(const std::string& role, Shape shape, const std::vector<float>& values) {
  check(ir::elements(shape) == size_of(values), "a constant has as many values as its shape says");
  ir::Tensor tensor;
  tensor.name = role + "_" + std::to_string(graph_.operators.size());
  tensor.dtype = ir::DType::kFloat32;
  tensor.shape = std::move(shape);
  tensor.data = to_bytes(values);
  graph_.tensors.push_back(tensor);
  return static_cast<TensorId>(graph_.tensors.size() - 1);
}

TensorId ModelBuilder::append(ir::OpAttributes attributes, std::vector<TensorId> inputs, Shape shape) {
  ir::Tensor tensor;
  tensor.name = std::string(ir::kind_of(attributes)) + "_" + std::to_string(graph_.operators.size());
  tensor.dtype = ir::DType::kFloat32;
  tensor.shape = std::move(shape);
  graph_.tensors.push_back(tensor);
  ir::Operator op;
  op.attributes = std::move(attributes);
  op.inputs = std::move(inputs);
  op.output = static_cast<TensorId>(graph_.tensors.size() - 1);
  op.source = {static_cast<int32_t>(graph_.operators.size())};
  graph_.operators.push_back(op);
  return op.output;
}

}  // namespace mote::examples
