// The templates behind kernel.h, one per operator family. Each file of this folder defines one or a few.
#pragma once

#include "kernels/kernel.h"

namespace mote::kernels {

struct Family {
  int version;
  space::Space (*space)(const Workload&, const target::Target&);
  space::Config (*fallback)(const Workload&, const target::Target&);
  loop::Program (*lower)(const Workload&, const space::Config&, const target::Target&, const std::string& name);
};

/// For families without a choice.
space::Space no_choice(const Workload& workload, const target::Target& target);
space::Config no_config(const Workload& workload, const target::Target& target);

extern const Family kConvolution;  // Conv2D
extern const Family kDepthwise;    // DepthwiseConv2D
extern const Family kDense;        // Dense
extern const Family kArithmetic;   // Add, Mul
extern const Family kElementwise;  // Lookup, Logistic, Tanh, Relu, Quantize, Dequantize
extern const Family kPooling;      // AveragePool2D, MaxPool2D
extern const Family kMean;         // Mean
extern const Family kSoftmax;      // Softmax
extern const Family kMovement;     // Pad, Reshape, Concat, Slice, Insert

}  // namespace mote::kernels
