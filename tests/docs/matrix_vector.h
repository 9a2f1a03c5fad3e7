// The example of docs/add-a-template.md: tunes a matrix-vector product on the virtual board.
#pragma once

#include <cstdint>
#include <utility>

#include "records/database.h"
#include "space/config.h"
#include "support/bytes.h"

std::pair<mote::space::Config, uint64_t> tune_matrix_vector(const mote::Bytes& weights, int rows, int columns,
                                                            const mote::Bytes& x, const mote::Bytes& y,
                                                            mote::records::Database* records);
