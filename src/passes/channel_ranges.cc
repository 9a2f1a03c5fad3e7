#include "passes/channel_ranges.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "ir/quantized.h"
#include "passes/products.h"

namespace mote::passes {
namespace {

using Ranges = std::vector<Range>;  // by channel

/// The least range that holds both.
Range hull(Range a, Range b) {
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}

Range hull(const Ranges& ranges) {
  Range all = ranges.front();
  for (const Range range : ranges) all = hull(all, range);
  return all;
}

Range clamped(Range range, ir::ClampI8 clamp) {
  return {std::clamp(range.lo, clamp.lo, clamp.hi), std::clamp(range.hi, clamp.lo, clamp.hi)};
}

/// What a table makes of the values in `range`.
Range mapped(const ir::Table& table, Range range) {
  const auto [lo, hi] = std::minmax_element(table.begin() + (range.lo + 128), table.begin() + (range.hi + 128) + 1);
  return {*lo, *hi};
}

/// Accumulators from lo to hi, which may lie beyond what an int32_t holds.
struct Sum {
  int64_t lo = 0, hi = 0;

  void take(int64_t weight, int64_t least, int64_t most) {
    lo += std::min(weight * least, weight * most);
    hi += std::max(weight * least, weight * most);
  }
};

/// Sums scaled, moved to `zero_point` and clamped. Scaling keeps order as long as nothing wraps; where it might, any
/// value may come out.
Range requantized(Sum sum, ir::Multiplier multiplier, int32_t zero_point, ir::ClampI8 clamp) {
  constexpr int64_t kSafe = int64_t{1} << 30;
  const int64_t greatest = std::max(std::abs(sum.lo), std::abs(sum.hi));
  if (greatest >= (kSafe >> std::max(multiplier.shift, 0))) return clamped({}, clamp);
  const auto stored = [&](int64_t value) {
    return ir::multiply_by_quantized_multiplier(static_cast<int32_t>(value), multiplier) + zero_point;
  };
  return clamped({stored(sum.lo), stored(sum.hi)}, clamp);
}

int32_t computed_zero_point(const ir::Graph& graph, const ir::Operator& op) {
  return ir::computed_in(graph, op).zero_points.at(0);
}

Ranges ranges_of_products(const ir::Graph& graph, const ir::Operator& op, const Products& products, const Ranges& x) {
  const int32_t zero = graph.tensor(op.inputs[0]).zero_point();
  const std::vector<ir::Multiplier> multipliers = ir::output_multipliers(graph, op);
  Ranges result;
  for (size_t out = 0; out < products.out_channels; ++out) {
    std::vector<Sum> taps(products.taps);
    for (size_t tap = 0; tap < products.taps; ++tap) {
      for (size_t in = products.first_in(out); in < products.end_in(out); ++in) {
        taps[tap].take(products.weight(out, tap, in), x[in].lo - zero, x[in].hi - zero);
      }
    }
    std::vector<Range> ranges;
    for (const std::vector<size_t>& inside : products.inside) {
      Sum sum{products.bias[out], products.bias[out]};
      for (const size_t tap : inside) sum = {sum.lo + taps[tap].lo, sum.hi + taps[tap].hi};
      ranges.push_back(requantized(sum, multipliers[out], computed_zero_point(graph, op), ir::clamp_i8(op)));
    }
    result.push_back(hull(ranges));
  }
  return result;
}

class Analysis {
 public:
  explicit Analysis(const ir::Graph& graph) : graph_(graph), ranges_(graph.tensors.size()) {
    for (size_t i = 0; i < ranges_.size(); ++i) {
      const ir::Tensor& tensor = graph.tensors[i];
      if (tensor.dtype == ir::DType::kInt8) ranges_[i] = ranges_at_start(tensor);
    }
    for (const ir::Operator& op : graph.operators) {
      if (graph.tensor(op.output).dtype != ir::DType::kInt8) continue;
      Ranges out = ranges_of(op);
      if (op.post && !ir::is_elementwise_i8(graph, op)) {  // a table of an elementwise operator holds it already
        for (Range& range : out) range = mapped(*op.post, range);
      }
      ranges_[static_cast<size_t>(op.output)] = std::move(out);
    }
  }

