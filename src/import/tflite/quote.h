// Text from a model, made fit to be shown.
#pragma once

#include <string>
#include <string_view>

namespace mote::import {

/// `text` in double quotes, with control characters, quotes, backslashes and bytes that are not UTF-8 escaped, and
/// shortened in the middle beyond about 60 bytes. What a terminal or a log gets to see of a name.
std::string quoted(std::string_view text);

}  // namespace mote::import
