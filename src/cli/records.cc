// mote records: look at, move and tidy what tuning has measured.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/terminal.h"
#include "records/database.h"
#include "records/json_lines.h"
#include "support/error.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;
using records::Database;

struct Options {
  std::string file;
  std::vector<std::string> sources;
  records::Query query;
  std::string output;
  size_t keep = 10;
  bool json = false;
};

Json json_of(const records::Setting& setting) {
  return {{"target", setting.target},
          {"board", setting.board},
          {"via", setting.via},
          {"compiler", setting.compiler},
          {"flags", setting.flags}};
}

int list(const Options& options) {
  const Database db(options.file, Database::Mode::kRead);
  const std::vector<Database::Summary> summaries = db.summaries(options.query);
  if (options.json) {
    Json document{{"records", options.file}, {"workloads", Json::array()}};
    for (const Database::Summary& summary : summaries) {
      Json entry{{"workload", summary.workload}, {"template_version", summary.template_version}};
      entry.update(json_of(summary.setting));
      entry["trials"] = summary.trials;
      entry["failed"] = summary.failed;
      entry["best_cycles"] = summary.best_cycles ? Json(*summary.best_cycles) : Json(nullptr);
      document["workloads"].push_back(entry);
    }
    print_json(document);
    return 0;
  }
  Table table({"workload", "board", "via", "compiler", "flags", ">trials", ">failed", ">best cycles"});
  size_t trials = 0;
  for (const Database::Summary& summary : summaries) {
    trials += summary.trials;
    const records::Setting& s = summary.setting;
    table.add({printable(summary.workload), printable(s.board), printable(s.via), printable(s.compiler),
               printable(s.flags), grouped(static_cast<int64_t>(summary.trials)),
               grouped(static_cast<int64_t>(summary.failed)),
               summary.best_cycles ? grouped(static_cast<int64_t>(*summary.best_cycles)) : "-"});
  }
  fmt::print("{}: {} trials\n", styled(options.file, Style::kHeading), grouped(static_cast<int64_t>(trials)));
  if (!table.empty()) fmt::print("\n{}", table.text());
  return 0;
}

int best(const Options& options) {
  const Database db(options.file, Database::Mode::kRead);
  Json document{{"records", options.file}, {"best", Json::array()}};
  Table table({"workload", "board", "via", "flags", ">cycles", ">flash", ">ram", "knobs"});
  for (const Database::Summary& summary : db.summaries(options.query)) {
    const std::optional<records::Trial> trial =
        db.best(exactly(summary.workload, summary.template_version, summary.setting));
    if (!trial) continue;
    const records::Outcome& outcome = trial->outcome;
    Json entry{{"workload", trial->workload}, {"template_version", trial->template_version}};
    entry.update(json_of(trial->setting));
    entry.update({{"knobs", trial->knobs},
                  {"cycles", outcome.cycles},
                  {"flash_bytes", outcome.flash_bytes},
                  {"ram_bytes", outcome.ram_bytes}});
    document["best"].push_back(entry);
    table.add({printable(trial->workload), printable(trial->setting.board), printable(trial->setting.via),
               printable(trial->setting.flags), grouped(static_cast<int64_t>(outcome.cycles)),
               grouped(outcome.flash_bytes), grouped(outcome.ram_bytes), printable(trial->knobs)});
  }
  if (options.json) {
    print_json(document);
  } else if (table.empty()) {
    fmt::print("{}: no trial that worked\n", options.file);
  } else {
    fmt::print("{}", table.text());
  }
  return 0;
}

int export_lines(const Options& options) {
  const Database db(options.file, Database::Mode::kRead);
  std::ofstream file;
  if (!options.output.empty()) {
    file.open(options.output, std::ios::binary | std::ios::trunc);
    if (!file) throw InputError(options.output, "cannot be written");
  }
  db.each(options.query, [&](const records::Trial& trial) {
    const std::string line = json_line(trial) + "\n";
    if (options.output.empty()) {
      std::fwrite(line.data(), 1, line.size(), stdout);
    } else {
      file << line;
    }
  });
  if (!options.output.empty() && !file.flush()) throw JobError(options.output + ": cannot be written to its end");
  return 0;
}

