/* A network on a stream: a sensor's interrupt fills a ring of frames, and whenever a new frame is complete the network
 * looks at the latest ones. Here a timer's interrupt is played by a function, and the ring holds five frames of 128
 * values, the 640 inputs of the auto-encoder, whose reconstruction error tells how unusual they are. */
#include <string.h>

#include "auto_encoder.h"

enum { kFrame = 128, kFrames = AUTO_ENCODER_INPUT_0_ELEMENTS / kFrame };

static int8_t ring[kFrames][kFrame];
static volatile uint32_t frames; /* complete ones, written by the interrupt alone */

volatile uint32_t example_runs;
volatile float example_error; /* mean squared, in real units */

/* What a sensor's interrupt would do with 128 samples. */
static void frame_arrives(void) {
  int8_t* frame = ring[frames % kFrames];
  for (uint32_t i = 0; i < kFrame; i++) {
    frame[i] = (int8_t)((i * (frames + 3u)) % 101u) - 50;
  }
  frames++;
}

/* The latest frames, the oldest first, as the network's input. */
static void take_frames(int8_t* input) {
  for (uint32_t i = 0; i < kFrames; i++) {
    memcpy(input + i * kFrame, ring[(frames + i) % kFrames], kFrame);
  }
}

static float reconstruction_error(void) {
  const int8_t* output =
      auto_encoder_output(0); /* the input itself was overwritten by the run: the ring still has it */
  float sum = 0.0f;
  for (uint32_t i = 0; i < kFrames * kFrame; i++) {
    const int8_t stored = ring[(frames + i / kFrame) % kFrames][i % kFrame];
    const float difference = auto_encoder_dequantize_output_0(output[i]) - auto_encoder_dequantize_input_0(stored);
    sum += difference * difference;
  }
  return sum / (float)(kFrames * kFrame);
}

void example_done(void);
__attribute__((noinline)) void example_done(void) {
  __asm volatile("" ::: "memory"); /* a place for a debugger to stop at */
}

int main(void) {
  auto_encoder_init();
  for (;;) {
    frame_arrives();
    if (frames < kFrames) {
      continue;
    }
    take_frames(auto_encoder_input(0));
    auto_encoder_run();
    example_error = reconstruction_error();
    example_runs++;
    example_done();
  }
}
