// Random layers measured on a board.
#pragma once

#include <string>
#include <vector>

#include "records/outcome.h"
#include "shapes/random_layer.h"
#include "target/board.h"

namespace mote::shapes {

struct Measurement {
  Layer layer;
  int64_t macs = 0, outputs = 0, inputs = 0;
  std::string knobs;         // of the fallback
  records::Outcome outcome;  // a wrong result is one of them: every output is compared with the reference
};

/// The untuned kernel of every layer, on the virtual board.
std::vector<Measurement> measure_layers(const std::vector<Layer>& layers, const target::Board& board);

}  // namespace mote::shapes
