// Names of a model's output values: of a text file, or of one that is packed into the model file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mote::import {

/// One label a line; empty lines at the end do not count. Throws InputError for `file` when there is none.
std::vector<std::string> parse_labels(std::span<const std::byte> bytes, const std::string& file);

/// TFLite metadata keeps its associated files as a zip archive behind the model: the lines of the one whose name speaks
/// of labels and ends in .txt. None when there is no archive, no such file, or when it is compressed.
std::vector<std::string> packed_labels(std::span<const std::byte> model, const std::string& file);

}  // namespace mote::import
