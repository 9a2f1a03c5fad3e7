/* ChaCha20 (RFC 8439): 1 KB of key stream. */
#include "program.h"

enum { kBlocks = 16 };
const char program_unit[] = "bytes of ChaCha20";
const uint32_t program_units = kBlocks * 64;

static uint32_t state[16];
static uint32_t stream[kBlocks][16];

static uint32_t rotate(uint32_t value, int by) {
  return value << by | value >> (32 - by);
}

#define QUARTER(a, b, c, d)                                       \
  do {                                                            \
    a += b, d = rotate(d ^ a, 16), c += d, b = rotate(b ^ c, 12); \
    a += b, d = rotate(d ^ a, 8), c += d, b = rotate(b ^ c, 7);   \
  } while (0)

static void block(const uint32_t in[16], uint32_t out[16]) {
  uint32_t x[16];
  for (int i = 0; i < 16; i++) x[i] = in[i];
  for (int round = 0; round < 10; round++) {
    QUARTER(x[0], x[4], x[8], x[12]);
    QUARTER(x[1], x[5], x[9], x[13]);
    QUARTER(x[2], x[6], x[10], x[14]);
    QUARTER(x[3], x[7], x[11], x[15]);
    QUARTER(x[0], x[5], x[10], x[15]);
    QUARTER(x[1], x[6], x[11], x[12]);
    QUARTER(x[2], x[7], x[8], x[13]);
    QUARTER(x[3], x[4], x[9], x[14]);
  }
  for (int i = 0; i < 16; i++) out[i] = x[i] + in[i];
}

/* The test vector of RFC 8439, section 2.3.2. */
void prepare(void) {
  static const uint32_t constants[4] = {0x61707865, 0x3320646E, 0x79622D32, 0x6B206574};
  for (uint32_t i = 0; i < 4; i++) state[i] = constants[i];
  for (uint32_t i = 0; i < 8; i++) state[4 + i] = 0x03020100 + 0x04040404 * i;
  state[13] = 0x09000000;
  state[14] = 0x4A000000;
  state[15] = 0;
}

void work(void) {
  for (uint32_t i = 0; i < kBlocks; i++) {
    state[12] = 1 + i;
    block(state, stream[i]);
  }
}

int correct(void) {
  return stream[0][0] == 0xE4E7F110 && stream[0][5] == 0x0368C033 && stream[0][15] == 0x4E3C50A2;
}
