#include "kernels/micro/winograd.h"

namespace mote::kernels::micro {
std::optional<std::string> why_no_winograd(const WinogradSpec&, std::span<const int8_t>) {
  return "there is no generator yet";
}
int32_t winograd_scratch_bytes(const WinogradSpec&, const target::Target&) {
  return 0;
}
MicroKernel winograd(const WinogradSpec&, const target::Target&) {
  return {};
}
std::vector<uint32_t> pack_winograd_weights(const WinogradSpec&, const target::Target&, std::span<const int8_t>,
                                            std::span<const int32_t>, std::span<const RequantConstants>) {
  return {};
}
}  // namespace mote::kernels::micro
