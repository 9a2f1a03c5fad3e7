#include "deploy/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "deploy/firmware.h"
#include "deploy/library.h"
#include "deploy/pools.h"
#include "deploy/shared_code.h"
#include "records/tradeoff.h"
#include "target/fast_memory.h"

namespace mote::deploy {
namespace {

// What kernels read, by their multiply-accumulates and outputs: pairs of MACs take one multiplication and some two
// thirds of a load, and the weights are read again for every few positions.
constexpr uint64_t kCodeBytesPerMac = 3;
constexpr uint64_t kCodeBytesPerOutput = 24;
constexpr uint64_t kPositionsAtATime = 3;
// Left free in code memory: what the linker needs for calls from there to flash.
constexpr int64_t kVeneers = 256;
// And in data memory: what alignment leaves between weights; in the main RAM, what a firmware has there besides.
constexpr int64_t kGaps = 128;
constexpr int64_t kOtherVariables = 512;

/// Cycles that reading `total` bytes, of `size` different ones, from flash costs.
uint64_t waits(uint64_t total, uint64_t size, const target::FlashReads& flash) {
  const uint64_t missed = size > flash.cache ? std::max(total, size) : size;
  return missed / flash.line * static_cast<uint64_t>(flash.miss);
}

uint64_t multiplications(const ir::Graph& graph, const ir::Operator& op) {
  return static_cast<uint64_t>(std::max<int64_t>(ir::macs_of(graph, op), 0));
}

/// Bytes of instructions that operator `op` runs through.
uint64_t code_bytes_run(const ir::Graph& graph, const ir::Operator& op) {
  const uint64_t outputs = static_cast<uint64_t>(ir::elements(graph.tensor(op.output).shape));
  return multiplications(graph, op) * kCodeBytesPerMac + outputs * kCodeBytesPerOutput;
}

/// Bytes of its kernel's constants that operator `op` reads.
uint64_t constant_bytes_read(const ir::Graph& graph, const ir::Operator& op, uint64_t constants) {
  uint64_t weights = 0;
  for (const ir::TensorId id : op.inputs) {
    if (id == ir::kNoTensor || !graph.tensor(id).is_constant()) continue;
    weights = std::max(weights, static_cast<uint64_t>(ir::elements(graph.tensor(id).shape)));
  }
  if (weights == 0) return constants;
  return constants * std::max<uint64_t>(1, multiplications(graph, op) / weights / kPositionsAtATime);
}

/// What to copy of `all`, for every size: the combinations that save most for the room they take.
class Choices {
 public:
  explicit Choices(const std::vector<Copy>& all) : all_(all) {
    std::vector<std::vector<records::Option>> groups{{{0, 0}}};
    for (const Copy& copy : all) groups.push_back({{copy.saves, 0}, {0, copy.bytes}});
    tradeoff_.emplace(groups);
  }

  /// Cycles that are not saved, by the bytes of the copies; the smallest first.
  const std::vector<records::Option>& totals() const { return tradeoff_->totals(); }
  /// The place in totals() of the best within `bytes`. Copying nothing always fits.
  size_t best_within(int64_t bytes) const {
    return tradeoff_->best_within(static_cast<uint64_t>(std::max<int64_t>(bytes, 0))).value_or(0);
  }
  std::vector<Copy> copies(size_t total) const {
    const std::vector<size_t> choice = tradeoff_->choice(total);
    std::vector<Copy> chosen;
    for (size_t i = 0; i < all_.size(); ++i) {
      if (choice[i + 1] == 1) chosen.push_back(all_[i]);
    }
    return chosen;
  }

