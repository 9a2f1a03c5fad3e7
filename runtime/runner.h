/* The on-device runner: a queue of calls, run one after the other without going back to the host, each timed. The
 * host's side of these structures is session/runner.cc. C99, freestanding. */
#ifndef MOTE_RUNNER_H
#define MOTE_RUNNER_H

#include <stdint.h>

#define MOTE_ARGUMENTS 8
#define MOTE_QUEUE 64 /* tasks a queue holds */

struct mote_task {
  uint32_t function;                  /* address, bit 0 set for Thumb */
  uint32_t repeats;                   /* how often it is called */
  uint32_t arguments[MOTE_ARGUMENTS]; /* passed as words */
  uint64_t ticks;                     /* out: of all repeats together */
  uint32_t least, most;               /* out: of one repeat */
};

enum mote_event { MOTE_EVENT_NONE, MOTE_EVENT_FAULT, MOTE_EVENT_STACK };

/* What stood in the registers when an exception was taken that nobody expected. */
struct mote_fault {
  uint32_t exception;      /* IPSR: 2 NMI, 3 HardFault, 4 MemManage, 5 BusFault, 6 UsageFault ... */
  uint32_t exc_return, sp; /* LR and SP on entry */
  uint32_t frame_valid;    /* whether the stacked registers could be read: r0-r3, r12, lr, pc, xpsr */
  uint32_t frame[8];
  uint32_t r4_to_r11[8];
  uint32_t cfsr, hfsr, mmfar, bfar;
};

struct mote_runner_state {
  uint32_t count;                 /* tasks to run */
  uint32_t done;                  /* out: tasks finished */
  uint32_t event;                 /* out: enum mote_event; of task number `done` */
  uint32_t stack_low, stack_high; /* the stack; a guard lies at its low end */
  uint32_t guard_words;           /* each holds MOTE_GUARD */
  struct mote_fault fault;        /* out: with MOTE_EVENT_FAULT */
  struct mote_task tasks[MOTE_QUEUE];
};

#define MOTE_GUARD 0xC0DEFACEu

extern struct mote_runner_state mote_runner;

/* Runs the queue; on a Cortex-M it ends in mote_stop(), where the host has set a breakpoint. */
void mote_run(void);
void mote_stop(void);

/* For tasks: the cost of a call, and seeded random bytes (the same as mote's own generator makes). */
void mote_nothing(void);
void mote_fill_random(uint32_t address, uint32_t bytes, uint32_t seed_low, uint32_t seed_high);
void mote_fill_bytes(uint32_t address, uint32_t bytes, uint32_t value);

#endif
