#include "passes/stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/edit.h"

namespace mote::passes {
namespace {

using ir::TensorId;

/// Which rows, or columns, of its operands one of an output needs: `reach` of them from n * stride - before on.
struct Reach {
  int64_t stride = 1, reach = 1, before = 0;
};

struct Window {
  Reach rows, columns;
};

/// Rows or columns [from, to).
struct Range {
  int64_t from = 0, to = 0;
  int64_t count() const { return to - from; }
  bool operator==(const Range&) const = default;
};

/// What `outputs` need, which may leave the operand.
Range needed_for(const Range& outputs, const Reach& reach) {
  const int64_t from = outputs.from * reach.stride - reach.before;
  return {from, from + (outputs.count() - 1) * reach.stride + reach.reach};
}

Range within(const Range& range, int64_t size) {
  return {std::max<int64_t>(range.from, 0), std::min(range.to, size)};
}

bool is_image(const ir::Tensor& tensor) {
  return tensor.shape.size() == 4 && tensor.shape[0] == 1 && !tensor.is_constant();
}

int64_t height(const ir::Tensor& tensor) {
  return tensor.shape[1];
}

int64_t width(const ir::Tensor& tensor) {
  return tensor.shape[2];
}

std::optional<Window> window_of(const ir::Graph& graph, const ir::Operator& op) {
  const ir::Tensor& x = graph.tensor(op.inputs.at(0));
  const ir::Tensor& y = graph.tensor(op.output);
  if (!is_image(x) || !is_image(y)) return std::nullopt;
  const auto convolution = [&](const auto& conv) -> std::optional<Window> {
    const ir::Shape& taps = graph.tensor(op.inputs[1]).shape;
    return Window{{conv.stride.h, (taps[1] - 1) * conv.dilation.h + 1, conv.padding.top},
                  {conv.stride.w, (taps[2] - 1) * conv.dilation.w + 1, conv.padding.left}};
  };
  const auto pool = [&](const auto& a) -> std::optional<Window> {
    return Window{{a.stride.h, a.window.h, a.padding.top}, {a.stride.w, a.window.w, a.padding.left}};
  };
  const auto of_one_shape = [&]() -> std::optional<Window> {
    const bool alike = std::all_of(op.inputs.begin(), op.inputs.end(), [&](TensorId id) {
      return is_image(graph.tensor(id)) && graph.tensor(id).shape == y.shape;
    });
    return alike ? std::optional<Window>(Window{}) : std::nullopt;
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
                        [](const auto&) -> std::optional<Window> { return std::nullopt; },
                    },
                    op.attributes);
}

/// What the operator has to pad when it needs these rows, or columns, of so many.
struct Missing {
  int32_t before = 0, after = 0;
  Missing(const Range& needed, int64_t size)
      : before(static_cast<int32_t>(std::max<int64_t>(-needed.from, 0))),
        after(static_cast<int32_t>(std::max<int64_t>(needed.to - size, 0))) {}
};

void set_padding(ir::OpAttributes& attributes, const Missing& rows, const std::optional<Missing>& columns) {
  std::visit(
      [&](auto& a) {
        if constexpr (requires { a.padding; }) {
          a.padding.top = rows.before;
          a.padding.bottom = rows.after;
          if (!columns) return;
          a.padding.left = columns->before;
          a.padding.right = columns->after;
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
    turns_ = (rows + stretch_.rows - 1) / stretch_.rows;
    if (turns_ < 2) return std::nullopt;
    for (int64_t strip = 0; strip < stretch_.strips; ++strip) {
      begin_strip(strip);
      for (int64_t turn = 1; turn <= turns_; ++turn) {
        set_targets(turn);
        for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
          if (!compute(i)) return std::nullopt;
        }
      }
    }
    for (size_t i = stretch_.first; i <= stretch_.last; ++i) finish_result(op(i).output);
    return finish();
  }

 private:
  /// How far a tensor has come, of the stretch or one that it reads a strip of.
  struct Progress {
    bool is_result = false;         // all of it is wanted after the stretch; otherwise only the stretch reads it
    Range columns = {};             // of the strip
    int64_t done = 0;               // rows
    int64_t target = 0;             // rows that are to be done in this turn
    TensorId kept = ir::kNoTensor;  // what is still there of it: the rows from kept_from to done
    int64_t kept_from = 0;
    std::vector<TensorId> pieces = {};       // of a result, one strip after the other
    std::optional<size_t> last_insert = {};  // in body_, of a result in several strips
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
  bool is_image_operand(TensorId id) const { return id != ir::kNoTensor && !before_.tensor(id).is_constant(); }

  bool is_possible() {
    if (stretch_.rows < 1 || stretch_.strips < 1 || stretch_.last >= before_.operators.size() ||
        stretch_.first > stretch_.last)
      return false;
    for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
      const std::optional<Window> window = window_of(before_, op(i));
      if (!window) return false;
      windows_.push_back(*window);
      const TensorId output = op(i).output;
      const std::vector<int>& readers = uses_.readers[static_cast<size_t>(output)];
      const auto inside = [&](int reader) { return is_inside(reader); };
      const bool is_result =
          uses_.is_output[static_cast<size_t>(output)] || !std::all_of(readers.begin(), readers.end(), inside);
      progress(output).is_result = is_result;
      if (is_result && std::any_of(readers.begin(), readers.end(), inside)) return false;
      if (is_result && width(before_.tensor(output)) < stretch_.strips) return false;
    }
    return true;
  }

  const Window& window(size_t index) const { return windows_[index - stretch_.first]; }

  /// Which columns of every tensor the strip needs: of results a share, and of everything else what its readers need.
  void begin_strip(int64_t strip) {
    for (Progress& tensor : tensors_) {
      tensor.columns = {};
      tensor.done = tensor.target = tensor.kept_from = 0;
      tensor.kept = ir::kNoTensor;
    }
    for (size_t i = stretch_.last + 1; i-- > stretch_.first;) {
      Progress& output = progress(op(i).output);
      const int64_t all = width(before_.tensor(op(i).output));
      if (output.is_result) output.columns = {all * strip / stretch_.strips, all * (strip + 1) / stretch_.strips};
      if (output.columns.count() <= 0) continue;
      for (const TensorId id : op(i).inputs) {
        if (!is_image_operand(id)) continue;
        const Range needed = columns_for(i, output.columns, before_.tensor(id));
        Range& columns = progress(id).columns;
        columns =
            columns.count() <= 0 ? needed : Range{std::min(columns.from, needed.from), std::max(columns.to, needed.to)};
      }
    }
  }

  /// The columns of an operand that an operator needs for these of its output; for all of them all.
  Range columns_for(size_t index, const Range& columns, const ir::Tensor& operand) const {
    if (columns.count() == width(before_.tensor(op(index).output))) return {0, width(operand)};
    return within(needed_for(columns, window(index).columns), width(operand));
  }

  /// Results grow evenly, and everything else as far as its readers need it.
  void set_targets(int64_t turn) {
    for (size_t i = stretch_.first; i <= stretch_.last; ++i) {
      Progress& output = progress(op(i).output);
      const int64_t all = height(before_.tensor(op(i).output));
      output.target = output.is_result ? (all * turn + turns_ - 1) / turns_ : output.done;
      if (i == stretch_.last) output.target = std::min(all, turn * stretch_.rows);
    }
    for (size_t i = stretch_.last + 1; i-- > stretch_.first;) {
      const Progress& output = progress(op(i).output);
      if (output.target <= output.done) continue;
      for (const TensorId id : op(i).inputs) {
        if (id == ir::kNoTensor || !is_made_here(id)) continue;
        const int64_t end = needed_for({output.done, output.target}, window(i).rows).to;
        Progress& input = progress(id);
        input.target = std::max(input.target, std::min(end, height(before_.tensor(id))));
      }
    }
  }

  /// Computes the next rows of an operator's output; false when some of them see nothing but padding.
  bool compute(size_t index) {
    const TensorId id = op(index).output;
    const Range rows{progress(id).done, progress(id).target}, columns = progress(id).columns;
    if (rows.count() <= 0) return true;
    const ir::Tensor& x = before_.tensor(op(index).inputs[0]);
    const Range all_rows = needed_for(rows, window(index).rows);
    const Range needed_rows = within(all_rows, height(x)), needed_columns = columns_for(index, columns, x);
    if (columns.count() <= 0 || needed_rows.count() <= 0 || needed_columns.count() <= 0) return false;

    ir::Operator part = op(index);
    const bool is_strip = columns.count() < width(before_.tensor(id));
    set_padding(
        part.attributes, {all_rows, height(x)},
        is_strip ? std::optional<Missing>({needed_for(columns, window(index).columns), width(x)}) : std::nullopt);
    for (TensorId& input : part.inputs) {
      if (is_image_operand(input)) input = part_of(input, needed_rows, needed_columns);
    }
    const int64_t h = height(before_.tensor(id)), w = width(before_.tensor(id));
    part.source_macs = (part.source_macs * rows.to / h - part.source_macs * rows.from / h) * columns.count() / w;
    store(id, rows, std::move(part), {static_cast<int>(index), rows.count() * columns.count(), h * w});
    return true;
  }

  /// Lets `part` compute `rows` of the strip of tensor `id`, behind the rows of it that are still wanted.
  void store(TensorId id, const Range& rows, ir::Operator part, const Origin& origin) {
    Progress& tensor = progress(id);
    part.output = new_tensor(id, rows, tensor.columns);
    const int64_t wanted = wanted_from(id);
    const TensorId fresh = part.output;
    std::vector<TensorId> joined;
    if (!tensor.is_result && wanted < rows.from && tensor.kept != ir::kNoTensor)
      joined = {slice(id, tensor.kept, tensor.kept_from, {wanted, rows.from}, tensor.columns, &body_), fresh};
    body_.push_back({std::move(part), origin});
    if (tensor.is_result) add_to_result(id, fresh, rows);
    tensor.kept = fresh;
    tensor.kept_from = rows.from;
    if (!joined.empty()) {
      tensor.kept = new_tensor(id, {wanted, rows.to}, tensor.columns);
      tensor.kept_from = wanted;
      body_.push_back({{.attributes = ir::Concat{1}, .inputs = std::move(joined), .output = tensor.kept}, {}});
    }
    tensor.done = rows.to;
  }

  /// Pieces of several strips and rows have to be copied to their places, as soon as they are there.
  void add_to_result(TensorId id, TensorId piece, const Range& rows) {
    Progress& result = progress(id);
    result.pieces.push_back(piece);
    if (stretch_.strips == 1 || has_single_rows(id)) return;
    const ir::Insert to{{0, static_cast<int32_t>(rows.from), static_cast<int32_t>(result.columns.from), 0}};
    const TensorId into = result.last_insert ? body_[*result.last_insert].op.output : ir::kNoTensor;
    result.last_insert = body_.size();
    ir::Tensor grown = derived_from(id, fmt::format("+{}", result.pieces.size()));
    body_.push_back({{.attributes = to, .inputs = {piece, into}, .output = add_tensor(graph_, std::move(grown))}, {}});
  }

  /// Whether no turn computes more than a row of this result: its pieces are runs of bytes.
  bool has_single_rows(TensorId id) const { return height(before_.tensor(id)) <= turns_; }

  void finish_result(TensorId id) {
    Progress& result = progress(id);
    if (!result.is_result) return;
    if (result.last_insert) {
      body_[*result.last_insert].op.output = id;
      return;
    }
    if (stretch_.strips > 1) result.pieces = joined_columns(id, result.pieces);
    body_.push_back({{.attributes = ir::Concat{1}, .inputs = result.pieces, .output = id}, {}});
  }

  /// Rows of `id`, of their pieces strip by strip.
  std::vector<TensorId> joined_columns(TensorId id, const std::vector<TensorId>& pieces) {
    std::vector<TensorId> joined;
    const size_t rows = pieces.size() / static_cast<size_t>(stretch_.strips);
    for (size_t row = 0; row < rows; ++row) {
      std::vector<TensorId> parts;
      for (size_t k = row; k < pieces.size(); k += rows) parts.push_back(pieces[k]);
      const int64_t from = static_cast<int64_t>(row);
      joined.push_back(new_tensor(id, {from, from + 1}, {0, width(before_.tensor(id))}));
      body_.push_back({{.attributes = ir::Concat{2}, .inputs = std::move(parts), .output = joined.back()}, {}});
    }
    return joined;
  }

  /// The first row of a tensor that the stretch still wants.
  int64_t wanted_from(TensorId id) {
    int64_t wanted = height(before_.tensor(id));
    for (const int reader : uses_.readers[static_cast<size_t>(id)]) {
      if (!is_inside(reader)) continue;
      const size_t i = static_cast<size_t>(reader);
      const int64_t next = progress(op(i).output).done;  // its next row
      wanted = std::min(wanted, std::max<int64_t>(0, next * window(i).rows.stride - window(i).rows.before));
    }
    return wanted;
  }

  /// A tensor that holds this part of `id`, which is there.
  TensorId part_of(TensorId id, const Range& rows, const Range& columns) {
    const ir::Tensor& whole = before_.tensor(id);
    const Progress& tensor = progress(id);
    if (!is_made_here(id) && tensor.columns.count() == width(whole)) {
      // In front of everything, so that no byte of an operand is wanted longer than the slices that hold it; but a
      // slice that has to be copied is made when it is wanted.
      const int64_t row_bytes = static_cast<int64_t>(whole.size_bytes()) / height(whole);
      const bool is_view = row_bytes % 4 == 0 && columns == tensor.columns;
      return slice(id, id, 0, rows, columns, is_view ? &front_ : &body_);
    }
    // A strip of an operand is copied row by row, each row once.
    if (!is_made_here(id) && tensor.done < rows.to) {
      const Range missing{tensor.done, rows.to};
      const ir::Slice begin{{0, static_cast<int32_t>(missing.from), static_cast<int32_t>(tensor.columns.from), 0}};
      store(id, missing, {.attributes = begin, .inputs = {id}}, {});
    }
    return slice(id, tensor.kept, tensor.kept_from, rows, columns, &body_);
  }

  /// A part of `id`, cut out of `from`, which begins with row `first`.
  TensorId slice(TensorId id, TensorId from, int64_t first, const Range& rows, const Range& columns,
                 std::vector<Step>* where) {
    const int64_t left = columns.from - (from == id ? 0 : progress(id).columns.from);
    const ir::Tensor& all = graph_.tensor(from);
    if (first == rows.from && left == 0 && height(all) == rows.count() && width(all) == columns.count()) return from;
    const TensorId part = new_tensor(id, rows, columns);
    const ir::Slice begin{{0, static_cast<int32_t>(rows.from - first), static_cast<int32_t>(left), 0}};
    where->push_back({{.attributes = begin, .inputs = {from}, .output = part}, {}});
    return part;
  }

  /// A tensor for this part of `id`.
  TensorId new_tensor(TensorId id, const Range& rows, const Range& columns) {
    const ir::Tensor& whole = before_.tensor(id);
    std::string part = fmt::format("{}:{}", rows.from, rows.to);
    if (columns.count() < width(whole)) part += fmt::format(",{}:{}", columns.from, columns.to);
    ir::Tensor tensor = derived_from(id, fmt::format("[{}]", part));
    tensor.shape[1] = static_cast<int32_t>(rows.count());
    tensor.shape[2] = static_cast<int32_t>(columns.count());
    return add_tensor(graph_, std::move(tensor));
  }

  ir::Tensor derived_from(TensorId id, const std::string& suffix) const {
    ir::Tensor tensor = before_.tensor(id);
    tensor.name += suffix;
    tensor.source_index = -1;
    tensor.source_channels.clear();
    return tensor;
  }

  Streamed finish() {
    Streamed streamed;
    const auto add = [&](ir::Operator added, const Origin& origin) {
      streamed.graph.operators.push_back(std::move(added));
      streamed.origins.push_back(origin);
    };
    for (size_t i = 0; i < before_.operators.size(); ++i) {
      if (!is_inside(static_cast<int>(i))) add(op(i), {static_cast<int>(i)});
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
  int64_t turns_ = 0;
  const Uses uses_;
  std::vector<Window> windows_;    // of the stretch's operators
  std::vector<Progress> tensors_;  // by tensor of before_
  std::vector<Step> front_, body_;
};

}  // namespace

bool goes_by_rows(const ir::Graph& graph, const ir::Operator& op) {
  return window_of(graph, op).has_value();
}

std::optional<Streamed> stream(const ir::Graph& graph, const Stretch& stretch) {
  return Streamer(graph, stretch).run();
}

}  // namespace mote::passes
