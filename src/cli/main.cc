// The program mote: parses the command line, runs one subcommand, and turns what goes wrong into a message and an exit
// code.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "cli/command.h"
#include "support/error.h"

namespace mote::cli {
namespace {

constexpr int kJobFailed = 1;
constexpr int kBadInput = 2;

const char* const kFooter =
    "A first look at a model:\n"
    "  mote inspect model.tflite\n"
    "\n"
    "Every command explains itself: mote COMMAND --help.\n"
    "Exit codes: 0 fine, 1 the job failed, 2 wrong use or bad input.";

void add_commands(CLI::App& app, Run& run) {
  add_inspect(app, run);
  add_tune(app, run);
  add_plan(app, run);
  add_compile(app, run);
  add_flash(app, run);
  add_run(app, run);
  add_profile(app, run);
  add_annotate(app, run);
  add_verify(app, run);
  add_debug(app, run);
  add_bench(app, run);
  add_records(app, run);
  add_boards(app, run);
  add_targets(app, run);
}

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (!chosen.empty()) return std::string(error.what()) + " (try `mote " + chosen.front()->get_name() + " --help`)";
  const std::vector<std::string> unknown = app.remaining();
  return (unknown.empty() ? "a command is missing" : "there is no command or option " + unknown.front()) +
         " (try `mote --help`)";
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("Compiles machine-learning models for bare-metal microcontrollers and tunes them on the device.",
               "mote");
  app.set_version_flag("--version", "mote " MOTE_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Subcommands", "Commands");
  Run run;
  add_commands(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    print_error(explain(app, error));
    return kBadInput;
  }
  return run();
}

// What was buffered must have reached standard output, or a full disk would look like success.
int flushed(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  print_error(std::string("cannot write to standard output: ") + std::strerror(errno));
  return code == 0 ? kJobFailed : code;
}

}  // namespace
}  // namespace mote::cli

int main(int argc, char** argv) {
  using namespace mote::cli;
  try {
    return flushed(parse_and_run(argc, argv));
  } catch (const mote::InputError& error) {
    print_error(error.what());
    return flushed(kBadInput);
  } catch (const mote::JobError& error) {
    print_error(error.what());
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
  } catch (const std::exception& error) {
    print_error(std::string("unexpected: ") + error.what());
  }
  return flushed(kJobFailed);
}
