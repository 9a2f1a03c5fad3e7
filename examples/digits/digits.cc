#include "digits/digits.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "support/error.h"

namespace mote::examples {

namespace {
constexpr size_t kRecordSize = 1 + kDigitSize * kDigitSize;
}

std::vector<Digit> read_digits(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(path, "cannot be opened");
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty() || bytes.size() % kRecordSize != 0) throw InputError(path, "is not a file of 785-byte digits");
  std::vector<Digit> digits(bytes.size() / kRecordSize);
  for (size_t i = 0; i < digits.size(); ++i) {
    const char* record = bytes.data() + i * kRecordSize;
    digits[i].label = static_cast<uint8_t>(record[0]);
    if (digits[i].label > 9) throw InputError(path, "record " + std::to_string(i) + ": the label is no digit");
    std::transform(record + 1, record + kRecordSize, digits[i].pixels.begin(),
                   [](char c) { return static_cast<uint8_t>(c); });
  }
  return digits;
}

void write_digits(const std::string& path, const std::vector<Digit>& digits) {
  std::ofstream file(path, std::ios::binary);
  for (const Digit& digit : digits) {
    file.put(static_cast<char>(digit.label));
    file.write(reinterpret_cast<const char*>(digit.pixels.data()), static_cast<std::streamsize>(digit.pixels.size()));
  }
  if (!file.flush()) throw JobError("cannot write " + path);
}

std::vector<int8_t> model_input(const Digit& digit) {
  std::vector<int8_t> input(digit.pixels.size());
  std::transform(digit.pixels.begin(), digit.pixels.end(), input.begin(),
                 [](uint8_t pixel) { return static_cast<int8_t>(pixel - 128); });
  return input;
}

}  // namespace mote::examples
