#include <cmath>
#include <limits>

#include "ir/random_graph.h"
#include "ir/text_fields.h"

namespace mote::ir {
namespace {

class Mutator {
 public:
  Mutator(Graph& graph, Random& random) : graph_(graph), random_(random) {}

  void mutate() {
    switch (below(8)) {
      case 0:
      case 1:
        return mutate_tensor();
      case 2:
      case 3:
      case 4:
        return mutate_operator();
      case 5:
        return mutate_id(below(2) ? graph_.inputs : graph_.outputs);
      case 6:
        if (graph_.operators.size() > 1) std::swap(any(graph_.operators), any(graph_.operators));
        return;
      default:
        if (!graph_.operators.empty())
          graph_.operators.erase(graph_.operators.begin() +
                                 static_cast<std::ptrdiff_t>(below(graph_.operators.size())));
    }
  }

 private:
  uint64_t below(uint64_t n) { return random_.below(n); }
  template <typename Value>
  Value& any(std::vector<Value>& values) {
    return values[below(values.size())];
  }

  void change(int32_t& value) {
    constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
    const int32_t interesting[] = {0, 1, -1, 2, 3, 127, 128, 255, 65536, 1 << 24, kMax, -kMax - 1, value ^ 1};
    value = below(2) ? interesting[below(std::size(interesting))]
                     : static_cast<int32_t>(int64_t{value} + (below(2) ? 1 : -1));
  }
  void change(float& value) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const float interesting[] = {0, -value, std::nanf(""), kInfinity, 1e-38f, 1e-45f, 3e38f, value * 2, value / 3};
    value = interesting[below(std::size(interesting))];
  }
  void change(double& value) {
    float narrow = static_cast<float>(value);
    change(narrow);
    value = double{narrow};
  }
  void change(Size2D& value) { change(below(2) ? value.h : value.w); }
  void change(Padding2D& value) {
    int32_t* sides[] = {&value.top, &value.bottom, &value.left, &value.right};
    change(*sides[below(4)]);
  }
  void change(Clamp& value) { change(below(2) ? value.lo : value.hi); }
  void change(Relu::Kind& value) { value = value == Relu::Kind::kRelu ? Relu::Kind::kRelu6 : Relu::Kind::kRelu; }
  void change(Table& value) { value[below(256)] = static_cast<int8_t>(below(256)); }
  template <typename Value>
  void change(std::vector<Value>& values) {
    const uint64_t choice = below(4);
    if (choice == 0) {
      values.push_back(Value{1});
    } else if (choice == 1 && !values.empty()) {
      values.pop_back();
    } else if (!values.empty()) {
      change(any(values));
    }
  }
  void change(Quantization& quant) {
    switch (below(3)) {
      case 0:
        return change(quant.scales);
      case 1:
        return change(quant.zero_points);
      default:
        return change(quant.axis);
    }
  }

  void mutate_id(std::vector<TensorId>& ids) {
    if (below(3) == 0) return change(ids);
    if (!ids.empty())
      any(ids) = static_cast<TensorId>(random_.between(-2, static_cast<int64_t>(graph_.tensors.size())));
  }

  void mutate_tensor() {
    Tensor& tensor = any(graph_.tensors);
    switch (below(5)) {
      case 0:
        tensor.dtype = static_cast<DType>(below(5));
        return;
      case 1:
        return change(tensor.shape);
      case 2:
        if (!tensor.quant) tensor.quant.emplace();
        return change(*tensor.quant);
      case 3:
        if (tensor.data && !tensor.data->empty()) tensor.data->pop_back();
        return;
      default:
        if (below(2)) {
          tensor.quant.reset();
        } else {
          tensor.data.reset();
        }
    }
  }

  void mutate_operator() {
    if (graph_.operators.empty()) return;
    Operator& op = any(graph_.operators);
    switch (below(6)) {
      case 0:
        return mutate_id(op.inputs);
      case 1:
        op.output = static_cast<TensorId>(random_.between(-2, static_cast<int64_t>(graph_.tensors.size())));
        return;
      case 2:
        op.computed.emplace(Quantization{{0.1f}, {0}, 0});
        if (below(2)) change(*op.computed);
        return;
      case 3:
        op.attributes = any(graph_.operators).attributes;
        return;
      default:
        // One field among those its kind has, each as likely as the next.
        size_t fields = 0;
        for_each_field(op.attributes, [&](std::string_view, auto&) { ++fields; });
        if (fields == 0) return;
        size_t left = below(fields);
        for_each_field(op.attributes, [&](std::string_view, auto& value) {
          if (left-- == 0) change(value);
        });
    }
  }

  Graph& graph_;
  Random& random_;
};

}  // namespace

void mutate(Graph& graph, Random& random) {
  const uint64_t changes = 1 + random.below(3);
  for (uint64_t i = 0; i < changes; ++i) Mutator(graph, random).mutate();
}

}  // namespace mote::ir
