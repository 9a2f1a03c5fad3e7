#include "support/toml.h"

#include <fmt/core.h>
#include <toml++/toml.h>

#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "support/error.h"

namespace mote {

struct TomlTable::State {
  std::shared_ptr<const toml::table> root;  // keeps `table` alive
  const toml::table* table = nullptr;       // null: absent
  std::string file, path;                   // path: "simulation.", for messages
  std::set<std::string, std::less<>> known;
  std::vector<std::shared_ptr<State>> children;

  const toml::node* find(std::string_view key) {
    known.emplace(key);
    return table ? table->get(key) : nullptr;
  }
  std::string where(const toml::node* node) const {
    if (!node) node = table;
    return node ? fmt::format("{}:{}", file, node->source().begin.line) : file;
  }
  const toml::node& need(std::string_view key) {
    if (const toml::node* node = find(key)) return *node;
    throw InputError(where(nullptr), fmt::format("'{}{}' is missing", path, key));
  }
  [[noreturn]] void fail(const toml::node* node, std::string_view key, const std::string& what) const {
    throw InputError(where(node), fmt::format("'{}{}' {}", path, key, what));
  }
  std::shared_ptr<State> child(const toml::table* inner, std::string_view key) {
    State state{root, inner, file, fmt::format("{}{}.", path, key), {}, {}};
    return children.emplace_back(std::make_shared<State>(std::move(state)));
  }
};

TomlTable TomlTable::parse(std::string_view text, const std::string& file) {
  try {
    std::shared_ptr<State> state = std::make_shared<State>();
    state->root = std::make_shared<const toml::table>(toml::parse(text, file));
    state->table = state->root.get();
    state->file = file;
    return TomlTable(std::move(state));
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}", file, error.source().begin.line), std::string(error.description()));
  }
}

TomlTable TomlTable::load(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || std::filesystem::is_directory(file) || !(text << stream.rdbuf())) {
    throw InputError(file.string(), "cannot be read");
  }
  return parse(text.str(), file.string());
}

bool TomlTable::has(std::string_view key) const {
  return state_->find(key) != nullptr;
}

std::string TomlTable::text(std::string_view key) const {
  const toml::node& node = state_->need(key);
  if (!node.is_string()) state_->fail(&node, key, "must be a string");
  return node.as_string()->get();
}
std::string TomlTable::text(std::string_view key, const std::string& otherwise) const {
  return has(key) ? text(key) : otherwise;
}

size_t TomlTable::one_of(std::string_view key, const std::vector<std::string>& allowed) const {
  std::string value = text(key), list;
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (allowed[i] == value) return i;
    list += (i ? ", " : "") + allowed[i];
  }
  fail(key, fmt::format("is \"{}\"; it must be one of: {}", value, list));
}

bool TomlTable::flag(std::string_view key, bool otherwise) const {
  const toml::node* node = state_->find(key);
  if (!node) return otherwise;
  if (!node->is_boolean()) state_->fail(node, key, "must be true or false");
  return node->as_boolean()->get();
}

int64_t TomlTable::integer(std::string_view key, int64_t lo, int64_t hi) const {
  const toml::node& node = state_->need(key);
  if (!node.is_integer()) state_->fail(&node, key, "must be an integer");
  int64_t value = node.as_integer()->get();
  if (value < lo || value > hi) state_->fail(&node, key, fmt::format("is {}; it must be from {} to {}", value, lo, hi));
  return value;
}
int64_t TomlTable::integer(std::string_view key, int64_t lo, int64_t hi, int64_t otherwise) const {
  return has(key) ? integer(key, lo, hi) : otherwise;
}

uint32_t TomlTable::address(std::string_view key) const {
  const toml::node& node = state_->need(key);
  const toml::value<int64_t>* value = node.as_integer();
  if (!value || value->get() < 0 || value->get() > std::numeric_limits<uint32_t>::max()) {
    state_->fail(&node, key, "must be a 32-bit address, such as 0x20000000");
  }
  return static_cast<uint32_t>(value->get());
}
uint32_t TomlTable::address(std::string_view key, uint32_t otherwise) const {
  return has(key) ? address(key) : otherwise;
}

