/* Start-up code of the programs: runs work() twice, counts the cycles of the second run with DWT CYCCNT, and prints
   them by semihosting. The exit code is 0 when the result is right. */
#include "program.h"

extern uint32_t data_load[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];

int main(void);
void reset(void);
static void fault(void);

__attribute__((section(".vectors"), used)) static void* const vectors[16] = {
    stack_top, (void*)reset, (void*)fault, (void*)fault, (void*)fault, (void*)fault, (void*)fault,
};

static void semihosting(uint32_t operation, const void* argument) {
  register uint32_t r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char* text) {
  semihosting(4, text);
}

static void print_number(uint32_t value) {
  char digits[11];
  char* at = digits + 10;
  *at = 0;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  print(at);
}

static void leave(int ok) {
  semihosting(0x18, (const void*)(ok ? 0x20026 : 0x20023));
  for (;;) {
  }
}

static void fault(void) {
  print("fault\n");
  leave(0);
}

__attribute__((naked)) void reset(void) {
  /* The FPU, if there is one. */
  __asm volatile("ldr r0, =0xE000ED88\n ldr r1, [r0]\n orr r1, r1, #0xF00000\n str r1, [r0]\n dsb\n isb\n b main");
}

static volatile uint32_t* const cycles = (volatile uint32_t*)0xE0001004;

int main(void) {
  uint32_t* from = data_load;
  for (uint32_t* to = data_begin; to != data_end; to++) *to = *from++;
  for (uint32_t* to = bss_begin; to != bss_end; to++) *to = 0;
  *(volatile uint32_t*)0xE000EDFC = 1u << 24;    /* DEMCR: the DWT on */
  *(volatile uint32_t*)0xE0001FB0 = 0xC5ACCE55u; /* its lock open */
  *(volatile uint32_t*)0xE0001000 = 1;
  prepare();
  work();
  const uint32_t before = *cycles;
  work();
  const uint32_t taken = *cycles - before;
  print_number(taken);
  print(" cycles for ");
  print_number(program_units);
  print(" ");
  print(program_unit);
  print("\n");
  leave(correct());
  return 0;
}
