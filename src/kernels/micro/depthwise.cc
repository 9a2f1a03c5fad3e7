#include "kernels/micro/depthwise.h"

namespace mote::kernels::micro {
std::optional<std::string> why_no_depthwise(const DepthwiseSpec&) {
  return "there is no generator yet";
}
int32_t depthwise_scratch_bytes(const DepthwiseSpec&) {
  return 0;
}
MicroKernel depthwise(const DepthwiseSpec&, const target::Target&) {
  return {};
}
std::vector<uint32_t> pack_depthwise_weights(const DepthwiseSpec&, std::span<const int8_t>, std::span<const int32_t>,
                                             std::span<const RequantConstants>) {
  return {};
}
}  // namespace mote::kernels::micro
