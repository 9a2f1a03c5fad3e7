#include "tune/loop_features.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "loop/intrinsics.h"

namespace mote::tune {
namespace {

/// What is counted, weighted by how often it happens.
struct Counts {
  double iterations = 0;  // of all loops
  double products = 0, pair_products = 0, additions = 0, shifts = 0, tests = 0, calls = 0;
  double loads[5] = {}, stores[5] = {}, bytes = 0;  // by Buffer::Kind
  double still = 0, consecutive = 0, strided = 0;   // loads by their step in the loop around them
  double invocations = 0;
};

struct Loop {
  std::string variable;
  int64_t extent = 1;
};

/// Walks a program once, outermost loops first.
class Walk {
 public:
  explicit Walk(const loop::Program& program) : program_(program) { block(program.body, 1); }

  Counts counts;
  double statements = 0;  // as written: the size of the code
  int deepest = 0;
  double busiest_runs = 0;      // iterations of the loop that runs most
  double busiest_extent = 1;    // its extent
  double busiest_products = 0;  // products in its body
  double busiest_operands = 0;  // different values its body loads
  double busiest_sums = 0;      // different values its body stores

 private:
  void block(const loop::Block& statements_in, double times) {
    for (const loop::Stmt& stmt : statements_in) statement(stmt, times);
  }

  void statement(const loop::Stmt& stmt, double times) {
    if (const loop::For* f = std::get_if<loop::For>(&stmt.node)) {
      enter(*f, times);
    } else if (const loop::Store* s = std::get_if<loop::Store>(&stmt.node)) {
      statements += 1;
      const loop::Buffer& buffer = program_.buffer(s->buffer);
      counts.stores[static_cast<size_t>(buffer.kind)] += times;
      if (buffer.kind != loop::Buffer::Kind::kLocal) counts.bytes += times * static_cast<double>(size_of(buffer.type));
      sums_.insert(s->buffer + text_of(s->index));
      expression(s->value, times);
    } else if (const loop::If* test = std::get_if<loop::If>(&stmt.node)) {
      counts.tests += times;
      expression(test->condition, times);
      block(test->body, times);
    } else if (std::holds_alternative<loop::Invoke>(stmt.node)) {
      counts.invocations += times;
    }
  }

  void enter(const loop::For& f, double times) {
    const double runs = times * static_cast<double>(f.extent);
    counts.iterations += runs;
    loops_.push_back({f.variable, f.extent});
    deepest = std::max(deepest, static_cast<int>(loops_.size()));
    const std::set<std::string> outer_operands = std::move(operands_), outer_sums = std::move(sums_);
    const double products_before = products_written_;
    operands_.clear();
    sums_.clear();
    block(f.body, runs);
    if (runs > busiest_runs && products_written_ > products_before) {
      busiest_runs = runs;
      busiest_extent = static_cast<double>(f.extent);
      busiest_products = products_written_ - products_before;
      busiest_operands = static_cast<double>(operands_.size());
      busiest_sums = static_cast<double>(sums_.size());
    }
    operands_.insert(outer_operands.begin(), outer_operands.end());
    sums_.insert(outer_sums.begin(), outer_sums.end());
    loops_.pop_back();
  }

  void expression(const loop::Expr& expr, double times) {
    if (!expr) return;
    std::visit([&](const auto& node) { visit(node, times); }, expr->node);
  }

  void visit(const loop::IntConst&, double) {}
  void visit(const loop::FloatConst&, double) {}
  void visit(const loop::IndexValue&, double) {}
  void visit(const loop::Load& load, double times) {
    const loop::Buffer& buffer = program_.buffer(load.buffer);
    counts.loads[static_cast<size_t>(buffer.kind)] += times;
    if (load.outside) counts.tests += times;
    operands_.insert(load.buffer + text_of(load.index));
    if (buffer.kind == loop::Buffer::Kind::kLocal) return;
    counts.bytes += times * static_cast<double>(size_of(buffer.type)) * load.lanes;
    const int64_t step = loops_.empty() ? 0 : step_of(buffer, load.index, loops_.back().variable);
    (step == 0 ? counts.still : std::abs(step) <= load.lanes ? counts.consecutive : counts.strided) += times;
  }
  void visit(const loop::Gather& gather, double times) {
    counts.loads[static_cast<size_t>(program_.buffer(gather.buffer).kind)] += times;
    expression(gather.index, times);
  }
  void visit(const loop::Binary& binary, double times) {
    switch (binary.op) {
      case loop::BinaryOp::kMul:
        counts.products += times;
        products_written_ += 1;
        break;
      case loop::BinaryOp::kAdd:
      case loop::BinaryOp::kSub:
        counts.additions += times;
        break;
      case loop::BinaryOp::kShiftLeft:
      case loop::BinaryOp::kShiftRight:
      case loop::BinaryOp::kAnd:
        counts.shifts += times;
        break;
      default:
        counts.tests += times;
        break;
    }
    expression(binary.a, times);
    expression(binary.b, times);
  }
  void visit(const loop::Cast& cast, double times) { expression(cast.value, times); }
  void visit(const loop::Select& select, double times) {
    counts.tests += times;
    expression(select.condition, times);
    expression(select.yes, times);
    expression(select.no, times);
  }
  void visit(const loop::Call& call, double times) {
    const bool pair = call.intrinsic == &loop::kSmlad;
    (pair ? counts.pair_products : counts.calls) += times;
    if (pair) products_written_ += 1;
    for (const loop::Expr& argument : call.arguments) expression(argument, times);
  }

