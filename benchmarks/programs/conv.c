/* The second convolution of the CIFAR-10 network in the paper about CMSIS-NN (Lai, Suda, Chandra 2018), the way that
   paper does it: 16x16x32 int8, 32 filters of 5x5, padding 2; two columns of the image are widened to int16 in a buffer
   (im2col), and multiplied with two filters at a time by SMLAD. */
#include <string.h>

#include "program.h"

enum { kSide = 16, kIn = 32, kOut = 32, kWindow = 5, kDepth = kWindow * kWindow * kIn, kShift = 9 };
const char program_unit[] = "MACs of a convolution (im2col, SMLAD)";
const uint32_t program_units = kSide * kSide * kOut * kDepth;

static int8_t input[kSide * kSide * kIn], weights[kOut * kDepth], output[kSide * kSide * kOut];
static int16_t columns[2][kDepth];

/* The word that a pointer points at; the pointer goes on behind it. */
#define NEXT(pointer)                              \
  ({                                               \
    uint32_t next_;                                \
    memcpy(&next_, (pointer), sizeof next_);       \
    (pointer) += sizeof next_ / sizeof *(pointer); \
    next_;                                         \
  })

static inline int32_t smlad(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}

/* Four int8 as two words of int16: (0, 2) and (1, 3). Both factors have this order, so it does not matter. */
static inline void widen(uint32_t bytes, uint32_t* even, uint32_t* odd) {
  __asm("sxtb16 %0, %1" : "=r"(*even) : "r"(bytes));
  __asm("sxtb16 %0, %1, ror #8" : "=r"(*odd) : "r"(bytes));
}

static int8_t saturate(int32_t value) {
  int32_t result;
  __asm("ssat %0, #8, %1" : "=r"(result) : "r"(value >> kShift));
  return (int8_t)result;
}

static void gather(int16_t* column, int row, int col) {
  for (int y = row - kWindow / 2; y <= row + kWindow / 2; y++)
    for (int x = col - kWindow / 2; x <= col + kWindow / 2; x++, column += kIn) {
      if (y < 0 || y >= kSide || x < 0 || x >= kSide) {
        memset(column, 0, kIn * sizeof *column);
        continue;
      }
      const int8_t* from = input + (y * kSide + x) * kIn;
      for (int c = 0; c < kIn; c += 4) {
        uint32_t even, odd;
        widen(NEXT(from), &even, &odd);
        memcpy(column + c, &even, 4);
        memcpy(column + c + 2, &odd, 4);
      }
    }
}

/* Two columns by all filters. A function of its own: the compiler is not to build its addresses into the loop. */
__attribute__((noinline)) static void multiply(const int8_t* filters, const int16_t* column, int depth, int8_t* out) {
  for (int f = 0; f < kOut; f += 2, filters += 2 * depth) {
    const int8_t *a0 = filters, *a1 = filters + depth;
    const int16_t *b0 = column, *b1 = column + depth;
    int32_t s00 = 1 << (kShift - 1), s01 = s00, s10 = s00, s11 = s00;
    for (int k = depth / 4; k > 0; k--) {
      uint32_t p0, q0, p1, q1, x0 = NEXT(b0), x1 = NEXT(b1);
      widen(NEXT(a0), &p0, &q0);
      widen(NEXT(a1), &p1, &q1);
      s00 = smlad(p0, x0, s00);
      s01 = smlad(p0, x1, s01);
      s10 = smlad(p1, x0, s10);
      s11 = smlad(p1, x1, s11);
      x0 = NEXT(b0), x1 = NEXT(b1);
      s00 = smlad(q0, x0, s00);
      s01 = smlad(q0, x1, s01);
      s10 = smlad(q1, x0, s10);
      s11 = smlad(q1, x1, s11);
    }
    out[f] = saturate(s00);
    out[f + 1] = saturate(s10);
    out[kOut + f] = saturate(s01);
    out[kOut + f + 1] = saturate(s11);
  }
}

void prepare(void) {
  uint32_t random = 1;
  for (uint32_t i = 0; i < sizeof input; i++) input[i] = (int8_t)((random = random * 1103515245 + 12345) >> 24);
  for (uint32_t i = 0; i < sizeof weights; i++) weights[i] = (int8_t)((random = random * 1103515245 + 12345) >> 27);
}

void work(void) {
  for (int row = 0; row < kSide; row++)
    for (int col = 0; col < kSide; col += 2) {
      gather(columns[0], row, col);
      gather(columns[1], row, col + 1);
      multiply(weights, columns[0], kDepth, output + (row * kSide + col) * kOut);
    }
}

/* A few outputs, the obvious way. */
int correct(void) {
  for (int i = 0; i < kSide * kSide * kOut; i += 397) {
    const int f = i % kOut, col = i / kOut % kSide, row = i / kOut / kSide;
    int32_t sum = 1 << (kShift - 1);
    for (int k = 0; k < kDepth; k++) {
      const int c = k % kIn, x = col + k / kIn % kWindow - kWindow / 2, y = row + k / kIn / kWindow - kWindow / 2;
      if (x >= 0 && x < kSide && y >= 0 && y < kSide) sum += input[(y * kSide + x) * kIn + c] * weights[f * kDepth + k];
    }
    if (output[i] != saturate(sum)) return 0;
  }
  return 1;
}
