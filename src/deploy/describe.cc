#include "deploy/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "codegen/emit.h"
#include "deploy/shared_code.h"
#include "deploy/views.h"

namespace mote::deploy {
namespace {

using nlohmann::json;

const char* c_type(ir::DType type) {
  switch (type) {
    case ir::DType::kInt8:
      return "int8_t";
    case ir::DType::kInt16:
      return "int16_t";
    case ir::DType::kInt32:
      return "int32_t";
    case ir::DType::kInt64:
      return "int64_t";
    case ir::DType::kFloat32:
      return "float";
  }
  unreachable("dtype");
}

/// A float constant of C that is exactly `value`.
std::string c_float(float value) {
  std::string text = fmt::format("{:.9g}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

/// "AT(int8_t, 64)": the C expression of an address in the memory that holds `region`.
std::string place_of(const Arena& arena, const Region& region, const std::string& type, int64_t offset) {
  const std::string suffix = arena.suffix_of(region);
  if (suffix.empty()) return fmt::format("AT({}, {})", type, offset);
  return fmt::format("AT_IN(arena{}, {}, {})", suffix, type, offset);
}

/// The C expression of the address where tensor `id` lives, or `offset` bytes above it.
std::string address_of(const Network& network, const Arena& arena, ir::TensorId id, bool for_reading,
                       int64_t offset = 0) {
  const char* const type = c_type(network.graph.tensor(id).dtype);
  const int region = arena.region_of_tensor[static_cast<size_t>(id)];
  if (region < 0) return fmt::format("{}_constant_{}", network.prefix, constant_behind(network, id));
  return place_of(arena, arena.region_of(id), fmt::format("{}{}", for_reading ? "const " : "", type),
                  arena.offset_of(id) + offset);
}

/// Tensor `id` as input or output number `index`.
json describe_port(const Network& network, const Arena& arena, ir::TensorId id, size_t index, bool is_input) {
  const ir::Tensor& tensor = network.graph.tensor(id);
  const std::string name = codegen::identifier(tensor.name);
  json port = {{"port", is_input ? "input" : "output"}, {"index", index}, {"name", name}};
  port["type"] = c_type(tensor.dtype);
  port["elements"] = ir::elements(tensor.shape);
  port["bytes"] = tensor.size_bytes();
  port["rank"] = tensor.shape.size();
  port["has_shape"] = !tensor.shape.empty();
  port["shape"] = fmt::format("{}", fmt::join(tensor.shape, ", "));
  port["shape_text"] = ir::text_of(tensor.shape);
  const bool quantized = tensor.quant && !tensor.quant->per_channel();
  port["quantized"] = quantized;
  port["least"] = tensor.dtype == ir::DType::kInt16 ? -32768 : -128;
  port["greatest"] = tensor.dtype == ir::DType::kInt16 ? 32767 : 127;
  std::string title = fmt::format("{} {}: {}, {}", is_input ? "Input" : "Output", index, name, c_type(tensor.dtype)) +
                      " " + ir::text_of(tensor.shape);
  if (quantized) {
    port["scale"] = c_float(tensor.scale());
    port["zero_point"] = tensor.zero_point();
    const int32_t zero = tensor.zero_point();
    title += fmt::format(", real value = {:.9g} * (stored value {} {})", tensor.scale(), zero < 0 ? '+' : '-',
                         std::abs(zero));
  }
  port["title"] = title;
  port["address"] = address_of(network, arena, id, !is_input);
  const bool is_float = tensor.dtype == ir::DType::kFloat32;
  port["format"] = is_float ? "%g" : "%ld";
  port["print"] = is_float ? "print_real(output[i])" : "print_integer((int32_t)output[i])";
  port["value"] = is_float ? "(double)output[i]" : "(long)output[i]";
  return port;
}

json describe_ports(const Network& network, const Arena& arena, bool is_input) {
  json ports = json::array();
  const std::vector<ir::TensorId>& ids = is_input ? network.graph.inputs : network.graph.outputs;
  for (size_t i = 0; i < ids.size(); ++i) ports.push_back(describe_port(network, arena, ids[i], i, is_input));
  return ports;
}

/// "kws_00_conv_2d(AT(const int8_t, 0), AT(int8_t, 512), AT(void, 4096))"; a function that several operators share is
/// given their constants.
std::string call_of(const Network& network, const Arena& arena, const SharedCode& shared, size_t index) {
  const ir::Operator& op = network.graph.operators[index];
  std::vector<std::string> inputs;
  std::set<ir::TensorId> passed;
  for (const ir::TensorId id : op.inputs) {
    if (id == ir::kNoTensor || network.graph.tensor(id).is_constant() || !passed.insert(id).second) continue;
    inputs.push_back(address_of(network, arena, id, true));
  }
  const loop::Program& program = network.kernels[index]->program;
  std::vector<std::string> arguments;
  size_t next = 0, next_constant = 0;
  for (const loop::Buffer& b : program.buffers) {
    if (b.kind == loop::Buffer::Kind::kInput) arguments.push_back(inputs.at(next++));
    if (b.kind == loop::Buffer::Kind::kConstant && shared.is_shared[index]) {
      arguments.push_back(shared.constants[index].at(next_constant++).symbol);
    }
  }
  arguments.push_back(address_of(network, arena, op.output, false, written_from(network.graph, op)));
  const int scratch = arena.region_of_scratch[index];
  if (scratch >= 0) {
    const Region& region = arena.regions[static_cast<size_t>(scratch)];
    arguments.push_back(place_of(arena, region, "void", region.offset));
  }
  return fmt::format("{}({})", network.kernels[shared.owner[index]]->program.name, fmt::join(arguments, ", "));
}

json describe_operator(const Network& network, const Arena& arena, const SharedCode& shared, size_t index) {
  const ir::Operator& op = network.graph.operators[index];
  const std::optional<Kernel>& kernel = network.kernels[index];
  json described = {{"index", index}, {"title", title_of(network.graph, op)}, {"call", false}};
  described["code_bytes"] = "";  // until a compiler has told
  described["constant_bytes"] = kernel ? kernel->program.constant_bytes() : 0;
  described["scratch_bytes"] = kernel ? kernel->program.workspace_bytes() : 0;
  if (!kernel) {
    described["title"] = title_of(network.graph, op) + ", in place";
    described["knobs"] = "none";
    return described;
  }
  described["call"] = true;
  described["call_text"] = call_of(network, arena, shared, index);
  described["knobs"] = kernel->knobs + (kernel->knobs.empty() || kernel->tuned ? "" : " *");
  return described;
}

/// The memories that the arena is divided among; one that is not divided has no more than the first.
void describe_pools(const Arena& arena, const std::string& prefix, json& values) {
  const auto words = [](int64_t bytes) { return std::max<int64_t>((bytes + 7) / 8, 1); };
  const int64_t first = arena.pools.empty() ? arena.bytes() : arena.pools.front().bytes;
  values["first_arena_bytes"] = first;
  values["arena_words"] = words(first);
  values["divided"] = arena.pools.size() > 1;
  values["more_arenas"] = values["arenas"] = json::array();
  for (const ArenaPool& pool : arena.pools) {
    const json described = {{"suffix", pool.suffix},
                            {"macro_suffix", macro_prefix(pool.suffix)},
                            {"pool_bytes", pool.bytes},
                            {"pool_words", words(pool.bytes)},
                            {"memory", codegen::identifier(pool.memory)},
                            {"section", arena_section(prefix, pool)}};
    values["arenas"].push_back(described);
    if (!pool.suffix.empty()) values["more_arenas"].push_back(described);
  }
}

}  // namespace

std::string arena_section(const std::string& prefix, const ArenaPool& pool) {
  return fmt::format(".bss.{}_arena{}", prefix, pool.suffix);
}

std::string macro_prefix(std::string prefix) {
  std::transform(prefix.begin(), prefix.end(), prefix.begin(), [](unsigned char c) { return std::toupper(c); });
  return prefix;
}

std::string title_of(const ir::Graph& graph, const ir::Operator& op) {
  std::vector<std::string> operands;
  for (const ir::TensorId id : op.inputs) {
    if (id != ir::kNoTensor && !graph.tensor(id).is_constant()) operands.push_back(ir::text_of(graph.tensor(id).shape));
  }
  const std::string out = ir::text_of(graph.tensor(op.output).shape);
  return fmt::format("{} {} -> {}", ir::kind_of(op.attributes), fmt::join(operands, ", "), out);
}

loop::Program loose_constants(const Network& network) {
  loop::Program program;
  program.name = network.prefix;
  std::set<ir::TensorId> found;
  for (size_t i = 0; i < network.graph.tensors.size(); ++i) {
    const ir::TensorId constant = constant_behind(network, static_cast<ir::TensorId>(i));
    const bool is_view = constant != ir::kNoTensor && constant != static_cast<ir::TensorId>(i);
    if (is_view) found.insert(constant);
  }
  for (const ir::TensorId id : network.graph.outputs) {
    if (network.graph.tensor(id).is_constant()) found.insert(id);
  }
  for (const ir::TensorId id : found) {
    const ir::Tensor& tensor = network.graph.tensor(id);
    loop::Buffer buffer;
    buffer.name = fmt::format("constant_{}", id);
    buffer.kind = loop::Buffer::Kind::kConstant;
    buffer.shape = {ir::elements(tensor.shape)};
    buffer.data = *tensor.data;
    switch (tensor.dtype) {
      case ir::DType::kInt8:
        buffer.type = loop::Type::kI8;
        break;
      case ir::DType::kInt16:
        buffer.type = loop::Type::kI16;
        break;
      case ir::DType::kInt32:
        buffer.type = loop::Type::kI32;
        break;
      case ir::DType::kInt64:
        buffer.type = loop::Type::kI64;
        break;
      case ir::DType::kFloat32:
        buffer.type = loop::Type::kF32;
        break;
    }
    program.buffers.push_back(std::move(buffer));
  }
  return program;
}

json describe(const Network& network, const Arena& arena, const Origin& origin) {
  json values = {{"prefix", network.prefix},
                 {"macro", macro_prefix(network.prefix)},
                 {"version", MOTE_VERSION},
                 {"model", codegen::identifier(std::filesystem::path(origin.model).stem().string())},
                 {"board", origin.board},
                 {"target", origin.target},
                 {"arena_bytes", arena.bytes()},
                 {"operator_count", network.graph.operators.size()},
                 {"constant_bytes", constant_bytes(network)},
                 {"optimal", arena.plan.optimal},
                 {"plan_gap", arena.plan.peak_bytes - arena.plan.lower_bound_bytes}};
  describe_pools(arena, network.prefix, values);
  const int64_t extra_alignment = arena.alignment > 8 ? arena.alignment : 0;
  values["arena_attribute"] =
      extra_alignment > 0 ? fmt::format(" __attribute__((aligned({})))", extra_alignment) : std::string();
  values["arena_alignment"] = std::max<int64_t>(arena.alignment, 4);
  values["model_hash"] = fmt::format("{:08x}", origin.model_hash);
  values["labels"] = json::array();
  for (const std::string& label : origin.labels) {
    values["labels"].push_back({{"literal", codegen::string_literal(label)}});
  }
  values["label_count"] = origin.labels.size();
  values["has_labels"] = !origin.labels.empty();
  const auto all_constant = [&](const std::vector<ir::TensorId>& ids) {
    return std::all_of(ids.begin(), ids.end(),
                       [&](ir::TensorId id) { return arena.region_of_tensor[static_cast<size_t>(id)] < 0; });
  };
  values["no_input_in_arena"] = all_constant(network.graph.inputs);
  values["no_output_in_arena"] = all_constant(network.graph.outputs);
  values["no_calls"] = std::none_of(network.kernels.begin(), network.kernels.end(),
                                    [](const std::optional<Kernel>& kernel) { return kernel.has_value(); });
  values["inputs"] = describe_ports(network, arena, true);
  values["outputs"] = describe_ports(network, arena, false);
  values["ports"] = json::array();
  for (const bool is_input : {true, false}) {
    const json& tensors = values[is_input ? "inputs" : "outputs"];
    values["ports"].push_back(
        {{"kind", is_input ? "INPUT" : "OUTPUT"}, {"count", tensors.size()}, {"tensors", tensors}});
  }
  values["operators"] = values["kernels"] = values["constants"] = json::array();
  bool any_fallback = false;
  const SharedCode shared = share_code(network);
  std::set<std::string> declared;
  const auto declare = [&](const std::string& symbol, const loop::Buffer& buffer) {
    if (!declared.insert(symbol).second) return;
    values["constants"].push_back(
        {{"type", loop::c_name(buffer.type)}, {"symbol", symbol}, {"elements", buffer.elements()}});
  };
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    values["operators"].push_back(describe_operator(network, arena, shared, i));
    const std::optional<Kernel>& kernel = network.kernels[i];
    if (!kernel) continue;
    if (shared.owner[i] == i) {
      values["kernels"].push_back({{"prototype", codegen::prototype(shared.function_of(network, i))}});
    }
    size_t next = 0;
    for (const loop::Buffer& buffer : kernel->program.buffers) {
      if (!shared.is_shared[i] || buffer.kind != loop::Buffer::Kind::kConstant) continue;
      declare(shared.constants[i].at(next++).symbol, buffer);
    }
    any_fallback = any_fallback || (!kernel->knobs.empty() && !kernel->tuned);
  }
  values["any_fallback"] = any_fallback;
  const loop::Program loose = loose_constants(network);
  for (const loop::Buffer& buffer : loose.buffers) declare(codegen::constant_symbol(loose, buffer), buffer);
  return values;
}

}  // namespace mote::deploy
