#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "ir/text.h"
#include "ir/text_fields.h"

namespace mote::ir {
namespace {

/// FNV-1a, 64 bits: enough to see in a diff that data changed.
uint64_t digest_of(const Bytes& bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (std::byte byte : bytes) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

std::string digest_text(const Bytes& bytes) {
  return fmt::format("{}-bytes-{:016x}", bytes.size(), digest_of(bytes));
}

/// Many scales by their number and range.
std::string short_text(const Quantization& quant) {
  if (!quant.per_channel()) return to_text(quant);
  const auto [least, greatest] = std::minmax_element(quant.scales.begin(), quant.scales.end());
  return fmt::format("{}-scales-{}..{}/{}", quant.scales.size(), *least, *greatest, quant.axis);
}

std::string operand_text(TensorId id) {
  return id == kNoTensor ? "-" : to_text(id);
}

std::string tensor_line(const Tensor& tensor, size_t id, bool with_data) {
  std::string line =
      fmt::format("tensor {} {} {} {}", id, quote(tensor.name), name_of(tensor.dtype), text_of(tensor.shape));
  if (tensor.quant) line += " quant=" + (with_data ? to_text(*tensor.quant) : short_text(*tensor.quant));
  if (tensor.source_index != -1) line += fmt::format(" source={}", tensor.source_index);
  if (!tensor.source_channels.empty()) line += " channels=" + to_text(tensor.source_channels);
  if (tensor.data) line += " data=" + (with_data ? to_text(*tensor.data) : digest_text(*tensor.data));
  return line;
}

/// For people: the names and shapes of what the operator reads and writes.
std::string comment_on(const Graph& graph, const Operator& op) {
  const auto describe = [&](TensorId id) -> std::string {
    if (id < 0 || static_cast<size_t>(id) >= graph.tensors.size()) return "?";
    return fmt::format("{} {}", quote(graph.tensor(id).name), text_of(graph.tensor(id).shape));
  };
  return fmt::format("  # {} -> {}", op.inputs.empty() ? "?" : describe(op.inputs[0]), describe(op.output));
}

std::string operator_line(const Operator& op, size_t index, bool with_data) {
  std::string line = fmt::format("op {} {}", index, kind_of(op.attributes));
  for (TensorId id : op.inputs) line += " " + operand_text(id);
  line += " -> " + operand_text(op.output);
  const auto table_text = [&](const Table& table) {
    return with_data ? to_text(table) : digest_text(to_bytes(std::span<const int8_t>(table)));
  };
  OpAttributes attributes = op.attributes;
  for_each_field(attributes, [&](std::string_view name, const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, Table>) {
      line += fmt::format(" {}={}", name, table_text(value));
    } else if constexpr (std::is_same_v<Value, Clamp>) {
      if (!(value == Clamp{})) line += fmt::format(" {}={}", name, to_text(value));
    } else {
      line += fmt::format(" {}={}", name, to_text(value));
    }
  });
  if (op.post) line += " post=" + table_text(*op.post);
  if (op.computed) line += " computed=" + to_text(*op.computed);
  if (!op.source.empty()) line += " source=" + to_text(op.source);
  if (op.source_macs != 0) line += fmt::format(" macs={}", op.source_macs);
  return line;
}

std::string ids_line(std::string_view word, const std::vector<TensorId>& ids) {
  std::string line{word};
  for (TensorId id : ids) line += " " + operand_text(id);
  return line;
}

}  // namespace

std::string print(const Graph& graph, bool with_data) {
  std::string text = fmt::format("graph {}\n", quote(graph.name));
  text += ids_line("inputs", graph.inputs) + "\n" + ids_line("outputs", graph.outputs) + "\n";
  for (size_t i = 0; i < graph.tensors.size(); ++i) text += tensor_line(graph.tensors[i], i, with_data) + "\n";
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    text += operator_line(graph.operators[i], i, with_data);
    text += with_data ? "\n" : comment_on(graph, graph.operators[i]) + "\n";
  }
  return text;
}

}  // namespace mote::ir
