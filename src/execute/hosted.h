// A library's operators one by one through a session: code and weights in RAM, nothing programmed into flash, the host
// in charge. The kernels are those of the library, from the same sources.
#pragma once

#include <vector>

#include "deploy/library.h"
#include "execute/inference.h"
#include "session/session.h"
#include "toolchain/toolchain.h"

namespace mote::execute {

class Hosted {
 public:
  /// All must outlive this. One operator with all its repeats may take the board's limits.run.
  Hosted(session::Session& session, const deploy::Library& library, toolchain::Toolchain& toolchain);

  /// One inference. `inputs` in the order of the graph's inputs, of their exact sizes. Every operator is run `repeats`
  /// times on the same inputs; its cycles are the fewest. As many operators as RAM holds are loaded and queued before
  /// the board runs them; with an `observer`, one at a time. Throws JobError that names the operator when one does not
  /// fit or fails, ConnectionError.
  Inference run(const std::vector<Bytes>& inputs, uint32_t repeats = 1, const Observer& observer = {});

 private:
  std::vector<toolchain::Object> compile(size_t index);

  session::Session& session_;
  const deploy::Library& library_;
  toolchain::Toolchain& toolchain_;
};

}  // namespace mote::execute
