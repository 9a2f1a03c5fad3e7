#include "kernels/common.h"

#include <algorithm>
#include <cmath>

#include "loop/schedule.h"

namespace mote::kernels {

using loop::Expr;
using loop::Program;
using loop::Type;

Type type_of(ir::DType type) {
  switch (type) {
    case ir::DType::kInt8:
      return Type::kI8;
    case ir::DType::kInt16:
      return Type::kI16;
    case ir::DType::kInt32:
      return Type::kI32;
    case ir::DType::kInt64:
      return Type::kI64;
    case ir::DType::kFloat32:
      return Type::kF32;
  }
  unreachable("dtype");
}

std::vector<int64_t> extents_of(const ir::Tensor& tensor) {
  return {tensor.shape.begin(), tensor.shape.end()};
}

bool is_float(const Workload& workload) {
  return workload.output().dtype == ir::DType::kFloat32;
}

bool reads_int16(const Workload& workload) {
  return workload.input(0).dtype == ir::DType::kInt16;
}

bool writes_int16(const Workload& workload) {
  return workload.output().dtype == ir::DType::kInt16;
}

int32_t input_zero_point(const Workload& workload) {
  return workload.input(0).zero_point();
}

Expr finish_i8(loop::Program* program, const Workload& workload, Expr value) {
  const ir::ClampI8 bounds = ir::clamp_i8(workload.op());
  Expr clamped = loop::clamp(std::move(value), bounds.lo, bounds.hi);
  if (!workload.op().post) return clamped;
  const ir::Table& table = *workload.op().post;
  const bool known = std::any_of(program->buffers.begin(), program->buffers.end(),
                                 [](const loop::Buffer& b) { return b.name == "post"; });
  if (!known) {
    program->buffers.push_back(loop::constant("post", Type::kI8, {256}, to_bytes(std::span<const int8_t>(table))));
  }
  return loop::gather("post", std::move(clamped) + loop::imm(128));
}

loop::Block look_up(const std::string& table, const std::string& from, const std::string& to, int64_t count) {
  constexpr int64_t kWrittenOut = 8;  // so that loads overlap
  const auto one = [&](const loop::Affine& at) {
    return loop::store(to, {at}, loop::gather(table, loop::load(from, {at}) + loop::imm(128)));
  };
  loop::Block several, result;
  for (int64_t i = 0; i < kWrittenOut; ++i) several.push_back(one(loop::var("i") * kWrittenOut + i));
  if (count >= kWrittenOut) result.push_back(loop::loop("i", count / kWrittenOut, std::move(several)));
  for (int64_t i = count / kWrittenOut * kWrittenOut; i < count; ++i) result.push_back(one(i));
  return result;
}

void look_up_output(Program* program, const Workload& workload) {
  if (!workload.op().post) return;
  const ir::Table& table = *workload.op().post;
  program->buffers.push_back(loop::constant("post", Type::kI8, {256}, to_bytes(std::span<const int8_t>(table))));
  for (loop::Stmt& stmt : look_up("post", "y", "y", ir::elements(workload.output().shape))) {
    program->body.push_back(std::move(stmt));
  }
}

Expr clamp_f32(Expr value, const ir::Clamp& clamp) {
  if (!std::isinf(clamp.lo)) value = loop::max(std::move(value), loop::imm_f(static_cast<float>(clamp.lo)));
  if (!std::isinf(clamp.hi)) value = loop::min(std::move(value), loop::imm_f(static_cast<float>(clamp.hi)));
  return value;
}

micro::FloatClamp limits_of(const ir::Clamp& clamp) {
  return {static_cast<float>(clamp.lo), static_cast<float>(clamp.hi)};
}

Expr requantize_channel(loop::Program* program, const Workload& workload, Expr accumulator,
                        const loop::Affine& channel) {
  const std::vector<ir::Multiplier> multipliers = ir::output_multipliers(workload.graph, workload.op());
  const bool same = std::all_of(multipliers.begin(), multipliers.end(),
                                [&](const ir::Multiplier& m) { return m == multipliers.front(); });
  Expr mantissa = loop::imm(multipliers.front().mantissa), shift = loop::imm(multipliers.front().shift);
  if (!same) {
    std::vector<int32_t> mantissas;
    std::vector<int8_t> shifts;
    for (const ir::Multiplier& m : multipliers) {
      mantissas.push_back(m.mantissa);
      shifts.push_back(static_cast<int8_t>(m.shift));
    }
    const int64_t count = static_cast<int64_t>(multipliers.size());
    program->buffers.push_back(loop::constant("mantissa", Type::kI32, {count}, to_bytes(mantissas)));
    program->buffers.push_back(loop::constant("shift", Type::kI8, {count}, to_bytes(shifts)));
    mantissa = loop::load("mantissa", {channel});
    shift = loop::load("shift", {channel});
  }
  Expr scaled = loop::call(loop::kRequantize, {std::move(accumulator), mantissa, shift});
  const int32_t zero_point = ir::computed_in(workload.graph, workload.op()).zero_points.front();
  return finish_i8(program, workload, zero_point == 0 ? scaled : scaled + loop::imm(zero_point));
}

int32_t outermost_channel(const ir::Shape& shape, int64_t i) {
  return static_cast<int32_t>(i / (ir::elements(shape) / shape.front()));
}
int32_t innermost_channel(const ir::Shape& shape, int64_t i) {
  return static_cast<int32_t>(i % shape.back());
}

std::vector<int32_t> folded_biases(const Workload& workload, int32_t channels,
                                   int32_t (*channel_of)(const ir::Shape&, int64_t i)) {
  std::vector<int32_t> biases(static_cast<size_t>(channels), 0);
  if (workload.op().inputs.size() > 2 && workload.op().inputs[2] != ir::kNoTensor) {
    biases = to_values<int32_t>(workload.input(2).data.value());
  }
  const int32_t zero_point = input_zero_point(workload);
  const ir::Tensor& weights = workload.input(1);
  const std::vector<int8_t> values = to_values<int8_t>(weights.data.value());
  for (size_t i = 0; i < values.size(); ++i) {
    int32_t& bias = biases[static_cast<size_t>(channel_of(weights.shape, static_cast<int64_t>(i)))];
    bias = static_cast<int32_t>(static_cast<uint32_t>(bias) - static_cast<uint32_t>(zero_point * values[i]));
  }
  return biases;
}

std::vector<float> float_biases(const Workload& workload, int32_t channels) {
  if (workload.op().inputs.size() > 2 && workload.op().inputs[2] != ir::kNoTensor) {
    return to_values<float>(workload.input(2).data.value());
  }
  return std::vector<float>(static_cast<size_t>(channels), 0.0f);
}

std::vector<std::string> arrange(loop::Program* program, std::vector<std::string> loops,
                                 const std::vector<size_t>& order) {
  std::vector<std::string> wanted;
  for (const size_t place : order) wanted.push_back(loops[place]);
  for (size_t i = 0; i < wanted.size(); ++i) {
    // Bring the i-th of the wanted order outwards past those that stand before it.
    for (size_t at = static_cast<size_t>(std::find(loops.begin(), loops.end(), wanted[i]) - loops.begin()); at > i;
         --at) {
      loop::reorder(program, loops[at - 1], loops[at]);
      std::swap(loops[at - 1], loops[at]);
    }
  }
  return wanted;
}

}  // namespace mote::kernels
