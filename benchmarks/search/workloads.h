// The operators on which searches are compared: one of each kind that small networks are made of, small enough to be
// measured often, with many ways to divide their loops.
#pragma once

#include <string>
#include <vector>

#include "shapes/random_layer.h"

namespace mote::search {

struct NamedLayer {
  std::string name;  // of its benchmark files: "pointwise"
  shapes::Layer layer;
};

/// All of them, always the same.
const std::vector<NamedLayer>& named_layers();

}  // namespace mote::search
