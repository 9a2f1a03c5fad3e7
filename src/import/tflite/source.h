// A model file as the reader's other parts see it: verified, with every index checked on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "import/tflite/schema_generated.h"
#include "ir/graph.h"

namespace mote::import {

/// The reason why a tensor or an operator cannot be taken. Stays inside the reader, which adds the file and the
/// operator.
class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The first subgraph of a model and the file around it. Points into bytes that the caller keeps.
struct Source {
  std::span<const std::byte> bytes;
  const tflite::Model* model = nullptr;
  const tflite::SubGraph* graph = nullptr;
  // Where the graph grows. Its tensors stand at their index in the subgraph; those that are not `converted` yet are
  // empty. Behind them are those that the subgraph does not have: results between the operators that one was made into.
  ir::Graph draft;
  std::vector<bool> converted;
  // Bytes of constants converted so far: tensors may share a buffer, so a small file can ask for any amount.
  size_t constant_bytes = 0;
};

/// Runs the FlatBuffers verifier over `bytes` (16-byte aligned) and finds the main subgraph. Throws InputError naming
/// `file`.
Source open_source(std::span<const std::byte> bytes, const std::string& file);

/// Whether `index` names a tensor of the subgraph.
bool has_tensor(const Source& source, int index);

/// Tensor `index`, converted on first use. Throws Refusal naming the tensor: no such tensor, a type, a shape, a
/// quantisation or constant data that mote cannot take.
ir::Tensor& tensor_at(Source& source, int index);

/// The values of a constant int32 or int64 tensor, a parameter such as axes or paddings. Throws Refusal.
std::vector<int64_t> integers_at(Source& source, int index);

/// `3 "conv1/relu" i8 1x8x8x3`, whatever the tensor is; control characters are escaped and long names shortened.
std::string describe_tensor(const Source& source, int index);
/// `3 "a" i8 1x8, 4 "w" i8 8x8 -> 5 "b" i8 1x8`.
std::string describe_operands(const Source& source, const tflite::Operator& op);

/// "CONV_2D"; "CUSTOM 'name'" or "builtin operator 170" for what the schema here has no name for. Safe for any file.
std::string operator_name(const Source& source, const tflite::Operator& op);
/// The operator's code; CUSTOM when its code index is out of range.
tflite::BuiltinOperator operator_code(const Source& source, const tflite::Operator& op);

/// "INT8", or "type 77".
std::string name_of(tflite::TensorType type);

}  // namespace mote::import
