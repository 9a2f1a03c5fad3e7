/* mote-host: the process in which kernels run that were compiled for this computer. Its memory is the driver's, shared,
 * at the addresses of the board file; what crashes or hangs here is only this process. Started by the host driver, on
 * standard input a socket; see host_protocol.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "device/host_protocol.h"

static const int kSocket = STDIN_FILENO;

static void report(const struct mote_host_stop* stop) {
  if (send(kSocket, stop, sizeof *stop, MSG_NOSIGNAL) < 0) _exit(1);
}

static void on_signal(int number, siginfo_t* info, void* context) {
  const ucontext_t* state = context;
  struct mote_host_stop stop = {MOTE_HOST_SIGNAL, number, 0, 0, 0};
  if (number == SIGALRM) stop.kind = MOTE_HOST_TIMEOUT;
  if (number == SIGSEGV || number == SIGBUS) stop.address = (uint64_t)(uintptr_t)info->si_addr;
#if defined(__x86_64__)
  stop.pc = (uint64_t)state->uc_mcontext.gregs[REG_RIP];
  stop.sp = (uint64_t)state->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  stop.pc = state->uc_mcontext.pc;
  stop.sp = state->uc_mcontext.sp;
#endif
  report(&stop);
  _exit(0);
}

static void catch_signals(void) {
  static char stack[65536];
  const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, NULL);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  static const int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGALRM};
  for (size_t i = 0; i < sizeof kSignals / sizeof *kSignals; ++i) sigaction(kSignals[i], &action, NULL);
}

static void call_on_stack(uintptr_t pc, uintptr_t sp) {
#if defined(__x86_64__)
  __asm volatile(
      "mov %%rsp, %%rbx\n"
      "mov %1, %%rsp\n"
      "call *%0\n"
      "mov %%rbx, %%rsp\n"
      : "+D"(pc), "+S"(sp)
      :
      : "rbx", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
#elif defined(__aarch64__)
  __asm volatile(
      "mov x19, sp\n"
      "mov sp, %1\n"
      "blr %0\n"
      "mov sp, x19\n"
      : "+r"(pc), "+r"(sp)
      :
      : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
        "x17", "x19", "x30", "memory", "cc");
#else
#error "mote-host knows x86-64 and AArch64"
#endif
}

/* Maps the memory that came with the setup; 0, or errno. */
static int set_up(struct mote_host_setup* setup) {
  char ancillary[CMSG_SPACE(sizeof(int))];
  struct iovec part = {setup, sizeof *setup};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary};
  if (recvmsg(kSocket, &header, 0) != (ssize_t)sizeof *setup || !CMSG_FIRSTHDR(&header)) return EPROTO;
  int memory;
  memcpy(&memory, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof memory);
  off_t offset = 0;
  for (uint32_t i = 0; i < setup->count && i < MOTE_HOST_REGIONS; ++i) {
    void* const wanted = (void*)(uintptr_t)setup->regions[i].address;
    const void* got = mmap(wanted, setup->regions[i].size, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_SHARED | MAP_FIXED_NOREPLACE, memory, offset);
    if (got == MAP_FAILED) return errno;
    if (got != wanted) return EEXIST;
    offset += setup->regions[i].size;
  }
  close(memory);
  return 0;
}

int main(void) {
  const struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  static struct mote_host_setup setup;
  const int error = set_up(&setup);
  const struct mote_host_stop ready = {error ? MOTE_HOST_BAD_SETUP : MOTE_HOST_READY, error, 0, 0, 0};
  report(&ready);
  if (error) return 1;
  catch_signals();
  struct mote_host_run run;
  while (recv(kSocket, &run, sizeof run, 0) == (ssize_t)sizeof run) {
    for (uint32_t i = 0; i < setup.count; ++i) {
      char* const begin = (char*)(uintptr_t)setup.regions[i].address;
      __builtin___clear_cache(begin, begin + setup.regions[i].size);
    }
    struct itimerval limit = {{0, 0}, {run.limit_ms / 1000, run.limit_ms % 1000 * 1000}};
    setitimer(ITIMER_REAL, &limit, NULL);
    call_on_stack(run.pc, run.sp & ~(uintptr_t)15);
    memset(&limit, 0, sizeof limit);
    setitimer(ITIMER_REAL, &limit, NULL);
    const struct mote_host_stop returned = {MOTE_HOST_RETURNED, 0, 0, 0, 0};
    report(&returned);
  }
  return 0;
}