  static int64_t step_of(const loop::Buffer& buffer, const std::vector<loop::Affine>& index,
                         const std::string& variable) {
    int64_t step = 0, stride = 1;
    for (size_t d = index.size(); d-- > 0;) {
      step += index[d].coefficient(variable) * stride;
      stride *= buffer.shape[d];
    }
    return step;
  }

  static std::string text_of(const std::vector<loop::Affine>& index) {
    std::string text;
    for (const loop::Affine& a : index) {
      text += '[' + std::to_string(a.constant);
      for (const auto& [name, factor] : a.terms) text += '+' + std::to_string(factor) + name;
    }
    return text;
  }

  const loop::Program& program_;
  std::vector<Loop> loops_;
  std::set<std::string> operands_, sums_;
  double products_written_ = 0;
};

/// Instructions in the text of the functions that stand before the program.
struct Functions {
  double instructions = 0, multiplies = 0, loads = 0;
};

Functions functions_of(const loop::Program& program) {
  Functions functions;
  for (const loop::Function& function : program.functions) {
    for (size_t at = 0; at < function.text.size();) {
      const size_t end = std::min(function.text.find('\n', at), function.text.size());
      const std::string_view line = std::string_view(function.text).substr(at, end - at);
      const auto has = [&](std::string_view word) { return line.find(word) != std::string_view::npos; };
      functions.instructions += 1;
      functions.multiplies += has("smla") || has("smul") ? 1 : 0;
      functions.loads += has("ldr") || has("vldr") ? 1 : 0;
      at = end + 1;
    }
  }
  return functions;
}

/// What the core would take if nothing waited: its multiply unit, its memory port and its issue slots, each alone.
double least_cycles(const Counts& c, int slots) {
  double loads = 0, stores = 0;
  for (size_t kind = 0; kind < std::size(c.loads); ++kind) {
    if (kind == static_cast<size_t>(loop::Buffer::Kind::kLocal)) continue;
    loads += c.loads[kind];
    stores += c.stores[kind];
  }
  const double multiplies = c.products + c.pair_products;
  const double issued = multiplies + loads + stores + c.shifts + c.tests + 2 * c.iterations;
  return slots > 1 ? std::max({multiplies, loads + stores, issued / slots}) : issued + loads;
}

float size(double count) {
  return static_cast<float>(std::log2(1 + count));
}

}  // namespace

const std::vector<std::string_view>& loop_feature_names() {
  static const std::vector<std::string_view> names{"iterations",
                                                   "products",
                                                   "pair products",
                                                   "additions",
                                                   "shifts",
                                                   "tests",
                                                   "intrinsics",
                                                   "input loads",
                                                   "constant loads",
                                                   "workspace loads",
                                                   "local loads",
                                                   "output stores",
                                                   "workspace stores",
                                                   "bytes",
                                                   "share still",
                                                   "share consecutive",
                                                   "share strided",
                                                   "invocations",
                                                   "statements",
                                                   "deepest",
                                                   "busiest runs",
                                                   "busiest extent",
                                                   "busiest products",
                                                   "busiest operands",
                                                   "busiest sums",
                                                   "products per operand",
                                                   "function lines",
                                                   "function multiplies",
                                                   "function loads",
                                                   "lines per multiply",
                                                   "loads per multiply",
                                                   "workspace bytes",
                                                   "constant bytes",
                                                   "least cycles"};
  return names;
}

std::vector<float> loop_features(const loop::Program& program, int slots) {
  const Walk walk(program);
  const Counts& c = walk.counts;
  const Functions functions = functions_of(program);
  const double steps = std::max(1.0, c.still + c.consecutive + c.strided);
  const auto kind = [](loop::Buffer::Kind k) { return static_cast<size_t>(k); };
  return {size(c.iterations),
          size(c.products),
          size(c.pair_products),
          size(c.additions),
          size(c.shifts),
          size(c.tests),
          size(c.calls),
          size(c.loads[kind(loop::Buffer::Kind::kInput)]),
          size(c.loads[kind(loop::Buffer::Kind::kConstant)]),
          size(c.loads[kind(loop::Buffer::Kind::kWorkspace)]),
          size(c.loads[kind(loop::Buffer::Kind::kLocal)]),
          size(c.stores[kind(loop::Buffer::Kind::kOutput)]),
          size(c.stores[kind(loop::Buffer::Kind::kWorkspace)]),
          size(c.bytes),
          static_cast<float>(c.still / steps),
          static_cast<float>(c.consecutive / steps),
          static_cast<float>(c.strided / steps),
          size(c.invocations),
          size(walk.statements),
          static_cast<float>(walk.deepest),
          size(walk.busiest_runs),
          size(walk.busiest_extent),
          size(walk.busiest_products),
          size(walk.busiest_operands),
          size(walk.busiest_sums),
          static_cast<float>(walk.busiest_products / std::max(1.0, walk.busiest_operands)),
          size(functions.instructions),
          size(functions.multiplies),
          size(functions.loads),
          static_cast<float>(functions.instructions / std::max(1.0, functions.multiplies)),
          static_cast<float>(functions.loads / std::max(1.0, functions.multiplies)),
          size(static_cast<double>(program.workspace_bytes())),
          size(static_cast<double>(program.constant_bytes())),
          size(least_cycles(c, slots))};
}

}  // namespace mote::tune