  std::vector<Ranges> take() { return std::move(ranges_); }

 private:
  static Ranges ranges_at_start(const ir::Tensor& tensor) {
    Ranges ranges(channels_of(tensor));
    if (!tensor.is_constant()) return ranges;
    const std::vector<int8_t> values = to_values<int8_t>(*tensor.data);
    for (size_t i = 0; i < values.size(); ++i) {
      const Range value{values[i], values[i]};
      Range& range = ranges[i % ranges.size()];
      range = i < ranges.size() ? value : hull(range, value);
    }
    return ranges;
  }

  const Ranges& input(const ir::Operator& op, size_t i) const { return ranges_[static_cast<size_t>(op.inputs.at(i))]; }
  Ranges unknown(const ir::Operator& op) const { return Ranges(channels_of(graph_.tensor(op.output))); }

  Ranges ranges_of(const ir::Operator& op) const {
    if (ir::is_elementwise_i8(graph_, op)) {
      const ir::Table table = ir::table_of(graph_, op);
      return each(op, [&](Range x) { return mapped(table, x); });
    }
    return std::visit(ir::Overloaded{
                          [&](const ir::Conv2D&) { return of_products(op); },
                          [&](const ir::DepthwiseConv2D&) { return of_products(op); },
                          [&](const ir::Dense&) { return of_products(op); },
                          [&](const ir::Add&) { return of_add(op); },
                          [&](const ir::Mul&) { return of_mul(op); },
                          [&](const ir::AveragePool2D&) { return of_pool(op); },
                          [&](const ir::MaxPool2D&) { return of_pool(op); },
                          [&](const ir::Mean& mean) { return of_mean(op, mean); },
                          [&](const ir::Pad& pad) { return of_pad(op, pad); },
                          [&](const ir::Reshape&) { return of_reshape(op); },
                          [&](const ir::Concat& concat) { return of_concat(op, concat); },
                          [&](const auto&) { return unknown(op); },
                      },
                      op.attributes);
  }

  template <typename Function>
  Ranges each(const ir::Operator& op, Function function) const {
    Ranges result;
    for (const Range range : input(op, 0)) result.push_back(function(range));
    return result;
  }

  Ranges of_products(const ir::Operator& op) const {
    const std::optional<Products> products = products_of(graph_, op);
    if (products) return ranges_of_products(graph_, op, *products, input(op, 0));
    return Ranges(channels_of(graph_.tensor(op.output)), clamped({}, ir::clamp_i8(op)));
  }

  /// function(a, b) for each channel of the output; an operand of one channel meets them all.
  template <typename Function>
  Ranges pairwise(const ir::Operator& op, Function function) const {
    const Ranges &a = input(op, 0), &b = input(op, 1);
    Ranges result;
    for (size_t c = 0; c < channels_of(graph_.tensor(op.output)); ++c) {
      result.push_back(function(a[c % a.size()], b[c % b.size()]));
    }
    return result;
  }

  Ranges of_add(const ir::Operator& op) const {
    const ir::AddParams p = ir::add_params(graph_, op);
    const auto sum = [&](int32_t a, int32_t b) {
      return int64_t{ir::multiply_by_quantized_multiplier((a + p.a_offset) * (1 << p.left_shift), p.a)} +
             ir::multiply_by_quantized_multiplier((b + p.b_offset) * (1 << p.left_shift), p.b);
    };
    return pairwise(op, [&](Range a, Range b) {
      return requantized({sum(a.lo, b.lo), sum(a.hi, b.hi)}, p.out, p.out_offset, ir::clamp_i8(op));
    });
  }

