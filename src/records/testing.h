// Made-up trials for the room's tests.
#pragma once

#include <iterator>
#include <string>

#include "records/trial.h"
#include "support/random.h"

namespace mote::records {

inline Setting m7_setting() {
  return {"cortex-m7", "nucleo-f746zg", "sim", "arm-none-eabi-gcc 12.2.1", "-O2 -mthumb"};
}

/// A successful trial of workload "w".
inline Trial ok_trial(const std::string& knobs, uint64_t cycles) {
  Trial trial{"w", "conv2d 1", m7_setting(), knobs, {}, 1'700'000'000'000};
  trial.outcome.cycles = cycles;
  trial.outcome.all_cycles = {cycles, cycles + 3};
  return trial;
}

inline Trial failed_trial(const std::string& knobs, Status status, const std::string& error) {
  Trial trial = ok_trial(knobs, 0);
  trial.outcome = {};
  trial.outcome.status = status;
  trial.outcome.error = error;
  return trial;
}

/// Any trial, with texts that hold whatever a text may hold.
inline Trial random_trial(Random& random) {
  const auto text = [&] {
    static const char* const kPieces[] = {"conv", " ", "=", "'", "\"", "\\",   "\n",
                                          "\t",   "é", "a", "%", "?",  "\x01", "7"};
    std::string made;
    for (uint64_t n = random.below(6); n > 0; --n) made += kPieces[random.below(std::size(kPieces))];
    return made;
  };
  Trial trial;
  trial.workload = "w" + std::to_string(random.below(3));
  trial.template_version = text();
  trial.setting = {text(), text(), text(), text(), text()};
  trial.knobs = "tile=" + std::to_string(random.below(50));
  trial.outcome.status = static_cast<Status>(random.below(kStatusCount));
  if (trial.outcome.status == Status::kOk) {
    trial.outcome.cycles = random.bits() >> (1 + random.below(63));
    trial.outcome.all_cycles = {trial.outcome.cycles, random.bits()};
  } else {
    trial.outcome.error = text();
  }
  trial.outcome.flash_bytes = static_cast<uint32_t>(random.bits());
  trial.outcome.ram_bytes = static_cast<uint32_t>(random.bits());
  trial.outcome.build_seconds = random.unit();
  trial.outcome.load_seconds = random.unit() * 1e-9;
  trial.outcome.run_seconds = random.unit() * 1e9;
  trial.time = random.between(0, 4'000'000'000'000);
  return trial;
}

}  // namespace mote::records
