// What the compiler's passes make of a model, for mote inspect.
#pragma once

#include <cstdint>
#include <string>

#include "ir/graph.h"

namespace mote::cli {

/// A model after all passes, in numbers.
struct Compiled {
  int64_t macs = 0;      // that are left
  int64_t channels = 0;  // of the outputs of the model's operators
  int64_t removed_channels =
      0;  // of those: not computed, because they are the same for every input or nobody reads them
};
Compiled compiled_form(const ir::Graph& graph);

/// A line about it; empty when nothing was removed.
std::string text_of(const Compiled& compiled);

/// Prints a table of the passes with what each leaves.
void print_passes(const ir::Graph& graph);

/// Prints the text form of `graph` after the pass of this name. Throws InputError when there is none.
void print_after(const ir::Graph& graph, const std::string& pass);

}  // namespace mote::cli
