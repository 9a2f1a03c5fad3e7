// Tuning a model while some of the candidates are made to hang, jump to nowhere or store to a bad address, and what the
// records say of them afterwards.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "measure/sabotage.h"
#include "session/pool.h"
#include "tune/tuner.h"

namespace mote::benchmarks {

struct FaultyTuning {
  std::string model;              // a .tflite file
  std::string board;              // name or file
  std::vector<std::string> vias;  // connections, as `mote tune --via` takes them
  size_t trials = 1000;
  uint64_t one_in = 20;  // candidates that are spoiled
  uint64_t seed = 1;
  std::chrono::milliseconds run_limit{2000};  // of a trial
  std::function<void(const std::string&)> on_event;
};

struct FaultyResult {
  size_t recorded = 0;                     // trials in the records
  std::map<records::Status, size_t> good;  // candidates left alone, by what was recorded
  std::array<std::map<records::Status, size_t>, measure::kSabotages> spoiled;
  std::vector<std::string> wrong;  // candidates recorded as what they are not
  std::vector<session::BoardState> boards;
  double seconds = 0;
};

/// Throws what tuning throws.
FaultyResult tune_with_faults(const FaultyTuning& what);

}  // namespace mote::benchmarks
