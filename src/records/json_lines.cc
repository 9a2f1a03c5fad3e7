#include "records/json_lines.h"

#include <charconv>
#include <cmath>
#include <istream>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/error.h"

namespace mote::records {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLogVersion = 0.2;
constexpr double kFailedCost = 1e9;  // what AutoTVM writes as the cost of a failure

/// AutoTVM's MeasureErrorNo nearest to a status; the status itself is kept beside it.
int error_number(Status status) {
  switch (status) {
    case Status::kOk:
      return 0;
    case Status::kIllegal:
      return 1;
    case Status::kBuild:
    case Status::kTooLarge:
      return 3;
    case Status::kLoad:
    case Status::kFault:
      return 4;
    case Status::kWrongResult:
      return 5;
    case Status::kTimeout:
      return 7;
    case Status::kConnection:
      return 8;
  }
  unreachable("a status without a number");
}

/// A knob's value: a number where the text is exactly how a number prints.
Json value_of(std::string_view text) {
  int64_t number = 0;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec == std::errc() && std::to_string(number) == text) return number;
  return text;
}

/// "tile=2 order=ijk" as [["tile", "ot", 2], ["order", "ot", "ijk"]].
Json entity_of(std::string_view knobs) {
  Json entity = Json::array();
  while (!knobs.empty()) {
    const std::string_view word = knobs.substr(0, knobs.find(' '));
    knobs.remove_prefix(std::min(word.size() + 1, knobs.size()));
    if (word.empty()) continue;
    const size_t equals = std::min(word.find('='), word.size());
    entity.push_back({word.substr(0, equals), "ot", value_of(word.substr(std::min(equals + 1, word.size())))});
  }
  return entity;
}

std::string knobs_of(const Json& entity) {
  std::string knobs;
  for (const Json& knob : entity) {
    const Json& value = knob.at(2);
    knobs += (knobs.empty() ? "" : " ") + knob.at(0).get<std::string>() + "=" +
             (value.is_string() ? value.get<std::string>() : std::to_string(value.get<int64_t>()));
  }
  return knobs;
}

/// A whole number from 0 to `most`; JSON would silently convert others.
uint64_t natural(const Json& json, uint64_t most) {
  if (!json.is_number_unsigned() || json.get<uint64_t>() > most) {
    throw std::out_of_range(json.dump(-1, ' ', false, Json::error_handler_t::replace) + " is no whole number up to " +
                            std::to_string(most));
  }
  return json.get<uint64_t>();
}

Trial trial_of(const Json& json) {
  if (json.at("version") != kLogVersion) throw std::out_of_range("is not of log format 0.2");
  const Json& ours = json.at("mote");
  const Json& input = json.at("input");
  const Json& result = json.at("result");
  Trial trial;
  trial.workload = input.at(1);
  trial.template_version = ours.at("template_version");
  trial.setting = {input.at(0), ours.at("board"), ours.at("via"), ours.at("compiler"), ours.at("flags")};
  trial.knobs = knobs_of(json.at("config").at("entity"));
  const std::optional<Status> status = status_named(ours.at("status").get<std::string>());
  if (!status) throw std::out_of_range("unknown status " + ours.at("status").dump());
  Outcome& outcome = trial.outcome;
  outcome.status = *status;
  if (*status == Status::kOk) {
    outcome.cycles = natural(ours.at("cycles"), std::numeric_limits<int64_t>::max());
    for (const Json& cycles : result.at(0)) {
      outcome.all_cycles.push_back(natural(cycles, std::numeric_limits<uint64_t>::max()));
    }
  }
  outcome.flash_bytes = static_cast<uint32_t>(natural(ours.at("flash_bytes"), std::numeric_limits<uint32_t>::max()));
  outcome.ram_bytes = static_cast<uint32_t>(natural(ours.at("ram_bytes"), std::numeric_limits<uint32_t>::max()));
  outcome.error = ours.at("error");
  outcome.build_seconds = ours.at("build_seconds");
  outcome.load_seconds = ours.at("load_seconds");
  outcome.run_seconds = ours.at("run_seconds");
  const double milliseconds = result.at(3).get<double>() * 1000;
  if (!(std::abs(milliseconds) < 1e15)) throw std::out_of_range("a time that cannot be");
  trial.time = std::llround(milliseconds);
  return trial;
}

}  // namespace

std::string json_line(const Trial& trial) {
  const Setting& setting = trial.setting;
  const Outcome& outcome = trial.outcome;
  const bool ok = outcome.status == Status::kOk;
  const Json json = {
      {"input", Json::array({setting.target, trial.workload, Json::array(), Json::object()})},
      {"config", {{"index", nullptr}, {"code_hash", nullptr}, {"entity", entity_of(trial.knobs)}}},
      {"result", Json::array({ok ? Json(outcome.all_cycles) : Json::array({kFailedCost}), error_number(outcome.status),
                              outcome.build_seconds + outcome.load_seconds + outcome.run_seconds,
                              static_cast<double>(trial.time) / 1000})},
      {"version", kLogVersion},
      {"tvm_version", "mote " MOTE_VERSION},
      {"mote",
       {{"template_version", trial.template_version},
        {"board", setting.board},
        {"via", setting.via},
        {"compiler", setting.compiler},
        {"flags", setting.flags},
        {"status", name_of(outcome.status)},
        {"cycles", outcome.cycles},
        {"flash_bytes", outcome.flash_bytes},
        {"ram_bytes", outcome.ram_bytes},
        {"error", outcome.error},
        {"build_seconds", outcome.build_seconds},
        {"load_seconds", outcome.load_seconds},
        {"run_seconds", outcome.run_seconds}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Trial parse_json_line(std::string_view line, const std::string& where) {
  try {
    return trial_of(Json::parse(line));
  } catch (const Json::exception& error) {
    throw InputError(where, std::string("is no record that mote exported: ") + error.what());
  } catch (const std::out_of_range& error) {
    throw InputError(where, std::string("is no record that mote exported: ") + error.what());
  }
}

std::vector<Trial> read_json_lines(std::istream& in, const std::string& name) {
  std::vector<Trial> trials;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    trials.push_back(parse_json_line(line, name + ":" + std::to_string(number)));
  }
  return trials;
}

}  // namespace mote::records
