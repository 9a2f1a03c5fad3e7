#include "execute/hosted.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <variant>

#include "deploy/emit.h"
#include "deploy/views.h"
#include "support/error.h"

namespace mote::execute {
namespace {

/// Tensors in the board's memory while an inference is on its way.
class Tensors {
 public:
  Tensors(session::Session& session, const ir::Graph& graph)
      : session_(session), graph_(graph), views_(deploy::views_of(graph)) {
    for (size_t i = 0; i < graph.operators.size(); ++i) {
      if (views_.takes_no_code[i]) continue;
      for (const ir::TensorId id : graph.operators[i].inputs) {
        if (id != ir::kNoTensor) ++readers_[root(id)];
      }
    }
    for (const ir::TensorId id : graph.outputs) ++readers_[root(id)];
  }
  ~Tensors() {
    for (const auto& [id, address] : address_) session_.free(address);
  }
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  /// Where a tensor is, or is going to be. A constant that is used as a tensor is written there. Throws JobError when
  /// there is no memory for it.
  uint32_t place(ir::TensorId id) {
    const ir::TensorId all = root(id);
    const uint32_t offset = static_cast<uint32_t>(views_.places[static_cast<size_t>(id)].offset);
    if (const auto found = address_.find(all); found != address_.end()) return found->second + offset;
    const ir::Tensor& tensor = graph_.tensor(all);
    const uint32_t address = session_.allocate(static_cast<uint32_t>(tensor.size_bytes()));
    address_[all] = address;
    if (tensor.is_constant()) session_.write(address, *tensor.data);
    return address + offset;
  }
  Bytes read(ir::TensorId id) {
    return session_.read(place(id), static_cast<uint32_t>(graph_.tensor(id).size_bytes()));
  }
  /// One of its readers is done with it; after the last its memory is free.
  void done_with(ir::TensorId id) {
    const auto found = address_.find(root(id));
    if (--readers_[root(id)] > 0 || found == address_.end()) return;
    session_.free(found->second);
    address_.erase(found);
  }

 private:
  ir::TensorId root(ir::TensorId id) const { return views_.places[static_cast<size_t>(id)].root; }

