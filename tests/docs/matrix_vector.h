// The example of docs/add-a-template.md: tunes a matrix-vector product on the virtual board.
#pragma once

#include <optional>

#include "measure/tune_program.h"

std::optional<mote::measure::Tuned> tune_matrix_vector(const mote::Bytes& weights, int rows, int columns,
                                                       const mote::Bytes& x, const mote::Bytes& y,
                                                       mote::records::Database* records);
