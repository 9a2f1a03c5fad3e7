#include "deploy/manifest.h"

#include <gmock/gmock.h>

#include "ir/random_model.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;

Library library() {
  Library made = make_library(ir::random_model(2), "model.tflite", "net", target::load_board("nucleo-f746zg"));
  made.placement.arena = true;
  made.placement.code = {{0, "a_name_that_is_longer_than_forty_eight_characters_with_its_00_conv_2d", 100, 0}};
  made.arena.pools = {{"sram1", "", 100}, {"dtcm", "_dtcm", 200}};
  made.placement.data_memory = "dtcm";
  made.sources = emit_sources(made.network, made.arena, made.origin);
  return made;
}

TEST(Manifest, TellsOfAFolderWhatItsLibraryIsMadeOf) {
  const Library written = library();
  const TemporaryFolder folder;
  const File weights{"net_weights.o", std::string("\x7f"
                                                  "ELF\0object",
                                                  11)};
  write_folder(folder.path() / "net", files_of(written, std::nullopt, weights));
  const std::optional<Found> found = find_library(folder.path() / "net");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->board, "nucleo-f746zg");
  EXPECT_EQ(found->parts.prefix, "net");
  EXPECT_EQ(found->parts.flags, written.origin.flags);
  EXPECT_TRUE(found->parts.placement.arena);
  EXPECT_EQ(code_sections(found->parts.placement), code_sections(written.placement));
  EXPECT_TRUE(found->parts.placement.data.empty());
  EXPECT_EQ(found->parts.placement.data_memory, "dtcm");
  ASSERT_EQ(found->parts.pools.size(), 2u);
  EXPECT_EQ(found->parts.pools[1].memory, "dtcm");
  EXPECT_EQ(found->parts.pools[1].suffix, "_dtcm");
  EXPECT_EQ(found->parts.pools[1].bytes, 200);
  std::vector<File> expected;  // without the README, the example and the CMakeLists.txt
  for (const File& file : written.sources) {
    if (!holds_weights(written, file)) expected.push_back(file);
  }
  expected.push_back(weights);
  EXPECT_THAT(found->parts.sources, testing::UnorderedElementsAreArray(expected));
}

TEST(Manifest, IsNotInAFolderOfAnotherKind) {
  const TemporaryFolder folder;
  EXPECT_FALSE(find_library(folder.path()));
}

TEST(Manifest, ThatIsMalformedIsRefusedByItsName) {
  const TemporaryFolder folder;
  const Library written = library();
  const std::vector<File> files = files_of(written, std::nullopt);
  const std::string good = files.back().text;
  ASSERT_EQ(files.back().path, "mote_library.json");
  const auto refusal = [&](const std::string& text) -> std::string {
    write_file(folder.path() / "mote_library.json", text);
    try {
      find_library(folder.path());
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto replaced = [&](const std::string& what, const std::string& by) {
    std::string text = good;
    text.replace(text.find(what), what.size(), by);
    return text;
  };
  EXPECT_THAT(refusal(good), HasSubstr("net.h")) << "which is not there";
  EXPECT_THAT(refusal(""), HasSubstr("mote_library.json"));
  EXPECT_THAT(refusal("[]"), HasSubstr("mote_library.json"));
  EXPECT_THAT(refusal(good.substr(0, good.size() / 2)), HasSubstr("mote_library.json"));
  EXPECT_THAT(refusal(replaced("\"net\"", "7")), HasSubstr("mote_library.json"));
  EXPECT_THAT(refusal(replaced("\"net\"", "\"net; }\"")), HasSubstr("is no name of C"));
  EXPECT_THAT(refusal(replaced("-O2", "-fplugin=x.so")), HasSubstr("other flags"));
  EXPECT_THAT(refusal(replaced("net.h", "../net.h")), HasSubstr("is not within the folder"));
  EXPECT_THAT(refusal(replaced("net.h", "/net.h")), HasSubstr("is not within the folder"));
}

}  // namespace
}  // namespace mote::deploy
