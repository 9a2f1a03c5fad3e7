#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"

namespace mote::cli {

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& purpose, const std::string& examples) {
  CLI::App& command = *app.add_subcommand(name, purpose);
  std::string footer = "Examples:\n";
  size_t start = 0;
  while (start < examples.size()) {
    const size_t end = std::min(examples.find('\n', start), examples.size());
    footer += "  " + examples.substr(start, end - start) + "\n";
    start = end + 1;
  }
  footer.pop_back();
  command.footer(footer);
  return command;
}

void add_json_flag(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one machine-readable document");
}

void print_json(const nlohmann::ordered_json& document) {
  const std::string text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_error(const std::string& message) {
  std::fprintf(stderr, "%s %s\n", styled("mote: error:", Style::kBad, stderr).c_str(), message.c_str());
}

void print_warning(const std::string& message) {
  std::fprintf(stderr, "%s %s\n", styled("mote: warning:", Style::kNotice, stderr).c_str(), message.c_str());
}

void print_note(const std::string& message) {
  std::fprintf(stderr, "mote: %s\n", message.c_str());
}

}  // namespace mote::cli
