// What ./demo needs beyond mote itself.
//
//   demo_helper compare UNTUNED TUNED             two documents of `mote profile --json` as one table
//   demo_helper inputs DIGITS FOLDER INDEX...     model inputs of some digits of a file: FOLDER/INDEX.in
//   demo_helper outputs DIGITS FOLDER INDEX...    shows these digits with what FOLDER/INDEX.out says of them
#include <fmt/format.h>

#include <stdexcept>

#include "demo/digit_art.h"
#include "demo/profiles.h"
#include "digits/quantized_digits.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::examples {

namespace {

std::vector<Digit> chosen(const std::string& file, const std::vector<std::string>& indices) {
  const std::vector<Digit> all = read_digits(file);
  std::vector<Digit> digits;
  for (const std::string& index : indices) {
    const size_t i = std::stoul(index);
    if (i >= all.size()) throw InputError(file, "has no digit " + index);
    digits.push_back(all[i]);
  }
  return digits;
}

void compare(const std::string& untuned, const std::string& tuned) {
  const Profile after = read_profile(tuned);
  fmt::print("{}", comparison(read_profile(untuned), after));
  fmt::print("  {} bytes of flash and {} bytes of RAM on {}\n", after.flash_bytes, after.ram_bytes, after.board);
}

void write_inputs(const std::string& file, const std::string& folder, const std::vector<std::string>& indices) {
  const std::vector<Digit> digits = chosen(file, indices);
  for (size_t i = 0; i < digits.size(); ++i) {
    write_file(folder + "/" + indices[i] + ".in", to_bytes(model_input(digits[i])));
  }
}

void show_outputs(const std::string& file, const std::string& folder, const std::vector<std::string>& indices) {
  const std::vector<Digit> digits = chosen(file, indices);
  std::vector<std::string> captions;
  for (size_t i = 0; i < digits.size(); ++i) {
    const std::string path = folder + "/" + indices[i] + ".out";
    const std::vector<int8_t> output = to_values<int8_t>(read_bytes(path));
    if (output.size() != 10) throw InputError(path, "is not the output of the digit classifier");
    const int answer = most_probable(output);
    captions.push_back(fmt::format("it is a {} ({} %){}", answer,
                                   (output[static_cast<size_t>(answer)] + 128) * 100 / 256,
                                   answer == digits[i].label ? "" : fmt::format(": no, a {}", digits[i].label)));
  }
  fmt::print("{}", art_gallery(digits, captions));
}

int run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  if (command == "compare" && arguments.size() == 3) {
    compare(arguments[1], arguments[2]);
  } else if ((command == "inputs" || command == "outputs") && arguments.size() > 3) {
    const std::vector<std::string> indices(arguments.begin() + 3, arguments.end());
    (command == "inputs" ? write_inputs : show_outputs)(arguments[1], arguments[2], indices);
  } else {
    fmt::print(
        stderr,
        "usage: demo_helper compare UNTUNED TUNED | inputs DIGITS FOLDER INDEX... | outputs DIGITS FOLDER INDEX...\n");
    return 2;
  }
  return 0;
}

}  // namespace

}  // namespace mote::examples

int main(int argc, char** argv) {
  try {
    return mote::examples::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "demo_helper: {}\n", error.what());
    return 1;
  }
}
