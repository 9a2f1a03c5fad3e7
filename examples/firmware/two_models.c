/* Two networks in one firmware, which take turns in one block of memory: it is as large as the larger one needs, not as
 * both together. Compile everything with -DDIGITS_NO_STATIC_ARENA and -DAUTO_ENCODER_NO_STATIC_ARENA. */
#include "auto_encoder.h"
#include "digits.h"

#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define RUNS 1000

static uint64_t memory[(LARGER(DIGITS_ARENA_BYTES, AUTO_ENCODER_ARENA_BYTES) + 7) / 8];
static const digits_context digits = {memory};
static const auto_encoder_context auto_encoder = {memory};

volatile uint32_t example_runs;
volatile uint32_t example_hash = 2166136261u; /* of all outputs, one after the other */
volatile uint32_t example_stack_bytes;        /* used at most */

extern uint32_t mote_bss_end[], mote_stack_top[]; /* of the linker script */
#define PAINT 0xA5A5A5A5u

/* Everything below the stack pointer, but for what this function may use itself. */
static void paint_stack(void) {
  uint32_t* const end = (uint32_t*)__builtin_frame_address(0) - 16;
  for (uint32_t* word = mote_bss_end; word < end; word++) {
    *word = PAINT;
  }
}

static uint32_t painted_over(void) {
  const uint32_t* word = mote_bss_end;
  while (*word == PAINT) {
    word++;
  }
  return (uint32_t)((uintptr_t)mote_stack_top - (uintptr_t)word);
}

static void fill(void* input, size_t bytes, uint32_t seed) {
  uint8_t* values = input;
  for (size_t i = 0; i < bytes; i++) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (uint8_t)(seed >> 24);
  }
}

static void add_to_hash(const void* output, size_t bytes) {
  const uint8_t* values = output;
  uint32_t hash = example_hash;
  for (size_t i = 0; i < bytes; i++) {
    hash = (hash ^ values[i]) * 16777619u;
  }
  example_hash = hash;
}

void example_done(void);
__attribute__((noinline)) void example_done(void) {
  __asm volatile("" ::: "memory"); /* a place for a debugger to stop at */
}

int main(void) {
  paint_stack();
  for (uint32_t run = 0; run < RUNS; run++) {
    fill(digits_input_in(&digits, 0), DIGITS_INPUT_0_BYTES, run % 4);
    digits_run_in(&digits);
    add_to_hash(digits_output_in(&digits, 0), DIGITS_OUTPUT_0_BYTES);

    fill(auto_encoder_input_in(&auto_encoder, 0), AUTO_ENCODER_INPUT_0_BYTES, run % 4);
    auto_encoder_run_in(&auto_encoder);
    add_to_hash(auto_encoder_output_in(&auto_encoder, 0), AUTO_ENCODER_OUTPUT_0_BYTES);
    example_runs++;
  }
  example_stack_bytes = painted_over();
  for (;;) {
    example_done();
  }
}
