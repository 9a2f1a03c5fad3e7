// Digits as text.
#pragma once

#include <string>
#include <vector>

#include "digits/digits.h"

namespace mote::examples {

/// Lines of `digit` in characters, two rows of pixels a line, the margins cut off: 13 lines of 24.
std::vector<std::string> art(const Digit& digit);

/// Some digits beside each other, three a row, each with its `captions` line below.
std::string art_gallery(const std::vector<Digit>& digits, const std::vector<std::string>& captions);

}  // namespace mote::examples
