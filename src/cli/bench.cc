// mote bench: models on boards, untuned and tuned, beside what others published.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/run.h"
#include "bench/suite.h"
#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/terminal.h"
#include "device/device.h"
#include "import/tflite/reader.h"
#include "support/data_dir.h"
#include "support/error.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> models, boards;
  std::string suite, records, external_folder, memory = "zero-wait";
  std::optional<int64_t> fast_bytes;
  bool operators = false, markdown = false, json = false;
};

/// A model on a board.
struct Row {
  bench::SuiteModel model;
  target::Board board;
  bench::Result result;
};

/// What is to be benchmarked, and what is not there.
struct Choice {
  std::vector<std::pair<bench::SuiteModel, std::string>> models;  // with their files
  std::vector<bench::SuiteModel> absent;
};

bool is_file(const std::string& model) {
  return model.find('/') != std::string::npos || model.ends_with(".tflite");
}

bench::SuiteModel model_named(const bench::Suite& suite, const std::string& name) {
  std::vector<std::string> known;
  for (const bench::SuiteModel& model : suite.models) {
    if (model.name == name) return model;
    known.push_back(model.name);
  }
  throw InputError(name,
                   fmt::format("is no model of the suite; there are {} (or give a file)", fmt::join(known, ", ")));
}

Choice choose(const Options& options, const bench::Suite& suite) {
  std::vector<bench::SuiteModel> wanted = suite.models;
  Choice choice;
  if (!options.models.empty()) wanted.clear();
  for (const std::string& name : options.models) {
    if (is_file(name)) {
      const std::string stem = std::filesystem::path(name).stem();
      choice.models.push_back({{stem, "", name, false, ""}, name});
    } else {
      wanted.push_back(model_named(suite, name));
    }
  }
  for (const bench::SuiteModel& model : wanted) {
    const std::optional<std::filesystem::path> file = bench::find_model(suite, model, options.external_folder);
    if (file) {
      choice.models.emplace_back(model, *file);
    } else {
      choice.absent.push_back(model);
    }
  }
  return choice;
}

std::string per_mac(uint64_t cycles, int64_t macs) {
  return macs == 0 ? "" : fmt::format("{:.2f}", static_cast<double>(cycles) / static_cast<double>(macs));
}

std::string bytes_or_nothing(int64_t bytes) {
  return bytes == 0 ? "" : grouped(bytes);
}

/// Of the build that the others are compared with.
const bench::Build& best_of(const bench::Result& result) {
  return result.tuned ? *result.tuned : result.untuned;
}

void add_ours(const Row& row, const std::string& name, const std::string& by, const bench::Build& build, Table* table) {
  const double ratio = static_cast<double>(build.cycles) / static_cast<double>(best_of(row.result).cycles);
  table->add({name, by,
              build.exact        ? "bit-exact"
              : build.acceptable ? "within tolerance"
                                 : "WRONG RESULT",
              grouped(static_cast<int64_t>(build.cycles)), per_mac(build.cycles, row.result.macs),
              fmt::format("{:.2f}", ratio), grouped(build.flash_bytes), grouped(build.ram_bytes)});
}

Table table_of(const std::vector<const Row*>& rows, const bench::Suite& suite) {
  Table table({"model", "by", "measured on", ">cycles", ">per MAC", ">times", ">flash", ">RAM"});
  for (const Row* row : rows) {
    const bench::Result& result = row->result;
    std::string name = row->model.name;
    if (result.placed) add_ours(*row, std::exchange(name, ""), "mote, in fast RAM", *result.placed, &table);
    if (result.tuned) add_ours(*row, std::exchange(name, ""), "mote, tuned", *result.tuned, &table);
    add_ours(*row, name, "mote, untuned", result.untuned, &table);
    const std::string& target = row->board.target.name;
    for (const bench::Published* published : bench::published_for(suite, row->model.name, target)) {
      const uint64_t cycles = published->cycles.at(target);
      const double ratio = static_cast<double>(cycles) / static_cast<double>(best_of(result).cycles);
      table.add({"", published->by, published->on, grouped(static_cast<int64_t>(cycles)), per_mac(cycles, result.macs),
                 fmt::format("{:.2f}", ratio), bytes_or_nothing(published->flash_bytes),
                 bytes_or_nothing(published->ram_bytes)});
    }
  }
  return table;
}

