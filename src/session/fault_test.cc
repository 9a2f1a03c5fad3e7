#include "session/fault.h"

#include <gtest/gtest.h>

namespace mote::session {
namespace {

TEST(Fault, StatusRegistersInWords) {
  EXPECT_TRUE(decode_status(0, 0).empty());
  EXPECT_EQ(decode_status(1u << 9 | 1u << 15, 1u << 30), std::vector<std::string>{"precise data access"});
  EXPECT_EQ(decode_status(1u << 25, 0), std::vector<std::string>{"division by zero"});
  EXPECT_EQ(decode_status(1u << 16 | 1u << 24, 0),
            (std::vector<std::string>{"undefined instruction", "unaligned access"}));
  EXPECT_EQ(decode_status(0, 1u << 1), std::vector<std::string>{"vector table cannot be read"});
}

TEST(Fault, OneLineSaysItAll) {
  Fault fault;
  fault.kind = Fault::Kind::kBusFault;
  fault.reasons = {"precise data access"};
  fault.address = 0xDEADBEE0;
  EXPECT_EQ(fault.text(), "BusFault: precise data access at 0xdeadbee0");
  fault.registers_known = true;
  fault.registers.r[13] = 0x20000FF0;
  fault.registers.r[14] = 0x20010101;
  fault.registers.r[15] = 0x20010012;
  EXPECT_EQ(fault.text(), "BusFault: precise data access at 0xdeadbee0, PC 0x20010012, LR 0x20010101, SP 0x20000ff0");
  fault.function = "conv_0+0x12";
  fault.source_line = "conv_0.c:120";
  EXPECT_EQ(fault.text(),
            "BusFault: precise data access at 0xdeadbee0, in conv_0+0x12 (PC 0x20010012), conv_0.c:120, LR 0x20010101, "
            "SP 0x20000ff0");
  Fault timeout;
  timeout.kind = Fault::Kind::kTimeout;
  timeout.detail = "still running";
  EXPECT_EQ(timeout.text(), "timeout: still running");
}

}  // namespace
}  // namespace mote::session
