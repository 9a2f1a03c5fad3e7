// Tuning a loop program of the caller's own.
#pragma once

#include <optional>

#include "measure/measurer.h"
#include "tune/tuner.h"

namespace mote::measure {

struct Tuned {
  space::Config config;
  uint64_t cycles = 0;
};

/// The best of what `options.trials` trials found for the one program `subject` on the `board` that `via` reaches
/// ("sim": a virtual one); nothing when none of them worked. `task`: its space, the fallback, and the name it goes by
/// in the records (workload); its template_version tells records of different programs apart. options.setting is filled
/// in. `records`, which may be null, holds every trial afterwards, and what it knows already is not measured again.
/// Throws InputError and JobError as tune::tune() does.
std::optional<Tuned> tune_program(const tune::Task& task, const Subject& subject, const target::Board& board,
                                  const std::string& via, tune::Options options, records::Database* records);

}  // namespace mote::measure
