#include "board_sim/processor.h"

#include <fmt/format.h>

#include "support/error.h"

namespace mote::board_sim {
namespace {

struct Model {
  const char* target;
  int cpu;
  bool fpu;
};
constexpr Model kModels[] = {{"cortex-m0", UC_CPU_ARM_CORTEX_M0, false},
                             {"cortex-m3", UC_CPU_ARM_CORTEX_M3, false},
                             {"cortex-m4", UC_CPU_ARM_CORTEX_M4, true},
                             {"cortex-m7", UC_CPU_ARM_CORTEX_M7, true},
                             {"cortex-m33", UC_CPU_ARM_CORTEX_M33, true}};

int id_of(Special which) {
  switch (which) {
    case Special::kMsp:
      return UC_ARM_REG_MSP;
    case Special::kPsp:
      return UC_ARM_REG_PSP;
    case Special::kPrimask:
      return UC_ARM_REG_PRIMASK;
    case Special::kBasepri:
      return UC_ARM_REG_BASEPRI;
    case Special::kFaultmask:
      return UC_ARM_REG_FAULTMASK;
    case Special::kControl:
      return UC_ARM_REG_CONTROL;
    case Special::kFpscr:
      return UC_ARM_REG_FPSCR;
  }
  unreachable("no such special register");
}

int id_of_core(int n) {
  switch (n) {
    case 13:
      return UC_ARM_REG_SP;
    case 14:
      return UC_ARM_REG_LR;
    case 15:
      return UC_ARM_REG_PC;
    default:
      return UC_ARM_REG_R0 + n;
  }
}

void require(uc_err error, const char* doing) {
  if (error != UC_ERR_OK) throw JobError(fmt::format("the emulator failed while {}: {}", doing, uc_strerror(error)));
}

uint32_t get(uc_engine* uc, int id) {
  uint32_t value = 0;
  uc_reg_read(uc, id, &value);
  return value;
}

void set(uc_engine* uc, int id, uint32_t value) {
  uc_reg_write(uc, id, &value);
}

}  // namespace

Processor::Processor(const std::string& target, const Memory& memory) {
  const Model* model = nullptr;
  for (const Model& candidate : kModels) {
    if (target == candidate.target) model = &candidate;
  }
  if (model == nullptr) throw InputError(target, "is no core that the virtual board has");
  has_fpu_ = model->fpu;
  // UC_MODE_MCLASS would force a Cortex-M33, whatever the CPU model.
  require(uc_open(UC_ARCH_ARM, UC_MODE_THUMB, &uc_), "starting");
  require(uc_ctl_set_cpu_model(uc_, model->cpu), "choosing the core");
  for (const Window& window : memory.windows()) {
    const uint32_t rights =
        UC_PROT_READ | (window.writable ? UC_PROT_WRITE : 0) | (window.executable ? UC_PROT_EXEC : 0);
    require(uc_mem_map_ptr(uc_, window.address, window.size, rights, window.bytes), "mapping memory");
  }
}

Processor::~Processor() {
  if (uc_ != nullptr) uc_close(uc_);
}

uint32_t Processor::reg(int n) const {
  return get(uc_, id_of_core(n));
}

void Processor::set_reg(int n, uint32_t value) {
  set(uc_, id_of_core(n), n == 15 ? value | 1 : value);
}

uint32_t Processor::xpsr() const {
  return get(uc_, UC_ARM_REG_XPSR);
}

void Processor::set_xpsr(uint32_t value) {
  set(uc_, UC_ARM_REG_XPSR, value);
}

uint32_t Processor::special(Special which) const {
  return get(uc_, id_of(which));
}

void Processor::set_special(Special which, uint32_t value) {
  set(uc_, id_of(which), value);
}

uint32_t Processor::fp(int n) const {
  return get(uc_, UC_ARM_REG_S0 + n);
}

void Processor::set_fp(int n, uint32_t value) {
  set(uc_, UC_ARM_REG_S0 + n, value);
}

void Processor::forget_code(uint32_t address, uint64_t bytes) {
  uc_ctl_remove_cache(uc_, uint64_t{address}, address + bytes);
}

}  // namespace mote::board_sim

// Unicorn 2.0 allocates a tree of locked pages for every store that the program makes, and frees it again: a third of
// the time of a run, for locks that do nothing in an emulator of one thread. Its later versions left this out. These
// take the place of its functions, which it calls by their dynamic symbols.
#if UC_API_MAJOR == 2 && UC_API_MINOR == 0
extern "C" {
struct page_collection;
page_collection* page_collection_lock_arm(uc_engine* uc, unsigned long begin, unsigned long end);
void page_collection_unlock_arm(page_collection* pages);

page_collection* page_collection_lock_arm(uc_engine*, unsigned long, unsigned long) {
  return nullptr;
}

void page_collection_unlock_arm(page_collection*) {}
}
#endif
