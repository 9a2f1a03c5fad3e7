#include "demo/profiles.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/files.h"

namespace mote::examples {

namespace {

std::string joined(const nlohmann::json& index) {
  if (!index.is_array()) return index.dump();
  std::string text;
  for (const nlohmann::json& part : index) text += (text.empty() ? "" : "+") + part.dump();
  return text;
}

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string line(const std::string& index, const std::string& kind, const std::string& macs, const std::string& untuned,
                 const std::string& tuned, const std::string& gain) {
  return fmt::format("  {:>5}  {:<18}  {:>10}  {:>14}  {:>12}  {:>6}\n", index, kind, macs, untuned, tuned, gain);
}

std::string line(const std::string& index, const std::string& kind, int64_t macs, int64_t untuned, int64_t tuned) {
  const std::string gain =
      tuned > 0 ? fmt::format("{:.2f}x", static_cast<double>(untuned) / static_cast<double>(tuned)) : "";
  return line(index, kind, grouped(macs), grouped(untuned), grouped(tuned), gain);
}

}  // namespace

Profile read_profile(const std::string& file) {
  try {
    const nlohmann::json document = nlohmann::json::parse(read_text(file));
    Profile profile;
    profile.model = document.at("model").get<std::string>();
    profile.board = document.at("board").get<std::string>();
    profile.total_cycles = document.at("total_cycles").get<int64_t>();
    profile.macs = document.at("macs").get<int64_t>();
    profile.ram_bytes = document.at("ram_bytes").get<int64_t>();
    profile.flash_bytes = document.at("flash_bytes").get<int64_t>();
    for (const nlohmann::json& op : document.at("operators")) {
      profile.operators.push_back({joined(op.at("index")), op.at("name").get<std::string>(),
                                   op.at("kind").get<std::string>(), op.at("cycles").get<int64_t>(),
                                   op.at("macs").get<int64_t>()});
    }
    return profile;
  } catch (const nlohmann::json::exception& error) {
    throw InputError(file, error.what());
  }
}

std::string comparison(const Profile& untuned, const Profile& tuned) {
  std::map<std::string, int64_t> before;
  for (const Profile::Operator& op : untuned.operators) before[op.index] = op.cycles;
  std::string text = line("#", "operator", "MACs", "untuned cycles", "tuned cycles", "gain");
  for (const Profile::Operator& op : tuned.operators) {
    const auto found = before.find(op.index);
    if (found == before.end()) throw InputError(op.index, "the untuned profile has no such operator");
    text += line(op.index, op.kind, op.macs, found->second, op.cycles);
  }
  return text + line("", "total", tuned.macs, untuned.total_cycles, tuned.total_cycles);
}

}  // namespace mote::examples
