// The one list of drivers.
#include "device/gdb_device.h"
#include "device/host.h"
#include "device/openocd.h"

namespace mote::device {

std::unique_ptr<Device> open_device(const std::string& via, const target::Board& board, const Limits& limits) {
  if (via == "sim" || via == "sim:flash") return open_sim(via, board, limits);
  if (via == "host") return open_host(board, limits);
  if (via.starts_with("gdb:")) {
    return std::make_unique<GdbDevice>(parse_endpoint(via.substr(4), "--via " + via), via, board, limits);
  }
  if (via == "openocd") return open_openocd(std::nullopt, board, limits);
  if (via.starts_with("openocd:")) return open_openocd(parse_endpoint(via.substr(8), "--via " + via), board, limits);
  throw InputError("--via " + via,
                   "unknown; known are: sim, sim:flash, host, gdb:HOST:PORT, openocd, openocd:HOST:PORT");
}

std::string way_of(const std::string& via) {
  for (const char* const way : {"gdb", "openocd"}) {
    if (via.starts_with(std::string(way) + ":")) return way;
  }
  return via;
}

}  // namespace mote::device
