// How long a virtual board takes from its start to its first instruction, and to be given 64 KB over the local socket.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"
#include "support/bytes.h"
#include "target/board.h"

namespace mote::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void print_figures(const char* what, std::vector<double> figures) {
  std::ranges::sort(figures);
  fmt::print("{}: least {:.2f}, median {:.2f}, most {:.2f} ms\n", what, figures.front(), figures[figures.size() / 2],
             figures.back());
}

int run(const std::string& board_name, int times) {
  constexpr size_t kLoaded = 64u << 10;
  const target::Board board = target::load_board(board_name);
  const uint32_t ram = board.ram().address;
  std::vector<double> starts, loads;
  for (int i = 0; i < times; ++i) {
    const Clock::time_point begin = Clock::now();
    const std::unique_ptr<device::Device> device = device::open_device("sim", board);
    device->write(ram, Bytes{std::byte{0x01}, std::byte{0x20}, std::byte{0xFE}, std::byte{0xE7}});
    device::Registers registers;
    registers.r[15] = ram;
    registers.xpsr = 1u << 24;
    device->run(registers, ram + 2, std::chrono::seconds(10));  // movs r0, #1 has run
    starts.push_back(milliseconds_since(begin));

    Bytes bytes(kLoaded);
    for (size_t b = 0; b < bytes.size(); ++b) bytes[b] = static_cast<std::byte>(b * 7 + static_cast<size_t>(i));
    const Clock::time_point loading = Clock::now();
    device->write(ram, bytes);
    loads.push_back(milliseconds_since(loading));
  }
  print_figures("from the start of the process to its first instruction", starts);
  print_figures("64 KB into memory", loads);
  return 0;
}

}  // namespace
}  // namespace mote::benchmarks

int main(int argc, char** argv) {
  std::string board = "nucleo-f746zg";
  int times = 50;
  CLI::App app("How long the virtual board takes to start and to be loaded");
  app.add_option("--board", board, "A board's name")->capture_default_str();
  app.add_option("--times", times, "How often")->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  return mote::benchmarks::run(board, times);
}