std::vector<records::Trial> lines_of(const std::string& source) {
  if (source == "-") return records::read_json_lines(std::cin, "standard input");
  std::ifstream in(source, std::ios::binary);
  if (!in || std::filesystem::is_directory(source)) throw InputError(source, "cannot be read");
  return records::read_json_lines(in, source);
}

int report_added(const Options& options, size_t read, size_t added) {
  if (options.json) {
    print_json({{"records", options.file}, {"read", read}, {"added", added}});
  } else {
    fmt::print("{}: {} of {} trials were new and are added\n", options.file, added, read);
  }
  return 0;
}

int import_lines(const Options& options) {
  std::vector<records::Trial> trials;
  for (const std::string& source : options.sources) {
    const std::vector<records::Trial> more = lines_of(source);
    trials.insert(trials.end(), more.begin(), more.end());
  }
  return report_added(options, trials.size(), Database(options.file, Database::Mode::kWrite).merge(trials));
}

int merge(const Options& options) {
  std::vector<records::Trial> trials;
  for (const std::string& source : options.sources) {
    const std::vector<records::Trial> more = Database(source, Database::Mode::kRead).trials(options.query);
    trials.insert(trials.end(), more.begin(), more.end());
  }
  return report_added(options, trials.size(), Database(options.file, Database::Mode::kWrite).merge(trials));
}

int prune(const Options& options) {
  if (!std::filesystem::exists(options.file)) Database(options.file, Database::Mode::kRead);  // says what is missing
  const size_t removed = Database(options.file, Database::Mode::kWrite).prune(options.query, options.keep);
  if (options.json) {
    print_json({{"records", options.file}, {"removed", removed}});
  } else {
    fmt::print("{}: {} trials removed\n", options.file, removed);
  }
  return 0;
}

void add_query_options(CLI::App& command, Options& options) {
  command.add_option("--workload", options.query.workload, "Only trials of this workload (its whole key)");
  command.add_option("--board", options.query.board, "Only trials on this board");
  command.add_option("--via", options.query.via, "Only trials on boards reached this way");
  command.add_option("--compiler", options.query.compiler, "Only trials of this compiler (name and version)");
  command.add_option("--flags", options.query.flags, "Only trials with exactly these compiler flags");
}

}  // namespace

void add_records(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "records", "List, pick, move, merge and prune tuning records",
                                  "mote records list tuning.db\n"
                                  "mote records best tuning.db --board nucleo-f746zg\n"
                                  "mote records export tuning.db > tuning.jsonl\n"
                                  "mote records merge tuning.db colleague.db");
  command.require_subcommand(1);
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* purpose, int (*work)(const Options&)) -> CLI::App& {
    CLI::App& sub = *command.add_subcommand(name, purpose);
    sub.add_option("RECORDS", options->file, "The records file")->required();
    sub.callback([&run, options, work] { run = [options, work] { return work(*options); }; });
    return sub;
  };
  CLI::App& list_command = add("list", "Show the workloads with their numbers of trials and best cycles", list);
  add_query_options(list_command, *options);
  add_json_flag(list_command, options->json);
  CLI::App& best_command = add("best", "Show the best point of every workload", best);
  add_query_options(best_command, *options);
  add_json_flag(best_command, options->json);
  CLI::App& export_command = add("export", "Print all trials as JSON lines", export_lines);
  add_query_options(export_command, *options);
  export_command.add_option("-o,--output", options->output, "Write to this file");
  CLI::App& import_command = add("import", "Add trials from an export", import_lines);
  import_command.add_option("EXPORT", options->sources, "Exported files; - reads standard input")->required();
  add_json_flag(import_command, options->json);
  CLI::App& merge_command = add("merge", "Add the trials of other records files", merge);
  merge_command.add_option("OTHER", options->sources, "Other records files")->required();
  add_query_options(merge_command, *options);
  add_json_flag(merge_command, options->json);
  CLI::App& prune_command =
      add("prune", "Remove failures, and all but the fastest and the smallest points of each workload", prune);
  prune_command.add_option("--keep", options->keep, "How many of the fastest points to keep of each workload")
      ->capture_default_str();
  add_query_options(prune_command, *options);
  add_json_flag(prune_command, options->json);
}

}  // namespace mote::cli
