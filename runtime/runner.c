/* See runner.h. */
#include "runner.h"

#ifdef MOTE_HOST
#include "host_counter.h"
#else
#include "cortex_m.h"
#endif

typedef void (*mote_function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

struct mote_runner_state mote_runner;

void mote_board_init(void); /* of the board file */

static int guard_intact(void) {
  const volatile uint32_t* guard = (const volatile uint32_t*)(uintptr_t)mote_runner.stack_low;
  for (uint32_t i = 0; i < mote_runner.guard_words; ++i) {
    if (guard[i] != MOTE_GUARD) return 0;
  }
  return 1;
}

static void run_task(struct mote_task* task) {
  const mote_function function = (mote_function)(uintptr_t)task->function;
  const uint32_t* const a = task->arguments;
  uint64_t ticks = 0;
  uint32_t least = ~0u, most = 0;
  for (uint32_t i = 0; i < task->repeats; ++i) {
    mote_barrier();
    const uint32_t begin = mote_counter();
    function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    mote_barrier();
    const uint32_t taken = mote_counter() - begin;
    ticks += taken;
    if (taken < least) least = taken;
    if (taken > most) most = taken;
  }
  task->ticks = ticks;
  task->least = least;
  task->most = most;
}

static void run_queue(void) {
  for (uint32_t i = 0; i < mote_runner.count && i < MOTE_QUEUE; ++i) {
    run_task(&mote_runner.tasks[i]);
    if (!guard_intact()) {
      mote_runner.event = MOTE_EVENT_STACK;
      return;
    }
    mote_runner.done = i + 1;
  }
}

void mote_nothing(void) {}

/* SplitMix64, as in mote's own generator. */
void mote_fill_random(uint32_t address, uint32_t bytes, uint32_t seed_low, uint32_t seed_high) {
  volatile uint8_t* out = (volatile uint8_t*)(uintptr_t)address;
  uint64_t state = (uint64_t)seed_high << 32 | seed_low;
  for (uint32_t i = 0; i < bytes; ++i) {
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    out[i] = (uint8_t)((z ^ (z >> 31)) >> 56);
  }
}

void mote_fill_bytes(uint32_t address, uint32_t bytes, uint32_t value) {
  volatile uint8_t* out = (volatile uint8_t*)(uintptr_t)address;
  for (uint32_t i = 0; i < bytes; ++i) out[i] = (uint8_t)value;
}

#ifdef MOTE_HOST

void mote_stop(void) {}

void mote_run(void) {
  run_queue();
}

#else

/* Exceptions. The table has the core's own sixteen entries: all lines of the interrupt controller stay disabled. */

volatile uint32_t mote_systick_wraps;

static uint32_t fault_stack[64];

/* Where the naked handler puts what C code could not save: SP, LR, r4 to r11. */
static volatile uint32_t fault_entry[10];

static void on_systick(void) {
  mote_systick_wraps = mote_systick_wraps + 1;
}

__attribute__((noinline)) void mote_stop(void) {
  for (;;) __asm volatile("nop"); /* the host's breakpoint is here */
}

__attribute__((noreturn, used)) static void record_fault(void) {
  struct mote_fault* fault = &mote_runner.fault;
  uint32_t exception, psp;
  __asm volatile("mrs %0, ipsr" : "=r"(exception));
  __asm volatile("mrs %0, psp" : "=r"(psp));
  fault->exception = exception & 0x1FFu;
  fault->sp = fault_entry[0];
  fault->exc_return = fault_entry[1];
  const uint32_t frame = fault->exc_return & 4u ? psp : fault->sp;
  for (int i = 0; i < 8; ++i) fault->r4_to_r11[i] = fault_entry[2 + i];
  fault->frame_valid = frame % 4u == 0 && frame >= mote_runner.stack_low && frame <= mote_runner.stack_high - 32u;
  for (int i = 0; i < 8; ++i) fault->frame[i] = fault->frame_valid ? ((const uint32_t*)(uintptr_t)frame)[i] : 0;
#ifndef MOTE_BASELINE
  fault->cfsr = MOTE_SCB_CFSR;
  fault->hfsr = MOTE_SCB_HFSR;
  fault->mmfar = MOTE_SCB_MMFAR;
  fault->bfar = MOTE_SCB_BFAR;
#endif
  mote_runner.event = MOTE_EVENT_FAULT;
  mote_stop();
  for (;;) {
  }
}

/* The stack may be what went wrong: nothing is pushed before there is another. r0 to r3 are in the frame already. */
__attribute__((naked)) static void on_fault(void) {
  __asm volatile(
      "ldr r0, =%c0\n"
      "mov r1, sp\n str r1, [r0, #0]\n"
      "mov r1, lr\n str r1, [r0, #4]\n"
      "str r4, [r0, #8]\n str r5, [r0, #12]\n str r6, [r0, #16]\n str r7, [r0, #20]\n"
      "mov r1, r8\n str r1, [r0, #24]\n"
      "mov r1, r9\n str r1, [r0, #28]\n"
      "mov r1, r10\n str r1, [r0, #32]\n"
      "mov r1, r11\n str r1, [r0, #36]\n"
      "ldr r0, =%c1\n"
      "mov sp, r0\n"
      "bl %c2\n"
      ".ltorg\n" ::"i"(fault_entry),
      "i"(fault_stack + 64), "i"(record_fault));
}

__attribute__((aligned(128))) static void (*const vectors[16])(void) = {
    (void (*)(void))(fault_stack + 64),
    on_fault, /* reset: nobody gets here */
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_fault,
    on_systick,
};

void mote_run(void) {
  __asm volatile("cpsid i" ::: "memory");
  MOTE_SCB_VTOR = (uint32_t)(uintptr_t)vectors;
  mote_cpu_init();
  mote_board_init();
  mote_counter_start();
#ifdef MOTE_COUNTER_SYSTICK
  for (uint32_t i = 0; i < 8; ++i) MOTE_NVIC_ICER(i) = ~0u;
  __asm volatile("cpsie i" ::: "memory");
#endif
  run_queue();
  mote_stop();
}

#endif
