#include "schedule/read_assembly.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace mote::schedule {
namespace {

using Effect = AssemblyLine::Effect;
using Condition = AssemblyLine::Condition;
using Words = std::vector<std::string_view>;

constexpr Reg kPc = 15;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<int64_t> number_of(std::string_view word) {
  if (word.starts_with('#')) word.remove_prefix(1);
  int32_t value = 0;
  const std::from_chars_result end = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || end.ec != std::errc() || end.ptr != word.data() + word.size()) return std::nullopt;
  return value;
}

/// -1 when it is no register.
Reg register_of(std::string_view word) {
  if (word == "sp") return kSp;
  if (word == "lr") return kLr;
  if (word == "pc") return kPc;
  if (word.size() < 2 || (word[0] != 'r' && word[0] != 's')) return -1;
  const std::optional<int64_t> number = word[1] == '#' ? std::nullopt : number_of(word.substr(1));
  if (!number || *number < 0 || *number > (word[0] == 'r' ? 12 : 31)) return -1;
  return static_cast<Reg>(*number) + (word[0] == 's' ? kFpu : 0);
}

/// "r1, [r2, #4], #8" at the commas outside brackets.
Words operands_of(std::string_view text) {
  Words words;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    const std::string_view word = trimmed(text.substr(begin, i - begin));
    if (!word.empty()) words.push_back(word);
    begin = i + 1;
  }
  return words;
}

std::optional<Condition> condition_of(std::string_view suffix) {
  static const std::map<std::string_view, Condition> conditions{
      {"", Condition::kAlways},         {"eq", Condition::kEqual},     {"ne", Condition::kNotEqual},
      {"lt", Condition::kLess},         {"le", Condition::kLessEqual}, {"gt", Condition::kGreater},
      {"ge", Condition::kGreaterEqual}, {"lo", Condition::kLess},      {"cc", Condition::kLess},
      {"ls", Condition::kLessEqual},    {"hi", Condition::kGreater},   {"hs", Condition::kGreaterEqual},
      {"cs", Condition::kGreaterEqual}, {"mi", Condition::kLess},      {"pl", Condition::kGreaterEqual}};
  const auto known = conditions.find(suffix);
  return known == conditions.end() ? std::nullopt : std::optional(known->second);
}

/// One instruction's text to its meaning.
class Reader {
 public:
  Reader(std::string_view name, const Words& words) : name_(name), words_(words) {}

  AssemblyLine read() {
    if (name_.ends_with(".w")) name_.remove_suffix(2);
    if (branch() || push() || memory() || floating()) return std::move(line_);
    line_.instruction.kind = kind();
    if (name_ != "cmp" && name_ != "cmn" && name_ != "tst" && !words_.empty()) write(register_of(words_[0]));
    reads();
    sum();
    return std::move(line_);
  }

 private:
  bool is(std::initializer_list<std::string_view> names) const {
    return std::find(names.begin(), names.end(), name_) != names.end();
  }
  bool has_word(std::string_view start) const {
    return std::any_of(words_.begin(), words_.end(), [&](std::string_view w) { return w.starts_with(start); });
  }
  void write(Reg reg) {
    if (reg >= 0) line_.instruction.writes.push_back(reg);
  }
  void read_as(std::string_view word, Role role) {
    const Reg reg = register_of(word);
    if (reg >= 0) line_.instruction.reads.push_back({reg, role});
  }

  bool branch() {
    const bool leaves =
        (name_ == "pop" && has_word("{") && words_[0].find("pc") != std::string_view::npos) || name_ == "bx";
    if (leaves) {
      line_.effect = Effect::kReturn;
      line_.instruction.kind = Kind::kBranch;
      return true;
    }
    if (!name_.starts_with('b') || words_.size() != 1 || register_of(words_[0]) >= 0) return false;
    const std::optional<Condition> condition = condition_of(name_.substr(1));
    if (!condition) return false;
    line_.effect = Effect::kBranch;
    line_.condition = *condition;
    line_.instruction.kind = Kind::kBranch;
    if (*condition != Condition::kAlways) line_.instruction.reads.push_back({kFlags, Role::kAlu});
    return true;
  }

  /// push and pop: what they do to the stack pointer.
  bool push() {
    if (!is({"push", "pop"}) || words_.empty()) return false;
    int count = 0;
    for (const std::string_view part : operands_of(words_[0].substr(1, words_[0].find('}') - 1))) {
      const size_t dash = part.find('-');
      const Reg first = register_of(part.substr(0, dash));
      count += dash == std::string_view::npos ? 1 : register_of(part.substr(dash + 1)) - first + 1;
    }
    line_.effect = Effect::kSum;
    line_.target = line_.a = kSp;
    line_.number = (name_ == "push" ? -4 : 4) * count;
    return true;
  }

