// What a workload is called: its key for the records, its title for people.
#include <fmt/format.h>

#include "kernels/kernel.h"

namespace mote::kernels {

namespace {

std::string padding_text(const ir::Padding2D& p) {
  return fmt::format("p{},{},{},{}", p.top, p.bottom, p.left, p.right);
}
std::string size_text(char letter, const ir::Size2D& s) {
  return fmt::format("{}{}x{}", letter, s.h, s.w);
}

std::string list_text(const std::vector<int32_t>& values) {
  std::string text;
  for (const int32_t v : values) text += (text.empty() ? "" : ",") + std::to_string(v);
  return text;
}

/// The attributes that decide which kernels there are and how fast they are.
std::string attributes_text(const ir::OpAttributes& attributes) {
  return std::visit(
      ir::Overloaded{
          [](const ir::Conv2D& a) {
            return fmt::format(" {} {} {}", size_text('s', a.stride), size_text('d', a.dilation),
                               padding_text(a.padding));
          },
          [](const ir::DepthwiseConv2D& a) {
            return fmt::format(" {} {} {} m{}", size_text('s', a.stride), size_text('d', a.dilation),
                               padding_text(a.padding), a.multiplier);
          },
          [](const ir::AveragePool2D& a) {
            return fmt::format(" {} {} {}", size_text('k', a.window), size_text('s', a.stride),
                               padding_text(a.padding));
          },
          [](const ir::MaxPool2D& a) {
            return fmt::format(" {} {} {}", size_text('k', a.window), size_text('s', a.stride),
                               padding_text(a.padding));
          },
          [](const ir::Mean& a) { return " axes" + list_text(a.axes); },
          [](const ir::Relu& a) { return std::string(a.kind == ir::Relu::Kind::kRelu6 ? " relu6" : " relu"); },
          [](const ir::Pad& a) { return fmt::format(" {}/{}", list_text(a.before), list_text(a.after)); },
          [](const ir::Concat& a) { return fmt::format(" axis{}", a.axis); },
          [](const ir::Slice& a) { return fmt::format(" from{}", list_text(a.begin)); },
          [](const ir::Insert& a) { return fmt::format(" to{}", list_text(a.begin)); },
          [](const auto&) { return std::string(); },
      },
      attributes);
}

std::string tensor_text(const ir::Tensor& t) {
  return fmt::format(" {}:{}{}{}", ir::name_of(t.dtype), ir::text_of(t.shape), t.is_constant() ? ":const" : "",
                     t.quant && t.quant->per_channel() ? ":pc" : "");
}

}  // namespace

Workload make_workload(const ir::Graph& graph, const ir::Operator& op) {
  Workload w{ir::extract(graph, op), "", ""};
  const ir::Operator& own = w.op();
  w.key = std::string(ir::kind_of(own.attributes)) + attributes_text(own.attributes);
  w.title = std::string(ir::kind_of(own.attributes));
  for (size_t i = 0; i < own.inputs.size(); ++i) {
    const bool absent = own.inputs[i] == ir::kNoTensor;
    w.key += absent ? " none" : tensor_text(w.input(i));
    if (!absent && !w.input(i).is_constant()) w.title += (i == 0 ? " " : ", ") + ir::text_of(w.input(i).shape);
  }
  w.key += " ->" + tensor_text(w.output()) + (own.post ? " post" : "");
  w.title += " -> " + ir::text_of(w.output().shape);
  if (own.inputs.size() > 1 && own.inputs[1] != ir::kNoTensor && w.input(1).is_constant() &&
      w.input(1).shape.size() == 4) {
    w.title += fmt::format(", {}x{}", w.input(1).shape[1], w.input(1).shape[2]);
  }
  return w;
}

}  // namespace mote::kernels
