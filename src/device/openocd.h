// A board behind OpenOCD, driven over its Tcl port: one that runs already, or one that is started.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "device/connection.h"

namespace mote::device {

/// The cable through which an OpenOCD of our own reaches the board: the one that the board file names, or one to a
/// virtual board that is started, too.
enum class OpenOcdAdapter : uint8_t { kOfBoardFile, kVirtualStLink, kVirtualJtag };

/// Started by its adapter, or running, with its Tcl port at an endpoint. `name` is for messages. Throws InputError when
/// an OpenOCD is to be started and the board file does not say how.
std::unique_ptr<Device> open_openocd(const std::variant<OpenOcdAdapter, Endpoint>& where, const std::string& name,
                                     const target::Board& board);

}  // namespace mote::device
