#include "schedule/decode_forms.h"

#include <cstring>
#include <vector>

namespace mote::schedule {
namespace {

struct Group {
  Form form;
  std::vector<arm_insn> members;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> kGroups = {
      {Form::kNop, {ARM_INS_NOP, ARM_INS_HINT, ARM_INS_YIELD}},
      {Form::kIt, {ARM_INS_IT}},
      {Form::kBranch, {ARM_INS_B}},
      {Form::kCall, {ARM_INS_BL}},
      {Form::kBranchRegister, {ARM_INS_BX}},
      {Form::kCallRegister, {ARM_INS_BLX}},
      {Form::kCompareBranch, {ARM_INS_CBZ, ARM_INS_CBNZ}},
      {Form::kTableBranch, {ARM_INS_TBB, ARM_INS_TBH}},
      {Form::kLoadWord, {ARM_INS_LDR, ARM_INS_LDREX}},
      {Form::kLoadNarrow,
       {ARM_INS_LDRB, ARM_INS_LDRH, ARM_INS_LDRSB, ARM_INS_LDRSH, ARM_INS_LDRT, ARM_INS_LDRBT, ARM_INS_LDRHT,
        ARM_INS_LDRSBT, ARM_INS_LDRSHT, ARM_INS_LDREXB, ARM_INS_LDREXH}},
      {Form::kPreload, {ARM_INS_PLD, ARM_INS_PLI}},
      {Form::kLoadDouble, {ARM_INS_LDRD}},
      {Form::kLoadMultiple, {ARM_INS_POP, ARM_INS_LDM, ARM_INS_LDMDB}},
      {Form::kStore, {ARM_INS_STR, ARM_INS_STRB, ARM_INS_STRH, ARM_INS_STRT, ARM_INS_STRBT, ARM_INS_STRHT}},
      {Form::kStoreDouble, {ARM_INS_STRD}},
      {Form::kStoreMultiple, {ARM_INS_PUSH, ARM_INS_STM, ARM_INS_STMDB}},
      {Form::kStoreExclusive, {ARM_INS_STREX, ARM_INS_STREXB, ARM_INS_STREXH}},
      {Form::kCompare, {ARM_INS_CMP, ARM_INS_CMN, ARM_INS_TST, ARM_INS_TEQ}},
      {Form::kMultiply,
       {ARM_INS_MUL, ARM_INS_SMULBB, ARM_INS_SMULBT, ARM_INS_SMULTB, ARM_INS_SMULTT, ARM_INS_SMULWB, ARM_INS_SMULWT,
        ARM_INS_SMUAD, ARM_INS_SMUADX, ARM_INS_SMUSD, ARM_INS_SMUSDX, ARM_INS_SMMUL, ARM_INS_SMMULR}},
      {Form::kMultiplyAdd,
       {ARM_INS_MLA, ARM_INS_MLS, ARM_INS_SMLABB, ARM_INS_SMLABT, ARM_INS_SMLATB, ARM_INS_SMLATT, ARM_INS_SMLAWB,
        ARM_INS_SMLAWT, ARM_INS_SMLAD, ARM_INS_SMLADX, ARM_INS_SMLSD, ARM_INS_SMLSDX, ARM_INS_SMMLA, ARM_INS_SMMLAR,
        ARM_INS_SMMLS, ARM_INS_SMMLSR, ARM_INS_USADA8}},
      {Form::kMultiplyLong, {ARM_INS_SMULL, ARM_INS_UMULL}},
      {Form::kMultiplyAddLong,
       {ARM_INS_SMLAL, ARM_INS_UMLAL, ARM_INS_UMAAL, ARM_INS_SMLALBB, ARM_INS_SMLALBT, ARM_INS_SMLALTB, ARM_INS_SMLALTT,
        ARM_INS_SMLALD, ARM_INS_SMLALDX, ARM_INS_SMLSLD, ARM_INS_SMLSLDX}},
      {Form::kDivide, {ARM_INS_SDIV, ARM_INS_UDIV}},
      {Form::kExtend, {ARM_INS_SXTB, ARM_INS_SXTH, ARM_INS_UXTB, ARM_INS_UXTH, ARM_INS_SXTB16, ARM_INS_UXTB16}},
      {Form::kExtendAdd,
       {ARM_INS_SXTAB, ARM_INS_SXTAH, ARM_INS_UXTAB, ARM_INS_UXTAH, ARM_INS_SXTAB16, ARM_INS_UXTAB16}},
      {Form::kPackBottom, {ARM_INS_PKHBT}},
      {Form::kPackTop, {ARM_INS_PKHTB}},
      {Form::kInsert, {ARM_INS_BFI}},
      {Form::kClear, {ARM_INS_BFC}},
      {Form::kExtract, {ARM_INS_UBFX, ARM_INS_SBFX}},
      {Form::kReverse, {ARM_INS_REV, ARM_INS_REV16, ARM_INS_REVSH, ARM_INS_RBIT}},
      {Form::kCountZeros, {ARM_INS_CLZ}},
      {Form::kSaturate, {ARM_INS_SSAT, ARM_INS_USAT, ARM_INS_SSAT16, ARM_INS_USAT16}},
      {Form::kSaturatingPair,
       {ARM_INS_QADD, ARM_INS_QSUB, ARM_INS_QDADD, ARM_INS_QDSUB, ARM_INS_QADD16, ARM_INS_QADD8, ARM_INS_QSUB16,
        ARM_INS_QSUB8, ARM_INS_QASX, ARM_INS_QSAX, ARM_INS_UQADD8, ARM_INS_UQADD16, ARM_INS_UQSUB8, ARM_INS_UQSUB16,
        ARM_INS_UQASX, ARM_INS_UQSAX, ARM_INS_USAD8}},
      {Form::kParallel, {ARM_INS_SADD8,   ARM_INS_SADD16,  ARM_INS_SSUB8,  ARM_INS_SSUB16,  ARM_INS_UADD8,
                         ARM_INS_UADD16,  ARM_INS_USUB8,   ARM_INS_USUB16, ARM_INS_SHADD8,  ARM_INS_SHADD16,
                         ARM_INS_SHSUB8,  ARM_INS_SHSUB16, ARM_INS_UHADD8, ARM_INS_UHADD16, ARM_INS_UHSUB8,
                         ARM_INS_UHSUB16, ARM_INS_SEL,     ARM_INS_SASX,   ARM_INS_SSAX,    ARM_INS_UASX,
                         ARM_INS_USAX,    ARM_INS_SHASX,   ARM_INS_SHSAX,  ARM_INS_UHASX,   ARM_INS_UHSAX}},
      {Form::kShift, {ARM_INS_LSL, ARM_INS_LSR, ARM_INS_ASR, ARM_INS_ROR, ARM_INS_RRX}},
      {Form::kMoveTop, {ARM_INS_MOVT}},
      {Form::kSystem, {ARM_INS_MSR, ARM_INS_DSB, ARM_INS_DMB, ARM_INS_ISB, ARM_INS_SVC, ARM_INS_BKPT, ARM_INS_CPS}},
      {Form::kMoveFromSystem, {ARM_INS_MRS}},
      {Form::kFpLoad, {ARM_INS_VLDR}},
      {Form::kFpStore, {ARM_INS_VSTR}},
      {Form::kFpLoadMultiple, {ARM_INS_VPOP, ARM_INS_VLDMIA, ARM_INS_VLDMDB}},
      {Form::kFpStoreMultiple, {ARM_INS_VPUSH, ARM_INS_VSTMIA, ARM_INS_VSTMDB}},
      {Form::kFpFused, {ARM_INS_VFMA, ARM_INS_VFMS, ARM_INS_VFNMA, ARM_INS_VFNMS}},
      {Form::kFpChained, {ARM_INS_VMLA, ARM_INS_VMLS, ARM_INS_VNMLA, ARM_INS_VNMLS}},
      {Form::kFpCompare, {ARM_INS_VCMP, ARM_INS_VCMPE}},
      {Form::kFpStatus, {ARM_INS_VMRS}},
      {Form::kFpDivide, {ARM_INS_VDIV}},
      {Form::kFpSqrt, {ARM_INS_VSQRT}},
      {Form::kFpMove, {ARM_INS_VMOV}},
      {Form::kFpMultiply, {ARM_INS_VMUL, ARM_INS_VNMUL}},
  };
  return kGroups;
}

std::vector<Form> make_table() {
  std::vector<Form> table(ARM_INS_ENDING, Form::kAlu);
  for (const Group& group : groups()) {
    for (arm_insn member : group.members) table[member] = group.form;
  }
  return table;
}

}  // namespace

Form form_of(const cs_insn& insn) {
  static const std::vector<Form> kTable = make_table();
  const Form form = insn.id < kTable.size() ? kTable[insn.id] : Form::kAlu;
  if (form != Form::kAlu) return form;
  if (std::strncmp(insn.mnemonic, "fmstat", 6) == 0) return Form::kFpStatus;
  return insn.mnemonic[0] == 'v' ? Form::kFp : form;
}

}  // namespace mote::schedule
