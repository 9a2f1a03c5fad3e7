// Walking and rewriting loop programs: what the primitives are made of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "loop/ir.h"

namespace mote::loop {

/// `expr` with every node's children rewritten first, then the node itself by `change` (which may return its argument).
Expr rewrite(const Expr& expr, const std::function<Expr(const Expr&)>& change);

/// Replaces every expression of the block by rewrite(expr, change).
void rewrite_expressions(Block* block, const std::function<Expr(const Expr&)>& change);

/// Applies `change` to every index expression of the block: of loads, stores, invoke arguments and index values.
void rewrite_indices(Block* block, const std::function<Affine(const Affine&)>& change);

/// Calls `change(buffer, index vector)` for every access (load, store, invoke address) so that it may alter the index.
void rewrite_accesses(Block* block,
                      const std::function<void(const std::string& buffer, std::vector<Affine>* index)>& change);

/// `variable` replaced by `by` throughout.
void substitute(Block* block, const std::string& variable, const Affine& by);

/// Calls `visit` with every statement, outer ones first.
void for_each_stmt(Block* block, const std::function<void(Stmt&)>& visit);

/// Every loop over `variable`, replaced by the statements `change` makes of it. Returns how many there were.
int replace_loops(Block* block, const std::string& variable, const std::function<Block(For)>& change);

/// Whether the block reads or writes `buffer`.
bool uses(const Block& block, const std::string& buffer);

}  // namespace mote::loop
