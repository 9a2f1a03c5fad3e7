// A memory plan as a picture.
#pragma once

#include <string>

#include "deploy/arena.h"
#include "deploy/network.h"

namespace mote::deploy {

/// An SVG document: time goes across, one column per operator, and addresses go up; every region is a box with its name
/// and size. Names from outside are shown through codegen::identifier(). The same plan gives the same bytes.
std::string draw_svg(const Network& network, const Arena& arena);

}  // namespace mote::deploy
