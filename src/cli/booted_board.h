// A deployment on the board that the options name.
#pragma once

#include <memory>
#include <string>

#include "cli/deployment.h"
#include "device/device.h"
#include "execute/booted.h"
#include "toolchain/toolchain.h"

namespace mote::cli {

class BootedBoard {
 public:
  /// Opens the board and boots the library on it. `deployment` must outlive this. Throws InputError for the host, which
  /// has no flash to boot from, and what execute::Booted throws.
  BootedBoard(const Deployment& deployment, const std::string& via);
  execute::Booted& get() { return *booted_; }
  toolchain::Toolchain& toolchain() { return toolchain_; }

 private:
  toolchain::Toolchain toolchain_;
  std::unique_ptr<device::Device> device_;
  std::unique_ptr<execute::Booted> booted_;
};

}  // namespace mote::cli
