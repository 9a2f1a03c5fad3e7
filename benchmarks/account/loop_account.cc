// A cycle-by-cycle account of the hottest loops, as Markdown: how many issue slots instructions took, and why the
// others stayed empty. `mote annotate MODEL --operator N` lists the same loops instruction by instruction.
//   loop_account examples/models/resnet_8.tflite --records benchmarks/records.db --top 3
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>

#include "bench/run.h"
#include "deploy/choose.h"
#include "deploy/firmware.h"
#include "deploy/library.h"
#include "deploy/shared_code.h"
#include "import/tflite/reader.h"
#include "schedule/annotate.h"
#include "support/random.h"

namespace mote {

namespace {

using schedule::AnnotatedBlock;
using schedule::AnnotatedInsn;
using schedule::Wait;

/// Where the issue slots of a piece of code go.
struct Account {
  double cycles = 0;
  int instructions = 0, multiplies = 0;
  std::map<Wait, double> empty = {};  // slots, by what the next instruction waited for; kNone: one takes several
                                      // cycles, or a taken branch ends its cycle
};

bool is_multiply(const std::string& text) {
  constexpr std::array<std::string_view, 4> kStarts = {"sml", "smu", "vfma", "vmul"};
  return std::ranges::any_of(kStarts, [&](std::string_view start) { return text.starts_with(start); });
}

Account account_of(const schedule::Annotation& code, int slots) {
  Account account{.cycles = code.cycles, .instructions = static_cast<int>(code.insns.size())};
  double next = 0;  // the first slot after the instruction before
  for (const AnnotatedInsn& insn : code.insns) {
    account.multiplies += is_multiply(insn.text) ? 1 : 0;
    const double slot = insn.cycle * slots + (insn.paired ? 1 : 0), empty = std::max(0.0, slot - next);
    account.empty[insn.wait > 0 ? insn.cause : Wait::kNone] += empty;
    next = slot + 1;
  }
  account.empty[Wait::kNone] += std::max(0.0, code.cycles * slots - next);
  return account;
}

/// The longest loop of a function, or its longest block where no block is a loop: kernels that are written out loop
/// over whole tiles.
const AnnotatedBlock* hottest(const std::vector<AnnotatedBlock>& blocks) {
  const auto size = [](const AnnotatedBlock& block) {
    return block.annotation.insns.size() + (block.loop ? 100'000 : 0);
  };
  const auto found = std::ranges::max_element(blocks, {}, size);
  return found == blocks.end() ? nullptr : &*found;
}

Bytes code_of(const toolchain::Image& image, const toolchain::Symbol& symbol) {
  for (const toolchain::Segment& segment : image.segments) {
    const uint32_t offset = symbol.address() - segment.address;
    if (symbol.address() < segment.address || offset + symbol.size > segment.bytes.size()) continue;
    return {segment.bytes.begin() + offset, segment.bytes.begin() + offset + symbol.size};
  }
  return {};
}

/// The account of the longest loop among the functions of operator `index`.
std::optional<Account> account_of(const deploy::Network& network, size_t index, const toolchain::Image& image,
                                  const schedule::PipelineModel& model) {
  const deploy::SharedCode shared = deploy::share_code(network);
  std::optional<Account> longest;
  for (const toolchain::Symbol& symbol : image.symbols) {
    if (!symbol.function || symbol.size == 0 || !shared.runs_for(network, index, symbol.name)) continue;
    const Bytes code = code_of(image, symbol);
    const std::vector<AnnotatedBlock> blocks = schedule::annotate_function(model, symbol.address(), code);
    const AnnotatedBlock* const block = hottest(blocks);
    if (block == nullptr) continue;
    const Account account = account_of(block->annotation, model.tables().slots);
    if (!longest || account.multiplies > longest->multiplies) longest = account;
  }
  return longest;
}

void print(const std::string& title, double share, const Account& account, int slots) {
  const double all = account.cycles * slots;
  const auto percent = [&](Wait cause) {
    const auto found = account.empty.find(cause);
    return found == account.empty.end() ? 0 : 100 * found->second / all;
  };
  fmt::print("| {} | {:.1f} % | {} | {} | {:.1f} | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n", title,
             100 * share, account.instructions, account.multiplies, account.cycles, 100 * account.instructions / all,
             percent(Wait::kDependency), percent(Wait::kConflict), percent(Wait::kFetch), percent(Wait::kNone));
}

void report(const std::string& file, const std::string& board_name, const records::Database* records, size_t top) {
  const ir::Graph graph = import::read_tflite(file);
  const target::Board board = target::load_board(board_name, {});
  toolchain::Toolchain toolchain(board);
  const std::unique_ptr<device::Device> device = device::open_device("sim", board);
  const deploy::Choose choose = records != nullptr ? deploy::choose_from(*records, board) : deploy::Choose{};
  Random random(1);
  std::vector<Bytes> inputs;
  for (const ir::TensorId id : graph.inputs) random.fill(inputs.emplace_back(graph.tensor(id).size_bytes()));
  const bench::Build build = bench::build(graph, file, board, inputs, *device, toolchain, choose);
  const deploy::Library library = deploy::make_library(graph, file, "", board, choose);
  const toolchain::Image image = deploy::build_firmware(library, board, toolchain, deploy::FirmwareKind::kPlain);
  const schedule::PipelineModel model(target::load_pipeline(board.target.pipeline));
  std::vector<size_t> order(build.operators.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, std::greater<>(), [&](size_t i) { return build.operators[i].cycles; });
  order.resize(std::min(order.size(), top));
  fmt::print(
      "### {} on {}\n\n| operator | of all cycles | instructions | of them multiplies | cycles | slots used | "
      "empty: dependency | conflict | fetch | several cycles, taken branch |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
      std::filesystem::path(file).stem().string(), board.target.name);
  for (const size_t i : order) {
    const std::optional<Account> account = account_of(library.network, i, image, model);
    if (!account) continue;
    const double share = static_cast<double>(build.operators[i].cycles) / static_cast<double>(build.cycles);
    print(build.operators[i].title, share, *account, model.tables().slots);
  }
  fmt::print("\n");
}

}  // namespace

}  // namespace mote

int main(int argc, char** argv) {
  CLI::App app("Says where the issue slots of a model's hottest loops go.");
  std::vector<std::string> models, boards{"nucleo-f746zg", "nucleo-l4r5zi"};
  std::string records_file;
  size_t top = 4;
  app.add_option("MODELS", models, "Models, .tflite files")->required();
  app.add_option("--board", boards, "A board, once for each");
  app.add_option("--records", records_file, "With the kernels of these records");
  app.add_option("--top", top, "Operators of each model")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    std::optional<mote::records::Database> records;
    if (!records_file.empty()) records.emplace(records_file, mote::records::Database::Mode::kRead);
    for (const std::string& model : models) {
      for (const std::string& board : boards) mote::report(model, board, records ? &*records : nullptr, top);
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
