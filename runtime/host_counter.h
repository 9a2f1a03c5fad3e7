/* The host's stand-in for a cycle counter: its time-stamp counter. */
#ifndef MOTE_HOST_COUNTER_H
#define MOTE_HOST_COUNTER_H

#include <stdint.h>

static inline void mote_barrier(void) {
  __asm volatile("" ::: "memory");
}

static inline uint32_t mote_counter(void) {
#if defined(__x86_64__)
  uint32_t low, high;
  __asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return low;
#elif defined(__aarch64__)
  uint64_t count;
  __asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return (uint32_t)count;
#else
  return 0;
#endif
}

#endif
