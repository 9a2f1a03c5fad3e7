// Operators that only move elements: Pad, Reshape, Concat, Slice, Insert. int8 values go through the operator's post
// table where it has one.
#include "kernels/common.h"
#include "kernels/family.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;
using loop::Program;
using loop::var;

namespace {

Expr finished(const Workload& workload, Program* program, Expr value) {
  return workload.op().post ? finish_i8(program, workload, std::move(value)) : value;
}

loop::Block nest(const std::vector<int64_t>& extents, const std::string& prefix, loop::Block body) {
  for (size_t d = extents.size(); d-- > 0;) {
    loop::Block outer;
    outer.push_back(loop::loop(prefix + std::to_string(d), extents[d], std::move(body)));
    body = std::move(outer);
  }
  return body;
}

Program pad(const Workload& workload, const ir::Pad& attributes, Program program) {
  const ir::Tensor& x = workload.input(0);
  program.buffers = {loop::input("x", type_of(x.dtype), extents_of(x)),
                     loop::output("y", type_of(x.dtype), extents_of(workload.output()))};
  std::vector<Affine> to, from;
  for (size_t d = 0; d < x.shape.size(); ++d) {
    to.push_back(var("i" + std::to_string(d)));
    from.push_back(to.back() - attributes.before[d]);
  }
  const Expr outside = is_float(workload) ? loop::imm_f(static_cast<float>(attributes.value))
                                          : loop::imm(static_cast<int64_t>(attributes.value));
  const Expr value = finished(workload, &program, loop::load_or("x", from, outside));
  program.body = nest(extents_of(workload.output()), "i", {loop::store("y", to, value)});
  return program;
}

/// Each input is a run of `chunk` elements per outer index, behind the runs of the inputs before it.
Program concat(const Workload& workload, const ir::Concat& attributes, Program program) {
  const ir::Shape& out = workload.output().shape;
  int64_t outer = 1, inner = 1;
  for (size_t d = 0; d < out.size(); ++d) {
    if (static_cast<int32_t>(d) < attributes.axis) outer *= out[d];
    if (static_cast<int32_t>(d) > attributes.axis) inner *= out[d];
  }
  const int64_t axis = out[static_cast<size_t>(attributes.axis)];
  std::vector<std::string> names;
  for (size_t i = 0; i < workload.op().inputs.size(); ++i) {
    const ir::Tensor& x = workload.input(i);
    const std::vector<int64_t> shape{outer, x.shape[static_cast<size_t>(attributes.axis)] * inner};
    std::string name = "x" + std::to_string(i);
    if (x.is_constant()) {
      program.buffers.push_back(loop::constant(name, type_of(x.dtype), shape, x.data.value()));
    } else {
      bool seen = false;
      for (size_t j = 0; j < i && !seen; ++j) {
        seen = workload.op().inputs[j] == workload.op().inputs[i];
        if (seen) name = names[j];
      }
      if (!seen) program.buffers.push_back(loop::input(name, type_of(x.dtype), shape));
    }
    names.push_back(name);
  }
  program.buffers.push_back(loop::output("y", type_of(workload.output().dtype), {outer, axis * inner}));
  loop::Block copies;
  int64_t at = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const int64_t chunk = workload.input(i).shape[static_cast<size_t>(attributes.axis)] * inner;
    const Expr value = finished(workload, &program, loop::load(names[i], {var("o"), var("i")}));
    copies.push_back(loop::loop("i", chunk, {loop::store("y", {var("o"), var("i") + at}, value)}));
    at += chunk;
  }
  program.body = {loop::loop("o", outer, std::move(copies))};
  return program;
}

/// A part of a tensor. The dimensions behind the last one that is cut are one run of elements.
struct Window {
  std::vector<int64_t> all{1}, part{1}, begin{0};
};

