// The models that are benchmarked, and what others published about them: a data file, benchmarks/suite.toml.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mote::bench {

/// A figure of somebody else's for one inference of a model.
struct Published {
  std::string by;                                         // "CMSIS-NN, 2025"
  std::string on;                                         // "hardware", or what else it was measured on
  std::string source;                                     // where it can be read
  std::vector<std::string> models;                        // names of the suite's models it is about
  std::map<std::string, uint64_t> cycles;                 // by target: "cortex-m7"
  std::map<std::string, std::vector<int64_t>> operators;  // by target: cycles of each operator of the model's file
  int64_t flash_bytes = 0, ram_bytes = 0;                 // 0: not known
};

struct SuiteModel {
  std::string name, title;
  std::string file;  // as the suite has it: below the suite's own folder, or in the folder with external models
  bool external = false;
  std::string source;  // of an external model: where it can be had
};

struct Suite {
  std::vector<std::string> boards;
  std::vector<SuiteModel> models;
  std::vector<Published> published;
  std::filesystem::path folder;  // of the file
};

/// Throws InputError that names the file and the line.
Suite read_suite(const std::filesystem::path& file);

/// The model's file; nothing for an external one that `external_folder` ("" for none) does not hold.
std::optional<std::filesystem::path> find_model(const Suite& suite, const SuiteModel& model,
                                                const std::filesystem::path& external_folder);

/// What is published about a model on a target, the fewest cycles first.
std::vector<const Published*> published_for(const Suite& suite, const std::string& model, const std::string& target);

}  // namespace mote::bench
