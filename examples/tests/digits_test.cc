// The digit classifier is as good as examples/README.md says, on digits it was neither trained nor calibrated with.
#include <filesystem>
#include <set>

#include "digits/quantized_digits.h"
#include "gtest/gtest.h"
#include "import/tflite/reader.h"
#include "support/data_dir.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::examples {

namespace {

const std::filesystem::path kFolder = mote::source_dir() / "examples/digits";

TEST(Digits, HeldOutOnesAreAThousandAllDifferentAndOfEveryKind) {
  const std::vector<Digit> digits = read_digits(kFolder / "held_out.bin");
  EXPECT_EQ(digits.size(), 1000u);
  std::set<int> labels;
  std::set<std::array<uint8_t, kDigitSize * kDigitSize>> images;
  for (const Digit& digit : digits) {
    labels.insert(digit.label);
    images.insert(digit.pixels);
  }
  EXPECT_EQ(labels.size(), 10u);
  EXPECT_EQ(images.size(), digits.size());
}

TEST(Digits, ModelTellsHeldOutDigits) {
  const ir::Graph model = import::read_tflite((kFolder / "digits.tflite").string());
  const ir::Tensor& input = model.tensor(model.inputs.at(0));
  EXPECT_EQ(input.scale(), 1.0f / 255);
  EXPECT_EQ(input.zero_point(), -128);
  EXPECT_GE(int8_accuracy(model, read_digits(kFolder / "held_out.bin")), 0.98);
}

TEST(Digits, BrokenFilesAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "digits.bin";
  EXPECT_THROW(read_digits(path), InputError);
  write_file(path, std::string_view("short"));
  EXPECT_THROW(read_digits(path), InputError);
  write_file(path, std::string(785, '\x0b'));
  EXPECT_THROW(read_digits(path), InputError);
}

}  // namespace

}  // namespace mote::examples