/// The published list by operator for a model, if there is one.
const bench::Published* by_operator(const bench::Suite& suite, const Row& row) {
  for (const bench::Published* published : bench::published_for(suite, row.model.name, row.board.target.name)) {
    if (published->operators.count(row.board.target.name) != 0) return published;
  }
  return nullptr;
}

std::string untuned_cycles(const bench::Result& result, const std::vector<int32_t>& source) {
  for (const bench::OperatorCycles& op : result.untuned.operators) {
    if (op.source == source) return grouped(static_cast<int64_t>(op.cycles));
  }
  return "";
}

Table operator_table(const Row& row, const bench::Suite& suite) {
  const bench::Published* published = by_operator(suite, row);
  std::vector<std::string> titles{"#", "operator", ">MACs", ">cycles", ">per MAC"};
  if (row.result.tuned) titles.push_back(">untuned");
  if (published != nullptr) titles.push_back(">" + published->by);
  Table table(titles);
  for (const bench::OperatorCycles& op : best_of(row.result).operators) {
    std::vector<std::string> cells{source_text(op.source), op.title, bytes_or_nothing(op.macs),
                                   grouped(static_cast<int64_t>(op.cycles)), per_mac(op.cycles, op.macs)};
    if (row.result.tuned) cells.push_back(untuned_cycles(row.result, op.source));
    if (published != nullptr) {
      const std::optional<int64_t> cycles = bench::published_cycles(published->operators.at(row.board.target.name), op);
      cells.push_back(cycles ? grouped(*cycles) : "");
    }
    table.add(std::move(cells));
  }
  return table;
}

void print_table(const Options& options, const std::string& heading, const Table& table) {
  if (options.markdown) {
    fmt::print("### {}\n\n{}\n", heading, table.markdown());
  } else {
    fmt::print("{}\n{}\n", styled(heading, Style::kHeading), table.text());
  }
}

void print_report(const Options& options, const bench::Suite& suite, const std::vector<Row>& rows,
                  const std::vector<std::string>& boards) {
  for (const std::string& name : boards) {
    std::vector<const Row*> here;
    for (const Row& row : rows) {
      if (row.board.name == name) here.push_back(&row);
    }
    if (here.empty()) continue;
    const target::Board& board = here.front()->board;
    print_table(options, fmt::format("{} ({}), {} memory", board.target.name, board.name, options.memory),
                table_of(here, suite));
    if (!options.operators) continue;
    for (const Row* row : here) {
      print_table(options, fmt::format("{} on {}", row->model.name, board.target.name), operator_table(*row, suite));
    }
  }
}

Json json_of(const bench::Build& build) {
  Json json{{"cycles", build.cycles},   {"flash_bytes", build.flash_bytes}, {"ram_bytes", build.ram_bytes},
            {"bit_exact", build.exact}, {"ok", build.acceptable},           {"operators", Json::array()}};
  for (const bench::OperatorCycles& op : build.operators) {
    json["operators"].push_back({{"index", op.source}, {"title", op.title}, {"macs", op.macs}, {"cycles", op.cycles}});
  }
  return json;
}

void print_document(const Options& options, const bench::Suite& suite, const std::vector<Row>& rows,
                    const Choice& choice) {
  Json document{{"memory", options.memory}, {"results", Json::array()}, {"absent", Json::array()}};
  for (const Row& row : rows) {
    Json entry{{"model", row.model.name},         {"file", row.model.file},  {"board", row.board.name},
               {"target", row.board.target.name}, {"macs", row.result.macs}, {"untuned", json_of(row.result.untuned)},
               {"published", Json::array()}};
    if (row.result.tuned) entry["tuned"] = json_of(*row.result.tuned);
    if (row.result.placed) entry["placed"] = json_of(*row.result.placed);
    const std::string& target = row.board.target.name;
    for (const bench::Published* published : bench::published_for(suite, row.model.name, target)) {
      entry["published"].push_back({{"by", published->by},
                                    {"on", published->on},
                                    {"source", published->source},
                                    {"cycles", published->cycles.at(target)}});
    }
    document["results"].push_back(std::move(entry));
  }
  for (const bench::SuiteModel& model : choice.absent) {
    document["absent"].push_back({{"model", model.name}, {"source", model.source}});
  }
  print_json(document);
}

