#include "tune/loop_features.h"

#include <algorithm>
#include <cmath>
#include <map>
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
  schedule::CallEstimate calls_cost{};  // of all invocations
};

struct Loop {
  std::string variable;
  int64_t extent = 1;
};

/// Walks a program once, outermost loops first.
class Walk {
 public:
  Walk(const loop::Program& program, const schedule::CallEstimator& estimator)
      : program_(program), estimator_(estimator) {
    block(program.body, 1);
  }

  Counts counts;
  bool in_c = false;      // loops in assembly run nobody knows how often: of those `counts` has a round each
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
    } else if (const loop::Invoke* call = std::get_if<loop::Invoke>(&stmt.node)) {
      counts.invocations += times;
      invoke(*call, times);
    }
  }

  /// Buffers are taken to lie far apart, and loop variables to be what they are in the first round.
  void invoke(const loop::Invoke& call, double times) {
    constexpr int64_t kFar = int64_t{1} << 36;
    std::vector<int64_t> arguments;
    for (const loop::Invoke::Argument& argument : call.arguments) {
      if (argument.buffer.empty()) {
        arguments.push_back(argument.value.constant);
        continue;
      }
      const loop::Buffer& buffer = program_.buffer(argument.buffer);
      const int64_t place = &buffer - program_.buffers.data() + 1;
      arguments.push_back(place * kFar + first_of(buffer, argument.index) * static_cast<int64_t>(size_of(buffer.type)));
    }
    const auto [entry, is_new] = calls_.try_emplace({call.function, arguments});
    if (is_new) entry->second = estimate(call.function, arguments);
    counts.calls_cost.add(entry->second, times);
  }

  schedule::CallEstimate estimate(const std::string& name, const std::vector<int64_t>& arguments) {
    const auto function = std::find_if(program_.functions.begin(), program_.functions.end(),
                                       [&](const loop::Function& f) { return f.name == name; });
    if (function == program_.functions.end()) return {};
    const auto [entry, is_new] = codes_.try_emplace(name);
    if (is_new) entry->second = schedule::read_assembly(function->text);
    for (const schedule::AssemblyFunction& code : entry->second) {
      if (code.name == name) return estimator_.call(code.lines, arguments);
    }
    // It is in C, around loops in assembly.
    schedule::CallEstimate once;
    for (const schedule::AssemblyFunction& code : entry->second) {
      once.add(estimator_.call(code.lines, {}), 1);
    }
    in_c = in_c || once.cycles > 0;
    return once;
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

  /// The element at an index whose variables are 0, from the buffer's beginning.
  static int64_t first_of(const loop::Buffer& buffer, const std::vector<loop::Affine>& index) {
    int64_t element = 0;
    for (size_t d = 0; d < index.size(); ++d) element = element * buffer.shape.at(d) + index[d].constant;
    return element;
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
  const schedule::CallEstimator& estimator_;
  std::map<std::string, std::vector<schedule::AssemblyFunction>> codes_;
  std::map<std::pair<std::string, std::vector<int64_t>>, schedule::CallEstimate> calls_;
  std::vector<Loop> loops_;
  std::set<std::string> operands_, sums_;
  double products_written_ = 0;
};

/// Lines of the functions that stand before the program: the size of their code.
double function_lines(const loop::Program& program) {
  double lines = 0;
  for (const loop::Function& function : program.functions) {
    const size_t end = std::min(function.text.find("#else"), function.text.size());
    lines += static_cast<double>(
        std::count(function.text.begin(), function.text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  }
  return lines;
}

/// Loads and stores of memory.
double moves(const Counts& c) {
  double count = 0;
  for (size_t kind = 0; kind < std::size(c.loads); ++kind) {
    if (kind != static_cast<size_t>(loop::Buffer::Kind::kLocal)) count += c.loads[kind] + c.stores[kind];
  }
  return count;
}

/// What the core would take for the loops in C if nothing waited: its multiply unit, its memory port and its issue
/// slots, each alone.
double least_cycles(const Counts& c, const schedule::CallEstimator& estimator) {
  const double multiplies = c.products + c.pair_products, memory = moves(c);
  const double issued = multiplies + memory + c.additions / 2 + c.shifts + c.tests + 2 * c.iterations;
  if (estimator.slots() > 1) return std::max({multiplies, memory, issued / estimator.slots()});
  return issued + estimator.load_wait() * memory;
}

struct Feature {
  std::string_view name;
  double value = 0;
};

/// `of` says how a count is told: by how much it is more or less than the work.
template <typename Of>
std::vector<Feature> features_of(const loop::Program& program, const Walk& walk,
                                 const schedule::CallEstimator& estimator, const Of& of) {
  const Counts& c = walk.counts;
  const schedule::CallEstimate& calls = c.calls_cost;
  const auto loads = [&](loop::Buffer::Kind kind) { return of(c.loads[static_cast<size_t>(kind)]); };
  const auto stores = [&](loop::Buffer::Kind kind) { return of(c.stores[static_cast<size_t>(kind)]); };
  const auto size = [](double count) { return std::log2(1 + count); };
  const double steps = std::max(1.0, c.still + c.consecutive + c.strided);
  const double loops = least_cycles(c, estimator);
  using Kind = loop::Buffer::Kind;
  return {{"iterations", of(c.iterations)},
          {"products", of(c.products)},
          {"pair products", of(c.pair_products)},
          {"additions", of(c.additions)},
          {"shifts", of(c.shifts)},
          {"tests", of(c.tests)},
          {"intrinsics", of(c.calls)},
          {"input loads", loads(Kind::kInput)},
          {"constant loads", loads(Kind::kConstant)},
          {"workspace loads", loads(Kind::kWorkspace)},
          {"local loads", loads(Kind::kLocal)},
          {"output stores", stores(Kind::kOutput)},
          {"workspace stores", stores(Kind::kWorkspace)},
          {"bytes", of(c.bytes)},
          {"share still", c.still / steps},
          {"share consecutive", c.consecutive / steps},
          {"share strided", c.strided / steps},
          {"invocations", of(c.invocations)},
          {"size of statements", size(walk.statements)},
          {"deepest", static_cast<double>(walk.deepest)},
          {"busiest runs", of(walk.busiest_runs)},
          {"size of busiest extent", size(walk.busiest_extent)},
          {"size of busiest products", size(walk.busiest_products)},
          {"size of busiest operands", size(walk.busiest_operands)},
          {"size of busiest sums", size(walk.busiest_sums)},
          {"busiest registers", walk.busiest_operands + walk.busiest_sums},
          {"products per operand", walk.busiest_products / std::max(1.0, walk.busiest_operands)},
          {"size of functions", size(function_lines(program))},
          {"calls' instructions", of(calls.instructions)},
          {"calls' multiplies", of(calls.multiplies)},
          {"calls' loads", of(calls.loads)},
          {"calls' stores", of(calls.stores)},
          {"calls' cycles", of(calls.cycles)},
          {"calls' cycles per multiply", calls.cycles / std::max(1.0, calls.multiplies)},
          {"size of workspace", size(static_cast<double>(program.workspace_bytes()))},
          {"size of constants", size(static_cast<double>(program.constant_bytes()))},
          {"least cycles", of(loops)},
          {"cycles", of(loops + calls.cycles)}};
}

}  // namespace

const std::vector<std::string_view>& loop_feature_names() {
  static const std::vector<std::string_view> names = [] {
    const schedule::CallEstimator estimator("");
    const loop::Program none;
    std::vector<std::string_view> all;
    for (const Feature& f : features_of(none, Walk(none, estimator), estimator, [](double count) { return count; }))
      all.push_back(f.name);
    return all;
  }();
  return names;
}

std::vector<float> loop_features(const loop::Program& program, const schedule::CallEstimator& estimator, double work) {
  Walk walk(program, estimator);
  if (walk.in_c) {
    // They do the work, two products at a time.
    const schedule::CallEstimate once = walk.counts.calls_cost;
    walk.counts.calls_cost = {};
    walk.counts.calls_cost.add(once, work / (2 * std::max(1.0, once.multiplies)));
  }
  const auto of = [&](double count) { return std::log2((1 + count) / (1 + work)); };
  std::vector<float> values;
  for (const Feature& f : features_of(program, walk, estimator, of)) values.push_back(static_cast<float>(f.value));
  return values;
}

namespace {

size_t place_of(std::string_view name) {
  const std::vector<std::string_view>& names = loop_feature_names();
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

float estimated_cycles(const std::vector<float>& loop_features) {
  constexpr float kHopeless = 20;
  static const size_t place = place_of("cycles");
  const float value = loop_features.at(place);
  return std::isnan(value) ? kHopeless : value;
}

double estimated_flash(const std::vector<float>& loop_features) {
  constexpr double kBytesPerLine = 4, kBytesPerStatement = 8;
  static const size_t constants = place_of("size of constants"), lines = place_of("size of functions"),
                      statements = place_of("size of statements");
  const auto count = [&](size_t place) { return std::exp2(static_cast<double>(loop_features.at(place))) - 1; };
  if (std::isnan(loop_features.at(constants))) return 0;
  return count(constants) + kBytesPerLine * count(lines) + kBytesPerStatement * count(statements);
}

}  // namespace mote::tune
