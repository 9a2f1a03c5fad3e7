#include "kernels/kernel.h"

#include <fmt/format.h>

#include "kernels/family.h"
#include "loop/schedule.h"
#include "schedule/rules.h"

namespace mote::kernels {

space::Space no_choice(const Workload&, const target::Target&) {
  return {};
}
space::Config no_config(const Workload&, const target::Target&) {
  return {};
}

namespace {

const Family& family_of(const Workload& workload) {
  return std::visit(ir::Overloaded{
                        [](const ir::Conv2D&) -> const Family& { return kConvolution; },
                        [](const ir::DepthwiseConv2D&) -> const Family& { return kDepthwise; },
                        [](const ir::Dense&) -> const Family& { return kDense; },
                        [](const ir::Add&) -> const Family& { return kArithmetic; },
                        [](const ir::Mul&) -> const Family& { return kArithmetic; },
                        [](const ir::AveragePool2D&) -> const Family& { return kPooling; },
                        [](const ir::MaxPool2D&) -> const Family& { return kPooling; },
                        [](const ir::Mean&) -> const Family& { return kMean; },
                        [](const ir::Softmax&) -> const Family& { return kSoftmax; },
                        [](const ir::Logistic&) -> const Family& { return kElementwise; },
                        [](const ir::Tanh&) -> const Family& { return kElementwise; },
                        [](const ir::Relu&) -> const Family& { return kElementwise; },
                        [](const ir::Pad&) -> const Family& { return kMovement; },
                        [](const ir::Reshape&) -> const Family& { return kMovement; },
                        [](const ir::Concat&) -> const Family& { return kMovement; },
                        [](const ir::Slice&) -> const Family& { return kMovement; },
                        [](const ir::Insert&) -> const Family& { return kMovement; },
                        [](const ir::Quantize&) -> const Family& { return kElementwise; },
                        [](const ir::Dequantize&) -> const Family& { return kElementwise; },
                        [](const ir::Lookup&) -> const Family& { return kElementwise; },
                    },
                    workload.op().attributes);
}

/// Whether a fused multiply-add beats a multiplication and an addition: it takes one issue slot of a dual-issue core,
/// and three cycles of a Cortex-M4.
bool fuses_multiply_add(const target::Target& target) {
  return target.fpu && schedule::Rules(target.pipeline).dual_issue();
}

}  // namespace

int template_version(const Workload& workload) {
  return family_of(workload).version;
}

std::string template_name(const Workload& workload) {
  return fmt::format("{} {}", ir::kind_of(workload.op().attributes), template_version(workload));
}

space::Space space_of(const Workload& workload, const target::Target& target) {
  return family_of(workload).space(workload, target);
}

space::Config fallback_of(const Workload& workload, const target::Target& target) {
  return family_of(workload).fallback(workload, target);
}

loop::Program lower(const Workload& workload, const space::Config& config, const target::Target& target,
                    const std::string& function_name) {
  loop::Program program = family_of(workload).lower(workload, config, target, function_name);
  if (fuses_multiply_add(target)) loop::fuse_multiply_add(&program);
  program.title = workload.title;
  return program;
}

}  // namespace mote::kernels
