#include "cli/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace mote::cli {

namespace {

std::string size_text(ir::Size2D size) {
  return fmt::format("{}x{}", size.h, size.w);
}

// The parts of a text that are not empty.
std::string joined(std::vector<std::string> parts) {
  std::erase(parts, "");
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string stride_text(ir::Size2D stride) {
  return stride == ir::Size2D{1, 1} ? "" : "stride " + size_text(stride);
}
std::string dilation_text(ir::Size2D d) {
  return d == ir::Size2D{1, 1} ? "" : "dilation " + size_text(d);
}

std::string padding_text(const ir::Padding2D& padding) {
  if (padding == ir::Padding2D{}) return "";
  return fmt::format("pad {} {} {} {}", padding.top, padding.bottom, padding.left, padding.right);
}

std::string clamp_text(const ir::Clamp& clamp, const ir::Tensor& output) {
  const bool whole = output.dtype == ir::DType::kInt8 ? clamp.lo <= -128 && clamp.hi >= 127 : clamp == ir::Clamp{};
  return whole ? "" : fmt::format("clamp {}..{}", clamp.lo, clamp.hi);
}

std::string window_text(const ir::Shape& weights) {
  return size_text({weights.at(1), weights.at(2)});
}

struct Details {
  const ir::Graph& graph;
  const ir::Operator& op;

  const ir::Tensor& input(size_t i) const { return graph.tensor(op.inputs.at(i)); }
  std::string clamp(const ir::Clamp& clamp) const { return clamp_text(clamp, graph.tensor(op.output)); }

  std::string operator()(const ir::Conv2D& a) const {
    return joined({window_text(input(1).shape), stride_text(a.stride), dilation_text(a.dilation),
                   padding_text(a.padding), clamp(a.clamp)});
  }
  std::string operator()(const ir::DepthwiseConv2D& a) const {
    return joined({window_text(input(1).shape), a.multiplier == 1 ? "" : fmt::format("multiplier {}", a.multiplier),
                   stride_text(a.stride), dilation_text(a.dilation), padding_text(a.padding), clamp(a.clamp)});
  }
  std::string operator()(const ir::Dense& a) const {
    return joined({fmt::format("{}x{}", input(1).shape.at(0), input(1).shape.at(1)), clamp(a.clamp)});
  }
  std::string operator()(const ir::Add& a) const { return clamp(a.clamp); }
  std::string operator()(const ir::Mul& a) const { return clamp(a.clamp); }
  std::string operator()(const ir::AveragePool2D& a) const {
    return joined({size_text(a.window), stride_text(a.stride), padding_text(a.padding), clamp(a.clamp)});
  }
  std::string operator()(const ir::MaxPool2D& a) const {
    return joined({size_text(a.window), stride_text(a.stride), padding_text(a.padding), clamp(a.clamp)});
  }
  std::string operator()(const ir::Mean& a) const { return fmt::format("axes {}", fmt::join(a.axes, " ")); }
  std::string operator()(const ir::Softmax& a) const { return a.beta == 1 ? "" : fmt::format("beta {}", a.beta); }
  std::string operator()(const ir::Pad& a) const {
    return fmt::format("before {} after {} value {}", fmt::join(a.before, " "), fmt::join(a.after, " "), a.value);
  }
  std::string operator()(const ir::Concat& a) const { return fmt::format("axis {}", a.axis); }
  std::string operator()(const ir::Slice& a) const { return fmt::format("from {}", fmt::join(a.begin, "x")); }
  std::string operator()(const ir::Insert& a) const { return fmt::format("to {}", fmt::join(a.begin, "x")); }
  std::string operator()(const auto&) const { return ""; }
};

}  // namespace

std::string details_of(const ir::Graph& graph, const ir::Operator& op) {
  return std::visit(Details{graph, op}, op.attributes);
}

std::string quantization_text(const ir::Tensor& tensor) {
  if (!tensor.quant) return "";
  const ir::Quantization& quant = *tensor.quant;
  if (!quant.per_channel()) return fmt::format("{:.6g}, {}", quant.scales.at(0), quant.zero_points.at(0));
  const auto [least, most] = std::minmax_element(quant.scales.begin(), quant.scales.end());
  return fmt::format("{:.3g} to {:.3g} by dimension {}", *least, *most, quant.axis);
}

std::string printable(std::string_view name) {
  constexpr size_t kLongest = 48;
  std::string text(name);
  if (text.size() > kLongest) {
    text = text.substr(0, kLongest / 2) + "..." + text.substr(text.size() - kLongest / 2);
  }
  for (char& c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = '?';
  }
  return text;
}

}  // namespace mote::cli
