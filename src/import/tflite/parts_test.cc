// Operators that only move elements, and integers computed from shapes: what they give, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "import/tflite/reader.h"
#include "import/tflite/schema_generated.h"
#include "reference/interpret.h"
#include "support/error.h"

namespace mote::import {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tflite::BuiltinOperator;

using Values = std::vector<int8_t>;

/// A model, tensor by tensor and operator by operator. All int8 tensors have one scale.
class Model {
 public:
  Model() {
    model_.version = 3;
    model_.buffers.push_back(std::make_unique<tflite::BufferT>());
    model_.subgraphs.push_back(std::make_unique<tflite::SubGraphT>());
  }
  int tensor(const ir::Shape& shape, tflite::TensorType type = tflite::TensorType::INT8) {
    auto tensor = std::make_unique<tflite::TensorT>();
    tensor->name = "t" + std::to_string(graph().tensors.size());
    tensor->shape = shape;
    tensor->type = type;
    if (type == tflite::TensorType::INT8) {
      tensor->quantization = std::make_unique<tflite::QuantizationParametersT>();
      tensor->quantization->scale = {0.5f};
      tensor->quantization->zero_point = {3};
    }
    graph().tensors.push_back(std::move(tensor));
    return static_cast<int>(graph().tensors.size() - 1);
  }
  int integers(const std::vector<int32_t>& values, bool is_scalar = false) {
    const ir::Shape shape{static_cast<int32_t>(values.size())};
    const int id = tensor(is_scalar ? ir::Shape{} : shape, tflite::TensorType::INT32);
    graph().tensors.back()->buffer = static_cast<uint32_t>(model_.buffers.size());
    model_.buffers.push_back(std::make_unique<tflite::BufferT>());
    const Bytes bytes = to_bytes(values);
    for (const std::byte b : bytes) model_.buffers.back()->data.push_back(std::to_integer<uint8_t>(b));
    return id;
  }
  int scalar(int32_t value) { return integers({value}, true); }
  int input(const ir::Shape& shape) {
    graph().inputs.push_back(tensor(shape));
    return graph().inputs.back();
  }
  int output(const ir::Shape& shape) {
    graph().outputs.push_back(tensor(shape));
    return graph().outputs.back();
  }
  template <typename Options = tflite::ReshapeOptionsT>
  void add(BuiltinOperator code, std::vector<int> inputs, std::vector<int> outputs,
           tflite::BuiltinOptions type = tflite::BuiltinOptions::NONE, const Options& options = {}) {
    model_.operator_codes.push_back(std::make_unique<tflite::OperatorCodeT>());
    model_.operator_codes.back()->builtin_code = code;
    auto op = std::make_unique<tflite::OperatorT>();
    op->opcode_index = static_cast<uint32_t>(model_.operator_codes.size() - 1);
    op->inputs = std::move(inputs);
    op->outputs = std::move(outputs);
    op->builtin_options.type = type;
    if (type != tflite::BuiltinOptions::NONE) op->builtin_options.value = new Options(options);
    graph().operators.push_back(std::move(op));
  }
  Bytes pack() const {
    flatbuffers::FlatBufferBuilder builder;
    tflite::FinishModelBuffer(builder, tflite::Model::Pack(builder, &model_));
    const std::byte* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
    return Bytes(begin, begin + builder.GetSize());
  }

