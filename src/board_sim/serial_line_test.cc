// UARTs that lead to a terminal, to a socket, and to standard output; and what a firmware hears from them.
#include "board_sim/serial_line.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

std::string hear(int fd, size_t size) {
  std::string bytes(size, '\0');
  size_t have = 0;
  while (have < size) {
    const ssize_t count = read(fd, bytes.data() + have, size - have);
    if (count <= 0) break;
    have += static_cast<size_t>(count);
  }
  return bytes.substr(0, have);
}

FileDescriptor connect_to(const std::string& port) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  place.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
  return fd;
}

TEST(SerialLine, ATerminalCarriesEveryByteBothWays) {
  SerialLine line("pty");
  const FileDescriptor terminal(::open(line.name().c_str(), O_RDWR | O_NOCTTY));
  ASSERT_TRUE(terminal.valid()) << line.name();
  EXPECT_EQ(line.receive(), std::nullopt);
  const std::string bytes("a\r\n\x03\x04\0\xFF z", 9);
  line.send(bytes);
  EXPECT_EQ(hear(terminal.get(), bytes.size()), bytes);
  ASSERT_EQ(write(terminal.get(), bytes.data(), bytes.size()), ssize_t(bytes.size()));
  for (const char c : bytes) EXPECT_EQ(line.receive(), static_cast<uint8_t>(c));
  EXPECT_EQ(line.receive(), std::nullopt) << "nothing is sent back";
}

TEST(SerialLine, ATerminalThatNobodyReadsBlocksNobody) {
  SerialLine line("pty");
  for (int i = 0; i < 100; ++i) line.send(std::string(10'000, 'x'));
}

TEST(SerialLine, ASocketKeepsWhatWasSaidBeforeSomebodyCame) {
  SerialLine line("0");
  line.send("boot ");
  const FileDescriptor peer = connect_to(line.name());
  while (line.receive()) {
  }
  line.send("ready");
  EXPECT_EQ(hear(peer.get(), 10), "boot ready");
  ASSERT_EQ(write(peer.get(), "k", 1), 1);
  std::optional<uint8_t> byte;
  while (!byte) byte = line.receive();
  EXPECT_EQ(*byte, 'k');
}

struct UartBoard {
  const char* board;
  const char* status;  // its address
  int received_bit;
  const char* in;
  const char* out;
};

class Uarts : public testing::TestWithParam<UartBoard> {};

// Sends back what it hears, in capitals, until a full stop; then ends by semihosting.
TEST_P(Uarts, AreHeardAndSpeak) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const UartBoard& uart = GetParam();
  Rig rig(uart.board);
  std::string out, in = "abc.";
  size_t next = 0;
  int looks = 0;
  rig.machine->peripherals().print = [&](std::string_view bytes) { out += bytes; };
  rig.machine->peripherals().receive = [&]() -> std::optional<uint8_t> {
    if (++looks % 3 != 0 || next == in.size()) return std::nullopt;  // it takes its time
    return static_cast<uint8_t>(in[next++]);
  };
  const uint32_t flash = rig.board.flash().address, code = flash + 0x400;
  rig.load(fmt::format("ldr r4, ={}\n ldr r5, ={}\n ldr r6, ={}\n"
                       "1: ldr r0, [r4]\n lsrs r0, r0, #{}\n bcc 1b\n ldr r0, [r5]\n cmp r0, #'.'\n beq 2f\n"
                       "subs r0, #32\n str r0, [r6]\n b 1b\n2: movs r0, #24\n ldr r1, =0x20026\n bkpt 0xab\n.ltorg",
                       uart.status, uart.in, uart.out, uart.received_bit + 1),
           code);
  rig.write(flash, rig.board.ram().address + 0x1000);
  rig.machine->reset();
  const Halt halt = rig.machine->run();
  EXPECT_EQ(halt.reason, Halt::Reason::kExit);
  EXPECT_EQ(out, "ABC");
  EXPECT_EQ(rig.machine->peripherals().summary(), "") << "it is modelled";
}

INSTANTIATE_TEST_SUITE_P(Boards, Uarts,
                         testing::Values(UartBoard{"nucleo-f746zg", "0x4001101C", 5, "0x40011024", "0x40011028"},
                                         UartBoard{"stm32f4-discovery", "0x40011000", 5, "0x40011004", "0x40011004"},
                                         UartBoard{"nucleo-l4r5zi", "0x4001381C", 5, "0x40013824", "0x40013828"},
                                         UartBoard{"mps2-an386", "0x40004004", 1, "0x40004000", "0x40004000"}),
                         [](const testing::TestParamInfo<UartBoard>& info) {
                           std::string name = info.param.board;
                           std::erase(name, '-');
                           return name;
                         });

TEST(TouchedPeripherals, AreSummedUp) {
  Rig rig;
  rig.read(0x40020000);
  rig.write(0x40020018, 1);
  rig.read(0x40012C00);
  EXPECT_EQ(rig.machine->peripherals().summary(),
            "1 accesses to the peripheral at 0x40012c00, which is not modelled\n"
            "2 accesses to the peripheral at 0x40020000, which is not modelled\n");
}

}  // namespace
}  // namespace mote::board_sim
