// mote annotate: machine code with the cycle each instruction issues in, and what it waited for.
#include "schedule/annotate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/annotate_functions.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "execute/code_profile.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What a run has shown, of --run or in the file of --profile; nothing without either.
execute::CodeProfile measured_profile(const AnnotateOptions& options, const AnnotatedProgram& program) {
  if (!options.profile.empty()) return execute::parse_code_profile(read_text(options.profile), options.profile);
  if (!options.run) return {};
  execute::ProfiledRun run = execute::profile_program(program.board, program.elf, options.memory);
  if (run.exit_code != 0) fmt::print(stderr, "the program exited with code {}\n{}", run.exit_code, run.messages);
  return std::move(run.profile);
}

/// "40 x 3.50 cycles: 1.00 dependency, 2.00 memory", those of one execution.
std::string text_of(const execute::InsnRuns& runs) {
  const double executions = static_cast<double>(runs.executions);
  std::string text = fmt::format("{} x {:.2f} cycles", runs.executions, runs.cycles / executions);
  const char* separator = ": ";
  for (const auto& [reason, cycles] : runs.stalls) {
    text += fmt::format("{}{:.2f} {}", separator, cycles / executions, printable(reason));
    separator = ", ";
  }
  return text;
}

Json document_of(const execute::InsnRuns& runs) {
  Json stalls = Json::object();
  for (const auto& [reason, cycles] : runs.stalls) stalls[reason] = cycles;
  return {{"executions", runs.executions}, {"cycles", runs.cycles}, {"stalls", stalls}};
}

Json document_of(const schedule::AnnotatedBlock& block, const execute::CodeProfile& profile) {
  Json document{{"address", block.address},
                {"loop", block.loop},
                {"cycles", block.annotation.cycles},
                {"instructions", Json::array()}};
  for (const schedule::AnnotatedInsn& line : block.annotation.insns) {
    Json entry{{"address", line.insn.address},
               {"text", line.text},
               {"cycle", line.cycle},
               {"paired", line.paired},
               {"wait", line.wait}};
    if (line.wait > 0) entry["cause"] = schedule::name_of(line.cause);
    if (line.wait > 0 && line.cause == schedule::Wait::kDependency && line.blocker != schedule::kNoRegister)
      entry["register"] = schedule::name_of_register(line.blocker);
    const auto runs = profile.find(line.insn.address);
    if (runs != profile.end()) entry["measured"] = document_of(runs->second);
    document["instructions"].push_back(entry);
  }
  return document;
}

/// What a function's instructions in `blocks` took in all: cycles, and those of each reason to wait.
struct Total {
  double cycles = 0;
  std::map<std::string, double> stalls;
};

Total total_of(const std::vector<schedule::AnnotatedBlock>& blocks, const execute::CodeProfile& profile) {
  Total total;
  for (const schedule::AnnotatedBlock& block : blocks) {
    for (const schedule::AnnotatedInsn& line : block.annotation.insns) {
      const auto runs = profile.find(line.insn.address);
      if (runs == profile.end()) continue;
      total.cycles += runs->second.cycles;
      for (const auto& [reason, cycles] : runs->second.stalls) total.stalls[reason] += cycles;
    }
  }
  return total;
}

void print_function(const MachineFunction& function, std::vector<schedule::AnnotatedBlock> blocks,
                    const execute::CodeProfile& profile, const std::string& target) {
  fmt::print("{}: {} bytes, {}\n", printable(function.name), function.code.size(), target);
  if (!profile.empty()) {
    const Total total = total_of(blocks, profile);
    fmt::print("measured: {:.0f} cycles", total.cycles);
    for (const auto& [reason, cycles] : total.stalls) fmt::print(", {:.0f} {}", cycles, printable(reason));
    fmt::print("\n");
  }
  fmt::print("\n");
  for (schedule::AnnotatedBlock& block : blocks) {
    for (schedule::AnnotatedInsn& line : block.annotation.insns) {
      const auto runs = profile.find(line.insn.address);
      if (runs != profile.end() && runs->second.executions > 0) line.measured = text_of(runs->second);
    }
    fmt::print("{}\n", schedule::to_text(block));
  }
}

Json document_of(const MachineFunction& function, const std::vector<schedule::AnnotatedBlock>& blocks,
                 const execute::CodeProfile& profile) {
  Json document{{"name", function.name}, {"address", function.address}, {"bytes", function.code.size()}};
  if (!profile.empty()) {
    const Total total = total_of(blocks, profile);
    document["measured"] = {{"cycles", total.cycles}, {"stalls", total.stalls}};
  }
  document["blocks"] = Json::array();
  for (const schedule::AnnotatedBlock& block : blocks) document["blocks"].push_back(document_of(block, profile));
  return document;
}

int annotate(const AnnotateOptions& options) {
  const AnnotatedProgram program = find_functions(options);
  const target::Target& target = program.board.target;
  if (target.pipeline.empty()) throw InputError(options.deployment.board, "there is no timing model of " + target.name);
  const execute::CodeProfile profile = measured_profile(options, program);
  const schedule::PipelineModel model(target::load_pipeline(target.pipeline));
  Json document{{"target", target.name}, {"functions", Json::array()}};
  for (const MachineFunction& function : program.functions) {
    const std::vector<schedule::AnnotatedBlock> blocks =
        schedule::annotate_function(model, function.address, function.code);
    if (options.json) {
      document["functions"].push_back(document_of(function, blocks, profile));
    } else {
      print_function(function, blocks, profile, target.name);
    }
  }
  if (options.json) print_json(document);
  return 0;
}

}  // namespace

void add_annotate(CLI::App& app, Run& run) {
  CLI::App& command =
      add_command(app, "annotate", "Show machine code with its cycles, and what each instruction waits for",
                  "mote annotate model.tflite --board nucleo-f746zg --records tuning.db --operator 0\n"
                  "mote annotate model.tflite --board nucleo-f746zg --operator 0 --run --memory flash\n"
                  "mote annotate model/ --board nucleo-f746zg --function model_00_conv_2d\n"
                  "mote annotate firmware.elf --board nucleo-f746zg --function my_kernel --run");
  const std::shared_ptr<AnnotateOptions> options = std::make_shared<AnnotateOptions>();
  add_deployment_options(command, options->deployment);
  command.get_option("MODEL")->description(
      "The model, a .tflite file; a library that mote compile has written, a folder; or a linked program, an ELF file");
  command.add_option("--function", options->functions, "A function by its name; may be given several times")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command
      .add_option("--operator", options->operator_index,
                  "The kernel of this operator (# of `mote profile`; of a library, as its README counts)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("INDEX");
  CLI::Option* run_it = command.add_flag(
      "--run", options->run,
      "Run it on the virtual board, too: how often each instruction was executed, what it took and waited for");
  command.add_option("--memory", options->memory, "With --run: what the virtual board's memory costs")
      ->check(CLI::IsMember({"zero-wait", "flash"}))
      ->type_name("zero-wait|flash")
      ->needs(run_it);
  command
      .add_option("--profile", options->profile,
                  "The same of a linked program that has run: what `mote-board --profile` wrote")
      ->type_name("FILE")
      ->excludes(run_it);
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return annotate(*options); }; });
}

}  // namespace mote::cli
