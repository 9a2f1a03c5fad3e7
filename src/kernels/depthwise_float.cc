#include "kernels/depthwise_float.h"

#include <algorithm>
#include <map>

#include "kernels/common.h"
#include "kernels/micro/float_depthwise.h"
#include "kernels/micro/touches.h"

namespace mote::kernels {

using loop::Affine;
using loop::Block;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

constexpr int64_t kMostPositions = 12;

struct Geometry {
  const ir::DepthwiseConv2D& conv;
  const ir::Shape &in, &out, &window;

  explicit Geometry(const Workload& workload)
      : conv(std::get<ir::DepthwiseConv2D>(workload.op().attributes)),
        in(workload.input(0).shape),
        out(workload.output().shape),
        window(workload.input(1).shape) {}
};

/// A group that reaches no padding.
micro::FloatDepthwiseSpec spec_of(const Geometry& g, int64_t lanes, int64_t positions) {
  micro::FloatDepthwiseSpec spec;
  spec.channels = g.in[3];
  spec.lanes = static_cast<int>(lanes);
  spec.positions = static_cast<int>(positions);
  spec.rows = g.window[1];
  spec.columns = g.window[2];
  spec.stride = g.conv.stride.w;
  spec.dilation = g.conv.dilation.w;
  spec.end_column = spec.reach();
  spec.row_step = spec.column_step() * g.in[2] * g.conv.dilation.h;
  spec.group_step = spec.column_step() * spec.stride * spec.positions;
  spec.out_group_step = spec.column_step() * spec.positions;
  spec.clamp = limits_of(g.conv.clamp);
  return spec;
}

/// Neighbouring groups of a row of outputs that reach the same columns.
struct Groups {
  micro::FloatDepthwiseSpec spec;
  int64_t first = 0, count = 1;  // output position of the first
};

/// The last group is moved back to end with the row.
std::vector<Groups> groups_of(const Geometry& g, const micro::FloatDepthwiseSpec& inner, const std::string& name) {
  std::vector<Groups> all;
  std::map<std::pair<int, int>, std::string> names;
  const int64_t width = g.out[2], n = inner.positions;
  for (int64_t at = 0; at < width; at += n) {
    const int64_t first = std::min(at, width - n), column = first * inner.stride - g.conv.padding.left;
    micro::FloatDepthwiseSpec spec = inner;
    spec.first_column = static_cast<int>(std::max<int64_t>(0, -column));
    spec.end_column = static_cast<int>(std::min<int64_t>(inner.reach(), g.in[2] - column));
    if (!all.empty() && first == at && all.back().spec.first_column == spec.first_column &&
        all.back().spec.end_column == spec.end_column) {
      ++all.back().count;
      continue;
    }
    const std::string fresh = names.empty() ? name + "_row" : name + "_row" + std::to_string(names.size());
    spec.name = names.try_emplace({spec.first_column, spec.end_column}, fresh).first->second;
    all.push_back({spec, first, 1});
  }
  return all;
}

/// Neighbouring rows of outputs whose windows have the same rows inside the image.
struct Rows {
  int64_t first = 0, count = 1;        // output rows
  int64_t window_row = 0, inside = 0;  // of the window: the first inside, and how many are
};

std::vector<Rows> rows_of(const Geometry& g) {
  std::vector<Rows> all;
  for (int64_t oy = 0; oy < g.out[1]; ++oy) {
    const int64_t top = oy * g.conv.stride.h - g.conv.padding.top, step = g.conv.dilation.h;
    int64_t first = 0, end = g.window[1];
    while (first < end && top + first * step < 0) ++first;
    while (end > first && top + (end - 1) * step >= g.in[1]) --end;
    if (first == end) throw loop::ScheduleError("a window without a row inside the image");
    if (!all.empty() && all.back().window_row == first && all.back().inside == end - first) {
      ++all.back().count;
    } else {
      all.push_back({oy, 1, first, end - first});
    }
  }
  return all;
}

/// All output rows of `rows` of image "n".
Block rows_of_calls(const Geometry& g, const std::vector<Groups>& row, const Rows& rows) {
  const Affine oy = rows.count > 1 ? var("oy") + rows.first : Affine(rows.first);
  const Affine in_row = oy * g.conv.stride.h + (rows.window_row * g.conv.dilation.h - g.conv.padding.top);
  const int64_t channels = g.in[3];
  Block calls;
  for (const Groups& groups : row) {
    const int64_t column = groups.first * groups.spec.stride - g.conv.padding.left + groups.spec.first_column;
    const Affine from = ((var("n") * g.in[1] + in_row) * g.in[2] + column) * channels;
    const Affine to = ((var("n") * g.out[1] + oy) * g.out[2] + groups.first) * channels;
    calls.push_back(loop::invoke(
        groups.spec.name, {loop::address("weights", {0}), loop::address("x", {from}), loop::address("y", {to}),
                           loop::number(groups.count), loop::number(4 * rows.window_row * groups.spec.row_weights()),
                           loop::number(rows.inside)}));
  }
  if (rows.count == 1) return calls;
  return {loop::loop("oy", rows.count, std::move(calls))};
}

}  // namespace

