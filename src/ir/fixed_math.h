// exp, logistic, tanh and reciprocal in fixed point, bit for bit those of gemmlowp (fixedpoint/fixedpoint.h), which
// TensorFlow Lite Micro's int8 Logistic, Tanh and Softmax are made of.
//
// "Qm.n" is an int32_t with m integer bits and n = 31 - m fraction bits below the sign: it stands for raw * 2^-n.
#pragma once

#include <cstdint>

namespace mote::ir {

/// exp(a) in Q0.31 for a <= 0 in Q5.26.
int32_t exp_q5(int32_t a);

/// 1 / (1 + a) in Q0.31, a in [0, 1) in Q0.31.
int32_t one_over_one_plus(int32_t a);

/// logistic(a) in Q0.31 for a in Q4.27.
int32_t logistic_q4(int32_t a);

/// tanh(a) in Q0.31 for a in Q4.27.
int32_t tanh_q4(int32_t a);

/// 1 / x for x > 0 in Q(integer_bits).: x is 2^(bits_over_unit) * y with y in [1, 2), and `reciprocal` is 1 / y in
/// Q0.31.
struct Reciprocal {
  int32_t reciprocal;
  int32_t bits_over_unit;
};
Reciprocal reciprocal_of(int32_t x, int integer_bits);

}  // namespace mote::ir
