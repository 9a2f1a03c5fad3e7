#include "passes/share_constants.h"

#include <map>
#include <string_view>

#include "passes/edit.h"

namespace mote::passes {

ir::Graph share_constants(ir::Graph graph) {
  std::map<std::string_view, std::vector<ir::TensorId>> seen;  // by bytes: one representative of each type
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const ir::Tensor& tensor = graph.tensors[i];
    if (!tensor.is_constant()) continue;
    const ir::TensorId id = static_cast<ir::TensorId>(i);
    const char* const bytes = reinterpret_cast<const char*>(tensor.data->data());
    std::vector<ir::TensorId>& alike = seen[std::string_view(bytes, tensor.data->size())];
    bool shared = false;
    for (const ir::TensorId other : alike) {
      if (shared || !same_type(tensor, graph.tensor(other))) continue;
      read_instead(graph, id, other);
      shared = true;
    }
    if (!shared) alike.push_back(id);
  }
  return graph;
}

}  // namespace mote::passes
