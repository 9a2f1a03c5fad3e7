// Any bytes at all are either refused with an InputError or become a legal graph, which can be written, read back and
// run.
#include <algorithm>

#include "fuzz.h"
#include "import/tflite/reader.h"
#include "import/tflite/writer.h"
#include "ir/random_graph.h"
#include "ir/verify.h"
#include "reference/interpret.h"

namespace mote {
namespace {

// Whether running `graph` takes milliseconds.
bool is_quick(const ir::Graph& graph) {
  constexpr int64_t kMost = 200'000;
  int64_t work = 0;
  for (const ir::Operator& op : graph.operators) {
    const int64_t of_op = std::max(op.source_macs, ir::elements(graph.tensor(op.output).shape));
    if (of_op > kMost) return false;
    for (const ir::TensorId id : op.inputs) {
      if (id >= 0 && ir::elements(graph.tensor(id).shape) > kMost) return false;
    }
    // A pool reads its window for every output; windows have no weights to show how large they are.
    const ir::Size2D window = std::visit(
        [](const auto& attributes) {
          if constexpr (requires { attributes.window; }) return attributes.window;
          return ir::Size2D{};
        },
        op.attributes);
    work += of_op * std::min<int64_t>(kMost, int64_t{window.h} * window.w);
    if (work > kMost) return false;
  }
  return true;
}

// What the format has no place for.
ir::Graph without_sources(ir::Graph graph) {
  for (ir::Tensor& tensor : graph.tensors) tensor.source_index = -1;
  for (ir::Operator& op : graph.operators) op.source.clear();
  return graph;
}

void fuzz_one(std::span<const std::byte> input) {
  const import::Survey survey = import::survey_tflite(input, "fuzz.tflite");
  for (const import::Problem& problem : survey.problems) check(!text_of(problem).empty(), "a problem without words");
  if (!survey.problems.empty()) throw InputError("", "not supported");
  const ir::Graph& graph = survey.graph;
  check(ir::verify(graph).empty(), "what was read is not legal");
  const ir::Graph again = import::read_tflite(import::write_tflite(graph), "fuzz.tflite");
  check(without_sources(graph) == without_sources(again), "writing and reading again changed the graph");
  if (!is_quick(graph)) return;
  Random random(1);
  reference::interpret(graph, ir::random_inputs(graph, random));
}

}  // namespace
}  // namespace mote

#ifdef MOTE_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    mote::fuzz_one(std::as_bytes(std::span(data, size)));
  } catch (const mote::InputError&) {
  }
  return 0;
}
#else
int main(int argc, char** argv) {
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
#endif
