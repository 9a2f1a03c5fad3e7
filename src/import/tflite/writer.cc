#include "import/tflite/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "import/tflite/activation.h"
#include "import/tflite/schema_generated.h"
#include "import/tflite/source.h"
#include "ir/window.h"
#include "support/error.h"

namespace mote::import {

namespace {

using tflite::BuiltinOperator;

// What an operator becomes: its code, its options, and constant operands that it has in TFLite only.
struct Written {
  BuiltinOperator code;
  tflite::BuiltinOptionsUnion options;
  std::vector<ir::Tensor> parameters;
};

template <typename Options>
Written written(BuiltinOperator code, tflite::BuiltinOptions type, Options options,
                std::vector<ir::Tensor> parameters = {}) {
  Written result{code, {}, std::move(parameters)};
  result.options.type = type;
  result.options.value = new Options(std::move(options));  // the union owns it and deletes it by its type
  return result;
}

Written without_options(BuiltinOperator code, std::vector<ir::Tensor> parameters = {}) {
  return {code, {}, std::move(parameters)};
}

tflite::Activation activation(const ir::Clamp& clamp, const ir::Tensor& output) {
  const std::optional<tflite::Activation> activation = activation_of(clamp, output);
  if (!activation) throw Refusal(fmt::format("its clamp [{}, {}] is no activation of TFLite's", clamp.lo, clamp.hi));
  return *activation;
}

// SAME or VALID, whichever gives `wanted` on this image.
tflite::Padding padding(const ir::Padding2D& wanted, const ir::Shape& image, const ir::Shape& out, ir::Size2D window,
                        ir::Size2D stride, ir::Size2D dilation) {
  const auto gives_wanted = [&](const auto& extent_of) {
    const ir::Extent h = extent_of(image.at(1), window.h, stride.h, dilation.h);
    const ir::Extent w = extent_of(image.at(2), window.w, stride.w, dilation.w);
    return h == ir::Extent{wanted.top, wanted.bottom, out.at(1)} &&
           w == ir::Extent{wanted.left, wanted.right, out.at(2)};
  };
  if (gives_wanted(ir::valid_extent)) return tflite::Padding::VALID;
  if (gives_wanted(ir::same_extent)) return tflite::Padding::SAME;
  throw Refusal(fmt::format("its padding (top {}, bottom {}, left {}, right {}) is neither SAME nor VALID", wanted.top,
                            wanted.bottom, wanted.left, wanted.right));
}

ir::Tensor int32_parameter(const std::string& name, const std::vector<int32_t>& values, ir::Shape shape) {
  ir::Tensor tensor;
  tensor.name = name;
  tensor.dtype = ir::DType::kInt32;
  tensor.shape = std::move(shape);
  tensor.data = to_bytes(values);
  return tensor;
}

// The operator with the graph around it.
struct OpWriter {
  const ir::Graph& graph;
  const ir::Operator& op;

  const ir::Tensor& input(size_t position) const { return graph.tensor(op.inputs.at(position)); }
  const ir::Tensor& output() const { return graph.tensor(op.output); }

  Written operator()(const ir::Conv2D& a) const {
    tflite::Conv2DOptionsT options;
    const ir::Shape& weights = input(1).shape;
    options.padding =
        padding(a.padding, input(0).shape, output().shape, {weights[1], weights[2]}, a.stride, a.dilation);
    options.stride_h = a.stride.h;
    options.stride_w = a.stride.w;
    options.dilation_h = a.dilation.h;
    options.dilation_w = a.dilation.w;
    options.activation = activation(a.clamp, output());
    return written(BuiltinOperator::CONV_2D, tflite::BuiltinOptions::Conv2DOptions, options);
  }

  Written operator()(const ir::DepthwiseConv2D& a) const {
    tflite::DepthwiseConv2DOptionsT options;
    const ir::Shape& weights = input(1).shape;
    options.padding =
        padding(a.padding, input(0).shape, output().shape, {weights[1], weights[2]}, a.stride, a.dilation);
    options.stride_h = a.stride.h;
    options.stride_w = a.stride.w;
    options.dilation_h = a.dilation.h;
    options.dilation_w = a.dilation.w;
    options.depth_multiplier = a.multiplier;
    options.activation = activation(a.clamp, output());
    return written(BuiltinOperator::DEPTHWISE_CONV_2D, tflite::BuiltinOptions::DepthwiseConv2DOptions, options);
  }

  Written operator()(const ir::Dense& a) const {
    tflite::FullyConnectedOptionsT options;
    options.activation = activation(a.clamp, output());
    options.keep_num_dims = output().shape.size() != 2;
    return written(BuiltinOperator::FULLY_CONNECTED, tflite::BuiltinOptions::FullyConnectedOptions, options);
  }

  Written operator()(const ir::Add& a) const {
    tflite::AddOptionsT options;
    options.activation = activation(a.clamp, output());
    return written(BuiltinOperator::ADD, tflite::BuiltinOptions::AddOptions, options);
  }

