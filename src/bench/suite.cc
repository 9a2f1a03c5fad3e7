#include "bench/suite.h"

#include <algorithm>

#include "support/toml.h"

namespace mote::bench {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kMostCycles = int64_t{1} << 50;

SuiteModel read_model(const TomlTable& table) {
  SuiteModel model;
  model.name = table.text("name");
  model.title = table.text("title");
  model.file = table.text("file");
  model.external = table.flag("external", false);
  model.source = table.text("source", "");
  if (model.external && model.source.empty()) table.fail("file", "is external: say in 'source' where it can be had");
  return model;
}

Published read_published(const TomlTable& table, const std::vector<SuiteModel>& models) {
  Published published;
  published.by = table.text("by");
  published.on = table.text("on");
  published.source = table.text("source");
  published.models = table.texts("models");
  for (const std::string& name : published.models) {
    const bool known =
        std::any_of(models.begin(), models.end(), [&](const SuiteModel& model) { return model.name == name; });
    if (!known) table.fail("models", "names '" + name + "', which is no model of this suite");
  }
  const TomlTable cycles = table.table("cycles"), operators = table.table("operators");
  for (const std::string& target : cycles.keys()) {
    published.cycles[target] = static_cast<uint64_t>(cycles.integer(target, 1, kMostCycles));
  }
  for (const std::string& target : operators.keys()) {
    published.operators[target] = operators.integers(target, 0, kMostCycles);
  }
  published.flash_bytes = table.integer("flash_bytes", 0, kMostCycles, 0);
  published.ram_bytes = table.integer("ram_bytes", 0, kMostCycles, 0);
  return published;
}

}  // namespace

Suite read_suite(const fs::path& file) {
  const TomlTable table = TomlTable::load(file);
  Suite suite;
  suite.folder = file.parent_path();
  suite.boards = table.texts("boards");
  for (const TomlTable& model : table.tables("model")) suite.models.push_back(read_model(model));
  for (const TomlTable& published : table.tables("published")) {
    suite.published.push_back(read_published(published, suite.models));
  }
  table.reject_unknown_keys();
  return suite;
}

std::optional<fs::path> find_model(const Suite& suite, const SuiteModel& model, const fs::path& external_folder) {
  if (!model.external) return suite.folder / model.file;
  std::error_code error;
  fs::path path = external_folder / model.file;
  if (external_folder.empty() || !fs::is_regular_file(path, error)) return std::nullopt;
  return path;
}

std::vector<const Published*> published_for(const Suite& suite, const std::string& model, const std::string& target) {
  std::vector<const Published*> found;
  for (const Published& published : suite.published) {
    const bool about = std::find(published.models.begin(), published.models.end(), model) != published.models.end();
    if (about && published.cycles.count(target) != 0) found.push_back(&published);
  }
  std::stable_sort(found.begin(), found.end(),
                   [&](const Published* a, const Published* b) { return a->cycles.at(target) < b->cycles.at(target); });
  return found;
}

}  // namespace mote::bench