  Ranges of_mul(const ir::Operator& op) const {
    const ir::MulParams p = ir::mul_params(graph_, op);
    return pairwise(op, [&](Range a, Range b) {
      const auto product = [&](int32_t x, int32_t y) { return int64_t{x + p.a_offset} * (y + p.b_offset); };
      const std::initializer_list<int64_t> corners = {product(a.lo, b.lo), product(a.lo, b.hi), product(a.hi, b.lo),
                                                      product(a.hi, b.hi)};
      return requantized({std::min(corners), std::max(corners)}, p.out, p.out_offset, ir::clamp_i8(op));
    });
  }

  /// The mean or the greatest of some values lies between the least and the greatest of them.
  Ranges of_pool(const ir::Operator& op) const {
    return each(op, [&](Range x) { return clamped(x, ir::clamp_i8(op)); });
  }

  Ranges of_mean(const ir::Operator& op, const ir::Mean& mean) const {
    const int32_t last = static_cast<int32_t>(graph_.tensor(op.inputs[0]).shape.size()) - 1;
    if (std::find(mean.axes.begin(), mean.axes.end(), last) != mean.axes.end()) return unknown(op);
    const ir::MeanParams p = ir::mean_params(graph_, op);
    const auto sum = [&](int64_t x) { return (x - p.in_zero_point) * p.count; };
    return each(op, [&](Range x) {
      return requantized({sum(x.lo), sum(x.hi)}, p.multiplier, p.out_zero_point, ir::ClampI8{});
    });
  }

  Ranges of_pad(const ir::Operator& op, const ir::Pad& pad) const {
    const Ranges& x = input(op, 0);
    const int32_t value = static_cast<int32_t>(pad.value);
    Ranges result(channels_of(graph_.tensor(op.output)), Range{value, value});
    bool elsewhere = false;
    for (size_t d = 0; d + 1 < pad.before.size(); ++d) elsewhere |= pad.before[d] != 0 || pad.after[d] != 0;
    const size_t before = pad.before.empty() ? 0 : static_cast<size_t>(pad.before.back());
    for (size_t c = 0; c < x.size(); ++c) {
      result[before + c] = elsewhere ? hull(x[c], {value, value}) : x[c];
    }
    return result;
  }

  Ranges of_reshape(const ir::Operator& op) const {
    const Ranges& x = input(op, 0);
    const size_t channels = channels_of(graph_.tensor(op.output));
    Ranges result;
    if (channels % x.size() == 0) {
      for (size_t c = 0; c < channels; ++c) result.push_back(x[c % x.size()]);
    } else if (x.size() % channels == 0) {
      result.assign(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(channels));
      for (size_t c = channels; c < x.size(); ++c) result[c % channels] = hull(result[c % channels], x[c]);
    } else {
      result.assign(channels, hull(x));
    }
    return result;
  }

  Ranges of_concat(const ir::Operator& op, const ir::Concat& concat) const {
    const size_t last = graph_.tensor(op.output).shape.size() - 1;
    Ranges result = input(op, 0);
    for (size_t i = 1; i < op.inputs.size(); ++i) {
      const Ranges& more = input(op, i);
      if (static_cast<size_t>(concat.axis) == last) {
        result.insert(result.end(), more.begin(), more.end());
      } else {
        for (size_t c = 0; c < result.size(); ++c) result[c] = hull(result[c], more[c]);
      }
    }
    return result;
  }

  const ir::Graph& graph_;
  std::vector<Ranges> ranges_;
};

}  // namespace

size_t channels_of(const ir::Tensor& tensor) {
  return tensor.shape.empty() ? 1 : static_cast<size_t>(tensor.shape.back());
}

std::vector<std::vector<Range>> channel_ranges(const ir::Graph& graph) {
  return Analysis(graph).take();
}

}  // namespace mote::passes