  Written operator()(const ir::Mul& a) const {
    tflite::MulOptionsT options;
    options.activation = activation(a.clamp, output());
    return written(BuiltinOperator::MUL, tflite::BuiltinOptions::MulOptions, options);
  }

  Written operator()(const ir::AveragePool2D& a) const { return pool(BuiltinOperator::AVERAGE_POOL_2D, a); }
  Written operator()(const ir::MaxPool2D& a) const { return pool(BuiltinOperator::MAX_POOL_2D, a); }

  Written operator()(const ir::Mean& a) const {
    tflite::ReducerOptionsT options;
    options.keep_dims = output().shape.size() == input(0).shape.size();
    return written(BuiltinOperator::MEAN, tflite::BuiltinOptions::ReducerOptions, options,
                   {int32_parameter("axes", a.axes, {static_cast<int32_t>(a.axes.size())})});
  }

  Written operator()(const ir::Softmax& a) const {
    tflite::SoftmaxOptionsT options;
    options.beta = a.beta;
    return written(BuiltinOperator::SOFTMAX, tflite::BuiltinOptions::SoftmaxOptions, options);
  }

  Written operator()(const ir::Logistic&) const { return without_options(BuiltinOperator::LOGISTIC); }
  Written operator()(const ir::Tanh&) const { return without_options(BuiltinOperator::TANH); }

  Written operator()(const ir::Relu& a) const {
    return without_options(a.kind == ir::Relu::Kind::kRelu ? BuiltinOperator::RELU : BuiltinOperator::RELU6);
  }

  Written operator()(const ir::Pad& a) const {
    std::vector<int32_t> amounts;
    for (size_t i = 0; i < a.before.size(); ++i) {
      amounts.push_back(a.before[i]);
      amounts.push_back(a.after[i]);
    }
    std::vector<ir::Tensor> parameters{
        int32_parameter("paddings", amounts, {static_cast<int32_t>(a.before.size()), 2})};
    const bool is_i8 = output().dtype == ir::DType::kInt8;
    if (a.value == (is_i8 ? output().zero_point() : 0))
      return without_options(BuiltinOperator::PAD, std::move(parameters));
    ir::Tensor value;
    value.name = "padding value";
    value.dtype = output().dtype;
    value.quant = output().quant;
    value.data = is_i8 ? to_bytes(std::vector<int8_t>{static_cast<int8_t>(a.value)})
                       : to_bytes(std::vector<float>{static_cast<float>(a.value)});
    parameters.push_back(std::move(value));
    return without_options(BuiltinOperator::PADV2, std::move(parameters));
  }

  Written operator()(const ir::Reshape&) const {
    tflite::ReshapeOptionsT options;
    options.new_shape = output().shape;
    return written(BuiltinOperator::RESHAPE, tflite::BuiltinOptions::ReshapeOptions, options,
                   {int32_parameter("shape", output().shape, {static_cast<int32_t>(output().shape.size())})});
  }

  Written operator()(const ir::Concat& a) const {
    tflite::ConcatenationOptionsT options;
    options.axis = a.axis;
    return written(BuiltinOperator::CONCATENATION, tflite::BuiltinOptions::ConcatenationOptions, options);
  }

  Written operator()(const ir::Slice& a) const {
    const ir::Shape rank{static_cast<int32_t>(a.begin.size())};
    return without_options(BuiltinOperator::SLICE,
                           {int32_parameter("begin", a.begin, rank), int32_parameter("size", output().shape, rank)});
  }

  Written operator()(const ir::Insert&) const { throw Refusal("TFLite does not write into a tensor"); }
  Written operator()(const ir::Quantize&) const { return without_options(BuiltinOperator::QUANTIZE); }
  Written operator()(const ir::Dequantize&) const { return without_options(BuiltinOperator::DEQUANTIZE); }
  Written operator()(const ir::Lookup&) const { throw Refusal("TFLite has no lookup table"); }

