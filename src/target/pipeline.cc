#include "target/pipeline.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "support/data_dir.h"
#include "support/toml.h"

namespace mote::target {
namespace {

constexpr std::array<std::string_view, kProducers> kProducerNames = {
    "none",      "alu",    "early_alu", "reverse",  "saturate",   "multiply", "load_word",  "load_narrow",
    "writeback", "divide", "fp_add",    "fp_fused", "fp_chained", "fp_load",  "fp_to_core", "core_to_fp"};
constexpr std::array<std::string_view, kOperands> kOperandNames = {
    "alu",    "shifted",     "address",       "multiply", "accumulate", "store",
    "fp_add", "fp_multiply", "fp_accumulate", "fp_store", "fp_move"};
constexpr std::array<std::string_view, kTimings> kTimingNames = {
    "plain",     "table_branch",     "multiple",     "double",   "store_exclusive", "divide",
    "system",    "fp_memory",        "fp_move_pair", "fp_fused", "fp_fused_double", "fp_multiply_double",
    "fp_divide", "fp_divide_double", "fp_sqrt"};

struct UnitName {
  std::string_view name;
  uint32_t unit;
};
constexpr UnitName kUnitNames[] = {{"load", kUnitLoad},
                                   {"store", kUnitStore},
                                   {"mac", kUnitMac},
                                   {"dsp", kUnitDsp},
                                   {"inline_shift", kUnitInlineShift},
                                   {"shift", kUnitShift},
                                   {"bitfield", kUnitBitfield},
                                   {"fpu", kUnitFpu},
                                   {"branch", kUnitBranch},
                                   {"alone", kUnitAlone},
                                   {"any", kUnitAny}};

uint32_t read_units(const TomlTable& rule, std::string_view key) {
  uint32_t mask = 0;
  for (const std::string& text : rule.texts(key)) {
    const UnitName* unit = std::ranges::find(kUnitNames, text, &UnitName::name);
    if (unit == std::end(kUnitNames)) rule.fail(key, "'" + text + "' is no unit");
    mask |= unit->unit;
  }
  if (mask == 0) rule.fail(key, "names no unit");
  return mask & kUnitAny ? ~0u : mask;
}

void read_dual(const TomlTable& root, Pipeline& pipeline) {
  const TomlTable latency = root.table("latency");
  for (size_t p = 1; p < kProducers; ++p) {
    const TomlTable row = latency.table(kProducerNames[p]);
    for (size_t o = 0; o < kOperands; ++o) {
      pipeline.latency[p][o] = static_cast<uint8_t>(row.integer(kOperandNames[o], 0, 6));
    }
  }
  for (const TomlTable& rule : root.tables("conflict")) {
    pipeline.conflicts.push_back({read_units(rule, "older"), read_units(rule, "younger")});
  }
  const TomlTable fetch = root.table("fetch");
  pipeline.fetch_bytes = static_cast<int>(fetch.integer("bytes", 4, 32));
  if ((pipeline.fetch_bytes & (pipeline.fetch_bytes - 1)) != 0) fetch.fail("bytes", "is not a power of two");
  pipeline.fetch_depth = static_cast<int>(fetch.integer("depth", 1, 32));
  pipeline.bank_bytes = static_cast<int>(root.integer("bank_bytes", 0, 64, 0));
  pipeline.mispredict = static_cast<int>(root.integer("mispredict", 0, 64));
  pipeline.unaligned_load = static_cast<int>(root.integer("unaligned_load", 0, 64, 0));
}

void read_single(const TomlTable& root, Pipeline& pipeline) {
  const TomlTable single = root.table("single");
  const struct {
    std::string_view key;
    int& value;
  } fields[] = {{"load_result", pipeline.load_result},
                {"address_after", pipeline.address_after},
                {"load_after_store", pipeline.load_after_store},
                {"store_indexed", pipeline.store_indexed},
                {"fp_result", pipeline.fp_result},
                {"taken_direct", pipeline.taken_direct},
                {"taken_indirect", pipeline.taken_indirect},
                {"taken_load", pipeline.taken_load},
                {"taken_to_split", pipeline.taken_to_split},
                {"unaligned_piece", pipeline.unaligned_piece},
                {"it_after_wide", pipeline.it_after_wide}};
  for (const auto& [key, value] : fields) value = static_cast<int>(single.integer(key, 0, 16));
}

Pipeline read_pipeline(const TomlTable& root, const std::string& name) {
  Pipeline pipeline;
  pipeline.name = name;
  pipeline.slots = static_cast<int>(root.integer("slots", 1, 2));
  const TomlTable cycles = root.table("cycles");
  for (size_t t = 0; t < kTimings; ++t) {
    pipeline.cycles[t] = static_cast<uint8_t>(cycles.integer(kTimingNames[t], 0, 64, 1));
  }
  pipeline.registers_per_cycle = static_cast<int>(cycles.integer("registers_per_cycle", 1, 4));
  if (pipeline.slots == 2) {
    read_dual(root, pipeline);
  } else {
    read_single(root, pipeline);
  }
  root.reject_unknown_keys();
  return pipeline;
}

}  // namespace

std::string_view name_of(Producer producer) {
  return kProducerNames[static_cast<size_t>(producer)];
}

std::string_view name_of(Operand operand) {
  return kOperandNames[static_cast<size_t>(operand)];
}

std::string_view name_of(Timing timing) {
  return kTimingNames[static_cast<size_t>(timing)];
}

Pipeline load_pipeline(const std::string& name) {
  // Read once: every micro-kernel is scheduled by these tables, and a search makes thousands.
  static std::mutex mutex;
  static std::map<std::string, Pipeline> known;
  const std::lock_guard<std::mutex> lock(mutex);
  auto found = known.find(name);
  if (found == known.end()) {
    const std::filesystem::path file = data_folder("targets") / "pipelines" / (name + ".toml");
    found = known.emplace(name, read_pipeline(TomlTable::load(file), name)).first;
  }
  return found->second;
}

Pipeline parse_pipeline(std::string_view text, const std::string& file) {
  return read_pipeline(TomlTable::parse(text, file), file);
}

}  // namespace mote::target
