#include "import/tflite/labels.h"

#include <gmock/gmock.h>

#include "support/bytes.h"
#include "support/error.h"
#include "support/random.h"

namespace mote::import {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Bytes bytes_of(const std::string& text) {
  return to_bytes(std::span<const char>(text));
}

std::string little(uint32_t value, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// A zip archive with one stored file behind a model of `model_size` bytes.
std::string packed(const std::string& name, const std::string& contents, size_t model_size, uint32_t method = 0) {
  const std::string common =
      little(method, 2) + little(0, 4) + little(0, 4) + little(static_cast<uint32_t>(contents.size()), 4) +
      little(static_cast<uint32_t>(contents.size()), 4) + little(static_cast<uint32_t>(name.size()), 2);
  const std::string local = "PK\3\4" + little(20, 2) + little(0, 2) + common + little(0, 2) + name + contents;
  const std::string entry = "PK\1\2" + little(20, 2) + little(20, 2) + little(0, 2) + common + little(0, 2) +
                            little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                            little(static_cast<uint32_t>(model_size), 4) + name;
  const std::string end = "PK\5\6" + little(0, 4) + little(1, 2) + little(1, 2) +
                          little(static_cast<uint32_t>(entry.size()), 4) +
                          little(static_cast<uint32_t>(model_size + local.size()), 4) + little(0, 2);
  return std::string(model_size, 'x') + local + entry + end;
}

TEST(Labels, AreTheLinesOfAFile) {
  EXPECT_THAT(parse_labels(bytes_of("yes\r\nno\n\n"), "f"), ElementsAre("yes", "no"));
  EXPECT_THAT(parse_labels(bytes_of("a\n\nc"), "f"), ElementsAre("a", "", "c"));
  EXPECT_THROW(parse_labels(bytes_of("\n\n"), "f"), InputError);
}

TEST(Labels, ArePackedBehindAModel) {
  EXPECT_THAT(packed_labels(bytes_of(packed("labels.txt", "cat\ndog\n", 100)), "m"), ElementsAre("cat", "dog"));
  EXPECT_THAT(packed_labels(bytes_of(packed("LabelMap.TXT", "cat", 7)), "m"), ElementsAre("cat"));
  EXPECT_THAT(packed_labels(bytes_of(packed("vocab.txt", "cat", 7)), "m"), IsEmpty());
  EXPECT_THAT(packed_labels(bytes_of(packed("labels.txt", "cat", 7, 8)), "m"), IsEmpty()) << "compressed";
  EXPECT_THAT(packed_labels(bytes_of(std::string(50, 'x')), "m"), IsEmpty());
  EXPECT_THAT(packed_labels({}, "m"), IsEmpty());
}

TEST(Labels, BrokenArchivesDoNoHarm) {
  const std::string whole = packed("labels.txt", "cat\ndog\n", 40);
  Random random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string broken = whole;
    for (uint64_t change = random.below(4) + 1; change-- > 0;) {
      broken[random.below(broken.size())] = static_cast<char>(random.below(256));
    }
    if (random.below(4) == 0) broken.resize(random.below(broken.size()));
    try {
      packed_labels(bytes_of(broken), "m");
    } catch (const InputError&) {  // a file of empty lines
    }
  }
}

}  // namespace
}  // namespace mote::import