void say_what_is_absent(const Options& options, const Choice& choice) {
  for (const bench::SuiteModel& model : choice.absent) {
    print_warning(fmt::format(
        "{} is left out: {} is not in {} ({})", model.name, model.file,
        options.external_folder.empty() ? "the folder of --models, which is not given" : options.external_folder,
        model.source));
  }
}

int bench_models(const Options& options) {
  const bench::Suite suite = bench::read_suite(options.suite.empty() ? data_folder("benchmarks") / "suite.toml"
                                                                     : std::filesystem::path(options.suite));
  const Choice choice = choose(options, suite);
  say_what_is_absent(options, choice);
  const std::filesystem::path default_records = suite.folder / "records.db";
  std::optional<records::Database> records;
  if (!options.records.empty()) {
    records.emplace(options.records, records::Database::Mode::kRead);
  } else if (std::filesystem::exists(default_records)) {
    records.emplace(default_records, records::Database::Mode::kRead);
  }
  std::vector<Row> rows;
  std::vector<std::string> boards;
  bool ok = true;
  for (const std::string& name : options.boards.empty() ? suite.boards : options.boards) {
    const target::Board board = target::load_board(name, {});
    boards.push_back(board.name);
    const std::unique_ptr<device::Device> device =
        device::open_device(options.memory == "flash" ? "sim:flash" : "sim", board);
    toolchain::Toolchain toolchain(board, toolchain::Compiler::kGcc, cache_folder());
    for (const auto& [model, file] : choice.models) {
      const ir::Graph graph = import::read_tflite(file);
      Row row{model, board,
              bench::run(graph, file, board, read_inputs({}, graph), *device, toolchain, records ? &*records : nullptr,
                         options.fast_bytes)};
      ok = ok && row.result.untuned.acceptable && best_of(row.result).acceptable &&
           (!row.result.placed || row.result.placed->acceptable);
      rows.push_back(std::move(row));
    }
  }
  if (options.json) {
    print_document(options, suite, rows, choice);
  } else {
    print_report(options, suite, rows, boards);
  }
  return ok ? 0 : 1;
}

}  // namespace

void add_bench(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "bench", "Benchmark models, untuned and tuned, beside published figures",
                                  "mote bench\n"
                                  "mote bench digits article_cnn --board nucleo-f746zg --operators\n"
                                  "mote bench model.tflite --records tuning.db --memory flash\n"
                                  "MOTE_MODELS=models mote bench kws ic ad --markdown");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  command.add_option("MODELS", options->models, "Names of the suite's models, or .tflite files; all of the suite's");
  command.add_option("--board", options->boards, "A board, once for each; the suite's")->allow_extra_args(false);
  command.add_option("--records", options->records, "What `mote tune` has measured; records.db beside the suite");
  command.add_option("--models", options->external_folder, "The folder with models that are not in mote's repository")
      ->envname("MOTE_MODELS")
      ->type_name("DIR");
  command.add_option("--suite", options->suite, "Models and published figures; benchmarks/suite.toml")
      ->type_name("FILE");
  command.add_option("--memory", options->memory, "What the virtual board's memory costs")
      ->check(CLI::IsMember({"zero-wait", "flash"}))
      ->capture_default_str();
  command
      .add_option("--fast-ram", options->fast_bytes,
                  "Each model in tightly coupled memory and the like, too: at most so much for copies")
      ->transform(CLI::AsSizeValue(false))
      ->option_text("BYTES");
  command.add_flag("--operators", options->operators, "The cycles of every operator, too");
  command.add_flag("--markdown", options->markdown, "Print Markdown");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return bench_models(*options); }; });
}

}  // namespace mote::cli
