#include "passes/stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/edit.h"

namespace mote::passes {
namespace {

using ir::TensorId;

/// Which rows of its operands a row of an output needs: `reach` rows from row * stride - top on.
struct RowWindow {
  int64_t stride = 1, reach = 1, top = 0;
};

/// Rows [from, to).
struct Rows {
  int64_t from = 0, to = 0;
  int64_t count() const { return to - from; }
};

bool is_image(const ir::Tensor& tensor) {
  return tensor.shape.size() == 4 && tensor.shape[0] == 1 && !tensor.is_constant();
}

int64_t height(const ir::Tensor& tensor) {
  return tensor.shape[1];
}

std::optional<RowWindow> row_window_of(const ir::Graph& graph, const ir::Operator& op) {
  const ir::Tensor& x = graph.tensor(op.inputs.at(0));
  const ir::Tensor& y = graph.tensor(op.output);
  if (!is_image(x) || !is_image(y)) return std::nullopt;
  const auto convolution = [&](const auto& conv) -> std::optional<RowWindow> {
    const int64_t taps = graph.tensor(op.inputs[1]).shape[1];
    return RowWindow{conv.stride.h, (taps - 1) * conv.dilation.h + 1, conv.padding.top};
  };
  const auto pool = [&](const auto& a) -> std::optional<RowWindow> {
    return RowWindow{a.stride.h, a.window.h, a.padding.top};
  };
  const auto of_one_shape = [&]() -> std::optional<RowWindow> {
    const bool alike = std::all_of(op.inputs.begin(), op.inputs.end(), [&](TensorId id) {
      return is_image(graph.tensor(id)) && graph.tensor(id).shape == y.shape;
    });
    return alike ? std::optional<RowWindow>(RowWindow{}) : std::nullopt;
  };
  return std::visit(ir::Overloaded{
                        [&](const ir::Conv2D& a) { return convolution(a); },
                        [&](const ir::DepthwiseConv2D& a) { return convolution(a); },
                        [&](const ir::AveragePool2D& a) { return pool(a); },
                        [&](const ir::MaxPool2D& a) { return pool(a); },
                        [&](const ir::Add&) { return of_one_shape(); },
                        [&](const ir::Mul&) { return of_one_shape(); },
                        [&](const ir::Logistic&) { return of_one_shape(); },
                        [&](const ir::Tanh&) { return of_one_shape(); },
                        [&](const ir::Relu&) { return of_one_shape(); },
                        [&](const ir::Quantize&) { return of_one_shape(); },
                        [&](const ir::Dequantize&) { return of_one_shape(); },
                        [&](const ir::Lookup&) { return of_one_shape(); },
                        [](const auto&) -> std::optional<RowWindow> { return std::nullopt; },
                    },
                    op.attributes);
}

/// The operator for some of its rows, with so much of its padding above and below.
void set_padding(ir::OpAttributes& attributes, int64_t top, int64_t bottom) {
  std::visit(
      [&](auto& a) {
        if constexpr (requires { a.padding; }) {
          a.padding.top = static_cast<int32_t>(top);
          a.padding.bottom = static_cast<int32_t>(bottom);
        }
      },
      attributes);
}

class Streamer {
 public:
  Streamer(const ir::Graph& graph, const Stretch& stretch)
      : before_(graph), graph_(graph), stretch_(stretch), uses_(uses_of(graph)), tensors_(graph.tensors.size()) {}

  std::optional<Streamed> run() {
    if (!is_possible()) return std::nullopt;
    const int64_t rows = height(before_.tensor(op(stretch_.last).output));
    const int64_t turns = (rows + stretch_.rows - 1) / stretch_.rows;
    if (turns < 2) return std::nullopt;
    for (int64_t turn = 1; turn <= turns; ++turn) {
      set_targets(turn, turns);
      for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
        if (!compute(i)) return std::nullopt;
      }
    }
    for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
      const Progress& result = progress(op(i).output);
      if (result.is_result)
        body_.push_back({{.attributes = ir::Concat{1}, .inputs = result.pieces, .output = op(i).output}, {}});
    }
    return finish();
  }

