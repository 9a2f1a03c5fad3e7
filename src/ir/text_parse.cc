#include <fmt/format.h>

#include <algorithm>

#include "ir/text.h"
#include "ir/text_fields.h"
#include "support/error.h"

namespace mote::ir {
namespace {

/// The words of one line, taken one after the other.
class Line {
 public:
  Line(std::string_view text, std::string where) : where_(std::move(where)) { split(text); }

  bool empty() const { return next_ == words_.size(); }
  std::string_view peek() const { return empty() ? std::string_view() : words_[next_]; }
  std::string_view take(std::string_view what) {
    if (empty()) fail(fmt::format("{} is missing", what));
    return words_[next_++];
  }
  [[noreturn]] void fail(const std::string& what) const { throw InputError(where_, what); }

  /// The next word as a value.
  template <typename Value>
  Value take_value(std::string_view what) {
    const std::string_view word = take(what);
    Value value{};
    if (!from_text(word, value)) fail(fmt::format("{}: '{}' cannot be read", what, shortened(word)));
    return value;
  }

  /// Reads the value of the word "name=value", if there is one among the words left, and strikes it out.
  template <typename Value>
  bool take_field(std::string_view name, Value& value) {
    for (size_t i = next_; i < words_.size(); ++i) {
      const std::string_view word = words_[i];
      if (!word.starts_with(name) || word.size() == name.size() || word[name.size()] != '=') continue;
      const std::string_view text = word.substr(name.size() + 1);
      if (!from_text(text, value)) fail(fmt::format("{}: '{}' cannot be read", name, shortened(text)));
      words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }
  template <typename Value>
  void take_field(std::string_view name, std::optional<Value>& value) {
    Value read{};
    if (take_field(name, read)) value = std::move(read);
  }

  void expect_end() const {
    if (!empty()) fail(fmt::format("'{}' is not known here", shortened(peek())));
  }

  static std::string shortened(std::string_view word) {
    return word.size() <= 40 ? std::string(word) : std::string(word.substr(0, 40)) + "...";
  }

 private:
  void split(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      if (text[at] == ' ' || text[at] == '\r') {
        ++at;
        continue;
      }
      const size_t end = text[at] == '"' ? end_of_quoted(text, at) : std::min(text.find(' ', at), text.size());
      const std::string_view word = text.substr(at, end - at);
      if (word == "#") return;
      words_.push_back(word);
      at = end;
    }
  }
  size_t end_of_quoted(std::string_view text, size_t at) const {
    for (size_t i = at + 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        return i + 1;
      }
    }
    fail("a quoted name does not end");
  }

  std::string where_;
  std::vector<std::string_view> words_;
  size_t next_ = 0;
};

std::string take_name(Line& line) {
  std::string name;
  if (!unquote(line.take("a quoted name"), name))
    line.fail("a name must stand in quotes, with \\\\ \\\" \\n \\xNN in it");
  return name;
}

DType take_dtype(Line& line) {
  const std::string_view word = line.take("a type");
  for (DType type : {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64, DType::kFloat32}) {
    if (word == name_of(type)) return type;
  }
  line.fail(fmt::format("'{}' is no type: i8, i16, i32, i64 or f32", Line::shortened(word)));
}

Shape take_shape(Line& line) {
  const std::string_view word = line.take("a shape");
  Shape shape;
  if (word == "scalar") return shape;
  for (size_t at = 0; at <= word.size();) {
    const size_t end = std::min(word.find('x', at), word.size());
    if (!from_text(word.substr(at, end - at), shape.emplace_back())) {
      line.fail(fmt::format("'{}' is no shape like 1x32x32x3", Line::shortened(word)));
    }
    at = end + 1;
  }
  return shape;
}

TensorId take_id(Line& line) {
  if (line.peek() != "-") return line.take_value<TensorId>("a tensor number");
  line.take("-");
  return kNoTensor;
}

std::vector<TensorId> take_ids(Line& line) {
  std::vector<TensorId> ids;
  while (!line.empty()) ids.push_back(take_id(line));
  return ids;
}

/// The number an item must carry: its place among its like.
void take_index(Line& line, size_t expected) {
  const int64_t index = line.take_value<int64_t>("a number");
  if (index != static_cast<int64_t>(expected)) line.fail(fmt::format("number {} should be {}", index, expected));
}

template <size_t I = 0>
OpAttributes attributes_of_kind(std::string_view kind, const Line& line) {
  if constexpr (I < std::variant_size_v<OpAttributes>) {
    OpAttributes attributes{std::in_place_index<I>};
    return kind_of(attributes) == kind ? attributes : attributes_of_kind<I + 1>(kind, line);
  } else {
    line.fail(fmt::format("'{}' is no operator", Line::shortened(kind)));
  }
}

Tensor take_tensor(Line& line) {
  Tensor tensor;
  tensor.name = take_name(line);
  tensor.dtype = take_dtype(line);
  tensor.shape = take_shape(line);
  line.take_field("quant", tensor.quant);
  line.take_field("source", tensor.source_index);
  line.take_field("channels", tensor.source_channels);
  line.take_field("data", tensor.data);
  return tensor;
}

Operator take_operator(Line& line) {
  Operator op;
  op.attributes = attributes_of_kind(line.take("the kind of operator"), line);
  while (line.peek() != "->") op.inputs.push_back(take_id(line));
  line.take("->");
  op.output = take_id(line);
  for_each_field(op.attributes, [&](std::string_view name, auto& value) { line.take_field(name, value); });
  line.take_field("post", op.post);
  line.take_field("computed", op.computed);
  line.take_field("source", op.source);
  line.take_field("macs", op.source_macs);
  return op;
}

void take_item(Line& line, Graph& graph) {
  const std::string_view item = line.take("an item");
  if (item == "graph") {
    graph.name = take_name(line);
  } else if (item == "inputs") {
    graph.inputs = take_ids(line);
  } else if (item == "outputs") {
    graph.outputs = take_ids(line);
  } else if (item == "tensor") {
    take_index(line, graph.tensors.size());
    graph.tensors.push_back(take_tensor(line));
  } else if (item == "op") {
    take_index(line, graph.operators.size());
    graph.operators.push_back(take_operator(line));
  } else {
    line.fail(fmt::format("'{}' is no item: graph, inputs, outputs, tensor or op", Line::shortened(item)));
  }
  line.expect_end();
}

}  // namespace

Graph parse(std::string_view text, const std::string& file) {
  Graph graph;
  int number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    Line line(text.substr(at, end - at), fmt::format("{}:{}", file, number));
    if (!line.empty()) take_item(line, graph);
    at = end + 1;
  }
  return graph;
}

}  // namespace mote::ir
