// What the reader takes, and how it says what it does not. Models are written by the writer and then bent by hand.
#include "import/tflite/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "import/tflite/schema_generated.h"
#include "import/tflite/writer.h"
#include "ir/build.h"
#include "ir/random_model.h"
#include "ir/verify.h"

namespace mote::import {
namespace {

using testing::HasSubstr;

Bytes pack(const tflite::ModelT& model) {
  flatbuffers::FlatBufferBuilder builder;
  tflite::FinishModelBuffer(builder, tflite::Model::Pack(builder, &model));
  const std::byte* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return Bytes(begin, begin + builder.GetSize());
}

using Bend = std::function<void(tflite::ModelT& model, tflite::SubGraphT& graph)>;

// `graph` as a model file, changed by `bend`.
Bytes bent(const ir::Graph& graph, const Bend& bend) {
  const Bytes bytes = write_tflite(graph);
  tflite::ModelT model;
  tflite::GetModel(bytes.data())->UnPackTo(&model);
  bend(model, *model.subgraphs.at(0));
  return pack(model);
}

// A convolution, a depthwise one, a mean and a dense layer: operators 0 to 3.
ir::Graph small_net() {
  ir::GraphBuilder b("net", 7);
  const ir::TensorId x = b.input({1, 8, 8, 3});
  const ir::TensorId conv = b.conv_2d(x, 4, {3, 3}, {.activation = ir::Activation::kRelu});
  const ir::TensorId depthwise = b.depthwise_conv_2d(conv, 2, {3, 3}, {.stride = {2, 2}});
  b.output(b.dense(b.mean(depthwise, {1, 2}, false), 5, {.per_channel = false}));
  return b.finish();
}

std::string error_of(const Bytes& bytes) {
  try {
    read_tflite(bytes, "bad.tflite");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of(const Bend& bend) {
  return error_of(bent(small_net(), bend));
}

tflite::OperatorT& op(tflite::SubGraphT& graph, size_t index) {
  return *graph.operators.at(index);
}
tflite::TensorT& input_of(tflite::SubGraphT& graph, size_t index, size_t position) {
  return *graph.tensors.at(static_cast<size_t>(op(graph, index).inputs.at(position)));
}
tflite::TensorT& output_of(tflite::SubGraphT& graph, size_t index) {
  return *graph.tensors.at(static_cast<size_t>(op(graph, index).outputs.at(0)));
}

TEST(RoundTrip, RandomModelsComeBackEqual) {
  for (const ir::DType dtype : {ir::DType::kInt8, ir::DType::kFloat32}) {
    for (uint64_t seed = 0; seed < 300; ++seed) {
      SCOPED_TRACE(seed);
      const ir::Graph graph = ir::random_model(seed, {.dtype = dtype, .operators = 12});
      EXPECT_EQ(graph, read_tflite(write_tflite(graph), graph.name + ".tflite"));
    }
  }
}

TEST(RoundTrip, WritingTwiceGivesTheSameBytes) {
  EXPECT_EQ(write_tflite(small_net()), write_tflite(small_net()));
}

TEST(Reader, TakesUnalignedBytes) {
  Bytes bytes = write_tflite(small_net());
  bytes.insert(bytes.begin(), std::byte{0});
  EXPECT_EQ(read_tflite(std::span(bytes).subspan(1), "net.tflite"), small_net());
}

TEST(Reader, TakesConstantsBehindTheFlatBuffer) {
  const ir::Graph graph = small_net();
  Bytes bytes = write_tflite(graph);
  tflite::ModelT model;
  tflite::GetModel(bytes.data())->UnPackTo(&model);
  Bytes behind;
  for (std::unique_ptr<tflite::BufferT>& buffer : model.buffers) {
    const std::span<const std::byte> data = std::as_bytes(std::span(buffer->data));
    buffer->offset = 2 + behind.size();  // never 0, or the field would vanish and the size of the file with it
    buffer->size = data.size();
    behind.insert(behind.end(), data.begin(), data.end());
    buffer->data.clear();
  }
  const size_t length = pack(model).size();
  for (std::unique_ptr<tflite::BufferT>& buffer : model.buffers) buffer->offset += length - 2;
  bytes = pack(model);
  ASSERT_EQ(bytes.size(), length);
  EXPECT_THAT(error_of(bytes), HasSubstr("lies beyond the end of the file"));
  bytes.insert(bytes.end(), behind.begin(), behind.end());
  EXPECT_EQ(read_tflite(bytes, "net.tflite"), graph);
}

TEST(Reader, TakesABatchOfUnknownSizeAsOne) {
  const Bytes bytes = bent(small_net(), [](tflite::ModelT&, tflite::SubGraphT& graph) {
    for (const std::unique_ptr<tflite::TensorT>& tensor : graph.tensors) {
      if (tensor->buffer == 0) tensor->shape_signature = tensor->shape;
      if (tensor->buffer == 0) tensor->shape_signature[0] = -1;
    }
    input_of(graph, 0, 0).shape[0] = -1;
  });
  EXPECT_EQ(read_tflite(bytes, "net.tflite"), small_net());
  EXPECT_THAT(error_of([](tflite::ModelT&, tflite::SubGraphT& graph) {
                input_of(graph, 0, 0).shape_signature = {1, -1, 8, 3};
              }),
              HasSubstr("dynamic dimension 1"));
}

TEST(Reader, TakesAMissingBiasBothWays) {
  const Bend drop = [](tflite::ModelT&, tflite::SubGraphT& graph) { op(graph, 0).inputs.pop_back(); };
  const Bend absent = [](tflite::ModelT&, tflite::SubGraphT& graph) { op(graph, 0).inputs.at(2) = -1; };
  const ir::Graph dropped = read_tflite(bent(small_net(), drop), "net.tflite");
  EXPECT_EQ(dropped.operators[0].inputs.at(2), ir::kNoTensor);
  EXPECT_EQ(dropped, read_tflite(bent(small_net(), absent), "net.tflite"));
}

TEST(Reader, FlattensABias) {
  const Bend bend = [](tflite::ModelT&, tflite::SubGraphT& graph) {
    input_of(graph, 0, 2).shape = {1, 1, 1, 4};
    input_of(graph, 0, 2).quantization->quantized_dimension = 3;
  };
  EXPECT_EQ(read_tflite(bent(small_net(), bend), "net.tflite"), small_net());
}

TEST(Reader, TakesOldAndNewOperatorCodes) {
  const Bend only_old = [](tflite::ModelT& model, tflite::SubGraphT&) {
    for (const auto& code : model.operator_codes) code->builtin_code = tflite::BuiltinOperator::ADD;
  };
  const Bend only_new = [](tflite::ModelT& model, tflite::SubGraphT&) {
    for (const auto& code : model.operator_codes) code->deprecated_builtin_code = 0;
  };
  EXPECT_EQ(read_tflite(bent(small_net(), only_old), "net.tflite"), small_net());
  EXPECT_EQ(read_tflite(bent(small_net(), only_new), "net.tflite"), small_net());
}

TEST(Reader, NamesTheOperatorItsIndexAndItsTensors) {
  const std::string error = error_of([](tflite::ModelT&, tflite::SubGraphT& graph) {
    output_of(graph, 1).name = "evil\n\x1b[31m\"name\"";
    op(graph, 1).builtin_options.AsDepthwiseConv2DOptions()->activation = tflite::Activation::TANH;
  });
  EXPECT_EQ(
      error,
      "bad.tflite: operator 1 DEPTHWISE_CONV_2D (3 \"conv_2d_0\" INT8 1x8x8x4, 4 \"depthwise_conv_2d_1_weights\" INT8 "
      "1x3x3x8, 5 \"depthwise_conv_2d_1_bias\" INT32 8 -> 6 \"evil\\x0a\\x1b[31m\\\"name\\\"\" INT8 1x4x4x8): its "
      "fused "
      "activation TANH is not supported");
}

TEST(Reader, ListsEveryProblem) {
  const Bytes bytes = bent(small_net(), [](tflite::ModelT& model, tflite::SubGraphT& graph) {
    model.operator_codes.push_back(std::make_unique<tflite::OperatorCodeT>());
    model.operator_codes.back()->builtin_code = tflite::BuiltinOperator::HARD_SWISH;
    op(graph, 0).opcode_index = static_cast<uint32_t>(model.operator_codes.size() - 1);
    output_of(graph, 2).type = tflite::TensorType::UINT8;
    model.subgraphs.push_back(std::make_unique<tflite::SubGraphT>());
  });
  const Survey survey = survey_tflite(bytes, "bad.tflite");
  ASSERT_EQ(survey.problems.size(), 4u);
  EXPECT_THAT(text_of(survey.problems[0]), HasSubstr("2 subgraphs"));
  EXPECT_THAT(text_of(survey.problems[1]), HasSubstr("operator 0 HARD_SWISH"));
  EXPECT_THAT(text_of(survey.problems[2]), HasSubstr("operator 2 MEAN"));
  EXPECT_THAT(text_of(survey.problems[3]), HasSubstr("operator 3 FULLY_CONNECTED"));
  EXPECT_EQ(survey.operator_count, 4);
  ASSERT_EQ(survey.graph.operators.size(), 1u);
  EXPECT_EQ(survey.graph.operators[0].source, std::vector<int32_t>{1});
  EXPECT_THAT(error_of(bytes), HasSubstr("and 3 more"));
}

struct Refused {
  const char* what;  // the error says this
  Bend bend;
};

// One change each that makes the small net something mote refuses.
std::vector<Refused> refusals() {
  using M = tflite::ModelT;
  using G = tflite::SubGraphT;
  return {
      {"schema version 2", [](M& m, G&) { m.version = 2; }},
      {"no subgraph", [](M& m, G&) { m.subgraphs.clear(); }},
      {"no operator", [](M&, G& g) { g.operators.clear(); }},
      {"no input", [](M&, G& g) { g.inputs.clear(); }},
      {"no output", [](M&, G& g) { g.outputs.clear(); }},
      {"no tensor 99", [](M&, G& g) { g.inputs = {99}; }},
      {"no operator writes model output -5", [](M&, G& g) { g.outputs = {-5}; }},
      {"is a model input twice", [](M&, G& g) { g.inputs.push_back(g.inputs[0]); }},
      {"is a constant", [](M&, G& g) { g.inputs.push_back(op(g, 3).inputs[1]); }},
      {"operator code 77 of a list that ends before it", [](M&, G& g) { op(g, 0).opcode_index = 77; }},
      {"CUSTOM \"mine\"",
       [](M& m, G&) {
         m.operator_codes[0]->builtin_code = tflite::BuiltinOperator::CUSTOM;
         m.operator_codes[0]->custom_code = "mine";
       }},
      {"builtin operator 1000",
       [](M& m, G&) { m.operator_codes[0]->builtin_code = static_cast<tflite::BuiltinOperator>(1000); }},
      {"has 1 operands", [](M&, G& g) { op(g, 0).inputs.resize(1); }},
      {"has 2 results", [](M&, G& g) { op(g, 0).outputs.push_back(0); }},
      {"no tensor 1000", [](M&, G& g) { op(g, 0).inputs[1] = 1000; }},
      {"before anything has written it", [](M&, G& g) { std::swap(g.operators[0], g.operators[1]); }},
      {"has a value already", [](M&, G& g) { g.operators.push_back(std::make_unique<tflite::OperatorT>(op(g, 2))); }},
      {"options are missing", [](M&, G& g) { op(g, 0).builtin_options.Reset(); }},
      {"stride 0", [](M&, G& g) { op(g, 0).builtin_options.AsConv2DOptions()->stride_w = 0; }},
      {"dilation -3", [](M&, G& g) { op(g, 0).builtin_options.AsConv2DOptions()->dilation_h = -3; }},
      {"padding 9",
       [](M&, G& g) { op(g, 0).builtin_options.AsConv2DOptions()->padding = static_cast<tflite::Padding>(9); }},
      {"grouped convolution",
       [](M&, G& g) {
         input_of(g, 0, 0).shape = {1, 8, 8, 6};
       }},
      {"depth multiplier 3",
       [](M&, G& g) { op(g, 1).builtin_options.AsDepthwiseConv2DOptions()->depth_multiplier = 3; }},
      {"type FLOAT16", [](M&, G& g) { input_of(g, 0, 0).type = tflite::TensorType::FLOAT16; }},
      {"is of type type 77", [](M&, G& g) { input_of(g, 0, 0).type = static_cast<tflite::TensorType>(77); }},
      {"is a variable", [](M&, G& g) { input_of(g, 0, 0).is_variable = true; }},
      {"is sparse", [](M&, G& g) { input_of(g, 0, 1).sparsity = std::make_unique<tflite::SparsityParametersT>(); }},
      {"custom quantisation",
       [](M&, G& g) {
         input_of(g, 0, 0).quantization->details.type = tflite::QuantizationDetails::Custom;
         input_of(g, 0, 0).quantization->details.value = new tflite::IgnoredT;
       }},
      {"7 dimensions", [](M&, G& g) { input_of(g, 0, 0).shape = {1, 1, 1, 1, 1, 1, 1}; }},
      {"dimension of 0", [](M&, G& g) { input_of(g, 0, 0).shape[1] = 0; }},
      {"dimension of -1", [](M&, G& g) { input_of(g, 0, 0).shape[1] = -1; }},
      {"larger than 2 GiB",
       [](M&, G& g) {
         input_of(g, 0, 0).shape = {1, 1 << 20, 1 << 20, 1 << 20};
       }},
      {"int8 without a scale", [](M&, G& g) { input_of(g, 0, 0).quantization.reset(); }},
      {"has scale -1", [](M&, G& g) { input_of(g, 0, 0).quantization->scale[0] = -1; }},
      {"has scale nan", [](M&, G& g) { input_of(g, 0, 0).quantization->scale[0] = std::nanf(""); }},
      {"zero point 128", [](M&, G& g) { input_of(g, 0, 0).quantization->zero_point[0] = 128; }},
      {"1 scales and 0 zero points", [](M&, G& g) { input_of(g, 0, 0).quantization->zero_point.clear(); }},
      {"scales along dimension 3", [](M&, G& g) { input_of(g, 0, 1).quantization->quantized_dimension = 3; }},
      {"a constant of", [](M& m, G& g) { m.buffers[input_of(g, 0, 1).buffer]->data.pop_back(); }},
      {"refers to buffer 999", [](M&, G& g) { input_of(g, 0, 1).buffer = 999; }},
      {"are no constant",
       [](M&, G& g) {
         g.inputs.push_back(op(g, 3).inputs[1]);
         input_of(g, 3, 1).buffer = 0;
       }},
      {"has scale 0.5, but input times weights", [](M&, G& g) { input_of(g, 3, 2).quantization->scale[0] = 0.5f; }},
      {"shuffled weights",
       [](M&, G& g) {
         op(g, 3).builtin_options.AsFullyConnectedOptions()->weights_format = tflite::WeightsFormat::SHUFFLED4x16INT8;
       }},
      {"has no axis 4", [](M& m, G& g) { m.buffers[input_of(g, 2, 1).buffer]->data[0] = 4; }},
      {"must be a constant", [](M&, G& g) { input_of(g, 2, 1).buffer = 0; }},
      {"must hold integers", [](M&, G& g) { input_of(g, 2, 1).type = tflite::TensorType::FLOAT32; }},
      {"its output 1x8x7x4 should be 1x8x8",
       [](M&, G& g) {
         output_of(g, 0).shape = {1, 8, 7, 4};
       }},
  };
}

TEST(Reader, RefusesWhatItCannotTake) {
  for (const Refused& refused : refusals()) {
    SCOPED_TRACE(refused.what);
    const std::string error = error_of(refused.bend);
    EXPECT_THAT(error, testing::StartsWith("bad.tflite: "));
    EXPECT_THAT(error, HasSubstr(refused.what));
  }
}

TEST(Reader, RefusesToPadWithWhatIsNoNumber) {
  ir::GraphBuilder b("pad", 1, ir::DType::kFloat32);
  b.output(b.pad(b.input({2, 3}), {0, 1}, {1, 0}, 2.5));
  const ir::Graph graph = b.finish();
  EXPECT_EQ(read_tflite(write_tflite(graph), "pad.tflite"), graph);
  EXPECT_THAT(error_of(bent(graph,
                            [](tflite::ModelT& model, tflite::SubGraphT& graph) {
                              for (uint8_t& byte : model.buffers[input_of(graph, 0, 2).buffer]->data) byte = 0xff;
                            })),
              HasSubstr("no number"));
}

TEST(Reader, RefusesWhatIsNoModel) {
  EXPECT_THAT(error_of(Bytes{}), HasSubstr("not a TensorFlow Lite model"));
  EXPECT_THAT(error_of(Bytes(1000)), HasSubstr("not a TensorFlow Lite model"));
  Bytes cut = write_tflite(small_net());
  cut.resize(cut.size() / 2);
  EXPECT_THAT(error_of(cut), HasSubstr("damaged or truncated"));
  EXPECT_THROW(read_tflite("/nonexistent/model.tflite"), InputError);
  EXPECT_THROW(read_tflite("/tmp"), InputError);
}

TEST(Writer, RefusesWhatTfliteCannotSay) {
  const auto error_with = [](const std::function<void(ir::Operator&)>& change) -> std::string {
    ir::Graph graph = small_net();
    change(graph.operators[0]);
    try {
      write_tflite(graph);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_with([](ir::Operator& op) { std::get<ir::Conv2D>(op.attributes).padding.top = 2; }),
              HasSubstr("net: operator 0 conv_2d: its padding (top 2"));
  EXPECT_THAT(error_with([](ir::Operator& op) {
                std::get<ir::Conv2D>(op.attributes).clamp = {-7, 3};
              }),
              HasSubstr("is no activation"));
  EXPECT_THAT(error_with([](ir::Operator& op) { op.post = ir::Table{}; }), HasSubstr("no lookup table"));
}

}  // namespace
}  // namespace mote::import