 private:
  /// How far a tensor of the stretch has come.
  struct Progress {
    bool is_result = false;         // all of it is wanted after the stretch; otherwise only the stretch reads it
    int64_t done = 0;               // rows
    int64_t target = 0;             // rows that are to be done in this turn
    TensorId kept = ir::kNoTensor;  // what is still there of it: the rows from kept_from to done
    int64_t kept_from = 0;
    std::vector<TensorId> pieces = {};  // of a result
  };
  struct Step {
    ir::Operator op;
    Origin origin;
  };

  const ir::Operator& op(size_t index) const { return before_.operators[index]; }
  Progress& progress(TensorId id) { return tensors_[static_cast<size_t>(id)]; }
  bool is_inside(int index) const {
    return index >= static_cast<int>(stretch_.first) && index <= static_cast<int>(stretch_.last);
  }
  bool is_made_here(TensorId id) const { return is_inside(uses_.producer[static_cast<size_t>(id)]); }

  bool is_possible() {
    if (stretch_.rows < 1 || stretch_.last >= before_.operators.size() || stretch_.first > stretch_.last) return false;
    for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
      const std::optional<RowWindow> window = row_window_of(before_, op(i));
      if (!window) return false;
      windows_.push_back(*window);
      const TensorId output = op(i).output;
      const std::vector<int>& readers = uses_.readers[static_cast<size_t>(output)];
      const auto inside = [&](int reader) { return is_inside(reader); };
      progress(output).is_result =
          uses_.is_output[static_cast<size_t>(output)] || !std::all_of(readers.begin(), readers.end(), inside);
      if (progress(output).is_result && std::any_of(readers.begin(), readers.end(), inside)) return false;
    }
    return true;
  }

  const RowWindow& window(size_t index) const { return windows_[index - stretch_.first]; }

  /// Results grow evenly, and everything else as far as its readers need it.
  void set_targets(int64_t turn, int64_t turns) {
    for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
      Progress& output = progress(op(i).output);
      const int64_t all = height(before_.tensor(op(i).output));
      output.target = output.is_result ? (all * turn + turns - 1) / turns : output.done;
      if (i == stretch_.last) output.target = std::min(all, turn * stretch_.rows);
    }
    for (size_t i = stretch_.last + 1; i-- > stretch_.first;) {
      const Progress& output = progress(op(i).output);
      if (output.target <= output.done) continue;
      for (const TensorId id : op(i).inputs) {
        if (id == ir::kNoTensor || !is_made_here(id)) continue;
        const int64_t end = (output.target - 1) * window(i).stride - window(i).top + window(i).reach;
        Progress& input = progress(id);
        input.target = std::max(input.target, std::min(end, height(before_.tensor(id))));
      }
    }
  }

  /// Computes the next rows of an operator's output; false when some of them see nothing but padding.
  bool compute(size_t index) {
    const TensorId id = op(index).output;
    const Rows rows{progress(id).done, progress(id).target};
    if (rows.count() <= 0) return true;
    const RowWindow& w = window(index);
    const int64_t from = rows.from * w.stride - w.top, to = (rows.to - 1) * w.stride - w.top + w.reach;
    const int64_t all = height(before_.tensor(op(index).inputs[0]));
    const Rows needed{std::max<int64_t>(from, 0), std::min(to, all)};
    if (needed.count() <= 0) return false;

    ir::Operator part = op(index);
    set_padding(part.attributes, std::max<int64_t>(-from, 0), std::max<int64_t>(to - all, 0));
    for (TensorId& input : part.inputs) {
      if (input != ir::kNoTensor && !before_.tensor(input).is_constant()) input = rows_of(input, needed);
    }
    const int64_t height_of_all = height(before_.tensor(id));
    part.source_macs = part.source_macs * rows.to / height_of_all - part.source_macs * rows.from / height_of_all;
    store(id, rows, std::move(part), {static_cast<int>(index), rows.count(), height_of_all});
    return true;
  }

  /// Lets `part` compute `rows` of tensor `id`, behind the rows of it that are still wanted.
  void store(TensorId id, const Rows& rows, ir::Operator part, const Origin& origin) {
    Progress& tensor = progress(id);
    part.output = new_tensor(id, rows);
    const int64_t wanted = wanted_from(id);
    const TensorId fresh = part.output;
    std::vector<TensorId> joined;
    if (!tensor.is_result && wanted < rows.from)
      joined = {slice(id, tensor.kept, tensor.kept_from, {wanted, rows.from}, &body_), fresh};
    body_.push_back({std::move(part), origin});
    if (tensor.is_result) tensor.pieces.push_back(fresh);
    tensor.kept = fresh;
    tensor.kept_from = rows.from;
    if (!joined.empty()) {
      tensor.kept = new_tensor(id, {wanted, rows.to});
      tensor.kept_from = wanted;
      body_.push_back({{.attributes = ir::Concat{1}, .inputs = std::move(joined), .output = tensor.kept}, {}});
    }
    tensor.done = rows.to;
  }

  /// The first row of a tensor that the stretch still wants.
  int64_t wanted_from(TensorId id) {
    int64_t wanted = height(before_.tensor(id));
    for (const int reader : uses_.readers[static_cast<size_t>(id)]) {
      if (!is_inside(reader)) continue;
      const size_t i = static_cast<size_t>(reader);
      const int64_t next = progress(op(i).output).done;  // its next row
      wanted = std::min(wanted, std::max<int64_t>(0, next * window(i).stride - window(i).top));
    }
    return wanted;
  }

  /// A tensor that holds these rows of `id`, which are there.
  TensorId rows_of(TensorId id, const Rows& rows) {
    if (is_made_here(id)) return slice(id, progress(id).kept, progress(id).kept_from, rows, &body_);
    // In front of everything, so that no byte of an operand is wanted longer than the slices that hold it; but a slice
    // that has to be copied is made when it is wanted.
    const ir::Tensor& whole = before_.tensor(id);
    const int64_t row_bytes = static_cast<int64_t>(whole.size_bytes()) / height(whole);
    return slice(id, id, 0, rows, row_bytes % 4 == 0 ? &front_ : &body_);
  }

  /// Rows of `id`, cut out of `from`, which begins with row `first`.
  TensorId slice(TensorId id, TensorId from, int64_t first, const Rows& rows, std::vector<Step>* where) {
    if (first == rows.from && height(graph_.tensor(from)) == rows.count()) return from;
    const TensorId part = new_tensor(id, rows);
    const ir::Slice begin{{0, static_cast<int32_t>(rows.from - first), 0, 0}};
    where->push_back({{.attributes = begin, .inputs = {from}, .output = part}, {}});
    return part;
  }

  /// A tensor for these rows of `id`.
  TensorId new_tensor(TensorId id, const Rows& rows) {
    ir::Tensor tensor = before_.tensor(id);
    tensor.name = fmt::format("{}[{}:{}]", tensor.name, rows.from, rows.to);
    tensor.shape[1] = static_cast<int32_t>(rows.count());
    tensor.source_index = -1;
    tensor.source_channels.clear();
    return add_tensor(graph_, std::move(tensor));
  }

  Streamed finish() {
    Streamed streamed;
    const auto add = [&](ir::Operator added, const Origin& origin) {
      streamed.graph.operators.push_back(std::move(added));
      streamed.origins.push_back(origin);
    };
    for (size_t i = 0; i < before_.operators.size(); ++i) {
      if (!is_inside(static_cast<int>(i))) add(op(i), {static_cast<int>(i), 1, 1});
      if (i != stretch_.last) continue;
      for (std::vector<Step>* steps : {&front_, &body_}) {
        for (Step& step : *steps) add(std::move(step.op), step.origin);
      }
    }
    graph_.operators = std::move(streamed.graph.operators);
    streamed.graph = std::move(graph_);
    return streamed;
  }

  const ir::Graph& before_;
  ir::Graph graph_;  // with the tensors that are new
  const Stretch stretch_;
  const Uses uses_;
  std::vector<RowWindow> windows_;  // of the stretch's operators
  std::vector<Progress> tensors_;   // by tensor of before_
  std::vector<Step> front_, body_;
};

}  // namespace

bool goes_by_rows(const ir::Graph& graph, const ir::Operator& op) {
  return row_window_of(graph, op).has_value();
}

std::optional<Streamed> stream(const ir::Graph& graph, const Stretch& stretch) {
  return Streamer(graph, stretch).run();
}

}  // namespace mote::passes
