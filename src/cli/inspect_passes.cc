#include "cli/inspect_passes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

#include "cli/terminal.h"
#include "ir/text.h"
#include "passes/pipeline.h"
#include "support/error.h"

namespace mote::cli {

namespace {

int64_t channels_of(const ir::Tensor& tensor) {
  return tensor.shape.empty() ? 1 : tensor.shape.back();
}

int64_t macs_of(const ir::Graph& graph) {
  int64_t sum = 0;
  for (const ir::Operator& op : graph.operators) sum += ir::macs_of(graph, op);
  return sum;
}

int64_t constant_bytes(const ir::Graph& graph) {
  int64_t sum = 0;
  for (const ir::Tensor& tensor : graph.tensors) {
    if (tensor.is_constant()) sum += static_cast<int64_t>(tensor.size_bytes());
  }
  return sum;
}

int64_t channels_computed(const ir::Graph& graph) {
  int64_t sum = 0;
  for (const ir::Operator& op : graph.operators) sum += channels_of(graph.tensor(op.output));
  return sum;
}

}  // namespace

Compiled compiled_form(const ir::Graph& graph) {
  const ir::Graph result = passes::run_passes(graph);
  std::map<int, int64_t> source;  // by index: channels
  for (const ir::Operator& op : graph.operators) {
    source[graph.tensor(op.output).source_index] = channels_of(graph.tensor(op.output));
  }
  Compiled compiled{macs_of(result), channels_computed(graph), 0};
  for (const ir::Operator& op : result.operators) {
    const ir::Tensor& tensor = result.tensor(op.output);
    if (tensor.source_channels.empty() || source.count(tensor.source_index) == 0) continue;
    compiled.removed_channels += source[tensor.source_index] - channels_of(tensor);
  }
  return compiled;
}

std::string text_of(const Compiled& compiled) {
  if (compiled.removed_channels == 0) return "";
  return fmt::format(
      "{} of {} channels are the same for every input, or unread, and are not computed: {} MACs remain\n",
      grouped(compiled.removed_channels), grouped(compiled.channels), grouped(compiled.macs));
}

void print_passes(const ir::Graph& graph) {
  Table table({"pass", ">operators", ">channels", ">MACs", ">constant bytes", "what it does"});
  const auto add = [&table](std::string_view name, std::string_view help, const ir::Graph& g) {
    table.add({std::string(name), std::to_string(g.operators.size()), grouped(channels_computed(g)),
               grouped(macs_of(g)), grouped(constant_bytes(g)), std::string(help)});
  };
  add("(as read)", "", graph);
  passes::run_passes(graph, [&](const passes::Pass& pass, const ir::Graph& g) { add(pass.name, pass.help, g); });
  fmt::print("{}", table.text());
}

void print_after(const ir::Graph& graph, const std::string& pass) {
  std::string text;
  std::vector<std::string_view> names;
  passes::run_passes(graph, [&](const passes::Pass& done, const ir::Graph& g) {
    names.push_back(done.name);
    if (done.name == pass) text = ir::print(g, false);
  });
  if (text.empty()) throw InputError("--after", fmt::format("'{}' is none of {}", pass, fmt::join(names, ", ")));
  fmt::print("{}", text);
}

}  // namespace mote::cli
