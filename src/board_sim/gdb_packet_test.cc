#include "board_sim/gdb_packet.h"

#include <gtest/gtest.h>

#include "support/random.h"

namespace mote::board_sim {
namespace {

using Kind = GdbReader::Event::Kind;

TEST(GdbPacket, FramesWithChecksumAndEscapes) {
  EXPECT_EQ(frame_packet("OK"), "$OK#9a");
  EXPECT_EQ(frame_packet("a#b"),
            "$a}\x03"
            "b#43");
}

TEST(GdbPacket, ReadsWhatItFramed) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::string packet(random.below(300), '\0');
    for (char& c : packet) c = static_cast<char>(random.bits());
    GdbReader reader;
    const std::string framed = frame_packet(packet);
    const size_t cut = random.below(framed.size());
    reader.feed(framed.substr(0, cut));
    EXPECT_FALSE(reader.next()) << "round " << round;
    reader.feed(framed.substr(cut));
    const std::optional<GdbReader::Event> event = reader.next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Kind::kPacket);
    EXPECT_EQ(event->packet, packet);
  }
}

TEST(GdbPacket, TellsBreaksAcksAndDamageApart) {
  GdbReader reader;
  reader.feed("junk+-\x03$OK#9b$OK#zz$OK#9a");
  const Kind expected[] = {Kind::kAck, Kind::kNack, Kind::kBreak, Kind::kDamaged, Kind::kDamaged, Kind::kPacket};
  for (const Kind kind : expected) {
    const std::optional<GdbReader::Event> event = reader.next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, kind);
  }
  EXPECT_FALSE(reader.next());
}

TEST(GdbPacket, DropsWhatIsTooLong) {
  GdbReader reader;
  reader.feed("$" + std::string(GdbReader::kLargest + 10, 'x'));
  ASSERT_EQ(reader.next()->kind, Kind::kDamaged);
  reader.feed("$g#67");
  EXPECT_EQ(reader.next()->packet, "g");
}

TEST(GdbPacket, SurvivesAnyBytes) {
  Random random(7);
  GdbReader reader;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random.below(40), '\0');
    for (char& c : bytes)
      c = "$#}+-\x03"
          "0aX,:*"[random.below(12)];
    reader.feed(bytes);
    while (reader.next()) {
    }
  }
}

TEST(GdbPacket, ReadsNumbers) {
  std::string_view text = "20aF,5";
  EXPECT_EQ(take_number(text), 0x20AFu);
  EXPECT_TRUE(take(text, ","));
  EXPECT_EQ(take_number(text), 5u);
  EXPECT_FALSE(take_number(text));
  text = "11112222333344445";
  EXPECT_FALSE(take_number(text));
  EXPECT_EQ(from_hex("4f4B"), "OK");
  EXPECT_FALSE(from_hex("4f4"));
  EXPECT_FALSE(from_hex("4g"));
}

}  // namespace
}  // namespace mote::board_sim
