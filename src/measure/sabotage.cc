#include "measure/sabotage.h"

#include "support/error.h"
#include "support/random.h"

namespace mote::measure {

namespace {

// No board has anything at these addresses, and no process of a Linux host. The compiler must not know where a store or
// a jump goes, nor that a loop has no end, lest it drops what follows and the candidate is no candidate any more.
const char* deed_of(Sabotage kind) {
  switch (kind) {
    case Sabotage::kHang:
      return "volatile int mote_wait = 1; while (mote_wait) { }";
    case Sabotage::kJumpToNowhere:
      return "void (*volatile mote_nowhere)(void) = (void (*)(void))(uintptr_t)0xDEADBEE1u; mote_nowhere();";
    case Sabotage::kBadStore:
      return "volatile int *volatile mote_bad = (volatile int *)(uintptr_t)0xDEADBEE0u; *mote_bad = 1;";
  }
  unreachable("Sabotage");
}

}  // namespace

std::string_view name_of(Sabotage kind) {
  switch (kind) {
    case Sabotage::kHang:
      return "hangs";
    case Sabotage::kJumpToNowhere:
      return "jumps to nowhere";
    case Sabotage::kBadStore:
      return "stores to a bad address";
  }
  unreachable("Sabotage");
}

std::optional<Sabotage> sabotage_of(const space::Config& config, uint64_t one_in, uint64_t seed) {
  for (const auto& [name, value] : config.values) {
    for (const char c : name) seed = Random(seed ^ static_cast<unsigned char>(c)).bits();
    seed = Random(seed ^ static_cast<uint64_t>(value)).bits();
  }
  Random random(seed);
  if (random.below(one_in) != 0) return std::nullopt;
  return static_cast<Sabotage>(random.below(kSabotages));
}

std::string sabotaged(std::string source, Sabotage kind) {
  const size_t name = source.rfind(std::string(kCandidateFunction) + "(");
  check(name != std::string::npos, "a candidate defines its function");
  const size_t brace = source.find('{', name);
  check(brace != std::string::npos, "a candidate's function has a body");
  return source.insert(brace + 1, std::string("\n") + deed_of(kind));
}

EditSource saboteur(uint64_t one_in, uint64_t seed) {
  return [one_in, seed](const space::Config& config, std::string source) {
    const std::optional<Sabotage> kind = sabotage_of(config, one_in, seed);
    return kind ? sabotaged(std::move(source), *kind) : source;
  };
}

records::Status status_after(Sabotage kind) {
  return kind == Sabotage::kHang ? records::Status::kTimeout : records::Status::kFault;
}

}  // namespace mote::measure
