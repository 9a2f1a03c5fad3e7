#include "board_sim/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/subprocess.h"

namespace mote::board_sim {
namespace {

using Json = nlohmann::ordered_json;

std::string function_at(const std::vector<ElfSymbol>& symbols, uint32_t address) {
  auto after = std::ranges::upper_bound(symbols, address, {}, &ElfSymbol::address);
  while (after != symbols.begin()) {
    const ElfSymbol& symbol = *--after;
    if (!symbol.function) continue;
    if (symbol.size == 0 || address < symbol.address + symbol.size) return symbol.name;
    break;
  }
  return fmt::format("{:#010x}", address);
}

void add(Stalls& to, const Stalls& from) {
  to.dependency += from.dependency;
  to.conflict += from.conflict;
  to.fetch += from.fetch;
  to.mispredict += from.mispredict;
  to.memory += from.memory;
}

Json to_json(const Stalls& stalls) {
  return {{"dependency", stalls.dependency},
          {"conflict", stalls.conflict},
          {"fetch", stalls.fetch},
          {"mispredict", stalls.mispredict},
          {"memory", stalls.memory}};
}

/// With the stalls that there were.
Json to_json(const InsnProfile& insn) {
  Json stalls = to_json(insn.stalls);
  for (Json::iterator at = stalls.begin(); at != stalls.end();) at = *at == 0.0 ? stalls.erase(at) : std::next(at);
  Json entry = {
      {"address", fmt::format("{:#010x}", insn.address)}, {"executions", insn.executions}, {"cycles", insn.cycles}};
  if (!stalls.empty()) entry["stalls"] = std::move(stalls);
  return entry;
}

Json to_json(const ProfileEntry& entry) {
  return {{"address", fmt::format("{:#010x}", entry.address)},
          {"executions", entry.executions},
          {"instructions", entry.instructions},
          {"cycles", entry.cycles},
          {"stalls", to_json(entry.stalls)}};
}

/// "FILE:LINE" of each address; empty strings where the file does not say.
std::vector<std::string> source_lines(const std::string& elf, const std::vector<ProfileEntry>& blocks) {
  std::vector<std::string> lines(blocks.size());
  if (elf.empty() || !find_program("arm-none-eabi-addr2line")) return lines;
  Command command;
  command.arguments = {"arm-none-eabi-addr2line", "-e", elf};
  for (const ProfileEntry& block : blocks) command.input += fmt::format("{:#x}\n", block.address);
  std::istringstream answer(run_command(command).out);
  for (std::string& line : lines) {
    if (!std::getline(answer, line)) break;
    if (line.starts_with("??") || line.ends_with(":?") || line.ends_with(":0")) line.clear();
  }
  return lines;
}

/// What each instruction of `block` took, memory included.
std::vector<InsnCost> costs_of(const Machine& machine, const Block& block) {
  std::vector<InsnCost> costs = machine.timer().costs(block);
  for (size_t i = 0; i < block.waits.size(); ++i) {
    costs[i].stalls.memory += static_cast<double>(block.waits[i]);
    costs[i].cycles += static_cast<double>(block.waits[i]);
  }
  return costs;
}

template <typename Entries>
void sort_by_cycles(Entries& entries) {
  std::ranges::sort(entries, [](const ProfileEntry& a, const ProfileEntry& b) {
    return a.cycles != b.cycles ? a.cycles > b.cycles : a.address < b.address;
  });
}

}  // namespace

Profile profile(const Machine& machine, const std::vector<ElfSymbol>& symbols) {
  Profile result;
  std::map<std::string, ProfileEntry> functions;
  std::map<uint32_t, InsnProfile> insns;
  for (const Block& block : machine.blocks().all()) {
    if (block.executions == 0) continue;
    ProfileEntry entry;
    entry.name = function_at(symbols, block.address);
    entry.address = block.address;
    entry.executions = block.executions;
    entry.instructions = block.executions * block.insns.size();
    entry.cycles = block.cycles;
    const std::vector<InsnCost> costs = costs_of(machine, block);
    for (size_t i = 0; i < costs.size(); ++i) {
      InsnProfile& insn = insns[block.insns[i].address];
      insn.address = block.insns[i].address;
      insn.executions += block.executions;
      insn.cycles += costs[i].cycles;
      add(insn.stalls, costs[i].stalls);
      add(entry.stalls, costs[i].stalls);
    }
    ProfileEntry& function = functions[entry.name];
    if (function.executions == 0 || entry.address < function.address) function.address = entry.address;
    function.name = entry.name;
    function.executions = std::max(function.executions, entry.executions);
    function.instructions += entry.instructions;
    function.cycles += entry.cycles;
    add(function.stalls, entry.stalls);
    result.blocks.push_back(std::move(entry));
  }
  for (auto& [name, function] : functions) result.functions.push_back(std::move(function));
  for (const auto& [address, insn] : insns) result.insns.push_back(insn);
  sort_by_cycles(result.blocks);
  sort_by_cycles(result.functions);
  return result;
}

std::string to_json(const Machine& machine, const Profile& profile, const std::string& elf) {
  Json document = {{"board", machine.board().name}, {"timing_model", machine.timer().has_model()},
                   {"cycles", machine.cycles()},    {"instructions", machine.instructions()},
                   {"functions", Json::array()},    {"blocks", Json::array()},
                   {"code", Json::array()}};
  for (const ProfileEntry& function : profile.functions) {
    Json entry = {{"name", function.name}};
    entry.update(to_json(function));
    entry.erase("executions");
    document["functions"].push_back(entry);
  }
  const std::vector<std::string> lines = source_lines(elf, profile.blocks);
  for (size_t i = 0; i < profile.blocks.size(); ++i) {
    Json entry = {{"function", profile.blocks[i].name}};
    if (!lines[i].empty()) entry["source"] = lines[i];
    entry.update(to_json(profile.blocks[i]));
    document["blocks"].push_back(entry);
  }
  for (const InsnProfile& insn : profile.insns) document["code"].push_back(to_json(insn));
  return document.dump(1) + "\n";
}

std::string to_text(const Profile& profile, size_t lines) {
  std::string text = "cycles  instructions  dependency  conflict  fetch  mispredict  memory\n";
  const auto row = [&](const ProfileEntry& entry, const std::string& name) {
    text += fmt::format("{:>12} {:>12} {:>10.0f} {:>10.0f} {:>10.0f} {:>10.0f} {:>10.0f}  {}\n", entry.cycles,
                        entry.instructions, entry.stalls.dependency, entry.stalls.conflict, entry.stalls.fetch,
                        entry.stalls.mispredict, entry.stalls.memory, name);
  };
  for (const ProfileEntry& entry : std::span(profile.functions).first(std::min(lines, profile.functions.size()))) {
    row(entry, entry.name);
  }
  text += "blocks\n";
  for (const ProfileEntry& entry : std::span(profile.blocks).first(std::min(lines, profile.blocks.size()))) {
    row(entry, fmt::format("{:#010x} {}", entry.address, entry.name));
  }
  return text;
}

}  // namespace mote::board_sim
