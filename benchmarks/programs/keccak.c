/* Keccak-f[1600] (FIPS 202) on 64-bit lanes. */
#include "program.h"

const char program_unit[] = "permutations Keccak-f[1600]";
const uint32_t program_units = 1;

static uint64_t state[25];

static uint64_t constants[24];
static uint8_t rotations[25], sources[25];

static uint64_t rotate(uint64_t value, unsigned by) {
  return by == 0 ? value : value << by | value >> (64 - by);
}

static void permute(uint64_t a[25]) {
  uint64_t b[25], c[5];
  for (int round = 0; round < 24; round++) {
    for (int x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (int x = 0; x < 5; x++) {
      const uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
      for (int y = 0; y < 25; y += 5) a[x + y] ^= d;
    }
    for (int i = 0; i < 25; i++) b[i] = rotate(a[sources[i]], rotations[i]);
    for (int y = 0; y < 25; y += 5)
      for (int x = 0; x < 5; x++) a[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]);
    a[0] ^= constants[round];
  }
}

/* Tables, by the definitions of the standard. */
void prepare(void) {
  uint32_t r = 1;
  for (int round = 0; round < 24; round++) {
    for (int j = 0; j < 7; j++) {
      if (r & 1) constants[round] |= 1ull << ((1u << j) - 1);
      r = (r << 1) ^ ((r >> 7) * 0x171);
    }
  }
  unsigned x = 1, y = 0;
  for (unsigned t = 0; t < 24; t++) {
    const unsigned to_x = y, to_y = (2 * x + 3 * y) % 5;
    rotations[to_x + 5 * to_y] = (uint8_t)((t + 1) * (t + 2) / 2 % 64);
    sources[to_x + 5 * to_y] = (uint8_t)(x + 5 * y);
    x = to_x;
    y = to_y;
  }
}

void work(void) {
  for (int i = 0; i < 25; i++) state[i] = 0;
  permute(state);
}

/* Of the state of zeros. */
int correct(void) {
  return state[0] == 0xF1258F7940E1DDE7ull && state[24] == 0xEAF1FF7B5CECA249ull;
}
