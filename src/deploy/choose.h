// Which configs the records know to be good.
#pragma once

#include "deploy/network.h"
#include "records/database.h"
#include "target/board.h"

namespace mote::deploy {

/// Configs measured on this board for the same workload, template and target; the fastest first, however the board was
/// reached. `records` must outlive the result.
Choose choose_from(const records::Database& records, const target::Board& board);

}  // namespace mote::deploy
