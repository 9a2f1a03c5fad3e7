// The builders of floating-point instructions.
#include <fmt/format.h>

#include <cstdlib>

#include "schedule/assembly.h"
#include "support/error.h"

namespace mote::schedule {
namespace {

Instruction arithmetic(Kind kind, const std::string& op, Reg d, Reg n, Reg m, Role role) {
  return {.text = fmt::format("{}.f32 {}, {}, {}", op, register_name(d), register_name(n), register_name(m)),
          .kind = kind,
          .reads = {{n, role}, {m, role}},
          .writes = {d}};
}

Instruction multiple(Kind kind, const std::string& op, Reg base, bool writeback, Reg first, int count) {
  check(count >= 1 && count <= 16 && first >= kFpu && first + count <= kFpu + 32, "not a run of registers");
  Instruction code{.text = fmt::format("{} {}{}, {{{}-{}}}", op, register_name(base), writeback ? "!" : "",
                                       register_name(first), register_name(first + count - 1)),
                   .kind = kind,
                   .reads = {{base, Role::kAddress}}};
  if (count == 1) {
    code.text = fmt::format("{} {}{}, {{{}}}", op, register_name(base), writeback ? "!" : "", register_name(first));
  }
  for (int i = 0; i < count; ++i) {
    if (kind == Kind::kFpLoadMultiple) {
      code.writes.push_back(first + i);
    } else {
      code.reads.push_back({first + i, Role::kFpStoreData});
    }
  }
  if (writeback) code.writeback = base;
  return code;
}

}  // namespace

Instruction vadd(Reg d, Reg n, Reg m) {
  return arithmetic(Kind::kFpAdd, "vadd", d, n, m, Role::kFpAdd);
}

Instruction vmul(Reg d, Reg n, Reg m) {
  return arithmetic(Kind::kFpMultiply, "vmul", d, n, m, Role::kFpMultiply);
}

Instruction vfma(Reg d, Reg n, Reg m) {
  Instruction code = arithmetic(Kind::kFpFused, "vfma", d, n, m, Role::kFpMultiply);
  code.reads.push_back({d, Role::kFpAccumulate});
  return code;
}

Instruction vselect(const std::string& op, Reg d, Reg n, Reg m) {
  return arithmetic(Kind::kFpAdd, op, d, n, m, Role::kFpAdd);
}

Instruction vldr(Reg d, Reg base, int32_t offset) {
  check(offset % 4 == 0 && std::abs(offset) <= kFpReach, "offset out of an addressing mode's range");
  const std::string at =
      offset == 0 ? fmt::format("[{}]", register_name(base)) : fmt::format("[{}, #{}]", register_name(base), offset);
  return {.text = fmt::format("vldr.32 {}, {}", register_name(d), at),
          .kind = Kind::kFpLoad,
          .reads = {{base, Role::kAddress}},
          .writes = {d}};
}

Instruction vldm(Reg base, bool writeback, Reg first, int count) {
  return multiple(Kind::kFpLoadMultiple, "vldmia", base, writeback, first, count);
}

Instruction vstm(Reg base, bool writeback, Reg first, int count) {
  return multiple(Kind::kFpStoreMultiple, "vstmia", base, writeback, first, count);
}

}  // namespace mote::schedule