std::optional<std::string> why_no_depthwise_float(const Workload& workload, const target::Target& target) {
  if (!is_float(workload)) return "only float32";
  if (!target.fpu || !target.dsp) return "the target has no FPU";
  const Geometry g(workload);
  if (g.conv.multiplier != 1) return "only one output for each channel";
  if (micro::why_no_float_depthwise(spec_of(g, 1, 1))) return "a window too wide for the registers";
  return std::nullopt;
}

space::Alternative depthwise_float_space(const std::string& name, const Workload& workload) {
  const Geometry g(workload);
  std::vector<int64_t> positions, lanes;
  for (int64_t n = 1; n <= std::min<int64_t>(kMostPositions, g.out[2]); ++n) positions.push_back(n);
  for (const int64_t n : {1, 2, 3, 4}) {
    if (n <= g.in[3]) lanes.push_back(n);
  }
  space::Alternative rows{name,
                          {space::one_of("lanes", lanes, "channels whose sums are kept in registers"),
                           space::one_of("positions", positions, "columns whose sums are kept in registers")},
                          {}};
  rows.illegal = [spec = spec_of(g, 1, 1)](const space::Config& c) -> std::optional<std::string> {
    micro::FloatDepthwiseSpec wanted = spec;
    wanted.lanes = static_cast<int>(c.at("lanes"));
    wanted.positions = static_cast<int>(c.at("positions"));
    wanted.end_column = wanted.reach();
    return micro::why_no_float_depthwise(wanted);
  };
  return rows;
}

space::Config depthwise_float_fallback(const std::string& name, const Workload& workload,
                                       const target::Target& target) {
  const Geometry g(workload);
  const space::Alternative rows = depthwise_float_space(name, workload);
  space::Config best = rows.with({{"lanes", 1}, {"positions", 1}});
  double least = micro::float_depthwise_cost(spec_of(g, 1, 1), g.out[2], target);
  for (const int64_t lanes : rows.knob("lanes")->values) {
    for (const int64_t positions : rows.knob("positions")->values) {
      const micro::FloatDepthwiseSpec spec = spec_of(g, lanes, positions);
      if (micro::why_no_float_depthwise(spec)) continue;
      const double cost = micro::float_depthwise_cost(spec, g.out[2], target);
      if (cost >= least) continue;
      least = cost;
      best = rows.with({{"lanes", lanes}, {"positions", positions}});
    }
  }
  return best;
}

Program depthwise_float(const Workload& workload, const space::Config& config, const target::Target& target,
                        const std::string& name) {
  if (const std::optional<std::string> why = why_no_depthwise_float(workload, target)) {
    throw loop::ScheduleError(*why);
  }
  const Geometry g(workload);
  const micro::FloatDepthwiseSpec inner = spec_of(g, config.at("lanes"), config.at("positions"));
  const std::vector<Groups> row = groups_of(g, inner, name);
  const std::vector<float> stream = micro::pack_float_depthwise_weights(
      inner, to_values<float>(workload.input(1).data.value()), float_biases(workload, g.in[3]));
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kF32, {ir::elements(g.in)}),
                     loop::output("y", Type::kF32, {ir::elements(g.out)}),
                     loop::constant("weights", Type::kF32, {static_cast<int64_t>(stream.size())}, to_bytes(stream))};
  for (const Groups& groups : row) {
    if (const std::optional<std::string> why = micro::why_no_float_depthwise(groups.spec)) {
      throw loop::ScheduleError(*why);
    }
    const bool known = std::any_of(program.functions.begin(), program.functions.end(),
                                   [&](const loop::Function& f) { return f.name == groups.spec.name; });
    if (known) continue;
    program.functions.push_back(
        micro::function_of(micro::float_depthwise(groups.spec, target), micro::float_depthwise_touches(groups.spec)));
  }
  Block image;
  for (const Rows& rows : rows_of(g)) {
    for (loop::Stmt& stmt : rows_of_calls(g, row, rows)) image.push_back(std::move(stmt));
  }
  program.body = {loop::loop("n", g.in[0], std::move(image))};
  return program;
}

}  // namespace mote::kernels