  /// ldr, str and their like: "[base]", "[base, #offset]" or "[base], #step".
  bool memory() {
    const bool load = name_.starts_with("ldr"), store = name_.starts_with("str");
    if (name_.starts_with("vld") || name_.starts_with("vst")) return floating_memory();
    if ((!load && !store) || words_.size() < 2 || !words_[1].starts_with('[')) return false;
    Instruction& code = line_.instruction;
    code.kind = store ? Kind::kStore : name_ == "ldr" ? Kind::kLoad : Kind::kLoadNarrow;
    if (load) write(register_of(words_[0]));
    if (store) read_as(words_[0], Role::kStoreData);
    const Reg base = address(words_[1]);
    if (words_.size() > 2) {
      code.writeback = base;
      step_ = number_of(words_[2]).value_or(0);
    }
    if (name_ == "ldr" || name_ == "str") line_.effect = load ? Effect::kLoad : Effect::kStore;
    line_.target = register_of(words_[0]);
    line_.a = base;
    if (code.writeback >= 0) line_.number = step_;
    return true;
  }

  bool floating_memory() {
    const bool load = name_.starts_with("vld"), several = name_.size() > 3 && name_[3] == 'm';
    Instruction& code = line_.instruction;
    code.kind = several ? (load ? Kind::kFpLoadMultiple : Kind::kFpStoreMultiple) : load ? Kind::kFpLoad : Kind::kStore;
    if (words_.size() < 2) return true;
    if (!several) {
      if (load) write(register_of(words_[0]));
      address(words_[1]);
      return true;
    }
    std::string_view base = words_[0];
    if (base.ends_with('!')) base.remove_suffix(1);
    read_as(base, Role::kAddress);
    if (base != words_[0]) code.writeback = register_of(base);
    const std::string_view list = words_[1].substr(1, words_[1].find('}') - 1);
    const size_t dash = list.find('-');
    const Reg first = register_of(list.substr(0, dash));
    const Reg last = dash == std::string_view::npos ? first : register_of(list.substr(dash + 1));
    for (Reg reg = first; reg >= kFpu && reg <= last; ++reg) {
      if (load)
        write(reg);
      else
        code.reads.push_back({reg, Role::kFpStoreData});
    }
    if (code.writeback >= 0) line_.number = 4 * (last - first + 1);
    return true;
  }

  Reg address(std::string_view word) {
    const Words parts = operands_of(word.substr(1, word.find(']') - 1));
    if (parts.empty()) return -1;
    read_as(parts[0], Role::kAddress);
    if (parts.size() > 1) {
      read_as(parts[1], Role::kAddress);
      line_.number = number_of(parts[1]).value_or(0);
    }
    return register_of(parts[0]);
  }

  bool floating() {
    if (!name_.starts_with('v') || words_.size() < 2) return false;
    Instruction& code = line_.instruction;
    const Reg to = register_of(words_[0]);
    write(to);
    if (name_ == "vmov") {
      read_as(words_[1], Role::kAlu);
      code.kind = to >= kFpu ? Kind::kMoveToFpu : Kind::kMoveToCore;
      line_.effect = Effect::kSum;
      line_.target = to;
      line_.a = register_of(words_[1]);
      return true;
    }
    const bool fused = name_.starts_with("vfma"), multiply = name_.starts_with("vmul");
    code.kind = fused ? Kind::kFpFused : multiply ? Kind::kFpMultiply : Kind::kFpAdd;
    for (size_t i = 1; i < words_.size(); ++i) read_as(words_[i], fused || multiply ? Role::kFpMultiply : Role::kFpAdd);
    if (fused) read_as(words_[0], Role::kFpAccumulate);
    return true;
  }

  Kind kind() const {
    if (name_.starts_with("sml") || name_.starts_with("smm") || name_.starts_with("smu") || is({"mla", "mls", "mul"}))
      return Kind::kMultiply;
    if (is({"sxtab16", "uxtab16", "pkhbt", "pkhtb", "bfi", "ubfx", "sbfx"})) return Kind::kPack;
    if (name_.starts_with("sxt") || name_.starts_with("uxt") || is({"sadd16", "ssub16", "uadd8", "sadd8", "ssub8"}))
      return Kind::kExtend;
    if (is({"ssat", "usat", "ssat16", "usat16", "qadd8", "qsub8", "qadd", "qsub"})) return Kind::kSaturate;
    const bool shift = is({"lsl", "lsr", "asr", "ror"});
    if (shift) return Kind::kShift;
    return has_word("asr") || has_word("lsl") || has_word("lsr") || has_word("ror") ? Kind::kAluShifted : Kind::kAlu;
  }

  void reads() {
    const Kind kind = line_.instruction.kind;
    const bool compares = line_.instruction.writes.empty();
    for (size_t i = compares ? 0 : 1; i < words_.size(); ++i) {
      Role role = Role::kAlu;
      if (kind == Kind::kMultiply) role = i == 3 ? Role::kAccumulate : Role::kMultiply;
      if (kind == Kind::kAluShifted && i == 2) role = Role::kShifted;
      if (kind == Kind::kPack) role = name_ == "pkhtb" || i == 2 ? Role::kShifted : Role::kAlu;
      if (kind == Kind::kSaturate && name_.find("sat") != std::string_view::npos) role = Role::kShifted;
      read_as(words_[i], role);
    }
    if (!words_.empty() && is({"movt", "bfi"})) read_as(words_[0], Role::kAlu);
  }

