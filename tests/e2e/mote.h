// Running the program mote.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/subprocess.h"

namespace mote::tests {

/// `mote ARGUMENTS...`, ended after two minutes at the latest.
CommandResult run_mote(const std::vector<std::string>& arguments);

/// The one JSON document a successful run printed; a failed expectation and null otherwise.
nlohmann::json json_of(const CommandResult& result);

/// Expects a run to have ended as one with bad input does: exit code 2, a message on standard error that holds `part`,
/// and nothing on standard output.
void expect_refused(const CommandResult& result, const std::string& part);

/// A file of the source tree: source_file("examples/digits/digits.tflite").
std::string source_file(const std::string& path);

}  // namespace mote::tests
