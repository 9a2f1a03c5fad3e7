// The text form of graphs: what parses prints and parses again, and can be verified; what is legal can be interpreted.
#include "fuzz.h"
#include "ir/random_graph.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "reference/interpret.h"

namespace mote {
namespace {

/// Multiply-accumulates and elements that interpreting `graph` touches.
int64_t work_of(const ir::Graph& graph) {
  int64_t work = 0;
  for (const ir::Tensor& tensor : graph.tensors) work += ir::elements(tensor.shape);
  for (const ir::Operator& op : graph.operators) work += ir::macs_of(graph, op);
  return work;
}

void fuzz_one(std::span<const std::byte> input) {
  const std::string text{reinterpret_cast<const char*>(input.data()), input.size()};
  const ir::Graph graph = ir::parse(text, "input");
  const std::string printed = ir::print(graph, true);
  check(ir::print(ir::parse(printed, "printed"), true) == printed, "the text form does not round-trip");
  ir::print(graph, false);
  if (!ir::verify(graph).empty() || work_of(graph) > 100000) return;
  Random random(input.size());
  reference::interpret(graph, ir::random_inputs(graph, random));
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