 private:
  std::vector<Copy> all_;
  std::optional<records::Tradeoff> tradeoff_;
};

/// The best of `code` within `code_room` and of `data` within `data_room`, within `budget` together.
void choose(const Choices& code, int64_t code_room, const Choices& data, int64_t data_room, int64_t budget,
            Placement* placement) {
  size_t best_code = 0, best_data = 0;
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (size_t i = 0; i < code.totals().size(); ++i) {
    const records::Option& total = code.totals()[i];
    const int64_t bytes = static_cast<int64_t>(total.bytes);
    if (i > 0 && bytes > std::min(code_room, budget)) break;
    const size_t j = data.best_within(std::min(data_room, budget - bytes));
    if (total.cycles + data.totals()[j].cycles >= least) continue;
    least = total.cycles + data.totals()[j].cycles;
    best_code = i;
    best_data = j;
  }
  placement->code = code.copies(best_code);
  placement->data = data.copies(best_data);
}

std::vector<Copy> code_copies(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain) {
  const Network& network = library.network;
  const target::FlashReads flash = target::flash_code_reads(board);
  const SharedCode shared = share_code(network);
  std::vector<Copy> copies;
  for (const toolchain::Object& object : compile_library(library, toolchain)) {
    for (size_t i = 0; i < network.kernels.size(); ++i) {
      if (!network.kernels[i] || shared.owner[i] != i || object.name != network.kernels[i]->program.name + ".c")
        continue;
      Copy copy{i, network.kernels[i]->program.name, object.sizes.text, 0};
      for (size_t user = 0; user < network.kernels.size(); ++user) {
        // The last of the files has the micro-kernel, where nearly all of the time goes.
        if (!network.kernels[user] || shared.runs_code_of(user).back() != i) continue;
        copy.saves += waits(code_bytes_run(network.graph, network.graph.operators[user]), copy.bytes, flash);
      }
      if (copy.saves > 0) copies.push_back(std::move(copy));
    }
  }
  return copies;
}

std::vector<Copy> data_copies(const Library& library, const target::Board& board) {
  const Network& network = library.network;
  const target::FlashReads flash = target::flash_data_reads(board);
  std::vector<Copy> copies;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    const size_t bytes = network.kernels[i] ? network.kernels[i]->program.constant_bytes() : 0;
    if (bytes == 0) continue;
    const uint64_t read = constant_bytes_read(network.graph, network.graph.operators[i], bytes);
    const uint64_t saves = waits(read, bytes, flash);
    if (saves == 0) continue;
    copies.push_back({i, network.kernels[i]->program.name, static_cast<uint32_t>(bytes), saves});
  }
  return copies;
}

uint32_t bytes_of(const std::vector<Copy>& copies) {
  uint32_t bytes = 0;
  for (const Copy& copy : copies) bytes += copy.bytes;
  return bytes;
}

std::vector<std::string> sections(const std::vector<Copy>& copies, const char* section) {
  std::vector<std::string> patterns;
  for (const Copy& copy : copies) patterns.push_back(fmt::format("*({0}.{1} {0}.{1}_*)", section, copy.name));
  return patterns;
}

}  // namespace

uint32_t Placement::code_bytes() const {
  return bytes_of(code);
}

uint32_t Placement::data_bytes() const {
  return bytes_of(data);
}

Placement place(const Library& library, const target::Board& board, toolchain::Toolchain& toolchain, int64_t budget) {
  Placement placement;
  if (!board.target.cortex_m()) return placement;
  const target::FastMemory code = target::fast_code_memory(board), data = target::fast_data_memory(board);
  if (code.region != nullptr) placement.code_memory = code.region->name;
  if (data.region != nullptr) placement.data_memory = data.region->name;
  const int64_t arena = library.arena.bytes();
  placement.arena =
      library.arena.pools.empty() && data.region != nullptr && data.region != &board.ram() && arena <= data.size();
  int64_t data_room = data.size();
  if (data.region == &board.ram()) data_room -= board.stack_bytes;
  if (placement.arena) data_room -= arena;
  if (data.region != nullptr) data_room -= arena_bytes_in(library.arena, board, data.region->name);
  data_room -= data.region == &board.ram() ? kOtherVariables : kGaps;
  const bool arena_in_code_memory =
      code.region != nullptr && arena_bytes_in(library.arena, board, code.region->name) > 0;
  const int64_t code_room = arena_in_code_memory ? 0 : int64_t{code.size()} - kVeneers;
  choose(Choices(code_copies(library, board, toolchain)), code_room, Choices(data_copies(library, board)), data_room,
         budget, &placement);
  return placement;
}

uint64_t saved_by(const Placement& placement) {
  uint64_t cycles = 0;
  for (const Copy& copy : placement.code) cycles += copy.saves;
  for (const Copy& copy : placement.data) cycles += copy.saves;
  return cycles;
}

std::vector<std::string> code_sections(const Placement& placement) {
  return sections(placement.code, ".text");
}

std::vector<std::string> data_sections(const Placement& placement) {
  return sections(placement.data, ".rodata");
}

std::vector<File> linker_fragments(const Placement& placement, const std::string& prefix) {
  const auto fragment = [&](const char* what, const char* section, const std::string& memory,
                            const std::vector<std::string>& patterns) {
    const std::string name = fmt::format("{}_{}.ld", prefix, section);
    return File{name,
                fmt::format("/* {0} of {1} that a copy in {2} makes faster; without one all works, from flash.\n"
                            " * Compile with -ffunction-sections -fdata-sections, put this into the linker script\n"
                            " * before .text and .rodata, with the names that your memories have,\n"
                            " *     .{3} : {{ INCLUDE {4} }} > {2} AT> FLASH\n"
                            " * and copy that section at start-up as .data is copied. */\n{5}\n",
                            what, prefix, memory, section, name, fmt::join(patterns, "\n"))};
  };
  std::vector<File> files;
  if (!placement.code.empty())
    files.push_back(fragment("Code", "fast_code", placement.code_memory, code_sections(placement)));
  if (!placement.data.empty()) {
    files.push_back(fragment("Weights and tables", "fast_data", placement.data_memory, data_sections(placement)));
  }
  return files;
}

}  // namespace mote::deploy
