/* AES-128 (FIPS 197): 64 blocks, by one table of words (TABLE) or by the S-box alone, the columns mixed four bytes at
 * once. */
#include "program.h"

enum { kBlocks = 64 };
#ifdef TABLE
const char program_unit[] = "blocks of AES-128 (table of words)";
#else
const char program_unit[] = "blocks of AES-128 (S-box)";
#endif
const uint32_t program_units = kBlocks;

static uint8_t sbox[256];
static uint32_t table[256];
static uint32_t keys[44];
static uint32_t blocks[kBlocks][4];

static uint32_t rotate(uint32_t value, int by) {
  return by == 0 ? value : value >> by | value << (32 - by);
}

/* Twice each of four bytes, in the field. */
static uint32_t twice(uint32_t word) {
  const uint32_t high = word & 0x80808080;
  return ((word ^ high) << 1) ^ ((high >> 7) * 0x1B);
}

/* Column `c` after SubBytes and ShiftRows. */
static uint32_t substitute(const uint32_t s[4], int c) {
  return sbox[s[c] & 255] | (uint32_t)sbox[s[(c + 1) & 3] >> 8 & 255] << 8 |
         (uint32_t)sbox[s[(c + 2) & 3] >> 16 & 255] << 16 | (uint32_t)sbox[s[(c + 3) & 3] >> 24] << 24;
}

static uint32_t round_column(const uint32_t s[4], int c) {
#ifdef TABLE
  return table[s[c] & 255] ^ rotate(table[s[(c + 1) & 3] >> 8 & 255], 24) ^
         rotate(table[s[(c + 2) & 3] >> 16 & 255], 16) ^ rotate(table[s[(c + 3) & 3] >> 24], 8);
#else
  const uint32_t x = substitute(s, c);
  const uint32_t y = x ^ rotate(x, 8);
  return twice(y) ^ rotate(x, 8) ^ rotate(y, 16);
#endif
}

static void encrypt(uint32_t block[4]) {
  uint32_t s[4], t[4];
  const uint32_t* key = keys;
  for (int c = 0; c < 4; c++) s[c] = block[c] ^ *key++;
  for (int round = 1; round < 10; round++) {
    for (int c = 0; c < 4; c++) t[c] = round_column(s, c) ^ *key++;
    for (int c = 0; c < 4; c++) s[c] = t[c];
  }
  for (int c = 0; c < 4; c++) block[c] = substitute(s, c) ^ *key++;
}

static void make_tables(void) {
  uint8_t p = 1, q = 1;
  sbox[0] = 0x63;
  do { /* p is 3 to the power n, q its inverse */
    p = (uint8_t)(p ^ p << 1 ^ (p & 0x80 ? 0x1B : 0));
    q ^= (uint8_t)(q << 1);
    q ^= (uint8_t)(q << 2);
    q ^= (uint8_t)(q << 4);
    q ^= q & 0x80 ? 0x09 : 0;
    const uint32_t w = q * 0x0101u;
    sbox[p] = (uint8_t)(w ^ w >> 7 ^ w >> 6 ^ w >> 5 ^ w >> 4 ^ 0x63);
  } while (p != 1);
  for (int i = 0; i < 256; i++) {
    const uint32_t s = sbox[i], two = twice(s);
    table[i] = two | s << 8 | s << 16 | (two ^ s) << 24;
  }
}

/* Key and first block of FIPS 197, appendix C.1. */
void prepare(void) {
  make_tables();
  uint8_t constant = 1;
  for (int i = 0; i < 44; i++) {
    if (i < 4) {
      keys[i] = 0x03020100 + 0x04040404u * (uint32_t)i;
      continue;
    }
    uint32_t word = keys[i - 1];
    if (i % 4 == 0) {
      const uint32_t same[4] = {word, word, word, word};
      word = rotate(substitute(same, 0), 8) ^ constant;
      constant = (uint8_t)twice(constant);
    }
    keys[i] = keys[i - 4] ^ word;
  }
}

void work(void) {
  for (uint32_t i = 0; i < kBlocks; i++) {
    for (uint32_t c = 0; c < 4; c++) blocks[i][c] = 0x33221100 + 0x44444444 * c + i;
    encrypt(blocks[i]);
  }
}

int correct(void) {
  return blocks[0][0] == 0xD8E0C469 && blocks[0][1] == 0x30047B6A && blocks[0][2] == 0x80B7CDD8 &&
         blocks[0][3] == 0x5AC5B470;
}