 private:
  template <typename Pool>
  Written pool(BuiltinOperator code, const Pool& a) const {
    tflite::Pool2DOptionsT options;
    options.padding = padding(a.padding, input(0).shape, output().shape, a.window, a.stride, {1, 1});
    options.stride_h = a.stride.h;
    options.stride_w = a.stride.w;
    options.filter_h = a.window.h;
    options.filter_w = a.window.w;
    options.activation = activation(a.clamp, output());
    return written(code, tflite::BuiltinOptions::Pool2DOptions, options);
  }
};

tflite::TensorType type_of(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kInt8:
      return tflite::TensorType::INT8;
    case ir::DType::kInt16:
      return tflite::TensorType::INT16;
    case ir::DType::kInt32:
      return tflite::TensorType::INT32;
    case ir::DType::kInt64:
      return tflite::TensorType::INT64;
    case ir::DType::kFloat32:
      return tflite::TensorType::FLOAT32;
  }
  unreachable("a dtype that does not exist");
}

// Appends `tensor` and its data; gives its index.
int32_t add_tensor(tflite::ModelT& model, const ir::Tensor& tensor) {
  std::unique_ptr<tflite::TensorT> stored = std::make_unique<tflite::TensorT>();
  stored->name = tensor.name;
  stored->type = type_of(tensor.dtype);
  stored->shape = tensor.shape;
  stored->has_rank = true;
  if (tensor.quant) {
    stored->quantization = std::make_unique<tflite::QuantizationParametersT>();
    stored->quantization->scale = tensor.quant->scales;
    stored->quantization->zero_point.assign(tensor.quant->zero_points.begin(), tensor.quant->zero_points.end());
    stored->quantization->quantized_dimension = tensor.quant->axis;
  }
  if (tensor.data) {
    stored->buffer = static_cast<uint32_t>(model.buffers.size());
    std::unique_ptr<tflite::BufferT> buffer = std::make_unique<tflite::BufferT>();
    const uint8_t* data = reinterpret_cast<const uint8_t*>(tensor.data->data());
    buffer->data.assign(data, data + tensor.data->size());
    model.buffers.push_back(std::move(buffer));
  }
  std::vector<std::unique_ptr<tflite::TensorT>>& tensors = model.subgraphs.front()->tensors;
  tensors.push_back(std::move(stored));
  return static_cast<int32_t>(tensors.size() - 1);
}

// The lowest operator version under which TensorFlow Lite takes it with these types.
int32_t version_of(BuiltinOperator code, bool is_i8) {
  switch (code) {
    case BuiltinOperator::CONV_2D:
    case BuiltinOperator::DEPTHWISE_CONV_2D:
      return is_i8 ? 3 : 2;
    case BuiltinOperator::FULLY_CONNECTED:
      return is_i8 ? 6 : 5;
    case BuiltinOperator::RESHAPE:
    case BuiltinOperator::QUANTIZE:
      return 1;
    default:
      return is_i8 ? 2 : 1;
  }
}

// Index of the operator code in the model's list, appended on first use.
uint32_t opcode_index(tflite::ModelT& model, BuiltinOperator code, int32_t version) {
  for (size_t i = 0; i < model.operator_codes.size(); ++i) {
    const tflite::OperatorCodeT& known = *model.operator_codes[i];
    if (known.builtin_code == code && known.version == version) return static_cast<uint32_t>(i);
  }
  std::unique_ptr<tflite::OperatorCodeT> entry = std::make_unique<tflite::OperatorCodeT>();
  entry->builtin_code = code;
  entry->deprecated_builtin_code = static_cast<int8_t>(code);  // all codes that mote writes are under 127
  entry->version = version;
  model.operator_codes.push_back(std::move(entry));
  return static_cast<uint32_t>(model.operator_codes.size() - 1);
}

void add_operator(tflite::ModelT& model, const ir::Graph& graph, const ir::Operator& op) {
  if (op.post || op.computed) throw Refusal("TFLite has no lookup table to fuse");
  Written written = std::visit(OpWriter{graph, op}, op.attributes);
  std::unique_ptr<tflite::OperatorT> stored = std::make_unique<tflite::OperatorT>();
  bool is_i8 = graph.tensor(op.output).dtype == ir::DType::kInt8;
  for (const ir::TensorId id : op.inputs) {
    stored->inputs.push_back(id);
    is_i8 = is_i8 || (id >= 0 && graph.tensor(id).dtype == ir::DType::kInt8);
  }
  for (const ir::Tensor& parameter : written.parameters) stored->inputs.push_back(add_tensor(model, parameter));
  stored->outputs = {op.output};
  stored->opcode_index = opcode_index(model, written.code, version_of(written.code, is_i8));
  stored->builtin_options = std::move(written.options);
  model.subgraphs.front()->operators.push_back(std::move(stored));
}

}  // namespace

Bytes write_tflite(const ir::Graph& graph) {
  tflite::ModelT model;
  model.version = 3;
  model.description = "written by mote";
  model.buffers.push_back(std::make_unique<tflite::BufferT>());  // buffer 0: empty by convention
  model.subgraphs.push_back(std::make_unique<tflite::SubGraphT>());
  tflite::SubGraphT& subgraph = *model.subgraphs.front();
  subgraph.name = graph.name;
  subgraph.inputs = graph.inputs;
  subgraph.outputs = graph.outputs;
  for (const ir::Tensor& tensor : graph.tensors) add_tensor(model, tensor);
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator& op = graph.operators[i];
    try {
      add_operator(model, graph, op);
    } catch (const Refusal& refusal) {
      throw InputError(graph.name, fmt::format("operator {} {}: {}", i, ir::kind_of(op.attributes), refusal.what()));
    }
  }
  flatbuffers::FlatBufferBuilder builder;
  tflite::FinishModelBuffer(builder, tflite::Model::Pack(builder, &model));
  const std::byte* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return Bytes(begin, begin + builder.GetSize());
}

}  // namespace mote::import
