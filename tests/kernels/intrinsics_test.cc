// Every intrinsic's C text computes its meaning: compiled for this computer and held against it on random and extreme
// values.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "host_kernel.h"
#include "loop/build.h"
#include "support/random.h"

namespace mote {
namespace {

constexpr int64_t kCount = 4096;

/// Values of one parameter: the reachable ones of the intrinsics whose parameters are not arbitrary.
template <typename T>
Bytes values_for(const loop::Intrinsic& intrinsic, size_t parameter, Random* random) {
  std::vector<T> values(kCount);
  for (T& v : values) {
    if constexpr (std::is_same_v<T, float>) {
      v = static_cast<float>(random->normal() * (random->below(4) == 0 ? 60 : 2));
    } else {
      v = static_cast<T>(random->bits() >> random->below(33));
      const std::string name = intrinsic.name;
      if (name == "mote_rounding_shift" && parameter == 1) v = static_cast<T>(random->below(32));
      if (name == "mote_doubling_high_mul" && parameter == 1) v = static_cast<T>(random->between(1 << 30, 2147483647));
      if (name == "mote_requantize" && parameter == 1) v = static_cast<T>(random->between(1 << 30, 2147483647));
      if (name == "mote_requantize" && parameter == 2) v = static_cast<T>(random->between(-31, 8));
      if (name == "mote_requantize" && parameter == 0) v = static_cast<T>(random->between(-(1 << 22), 1 << 22));
      if (name == "mote_smlad" && parameter == 2) v = static_cast<T>(random->between(-(1 << 28), 1 << 28));
      if (name == "mote_smlad" && parameter < 2) v = static_cast<T>(random->bits() & 0x3fff3fff);
      if (name == "mote_leading_zeros" || name == "mote_reciprocal")
        v = static_cast<T>(random->between(1, 2147483647) >> random->below(31));
      if ((name == "mote_leading_zeros" || name == "mote_reciprocal") && v == 0) v = 1;
    }
  }
  return to_bytes(values);
}

TEST(Intrinsics, TextEqualsMeaning) {
  std::vector<loop::Program> programs;
  for (const loop::Intrinsic* intrinsic : loop::all_intrinsics()) {
    loop::Program p;
    p.name = fmt::format("call_{}", programs.size());
    std::vector<loop::Expr> arguments;
    for (size_t i = 0; i < intrinsic->parameters.size(); ++i) {
      const std::string name = fmt::format("a{}", i);
      p.buffers.push_back(loop::input(name, intrinsic->parameters[i], {kCount}));
      arguments.push_back(loop::load(name, {loop::var("i")}));
    }
    p.buffers.push_back(loop::output("y", intrinsic->result, {kCount}));
    p.body = {loop::loop("i", kCount, {loop::store("y", {loop::var("i")}, loop::call(*intrinsic, arguments))})};
    programs.push_back(p);
  }
  const testing::HostKernels host(programs);
  Random random(7);
  for (size_t n = 0; n < programs.size(); ++n) {
    const loop::Intrinsic& intrinsic = *loop::all_intrinsics()[n];
    std::vector<Bytes> inputs;
    for (size_t i = 0; i < intrinsic.parameters.size(); ++i) {
      const loop::Type type = intrinsic.parameters[i];
      inputs.push_back(type == loop::Type::kF32   ? values_for<float>(intrinsic, i, &random)
                       : type == loop::Type::kU32 ? values_for<uint32_t>(intrinsic, i, &random)
                                                  : values_for<int32_t>(intrinsic, i, &random));
    }
    const Bytes got = host.call(n, inputs);
    for (size_t k = 0; k < kCount; ++k) {
      std::vector<loop::Value> arguments;
      for (size_t i = 0; i < inputs.size(); ++i) {
        const std::byte* at = &inputs[i][k * 4];
        loop::Value v;
        if (intrinsic.parameters[i] == loop::Type::kF32) {
          std::memcpy(&v.f, at, 4);
        } else if (intrinsic.parameters[i] == loop::Type::kU32) {
          uint32_t word;
          std::memcpy(&word, at, 4);
          v.i = word;
        } else {
          int32_t word;
          std::memcpy(&word, at, 4);
          v.i = word;
        }
        arguments.push_back(v);
      }
      const loop::Value expected = intrinsic.meaning(arguments);
      if (intrinsic.result == loop::Type::kF32) {
        float value;
        std::memcpy(&value, &got[k * 4], 4);
        ASSERT_EQ(value, expected.f) << intrinsic.name << ", value " << k;
      } else {
        uint32_t value;
        std::memcpy(&value, &got[k * 4], 4);
        ASSERT_EQ(value, static_cast<uint32_t>(expected.i)) << intrinsic.name << ", value " << k;
      }
    }
  }
}

TEST(Intrinsics, ExpAndTanhAreAsAccurateAsStated) {
  for (int i = -8700; i <= 8800; ++i) {
    const float x = static_cast<float>(i) * 0.01f;
    const std::vector<loop::Value> argument{{0, x}};
    const double exact = std::exp(static_cast<double>(x));
    EXPECT_NEAR(loop::kExp.meaning(argument).f / exact, 1.0, 2e-7) << x;
    const double t = std::tanh(static_cast<double>(x));
    EXPECT_LE(std::abs(loop::kTanh.meaning(argument).f - t), 5e-7 * std::abs(t) + 1e-12) << x;
  }
}

}  // namespace
}  // namespace mote
