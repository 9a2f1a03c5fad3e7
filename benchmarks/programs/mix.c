/* What control code does all day: walks, reverses and sorts a linked list, multiplies small matrices, runs a state
   machine over text, and takes the CRC of it all. */
#include "program.h"

const char program_unit[] = "rounds of list, matrix, state machine and CRC";
const uint32_t program_units = 10;

enum { kNodes = 60, kSize = 9 };

typedef struct Node {
  struct Node* next;
  int16_t value, key;
} Node;

static Node nodes[kNodes];
static Node* list;
static int16_t left[kSize][kSize], right[kSize][kSize];
static int32_t product[kSize][kSize];
static const char text[] = "5012,1.5e3,-874,+122,0x7f,35.54400,.1234500,T0.3e-1F,-110.700,1e,7,,q,+0.64400e+7,";
static uint16_t sums[2];

static uint16_t crc(uint16_t value, uint8_t byte) {
  for (int i = 0; i < 8; i++) {
    const int bit = (value ^ byte) & 1;
    byte >>= 1;
    value = (uint16_t)(value >> 1 ^ (bit ? 0xA001 : 0));
  }
  return value;
}

static uint16_t crc32bits(uint16_t value, uint32_t word) {
  for (int i = 0; i < 4; i++) value = crc(value, (uint8_t)(word >> (8 * i)));
  return value;
}

static Node* reverse(Node* from) {
  Node* to = 0;
  while (from) {
    Node* next = from->next;
    from->next = to;
    to = from;
    from = next;
  }
  return to;
}

static Node* merge(Node* a, Node* b, int (*before)(const Node*, const Node*)) {
  Node head;
  Node* tail = &head;
  while (a && b) {
    Node** first = before(a, b) ? &a : &b;
    tail->next = *first;
    tail = *first;
    *first = tail->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

static Node* sort(Node* all, int (*before)(const Node*, const Node*)) {
  if (!all || !all->next) return all;
  Node* middle = all;
  for (Node* end = all->next; end && end->next; end = end->next->next) middle = middle->next;
  Node* second = middle->next;
  middle->next = 0;
  return merge(sort(all, before), sort(second, before), before);
}

static int by_value(const Node* a, const Node* b) {
  return a->value <= b->value;
}

static int by_key(const Node* a, const Node* b) {
  return a->key <= b->key;
}

static uint16_t of_list(uint16_t sum, int seek) {
  int found = 0;
  for (int key = seek; key < seek + 8; key++) {
    const Node* node = list;
    while (node && node->key != key) node = node->next;
    found += node ? node->value : -1;
  }
  list = sort(reverse(list), by_value);
  for (const Node* node = list; node; node = node->next) sum = crc32bits(sum, (uint16_t)node->value);
  list = sort(list, by_key);
  return crc32bits(sum, (uint32_t)found);
}

static uint16_t of_matrices(uint16_t sum, int16_t add) {
  for (int i = 0; i < kSize; i++)
    for (int j = 0; j < kSize; j++) left[i][j] = (int16_t)(left[i][j] + add);
  int32_t total = 0;
  for (int i = 0; i < kSize; i++)
    for (int j = 0; j < kSize; j++) {
      int32_t dot = 0;
      for (int k = 0; k < kSize; k++) dot += left[i][k] * right[k][j];
      product[i][j] = dot;
      total += (dot >> 2 & 15) * (dot >> 5 & 127);
    }
  for (int i = 0; i < kSize; i++)
    for (int j = 0; j < kSize; j++) left[i][j] = (int16_t)(left[i][j] - add);
  return crc32bits(sum, (uint32_t)total);
}

enum State { kStart, kSign, kInteger, kPoint, kFraction, kExponent, kExponentSign, kPower, kInvalid, kStates };

static enum State step(enum State state, char c) {
  const int digit = c >= '0' && c <= '9';
  switch (state) {
    case kStart:
      return digit ? kInteger : c == '+' || c == '-' ? kSign : c == '.' ? kPoint : kInvalid;
    case kSign:
      return digit ? kInteger : c == '.' ? kPoint : kInvalid;
    case kInteger:
      return digit ? kInteger : c == '.' ? kPoint : c == 'e' ? kExponent : kInvalid;
    case kPoint:
    case kFraction:
      return digit ? kFraction : c == 'e' && state == kFraction ? kExponent : kInvalid;
    case kExponent:
      return digit ? kPower : c == '+' || c == '-' ? kExponentSign : kInvalid;
    case kExponentSign:
    case kPower:
      return digit ? kPower : kInvalid;
    default:
      return kInvalid;
  }
}

static uint16_t of_text(uint16_t sum) {
  uint32_t ends[kStates] = {0}, steps[kStates] = {0};
  enum State state = kStart;
  for (const char* c = text; *c; c++) {
    if (*c == ',') {
      ends[state]++;
      state = kStart;
      continue;
    }
    state = step(state, *c);
    steps[state]++;
  }
  for (int i = 0; i < kStates; i++) sum = crc32bits(crc32bits(sum, ends[i]), steps[i]);
  return sum;
}

void prepare(void) {
  uint32_t random = 1;
  for (int i = 0; i < kNodes; i++) {
    random = random * 1103515245 + 12345;
    nodes[i] = (Node){i + 1 < kNodes ? &nodes[i + 1] : 0, (int16_t)(random >> 20), (int16_t)i};
  }
  list = nodes;
  for (int i = 0; i < kSize; i++)
    for (int j = 0; j < kSize; j++) {
      left[i][j] = (int16_t)(i * 7 - j * 3);
      right[i][j] = (int16_t)(i * 2 + j * 5 - 20);
    }
}

void work(void) {
  uint16_t sum = 0;
  for (uint32_t round = 0; round < program_units; round++) {
    sum = of_list(sum, (int)round);
    sum = of_matrices(sum, (int16_t)round);
    sum = of_text(sum);
  }
  sums[0] = sums[1];
  sums[1] = sum;
}

/* Both calls leave everything as it was and see the same. The sum is this program's own, from a run on a PC. */
int correct(void) {
  return sums[0] == sums[1] && sums[1] == 0x8ba6;
}
