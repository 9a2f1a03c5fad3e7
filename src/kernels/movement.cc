// Operators that only move elements: Pad, Reshape, Concat, Slice. int8 values go through the operator's post table
// where it has one.
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

/// The dimensions behind the last one that is cut are one run of elements.
Program slice(const Workload& workload, const ir::Slice& attributes, Program program) {
  const ir::Tensor &x = workload.input(0), &y = workload.output();
  std::vector<int64_t> from{1}, to{1}, begin{0};
  for (size_t d = 0; d < x.shape.size(); ++d) {
    const bool whole = x.shape[d] == y.shape[d];
    const bool joins = whole && (d > 0);
    if (joins) {
      from.back() *= x.shape[d];
      to.back() *= y.shape[d];
      begin.back() *= x.shape[d];
    } else {
      from.push_back(x.shape[d]);
      to.push_back(y.shape[d]);
      begin.push_back(attributes.begin[d]);
    }
  }
  program.buffers = {loop::input("x", type_of(x.dtype), from), loop::output("y", type_of(y.dtype), to)};
  std::vector<Affine> target, source;
  for (size_t d = 0; d < to.size(); ++d) {
    target.push_back(var("i" + std::to_string(d)));
    source.push_back(target.back() + begin[d]);
  }
  const Expr value = finished(workload, &program, loop::load("x", source));
  program.body = nest(to, "i", {loop::store("y", target, value)});
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
  return reshape(workload, std::move(program));
}

}  // namespace

const Family kMovement{1, no_choice, no_config, lower_movement};

}  // namespace mote::kernels