  session::Session& session_;
  const ir::Graph& graph_;
  const deploy::Views views_;
  std::map<ir::TensorId, int> readers_;
  std::map<ir::TensorId, uint32_t> address_;
};

/// An operator that is loaded, and its call.
struct Loaded {
  size_t index;
  session::Module module;
  session::Call call;
};

/// One inference: operators are loaded side by side until RAM is full, then their calls are queued and run.
class Run {
 public:
  Run(session::Session& session, const deploy::Library& library, uint32_t repeats, std::chrono::milliseconds limit)
      : session_(session),
        network_(library.network),
        graph_(library.network.graph),
        repeats_(repeats),
        limit_(limit),
        cycles_(graph_.operators.size()),
        tensors_(session, graph_) {}
  ~Run() { release(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void set_inputs(const std::vector<Bytes>& inputs) {
    check(inputs.size() == graph_.inputs.size(), "one value for every input is wanted");
    for (size_t i = 0; i < inputs.size(); ++i) session_.write(tensors_.place(graph_.inputs[i]), inputs[i]);
  }

  void add(size_t index, const std::vector<toolchain::Object>& objects) {
    if (!try_add(index, objects).empty()) {
      flush();
      const std::string why_not = try_add(index, objects);
      if (!why_not.empty()) throw JobError(fmt::format("{} does not fit into RAM: {}", title(index), why_not));
    }
  }

  /// Runs what is loaded, and frees what is not needed any more.
  void flush() {
    for (const Loaded& loaded : batch_) session_.enqueue(loaded.call, limit_);
    const std::vector<session::CallResult> results = session_.sync();
    for (size_t i = 0; i < batch_.size(); ++i) {
      if (!results[i].ok()) throw JobError(title(batch_[i].index) + " failed: " + results[i].fault->text());
      cycles_[batch_[i].index] = results[i].least;
    }
    for (const Loaded& loaded : batch_) {
      for (const ir::TensorId id : graph_.operators[loaded.index].inputs) {
        if (id != ir::kNoTensor) tensors_.done_with(id);
      }
    }
    release();
  }

  Bytes read(ir::TensorId id) { return tensors_.read(id); }
  const std::vector<uint64_t>& cycles() const { return cycles_; }

 private:
  /// Loads an operator beside the others. "", or why there is no room for it.
  std::string try_add(size_t index, const std::vector<toolchain::Object>& objects) {
    try {
      std::vector<uint32_t> arguments = arguments_of(index);
      session::LoadResult loaded = session_.load(objects);
      if (const session::LoadFailure* failure = std::get_if<session::LoadFailure>(&loaded)) return failure->text;
      session::Module& module = std::get<session::Module>(loaded);
      const uint32_t function = module.address_of(network_.kernels[index]->program.name);
      batch_.push_back({index, std::move(module), {function, std::move(arguments), repeats_}});
      return "";
    } catch (const device::ConnectionError&) {
      throw;
    } catch (const JobError& error) {  // no memory for a tensor
      return error.what();
    }
  }

  std::vector<uint32_t> arguments_of(size_t index) {
    const ir::Operator& op = graph_.operators[index];
    std::vector<uint32_t> arguments;
    std::set<ir::TensorId> passed;
    for (const ir::TensorId id : op.inputs) {
      if (id == ir::kNoTensor || graph_.tensor(id).is_constant() || !passed.insert(id).second) continue;
      arguments.push_back(tensors_.place(id));
    }
    arguments.push_back(tensors_.place(op.output) + static_cast<uint32_t>(deploy::written_from(graph_, op)));
    const size_t scratch = network_.kernels[index]->program.workspace_bytes();
    if (scratch > 0) {
      scratch_.push_back(session_.allocate(static_cast<uint32_t>(scratch)));
      arguments.push_back(scratch_.back());
    }
    return arguments;
  }

  void release() {
    batch_.clear();
    for (const uint32_t address : scratch_) session_.free(address);
    scratch_.clear();
  }

  std::string title(size_t index) const {
    return fmt::format("{}: operator {}, {},", session_.board().name, index,
                       deploy::title_of(graph_, graph_.operators[index]));
  }

  session::Session& session_;
  const deploy::Network& network_;
  const ir::Graph& graph_;
  const uint32_t repeats_;
  const std::chrono::milliseconds limit_;
  std::vector<uint64_t> cycles_;
  Tensors tensors_;
  std::vector<Loaded> batch_;
  std::vector<uint32_t> scratch_;  // of the operators in batch_
};

}  // namespace

Hosted::Hosted(session::Session& session, const deploy::Library& library, toolchain::Toolchain& toolchain)
    : session_(session), library_(library), toolchain_(toolchain) {}

/// The kernel of one operator: its code, and its weights and tables.
std::vector<toolchain::Object> Hosted::compile(size_t index) {
  const deploy::File file = deploy::emit_operator(library_.network, index);
  std::vector<std::string> flags = library_.origin.flags;
  flags.emplace_back("-g1");  // a fault names its line
  const toolchain::CompileResult result = toolchain_.compile({file.path, file.text}, flags);
  if (!result.ok()) throw JobError(fmt::format("{} does not compile:\n{}", file.path, result.messages));
  return {*result.object};
}

Inference Hosted::run(const std::vector<Bytes>& inputs, uint32_t repeats, const Observer& observer) {
  const ir::Graph& graph = library_.network.graph;
  Run run(session_, library_, repeats, session_.board().limits.run);
  run.set_inputs(inputs);
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const std::optional<deploy::Kernel>& kernel = library_.network.kernels[i];
    if (kernel) run.add(i, compile(i));
    if (!observer) continue;
    run.flush();
    observer(i, run.read(graph.operators[i].output));
  }
  run.flush();
  Inference result;
  for (const ir::TensorId id : graph.outputs) result.outputs.push_back(run.read(id));
  result.cycles = run.cycles();
  return result;
}

}  // namespace mote::execute
