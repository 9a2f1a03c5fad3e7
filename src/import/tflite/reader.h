// TensorFlow Lite models (.tflite, schema version 3) into graphs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace mote::import {

/// Something in a model that mote cannot take.
struct Problem {
  int op_index = -1;    // the operator, by its place in the model; -1: the model as a whole, or its inputs and outputs
  std::string op_name;  // "CONV_2D"; empty with op_index -1
  std::string tensors;  // the operator's operands and results for people: `3 "x" i8 1x8x8x3 -> 5 "y" i8 1x4x4x8`
  std::string what;     // what is wrong with it
  bool operator==(const Problem&) const = default;
};

/// All of a model that can be understood, and all of it that cannot. With problems the graph is incomplete: it lacks
/// the operators that have one, and may not be legal.
struct Survey {
  ir::Graph graph;
  std::vector<Problem> problems;  // by operator, those of the whole model first
  int operator_count = 0;         // in the model, with those that the graph lacks
};

/// Reads a model. The graph is named after the file ("kws" for "models/kws.tflite"), every tensor's source_index and
/// every operator's source say where it stands in the model's first subgraph, and tensors appear in that order; those
/// that only parametrise an operator (axes, shapes, paddings) are gone. Throws InputError naming the file and, if it is
/// one operator's fault, the operator with its index and tensors.
ir::Graph read_tflite(const std::string& path);
/// The same from memory; `file` names it in errors. `bytes` need not be aligned, nor outlive the call.
ir::Graph read_tflite(std::span<const std::byte> bytes, const std::string& file);

/// Like read_tflite(), but goes on after an operator that it cannot take. Throws InputError only for what is no TFLite
/// model at all or cannot be read.
Survey survey_tflite(const std::string& path);
Survey survey_tflite(std::span<const std::byte> bytes, const std::string& file);

/// A problem as one line, without the file: `operator 3 CONV_2D (3 "x" ... ): what`.
std::string text_of(const Problem& problem);

}  // namespace mote::import