  /// Additions, copies and comparisons.
  void sum() {
    const bool compare = name_ == "cmp";
    line_.sets_flags = compare || is({"subs", "adds", "movs"});
    if (line_.sets_flags) line_.instruction.writes.push_back(kFlags);
    const bool move = is({"mov", "movw", "movs", "movt"}), add = is({"add", "adds", "addw"});
    const bool subtract = is({"sub", "subs", "subw"}) || name_.starts_with("subw") || compare;
    if ((!move && !add && !subtract) || words_.size() < 2 || line_.instruction.kind != Kind::kAlu) return;
    line_.effect = Effect::kSum;
    line_.target = compare ? -1 : register_of(words_[0]);
    line_.sign = subtract ? -1 : 1;
    size_t next = 1;
    if (!move) line_.a = register_of(words_[compare || words_.size() == 2 ? 0 : next++]);
    if (name_ == "movt") line_.a = line_.target;
    const Reg last = register_of(words_[next]);
    const std::optional<int64_t> number = number_of(words_[next]);
    if (last < 0 && !number) line_.effect = Effect::kOther;
    if (last >= 0) {
      (move ? line_.a : line_.b) = last;
    } else if (number) {
      line_.number = name_ == "movt" ? *number * 65536 : line_.sign * *number;
    }
  }

  std::string_view name_;
  const Words& words_;
  AssemblyLine line_;
  int64_t step_ = 0;
};

/// The lines of assembly in a text, of which some may be C.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (line.starts_with("#else")) break;
    lines.push_back(line);
  }
  const auto quoted = [](std::string_view line) { return line.starts_with('"') && line.ends_with("\\n\""); };
  if (std::any_of(lines.begin(), lines.end(), quoted)) {
    std::erase_if(lines, [&](std::string_view line) { return !quoted(line); });
    for (std::string_view& line : lines) line = line.substr(1, line.size() - 4);
  }
  for (std::string_view& line : lines) line = trimmed(line.substr(0, line.find('@')));
  std::erase_if(lines, [](std::string_view line) { return line.empty() || line.front() == '.'; });
  return lines;
}

/// The lines of one function after another; labels are numbers, and may come again.
class Functions {
 public:
  void begin(std::string_view name) {
    done_.push_back({std::string(name), {}});
    labels_.clear();
    forward_.clear();
  }

  void label(std::string_view name) {
    const int here = static_cast<int>(lines().size());
    labels_[name] = here;
    std::erase_if(forward_, [&](const std::pair<size_t, std::string_view>& branch) {
      if (branch.second == name) lines()[branch.first].goes_to = here;
      return branch.second == name;
    });
  }

  void add(std::string_view line) {
    const size_t blank = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view name = line.substr(0, blank);
    const Words words = operands_of(line.substr(blank));
    if (name == "it") {
      block_ = words.empty() ? Condition::kAlways : condition_of(words[0]).value_or(Condition::kAlways);
      return;
    }
    AssemblyLine read = Reader(name, words).read();
    read.instruction.text = std::string(line);
    if (block_ != Condition::kAlways) {
      read.condition = block_;
      read.instruction.reads.push_back({kFlags, Role::kAlu});
      block_ = Condition::kAlways;
    }
    if (read.effect == Effect::kBranch) aim(words[0], &read);
    lines().push_back(std::move(read));
  }

  std::vector<AssemblyFunction> done() { return std::move(done_); }

 private:
  std::vector<AssemblyLine>& lines() {
    if (done_.empty()) done_.push_back({});
    return done_.back().lines;
  }

  /// "1b" is the latest label 1, "1f" the next.
  void aim(std::string_view label, AssemblyLine* branch) {
    const char way = label.back();
    label.remove_suffix(1);
    const auto known = labels_.find(label);
    if (way == 'f') forward_.emplace_back(lines().size(), label);
    if (way == 'b' && known != labels_.end()) branch->goes_to = known->second;
  }

  std::vector<AssemblyFunction> done_;
  std::map<std::string_view, int> labels_;
  std::vector<std::pair<size_t, std::string_view>> forward_;  // branches whose labels come later
  Condition block_ = Condition::kAlways;                      // of the instruction after IT
};

}  // namespace

std::vector<AssemblyFunction> read_assembly(std::string_view text) {
  Functions functions;
  for (const std::string_view line : lines_of(text)) {
    if (!line.ends_with(':')) {
      functions.add(line);
      continue;
    }
    const std::string_view name = line.substr(0, line.size() - 1);
    if (number_of(name))
      functions.label(name);
    else
      functions.begin(name);
  }
  return functions.done();
}

}  // namespace mote::schedule
