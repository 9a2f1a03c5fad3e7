// Handwritten digits: the images the example trains on, and the held-out ones it is judged by.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mote::examples {

inline constexpr int kDigitSize = 28;

/// One digit: 28x28 pixels row by row, 0 paper, 255 ink.
struct Digit {
  uint8_t label = 0;
  std::array<uint8_t, kDigitSize * kDigitSize> pixels{};
  bool operator==(const Digit&) const = default;
};

/// The digits in a file of 785-byte records: label, then pixels. Throws InputError when the file cannot be read or is
/// not a whole number of records with labels 0 to 9.
std::vector<Digit> read_digits(const std::string& path);
void write_digits(const std::string& path, const std::vector<Digit>& digits);

/// `digit` as the model's int8 input: scale 1/255, zero point -128, so that paper is 0 and ink is 1.
std::vector<int8_t> model_input(const Digit& digit);

}  // namespace mote::examples