 private:
  tflite::SubGraphT& graph() { return *model_.subgraphs.front(); }
  tflite::ModelT model_;
};

/// The outputs for an input of 0, 1, 2...
std::vector<Values> outputs_of(const Model& model) {
  const ir::Graph graph = read_tflite(model.pack(), "parts.tflite");
  Values input(graph.tensor(graph.inputs[0]).size_bytes());
  std::iota(input.begin(), input.end(), int8_t{0});
  const std::vector<Bytes> tensors = reference::interpret(graph, {to_bytes(input)});
  std::vector<Values> outputs;
  for (const ir::TensorId id : graph.outputs) outputs.push_back(to_values<int8_t>(tensors.at(static_cast<size_t>(id))));
  return outputs;
}

std::string error_of(const Model& model) {
  try {
    read_tflite(model.pack(), "parts.tflite");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

struct Cut {
  ir::Shape from;
  std::vector<int32_t> begin, end, stride;
  ir::Shape to;
  tflite::StridedSliceOptionsT options = {};
};

tflite::StridedSliceOptionsT masks(int32_t begin, int32_t end, int32_t shrink = 0) {
  tflite::StridedSliceOptionsT options;
  options.begin_mask = begin;
  options.end_mask = end;
  options.shrink_axis_mask = shrink;
  return options;
}

Model model_of(const Cut& cut) {
  Model model;
  const int x = model.input(cut.from);
  const std::vector<int> operands{x, model.integers(cut.begin), model.integers(cut.end), model.integers(cut.stride)};
  model.add(BuiltinOperator::STRIDED_SLICE, operands, {model.output(cut.to)},
            tflite::BuiltinOptions::StridedSliceOptions, cut.options);
  return model;
}

Values cut_of(const Cut& cut) {
  return outputs_of(model_of(cut)).at(0);
}

TEST(StridedSlice, TakesWhatTensorFlowTakes) {
  EXPECT_THAT(cut_of({{10}, {2}, {8}, {3}, {2}}), ElementsAre(2, 5));
  EXPECT_THAT(cut_of({{10}, {-3}, {99}, {1}, {3}}), ElementsAre(7, 8, 9));
  EXPECT_THAT(cut_of({{10}, {5}, {5}, {4}, {3}, masks(1, 1)}), ElementsAre(0, 4, 8));
  EXPECT_THAT(cut_of({{2, 5}, {0, -2}, {2, 0}, {1, 1}, {2}, masks(0, 0, 2)}), ElementsAre(3, 8));
  EXPECT_THAT(cut_of({{2, 5}, {1}, {2}, {1}, {1, 5}}), ElementsAre(5, 6, 7, 8, 9)) << "what is not said is whole";
  EXPECT_THAT(cut_of({{3, 4, 2}, {0, 1, 0}, {3, 4, 2}, {2, 2, 1}, {2, 2, 2}}), ElementsAre(2, 3, 6, 7, 18, 19, 22, 23));
  EXPECT_THAT(cut_of({{1, 4, 4, 2}, {0, 0, 0, 1}, {1, 4, 4, 2}, {1, 2, 3, 1}, {1, 2, 2, 1}}),
              ElementsAre(1, 7, 17, 23));
  EXPECT_THAT(cut_of({{10}, {-1}, {3}, {-7}, {1}}), ElementsAre(9)) << "a stride of which nothing shows";
  tflite::StridedSliceOptionsT relative;
  relative.offset = true;
  EXPECT_THAT(cut_of({{10}, {4}, {3}, {1}, {3}, relative}), ElementsAre(4, 5, 6));
}

TEST(StridedSlice, RefusesWhatItCannotTake) {
  const auto error = [](const Cut& cut) { return error_of(model_of(cut)); };
  EXPECT_THAT(error({{10}, {8}, {2}, {1}, {2}}), HasSubstr("nothing is left of dimension 0"));
  EXPECT_THAT(error({{10}, {8}, {2}, {-2}, {3}}), HasSubstr("a negative stride"));
  EXPECT_THAT(error({{10}, {0}, {2}, {0}, {2}}), HasSubstr("a stride of 0"));
  EXPECT_THAT(error({{10}, {0}, {5}, {1}, {4}}), HasSubstr("the output is 4 but 5 is asked for"));
  EXPECT_THAT(error({{10}, {10}, {11}, {1}, {}, masks(0, 0, 1)}), HasSubstr("nothing is left of dimension 0"));
  EXPECT_THAT(error({{10}, {0, 0}, {5, 1}, {1, 1}, {5}}), HasSubstr("2 begins, 2 ends"));
  EXPECT_THAT(error({{10}, {0}, {5}, {1, 1}, {5}}), HasSubstr("1 begins, 1 ends and 2 strides for 1 dimensions"));
  tflite::StridedSliceOptionsT options;
  options.new_axis_mask = 1;
  EXPECT_THAT(error({{10}, {0}, {5}, {1}, {5}, options}), HasSubstr("a new axis"));
  EXPECT_THAT(error({{10}, {INT32_MIN}, {INT32_MAX}, {INT32_MAX}, {1}}), HasSubstr("a stride of"));
}

TEST(Split, GivesEqualParts) {
  Model model;
  const int x = model.input({2, 6}), axis = model.scalar(-1);
  model.add(BuiltinOperator::SPLIT, {axis, x}, {model.output({2, 3}), model.output({2, 3})});
  EXPECT_THAT(outputs_of(model), ElementsAre(ElementsAre(0, 1, 2, 6, 7, 8), ElementsAre(3, 4, 5, 9, 10, 11)));
  Model uneven;
  const int y = uneven.input({2, 7}), at = uneven.scalar(1);
  uneven.add(BuiltinOperator::SPLIT, {at, y}, {uneven.output({2, 3}), uneven.output({2, 3})});
  EXPECT_THAT(error_of(uneven), HasSubstr("the parts have 6 of the 7 along axis 1"));
}

TEST(SplitV, GivesThePartsThatAreAskedFor) {
  Model model;
  const int x = model.input({6, 2}), sizes = model.integers({1, -1, 2}), axis = model.scalar(0);
  model.add(BuiltinOperator::SPLIT_V, {x, sizes, axis},
            {model.output({1, 2}), model.output({3, 2}), model.output({2, 2})});
  EXPECT_THAT(outputs_of(model),
              ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3, 4, 5, 6, 7), ElementsAre(8, 9, 10, 11)));
  for (const std::vector<int32_t>& bad : {std::vector<int32_t>{1, 4}, {-1, -1}, {6, 0}, {7, -1}, {INT32_MAX, -1}}) {
    Model other;
    const int y = other.input({6, 2}), of = other.integers(bad), at = other.scalar(0);
    other.add(BuiltinOperator::SPLIT_V, {y, of, at}, {other.output({1, 2}), other.output({5, 2})});
    EXPECT_THAT(error_of(other), HasSubstr("is asked for")) << bad[0];
  }
}

tflite::PackOptionsT pack_axis(int32_t axis) {
  tflite::PackOptionsT options;
  options.axis = axis;
  return options;
}

TEST(Pack, PutsItsOperandsSideBySideAndUnpackTakesThemApart) {
  Model model;
  const int y = model.input({2, 2}), rows = model.tensor({2, 2, 2}), deep = model.output({2, 2, 2});
  tflite::UnpackOptionsT unpack;
  unpack.axis = 1;
  model.add(BuiltinOperator::PACK, {y, y}, {rows}, tflite::BuiltinOptions::PackOptions, pack_axis(1));
  model.add(BuiltinOperator::PACK, {y, y}, {deep}, tflite::BuiltinOptions::PackOptions, pack_axis(-1));
  model.add(BuiltinOperator::UNPACK, {rows}, {model.output({2, 2}), model.output({2, 2})},
            tflite::BuiltinOptions::UnpackOptions, unpack);
  EXPECT_THAT(outputs_of(model),
              ElementsAre(ElementsAre(0, 0, 1, 1, 2, 2, 3, 3), ElementsAre(0, 1, 2, 3), ElementsAre(0, 1, 2, 3)));
}

TEST(Unpack, RefusesAnotherNumberOfResultsAndOtherShapes) {
  Model few, other;
  const int x = few.input({3, 2});
  few.add(BuiltinOperator::UNPACK, {x}, {few.output({2}), few.output({2})});
  EXPECT_THAT(error_of(few), HasSubstr("has 2 results and should have 3"));
  const int y = other.input({1, 2});
  other.add(BuiltinOperator::UNPACK, {y}, {other.output({1, 2})});
  EXPECT_THAT(error_of(other), HasSubstr("result 0 is 1x2"));
}

TEST(Transpose, IsTakenWhereTheElementsKeepTheirOrder) {
  Model model, moving, wrong;
  const int x = model.input({1, 3, 1, 2}), order = model.integers({1, 0, 3, 2});
  model.add(BuiltinOperator::TRANSPOSE, {x, order}, {model.output({3, 1, 2, 1})});
  EXPECT_THAT(outputs_of(model), ElementsAre(ElementsAre(0, 1, 2, 3, 4, 5)));
  const int y = moving.input({1, 3, 2}), turned = moving.integers({0, 2, 1});
  moving.add(BuiltinOperator::TRANSPOSE, {y, turned}, {moving.output({1, 2, 3})});
  EXPECT_THAT(error_of(moving), HasSubstr("transposing 1x3x2 to 1x2x3 moves elements"));
  const int z = wrong.input({1, 3, 2}), twice = wrong.integers({0, 1, 1});
  wrong.add(BuiltinOperator::TRANSPOSE, {z, twice}, {wrong.output({1, 3, 3})});
  EXPECT_THAT(error_of(wrong), HasSubstr("0 1 1 is no order of 3 dimensions"));
}

/// What converters make of a Keras Flatten: the batch of the input's shape, packed with the number of values.
TEST(Shape, FoldsToWhatAReshapeAsksFor) {
  Model model;
  using Type = tflite::TensorType;
  const int x = model.input({1, 2, 3}), shape = model.tensor({3}, Type::INT32), batch = model.tensor({}, Type::INT32),
            wanted = model.tensor({2}, Type::INT32);
  model.add(BuiltinOperator::SHAPE, {x}, {shape});
  const std::vector<int> first{shape, model.integers({0}), model.integers({1}), model.integers({1})};
  model.add(BuiltinOperator::STRIDED_SLICE, first, {batch}, tflite::BuiltinOptions::StridedSliceOptions,
            masks(0, 0, 1));
  model.add(BuiltinOperator::PACK, {batch, model.scalar(6)}, {wanted}, tflite::BuiltinOptions::PackOptions,
            pack_axis(0));
  model.add(BuiltinOperator::RESHAPE, {x, wanted}, {model.output({1, 6})});
  EXPECT_THAT(outputs_of(model), ElementsAre(ElementsAre(0, 1, 2, 3, 4, 5)));
  EXPECT_EQ(read_tflite(model.pack(), "flat.tflite").operators.size(), 1u);
  model.add(BuiltinOperator::SHAPE, {x}, {shape});
  EXPECT_THAT(error_of(model), HasSubstr("which has a value already"));
}

TEST(Shape, OfTheWrongNumberOfDimensionsIsRefused) {
  Model model;
  const int x = model.input({1, 2, 3});
  model.add(BuiltinOperator::SHAPE, {x}, {model.tensor({2}, tflite::TensorType::INT32)});
  EXPECT_THAT(error_of(model), HasSubstr("the output is 2 but 3 values are computed"));
}

}  // namespace
}  // namespace mote::import