uint32_t TomlTable::size(std::string_view key) const {
  const toml::node& node = state_->need(key);
  constexpr const char* kWant =
      "must be a number of bytes below 4 GiB: an integer, or a string such as \"64K\" or \"2M\"";
  int64_t value = -1, scale = 1;
  if (const toml::value<int64_t>* integer = node.as_integer()) {
    value = integer->get();
  } else if (const toml::value<std::string>* string = node.as_string()) {
    std::string digits = string->get();
    if (!digits.empty() && (digits.back() == 'K' || digits.back() == 'M')) {
      scale = digits.back() == 'K' ? 1 << 10 : 1 << 20;
      digits.pop_back();
    }
    bool plain = !digits.empty() && digits.size() <= 10 && digits.find_first_not_of("0123456789") == std::string::npos;
    if (plain) value = std::stoll(digits);
  }
  if (value < 0 || value * scale > std::numeric_limits<uint32_t>::max()) state_->fail(&node, key, kWant);
  return static_cast<uint32_t>(value * scale);
}
uint32_t TomlTable::size(std::string_view key, uint32_t otherwise) const {
  return has(key) ? size(key) : otherwise;
}

double TomlTable::number(std::string_view key, double lo, double hi, double otherwise) const {
  const toml::node* node = state_->find(key);
  if (!node) return otherwise;
  if (!node->is_number()) state_->fail(node, key, "must be a number");
  double value = *node->value<double>();
  if (!(value >= lo && value <= hi))
    state_->fail(node, key, fmt::format("is {}; it must be from {} to {}", value, lo, hi));
  return value;
}

std::vector<std::string> TomlTable::texts(std::string_view key) const {
  const toml::node* node = state_->find(key);
  std::vector<std::string> values;
  if (!node) return values;
  const toml::array* array = node->as_array();
  if (!array) state_->fail(node, key, "must be a list of strings");
  for (const toml::node& item : *array) {
    if (!item.is_string()) state_->fail(&item, key, "must be a list of strings");
    values.push_back(item.as_string()->get());
  }
  return values;
}

std::vector<int64_t> TomlTable::integers(std::string_view key, int64_t lo, int64_t hi) const {
  const toml::node* node = state_->find(key);
  std::vector<int64_t> values;
  if (!node) return values;
  const toml::array* array = node->as_array();
  if (!array) state_->fail(node, key, "must be a list of integers");
  for (const toml::node& item : *array) {
    const bool fits = item.is_integer() && item.as_integer()->get() >= lo && item.as_integer()->get() <= hi;
    if (!fits) state_->fail(&item, key, fmt::format("must be a list of integers from {} to {}", lo, hi));
    values.push_back(item.as_integer()->get());
  }
  return values;
}

TomlTable TomlTable::table(std::string_view key) const {
  const toml::node* node = state_->find(key);
  if (node && !node->is_table()) state_->fail(node, key, fmt::format("must be a table: [{}{}]", state_->path, key));
  return TomlTable(state_->child(node ? node->as_table() : nullptr, key));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  const toml::node* node = state_->find(key);
  std::vector<TomlTable> result;
  if (!node) return result;
  const toml::array* array = node->as_array();
  if (!array) state_->fail(node, key, fmt::format("must be a list of tables: [[{}{}]]", state_->path, key));
  for (const toml::node& item : *array) {
    if (!item.is_table())
      state_->fail(&item, key, fmt::format("must be a list of tables: [[{}{}]]", state_->path, key));
    result.push_back(TomlTable(state_->child(item.as_table(), key)));
  }
  return result;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> names;
  if (state_->table) {
    for (const auto& [key, node] : *state_->table) names.emplace_back(key.str());
  }
  return names;
}

int TomlTable::last_line(std::string_view key) const {
  const toml::node* node = state_->find(key);
  return node ? static_cast<int>(node->source().end.line) : 0;
}

void TomlTable::fail(std::string_view key, const std::string& what) const {
  state_->fail(state_->table ? state_->table->get(key) : nullptr, key, what);
}

void TomlTable::reject_unknown_keys() const {
  for (const std::string& key : keys()) {
    if (!state_->known.contains(key)) fail(key, "is not a known key");
  }
  for (const std::shared_ptr<State>& child : state_->children) TomlTable(child).reject_unknown_keys();
}

}  // namespace mote
