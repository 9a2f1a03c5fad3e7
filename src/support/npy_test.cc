#include "support/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error.h"
#include "support/random.h"

namespace mote {
namespace {

using testing::HasSubstr;

Bytes bytes_of(const std::string& text) {
  return to_bytes(std::span<const char>(text));
}

/// A file with this header and data.
Bytes file_with(const std::string& header, const std::string& data, char version = 1) {
  std::string length{static_cast<char>(header.size()), '\0'};
  if (version > 1) length += std::string(2, '\0');
  return bytes_of("\x93NUMPY" + std::string{version, '\0'} + length + header + data);
}

std::string error_of(const Bytes& bytes) {
  try {
    parse_npy(bytes, "in.npy");
    return "none";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(Npy, IsWhatNumpyWrites) {
  // numpy.save of numpy.array([[1, -2, 3]], numpy.int8)
  const std::string header = "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }";
  const NpyArray array{NpyType::kInt8, {1, 3}, to_bytes(std::vector<int8_t>{1, -2, 3})};
  const Bytes file = npy_of(array);
  ASSERT_EQ(file.size(), 128u + 3u) << "the data is aligned to 64 bytes";
  EXPECT_EQ(file, file_with(header + std::string(117 - header.size(), ' ') + "\n", "\x01\xfe\x03"));
  EXPECT_EQ(parse_npy(file, "in.npy"), array);
}

TEST(Npy, RoundTrips) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    NpyArray array;
    size_t size = 1;
    for (uint64_t rank = random.below(6); rank > 0; --rank) {
      array.shape.push_back(random.between(0, 5));
      size *= static_cast<size_t>(array.shape.back());
    }
    array.type = random.below(2) ? NpyType::kInt8 : NpyType::kFloat32;
    array.data.resize(size * (array.type == NpyType::kInt8 ? 1 : 4));
    random.fill(array.data);
    const Bytes file = npy_of(array);
    ASSERT_TRUE(is_npy(file));
    ASSERT_EQ((file.size() - array.data.size()) % 64, 0u);
    ASSERT_EQ(parse_npy(file, "in.npy"), array);
  }
}

TEST(Npy, ReadsEveryVersionAndScalars) {
  const std::string header = "{'shape': (), \"descr\": '|i1', 'fortran_order': False}";
  const NpyArray expected{NpyType::kInt8, {}, {std::byte{7}}};
  for (char version : {1, 2, 3}) EXPECT_EQ(parse_npy(file_with(header, "\x07", version), "in.npy"), expected);
}

TEST(Npy, SaysWhatIsWrong) {
  EXPECT_THAT(error_of({}), HasSubstr("in.npy: this is no .npy file"));
  EXPECT_THAT(error_of(bytes_of("\x93NUMPY")), HasSubstr("cut off in its version"));
  EXPECT_THAT(error_of(file_with("", "", 4)), HasSubstr("version 4 of .npy is not known"));
  EXPECT_THAT(error_of(bytes_of(std::string("\x93NUMPY\1\0\xff", 9))), HasSubstr("cut off in its header"));
  EXPECT_THAT(error_of(bytes_of(std::string("\x93NUMPY\1\0\xff\xff{", 11))), HasSubstr("cut off in its header"));
  const auto with = [](const std::string& type, const std::string& order, const std::string& shape,
                       const std::string& data) {
    return error_of(file_with("{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + "}", data));
  };
  EXPECT_EQ(with("'|i1'", "False", "(2,)", "ab"), "none");
  EXPECT_THAT(with("'<f8'", "False", "(1,)", "01234567"),
              HasSubstr("an array of '<f8'; only int8 and float32 can be read: save array.astype"));
  EXPECT_THAT(with("[('a', '<f4')]", "False", "(1,)", "0123"), HasSubstr("no string where one must be"));
  EXPECT_THAT(with("'|i1'", "True", "(2, 3)", "012345"), HasSubstr("numpy.ascontiguousarray"));
  EXPECT_THAT(with("'|i1'", "Maybe", "(1,)", "0"), HasSubstr("neither True nor False"));
  EXPECT_THAT(with("'|i1'", "False", "(2,)", "0"),
              HasSubstr("an array of shape (2,) of int8 does not have 1 bytes of data"));
  EXPECT_THAT(with("'|i1'", "False", "(2,)", "012"), HasSubstr("does not have 3 bytes"));
  EXPECT_THAT(with("'|i1'", "False", "(-2,)", ""), HasSubstr("no list of sizes"));
  EXPECT_THAT(with("'|i1'", "False", "(9223372036854775807, 9223372036854775807)", ""),
              HasSubstr("does not have 0 bytes"));
  EXPECT_THAT(with("'<f4'", "False", "(4611686018427387904,)", ""), HasSubstr("does not have 0 bytes"));
  EXPECT_THAT(error_of(file_with("{'descr': '|i1', 'shape': (1,)}", "0")), HasSubstr("lacks one of"));
  EXPECT_THAT(error_of(file_with("{'name': '|i1'}", "0")), HasSubstr("unknown key 'name'"));
  EXPECT_THAT(error_of(file_with("{'descr': '|i1', 'fortran_order': False, 'shape': ()} x", "0")),
              HasSubstr("goes on after its end"));
}

TEST(Npy, AnyBytesEitherParseOrAreRefused) {
  Random random(2);
  const Bytes good = npy_of({NpyType::kFloat32, {2, 3}, Bytes(24)});
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = good;
    for (uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const size_t at = random.below(std::min<size_t>(bytes.size(), 80));
      if (random.below(4) == 0) {
        bytes.resize(random.below(bytes.size()) + 1);
      } else {
        bytes[at] = static_cast<std::byte>(random.bits());
      }
    }
    if (error_of(bytes) != "none") ++refused;
  }
  EXPECT_GT(refused, 10000);
}

}  // namespace
}  // namespace mote
