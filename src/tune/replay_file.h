// Benchmark files: the outcomes of many random points of one workload, compact enough to be kept, from which searches
// are compared without a board (replay.h).
//
// Text. Lines "# KEY VALUE" name the format's version, the workload and the setting; "# knobs ALTERNATIVE NAME ..."
// names an alternative ("-" when it has no name) and its knobs. Then one line per point: alternative, the knobs' values
// in that order, status (a blank in its name becomes "_"), cycles, flash bytes, RAM bytes; fields are separated by
// blanks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "records/trial.h"
#include "space/space.h"

namespace mote::tune {

/// The lines before the points: all that the trials of one file have in common.
std::string replay_header(const records::Trial& common, const space::Space& space);

/// The line of one point of the space, whose knobs are named in the header.
std::string replay_line(const space::Space& space, const space::Config& config, const records::Outcome& outcome);

/// Reads such text back. Throws InputError naming `where` and the line.
std::vector<records::Trial> read_replay(std::string_view text, const std::string& where);

}  // namespace mote::tune
