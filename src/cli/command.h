// What the subcommands share. A subcommand is one file with one function add_NAME() that declares its options and
// leaves what is to be done; main.cc lists them all. Commands parse and print; the work is done in other rooms.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace CLI {
class App;
}

namespace mote::cli {

/// What the chosen subcommand does once all of the command line is known to be right. Gives the exit code: 0, or 1 when
/// the job was done and its result is a failure (a mismatch, say), or 2 for bad input that is already explained.
/// InputError and JobError may be thrown instead; main.cc prints them.
using Run = std::function<int()>;

/// Adds a subcommand. `purpose` is its line in `mote --help`, without a full stop; `examples` go below its own help,
/// one a line, each as one would type it.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& purpose, const std::string& examples);

/// Adds `--json`. With it a command prints one document with print_json() and nothing else to standard output.
void add_json_flag(CLI::App& command, bool& json);

/// Prints a document to standard output, indented, bytes that are not UTF-8 replaced.
void print_json(const nlohmann::ordered_json& document);

/// Prints to standard error "mote: error: " and the message, or "mote: warning: ".
void print_error(const std::string& message);
void print_warning(const std::string& message);
/// Prints to standard error what is neither: "mote: " and the message.
void print_note(const std::string& message);

// The subcommands, in the order of `mote --help`.
void add_inspect(CLI::App& app, Run& run);
void add_tune(CLI::App& app, Run& run);
void add_plan(CLI::App& app, Run& run);
void add_compile(CLI::App& app, Run& run);
void add_flash(CLI::App& app, Run& run);
void add_run(CLI::App& app, Run& run);
void add_profile(CLI::App& app, Run& run);
void add_annotate(CLI::App& app, Run& run);
void add_verify(CLI::App& app, Run& run);
void add_debug(CLI::App& app, Run& run);
void add_bench(CLI::App& app, Run& run);
void add_records(CLI::App& app, Run& run);
void add_boards(CLI::App& app, Run& run);
void add_targets(CLI::App& app, Run& run);

}  // namespace mote::cli