Window window_of(const ir::Shape& all, const ir::Shape& part, const std::vector<int32_t>& begin) {
  Window window;
  for (size_t d = 0; d < all.size(); ++d) {
    const bool joins = all[d] == part[d] && d > 0;
    if (joins) {
      window.all.back() *= all[d];
      window.part.back() *= part[d];
      window.begin.back() *= all[d];
    } else {
      window.all.push_back(all[d]);
      window.part.push_back(part[d]);
      window.begin.push_back(begin[d]);
    }
  }
  return window;
}

Program slice(const Workload& workload, const ir::Slice& attributes, Program program) {
  const ir::Tensor &x = workload.input(0), &y = workload.output();
  const Window window = window_of(x.shape, y.shape, attributes.begin);
  program.buffers = {loop::input("x", type_of(x.dtype), window.all), loop::output("y", type_of(y.dtype), window.part)};
  std::vector<Affine> target, source;
  for (size_t d = 0; d < window.part.size(); ++d) {
    target.push_back(var("i" + std::to_string(d)));
    source.push_back(target.back() + window.begin[d]);
  }
  const Expr value = finished(workload, &program, loop::load("x", source));
  program.body = nest(window.part, "i", {loop::store("y", target, value)});
  return program;
}

/// Copies x alone, because `into` lies where y does; then y is the address where x goes, so that one function does for
/// all places. In words where everything is a multiple of them.
Program insert(const Workload& workload, const ir::Insert& attributes, Program program) {
  constexpr int64_t kLanes = 4;
  const ir::Tensor &x = workload.input(0), &y = workload.output();
  Window window = window_of(y.shape, x.shape, attributes.begin);
  const bool words = x.dtype == ir::DType::kInt8 && window.all.back() % kLanes == 0 &&
                     window.part.back() % kLanes == 0 && window.begin.back() % kLanes == 0;
  const bool has_into = workload.op().inputs.size() > 1 && workload.op().inputs[1] != ir::kNoTensor;
  program.buffers = {loop::input("x", type_of(x.dtype), window.part)};
  if (has_into) {
    program.buffers.push_back(loop::input("into", type_of(y.dtype), window.all));
    window.begin.assign(window.begin.size(), 0);
  }
  program.buffers.push_back(loop::output("y", type_of(y.dtype), window.all));
  std::vector<int64_t> extents = window.part;
  if (words) extents.back() /= kLanes;
  std::vector<Affine> source, target;
  for (size_t d = 0; d < extents.size(); ++d) {
    const bool is_scaled = words && d + 1 == extents.size();
    source.push_back(is_scaled ? var("i" + std::to_string(d)) * kLanes : var("i" + std::to_string(d)));
    target.push_back(source.back() + window.begin[d]);
  }
  const loop::Stmt copy = words ? loop::store_word("y", target, kLanes, loop::load_word("x", source, kLanes))
                                : loop::store("y", target, loop::load("x", source));
  program.body = nest(extents, "i", {copy});
  return program;
}

Program reshape(const Workload& workload, Program program) {
  const ir::Tensor& x = workload.input(0);
  const int64_t count = ir::elements(x.shape);
  program.buffers = {loop::input("x", type_of(x.dtype), {count}), loop::output("y", type_of(x.dtype), {count})};
  const Expr value = finished(workload, &program, loop::load("x", {var("i")}));
  program.body = {loop::loop("i", count, {loop::store("y", {var("i")}, value)})};
  return program;
}

Program lower_movement(const Workload& workload, const space::Config&, const target::Target&, const std::string& name) {
  Program program;
  program.name = name;
  const ir::OpAttributes& attributes = workload.op().attributes;
  if (const ir::Pad* p = std::get_if<ir::Pad>(&attributes)) return pad(workload, *p, std::move(program));
  if (const ir::Concat* c = std::get_if<ir::Concat>(&attributes)) return concat(workload, *c, std::move(program));
  if (const ir::Slice* s = std::get_if<ir::Slice>(&attributes)) return slice(workload, *s, std::move(program));
  if (const ir::Insert* i = std::get_if<ir::Insert>(&attributes)) return insert(workload, *i, std::move(program));
  return reshape(workload, std::move(program));
}

}  // namespace

const Family kMovement{1, no_choice, no_config, lower_movement};

}  // namespace mote::kernels
