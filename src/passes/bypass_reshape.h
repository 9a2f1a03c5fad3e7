// A Dense sees its input as rows anyway, and a Reshape of a Reshape needs only the last shape; both read what the
// Reshape in front of them reads. The Reshape is dead when nothing else reads it.
//
//   a = mean(x)          # 1x1x1x64       a = mean(x)
//   b = reshape(a)       # 1x64     =>    c = dense(a)
//   c = dense(b)
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph bypass_reshape(ir::Graph graph);

}  // namespace mote::passes
