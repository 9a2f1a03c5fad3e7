/* A Cortex-M's own registers, as far as mote's runtime needs them: counter, caches, FPU, faults. C99, freestanding.
 *
 * The board file decides, through these macros: MOTE_COUNTER_DWT, MOTE_COUNTER_SYSTICK or MOTE_COUNTER_TIMER (with
 * MOTE_TIMER_ADDRESS and, if it counts down, MOTE_TIMER_DOWN), MOTE_DWT_LOCK, MOTE_INSTRUCTION_CACHE,
 * MOTE_DATA_CACHE. */
#ifndef MOTE_CORTEX_M_H
#define MOTE_CORTEX_M_H

#include <stdint.h>

#define MOTE_REGISTER(address) (*(volatile uint32_t*)(uintptr_t)(address))

#define MOTE_SCB_VTOR MOTE_REGISTER(0xE000ED08u)
#define MOTE_SCB_CCR MOTE_REGISTER(0xE000ED14u)
#define MOTE_SCB_SHCSR MOTE_REGISTER(0xE000ED24u)
#define MOTE_SCB_CFSR MOTE_REGISTER(0xE000ED28u)
#define MOTE_SCB_HFSR MOTE_REGISTER(0xE000ED2Cu)
#define MOTE_SCB_MMFAR MOTE_REGISTER(0xE000ED34u)
#define MOTE_SCB_BFAR MOTE_REGISTER(0xE000ED38u)
#define MOTE_SCB_CPACR MOTE_REGISTER(0xE000ED88u)
#define MOTE_NVIC_ICER(n) MOTE_REGISTER(0xE000E180u + 4u * (n))
#define MOTE_DEMCR MOTE_REGISTER(0xE000EDFCu)
#define MOTE_DWT_CTRL MOTE_REGISTER(0xE0001000u)
#define MOTE_DWT_CYCCNT MOTE_REGISTER(0xE0001004u)
#define MOTE_DWT_LAR MOTE_REGISTER(0xE0001FB0u)
#define MOTE_SYST_CSR MOTE_REGISTER(0xE000E010u)
#define MOTE_SYST_RVR MOTE_REGISTER(0xE000E014u)
#define MOTE_SYST_CVR MOTE_REGISTER(0xE000E018u)

#if defined(__ARM_ARCH_6M__)
#define MOTE_BASELINE 1 /* no fault status registers, no VTOR on the smallest */
#endif

static inline void mote_barrier(void) {
  __asm volatile("dsb\n isb" ::: "memory");
}

/* FPU, traps and caches on. Call it first, before any floating-point instruction. */
static inline void mote_cpu_init(void) {
#ifndef MOTE_BASELINE
#ifdef __ARM_FP
  MOTE_SCB_CPACR |= 0xFu << 20;
#endif
  MOTE_SCB_CCR |= 1u << 4;    /* a division by zero is a fault */
  MOTE_SCB_SHCSR |= 7u << 16; /* memory, bus and usage faults have handlers of their own */
  MOTE_SCB_CFSR = ~0u;        /* what an earlier run left behind */
  MOTE_SCB_HFSR = ~0u;
#endif
#ifdef MOTE_INSTRUCTION_CACHE
  MOTE_REGISTER(0xE000EF50u) = 0; /* ICIALLU: code may just have been loaded */
  mote_barrier();
  MOTE_SCB_CCR |= 1u << 17;
#endif
#ifdef MOTE_DATA_CACHE
  if (!(MOTE_SCB_CCR & 1u << 16)) { /* invalidate every set and way before it is enabled */
    MOTE_REGISTER(0xE000ED84u) = 0; /* CSSELR: level 1, data */
    mote_barrier();
    const uint32_t ccsidr = MOTE_REGISTER(0xE000ED80u);
    const uint32_t sets = (ccsidr >> 13) & 0x7FFFu, ways = (ccsidr >> 3) & 0x3FFu;
    for (uint32_t set = 0; set <= sets; ++set) {
      for (uint32_t way = 0; way <= ways; ++way) MOTE_REGISTER(0xE000EF60u) = set << 5 | way << 30; /* DCISW */
    }
    mote_barrier();
    MOTE_SCB_CCR |= 1u << 16;
  }
#endif
  mote_barrier();
}

#if defined(MOTE_COUNTER_DWT)

static inline void mote_counter_start(void) {
  MOTE_DEMCR |= 1u << 24;
#ifdef MOTE_DWT_LOCK
  MOTE_DWT_LAR = 0xC5ACCE55u;
#endif
  MOTE_DWT_CTRL |= 1u;
}
static inline uint32_t mote_counter(void) {
  return MOTE_DWT_CYCCNT;
}

#elif defined(MOTE_COUNTER_SYSTICK)

/* SysTick counts 24 bits down; its interrupt, the only one allowed, counts the rest. */
extern volatile uint32_t mote_systick_wraps;

static inline void mote_counter_start(void) {
  MOTE_SYST_RVR = 0xFFFFFFu;
  MOTE_SYST_CVR = 0;
  MOTE_SYST_CSR = 7u; /* the core's clock, with interrupt */
}
static inline uint32_t mote_counter(void) {
  uint32_t wraps, count;
  do {
    wraps = mote_systick_wraps;
    count = MOTE_SYST_CVR;
    __asm volatile("isb" ::: "memory"); /* let a pending interrupt in */
  } while (wraps != mote_systick_wraps);
  return (wraps << 24) + (0xFFFFFFu - count);
}

#elif defined(MOTE_COUNTER_TIMER)

static inline void mote_counter_start(void) {}
static inline uint32_t mote_counter(void) {
#ifdef MOTE_TIMER_DOWN
  return 0u - MOTE_REGISTER(MOTE_TIMER_ADDRESS);
#else
  return MOTE_REGISTER(MOTE_TIMER_ADDRESS);
#endif
}

#else

static inline void mote_counter_start(void) {}
static inline uint32_t mote_counter(void) {
  return 0;
}

#endif

#endif
