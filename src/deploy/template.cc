#include "deploy/template.h"

#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

#include "support/data_dir.h"
#include "support/files.h"

namespace mote::deploy {
namespace {

using kainjow::mustache::data;

data to_mustache(const nlohmann::json& value) {
  if (value.is_object()) {
    data object = data::type::object;
    for (const auto& [key, member] : value.items()) object.set(key, to_mustache(member));
    return object;
  }
  if (value.is_array()) {
    data list = data::type::list;
    for (const nlohmann::json& element : value) list.push_back(to_mustache(element));
    return list;
  }
  if (value.is_boolean()) return value.get<bool>() ? data::type::bool_true : data::type::bool_false;
  if (value.is_string()) return value.get<std::string>();
  return value.dump();  // a number
}

std::string fill(const std::string& text, const nlohmann::json& values, const std::string& name) {
  kainjow::mustache::mustache filled(text);
  if (!filled.is_valid()) throw JobError(name + ": " + filled.error_message());
  filled.set_custom_escape([](const std::string& s) { return s; });
  return filled.render(to_mustache(values));
}

}  // namespace

std::string render(const std::string& name, const nlohmann::json& values) {
  const std::filesystem::path file = data_folder("runtime") / (name + ".mustache");
  return fill(read_text(file), values, file.string());
}

std::string render_text(const std::string& text, const nlohmann::json& values) {
  return fill(text, values, "a template");
}

}  // namespace mote::deploy
