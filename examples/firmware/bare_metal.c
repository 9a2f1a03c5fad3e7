/* The least firmware around a network: one input in, one output out, for ever. `mote compile
 * examples/digits/digits.tflite
 * --name digits` makes the library; start-up code and linker script are those of any project for the chip. */
#include <string.h>

#include "digits.h"

volatile uint32_t example_runs;
volatile int example_digit; /* what the last image shows */

/* A picture from somewhere: here a bar that moves to the right. */
static void next_image(int8_t* pixels, uint32_t number) {
  const uint32_t side = 28;
  memset(pixels, -128, DIGITS_INPUT_0_BYTES);
  for (uint32_t row = 4; row < side - 4; row++) {
    pixels[row * side + 4 + number % 20] = 127;
  }
}

void example_done(void);
__attribute__((noinline)) void example_done(void) {
  __asm volatile("" ::: "memory"); /* a place for a debugger to stop at */
}

int main(void) {
  digits_init();
  for (;;) {
    next_image(digits_input(0), example_runs);
    digits_run();
    const int8_t* scores = digits_output(0);
    int best = 0;
    for (int i = 1; i < DIGITS_OUTPUT_0_ELEMENTS; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    example_digit = best;
    example_runs++;
    example_done();
  }
}
