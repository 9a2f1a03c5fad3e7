// A board behind OpenOCD, driven over its Tcl port: one that runs already, or one that is started from the board file.
#pragma once

#include <memory>
#include <optional>

#include "device/connection.h"

namespace mote::device {

/// `endpoint`: of a running OpenOCD's Tcl port; without it one is started by what the board file says. Throws
/// InputError when the board file says nothing about OpenOCD and there is no endpoint.
std::unique_ptr<Device> open_openocd(const std::optional<Endpoint>& endpoint, const target::Board& board,
                                     const Limits& limits);

}  // namespace mote::device
