// OpenOCD's Tcl port: commands and answers, each ended by the byte 0x1a.
#pragma once

#include <string>

#include "device/connection.h"

namespace mote::device {

class TclClient {
 public:
  TclClient(const Endpoint& endpoint, const std::string& name, const Limits& limits);

  struct Answer {
    bool ok = false;
    std::string text;  // the result, or the error
  };
  /// Evaluates `script`. Throws ConnectionError when no answer comes within `limit`, or one that is not OpenOCD's.
  Answer evaluate(const std::string& script, std::chrono::milliseconds limit);
  /// The same within the usual limit; a Tcl error becomes an AccessError with `what` before OpenOCD's words.
  std::string require(const std::string& script, const std::string& what);
  /// False after a ConnectionError: the answers that are still to come would be taken for others.
  bool usable() const { return usable_; }

 private:
  Connection connection_;
  bool usable_ = true;
  std::chrono::milliseconds limit_;
};

}  // namespace mote::device
