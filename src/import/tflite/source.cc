#include "import/tflite/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "import/tflite/quote.h"
#include "support/error.h"

namespace mote::import {

namespace {

constexpr size_t kMaxFile = size_t{1} << 30;  // under the 2 GiB that FlatBuffers can address
constexpr uint32_t kSchemaVersion = 3;

const tflite::OperatorCode* operator_code_table(const Source& source, const tflite::Operator& op) {
  const auto* codes = source.model->operator_codes();
  if (codes == nullptr || op.opcode_index() >= codes->size()) return nullptr;
  return codes->Get(op.opcode_index());
}

std::string describe_list(const Source& source, const flatbuffers::Vector<int32_t>* indices) {
  constexpr uint32_t kShown = 8;
  std::string text;
  const uint32_t count = indices == nullptr ? 0 : indices->size();
  for (uint32_t i = 0; i < std::min(count, kShown); ++i) {
    text += (i == 0 ? "" : ", ") + describe_tensor(source, indices->Get(i));
  }
  if (count > kShown) text += fmt::format(" and {} more", count - kShown);
  return count == 0 ? "nothing" : text;
}

}  // namespace

Source open_source(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() > kMaxFile) throw InputError(file, "larger than 1 GiB");
  const uint8_t* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() < 8 || !tflite::ModelBufferHasIdentifier(data)) {
    throw InputError(file, "not a TensorFlow Lite model (the identifier \"TFL3\" is missing at byte 4)");
  }
  flatbuffers::Verifier verifier(data, bytes.size());
  if (!tflite::VerifyModelBuffer(verifier)) {
    throw InputError(file, "damaged or truncated: the FlatBuffers verifier rejects it");
  }
  Source source;
  source.bytes = bytes;
  source.model = tflite::GetModel(data);
  if (source.model->version() != kSchemaVersion) {
    throw InputError(file,
                     fmt::format("schema version {}; mote reads version {}", source.model->version(), kSchemaVersion));
  }
  const auto* subgraphs = source.model->subgraphs();
  if (subgraphs == nullptr || subgraphs->size() == 0) throw InputError(file, "the model has no subgraph");
  source.graph = subgraphs->Get(0);
  source.draft.tensors.resize(source.graph->tensors() == nullptr ? 0 : source.graph->tensors()->size());
  source.converted.resize(source.draft.tensors.size());
  return source;
}

bool has_tensor(const Source& source, int index) {
  return index >= 0 && static_cast<size_t>(index) < source.converted.size();
}

std::string describe_tensor(const Source& source, int index) {
  if (!has_tensor(source, index)) return std::to_string(index);
  const tflite::Tensor& tensor = *source.graph->tensors()->Get(static_cast<uint32_t>(index));
  std::string shape;
  if (tensor.shape() != nullptr) {
    for (uint32_t i = 0; i < std::min(tensor.shape()->size(), 8u); ++i) {
      shape += (i == 0 ? "" : "x") + std::to_string(tensor.shape()->Get(i));
    }
    if (tensor.shape()->size() > 8) shape += "x...";
  }
  return fmt::format("{} {} {} {}", index, quoted(tensor.name() == nullptr ? "" : tensor.name()->str()),
                     name_of(tensor.type()), shape.empty() ? "scalar" : shape);
}

std::string describe_operands(const Source& source, const tflite::Operator& op) {
  return describe_list(source, op.inputs()) + " -> " + describe_list(source, op.outputs());
}

tflite::BuiltinOperator operator_code(const Source& source, const tflite::Operator& op) {
  const tflite::OperatorCode* code = operator_code_table(source, op);
  if (code == nullptr) return tflite::BuiltinOperator::CUSTOM;
  const int32_t old_code = code->deprecated_builtin_code();
  return static_cast<tflite::BuiltinOperator>(std::max(old_code, static_cast<int32_t>(code->builtin_code())));
}

std::string operator_name(const Source& source, const tflite::Operator& op) {
  const tflite::OperatorCode* code = operator_code_table(source, op);
  if (code == nullptr) return fmt::format("operator code {} of a list that ends before it", op.opcode_index());
  const tflite::BuiltinOperator builtin = operator_code(source, op);
  if (builtin == tflite::BuiltinOperator::CUSTOM && code->custom_code() != nullptr) {
    return "CUSTOM " + quoted(code->custom_code()->str());
  }
  const std::string name = tflite::EnumNameBuiltinOperator(builtin);
  return name.empty() ? fmt::format("builtin operator {}", static_cast<int32_t>(builtin)) : name;
}

std::string name_of(tflite::TensorType type) {
  const std::string name = tflite::EnumNameTensorType(type);
  return name.empty() ? fmt::format("type {}", static_cast<int>(type)) : name;
}

}  // namespace mote::import
