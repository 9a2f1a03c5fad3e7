// The one list of drivers.
#include "device/gdb_device.h"
#include "device/host.h"
#include "device/openocd.h"

namespace mote::device {

std::unique_ptr<Device> open_device(const std::string& via, const target::Board& board) {
  if (via == "sim" || via == "sim:flash") return open_sim(via, board);
  if (via == "host") return open_host(board);
  if (via == "gdb") {
    if (!board.gdb) throw InputError(board.file, "says nothing about [gdb]; use gdb:HOST:PORT");
    return std::make_unique<GdbDevice>(Endpoint{board.gdb->host, board.gdb->port}, via, board);
  }
  if (via.starts_with("gdb:")) {
    return std::make_unique<GdbDevice>(parse_endpoint(via.substr(4), "--via " + via), via, board);
  }
  if (via == "sim:st-link") return open_openocd(OpenOcdAdapter::kVirtualStLink, via, board);
  if (via == "sim:jtag") return open_openocd(OpenOcdAdapter::kVirtualJtag, via, board);
  if (via == "openocd") return open_openocd(OpenOcdAdapter::kOfBoardFile, via, board);
  if (via.starts_with("openocd:")) return open_openocd(parse_endpoint(via.substr(8), "--via " + via), via, board);
  throw InputError("--via " + via,
                   "unknown; known are: sim, sim:flash, sim:st-link, sim:jtag, host, gdb, gdb:HOST:PORT, openocd, "
                   "openocd:HOST:PORT");
}

std::string way_of(const std::string& via) {
  for (const char* const way : {"gdb", "openocd"}) {
    if (via.starts_with(std::string(way) + ":")) return way;
  }
  if (via == "sim:st-link" || via == "sim:jtag") return "sim";  // the same board behind another cable
  return via;
}

}  // namespace mote::device
