// Which configs the records know to be good.
#pragma once

#include "deploy/network.h"
#include "records/database.h"
#include "target/board.h"

namespace mote::deploy {

/// Configs measured on this board for the same workload, template and target; the fastest first, however the board was
/// reached; but loops too large for the board's instruction cache must have won by some percent, because trials in
/// memory without wait states do not show what they cost. `records` must outlive the result.
Choose choose_from(const records::Database& records, const target::Board& board);

}  // namespace mote::deploy
