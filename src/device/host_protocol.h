/* What the host driver and mote-host, the process that kernels run in, say to each other over a SEQPACKET socket. C99.
 */
#ifndef MOTE_HOST_PROTOCOL_H
#define MOTE_HOST_PROTOCOL_H

#include <stdint.h>

#define MOTE_HOST_REGIONS 16

/* First message, with a file descriptor: the memory, region after region. Answered by a mote_host_stop of kind READY.
 */
struct mote_host_setup {
  uint32_t count;
  struct {
    uint32_t address, size;
  } regions[MOTE_HOST_REGIONS];
};

/* Then any number of runs: `pc` is called as a function on the stack `sp`. */
struct mote_host_run {
  uint32_t pc, sp;
  uint32_t limit_ms;
};

enum mote_host_kind { MOTE_HOST_READY, MOTE_HOST_RETURNED, MOTE_HOST_SIGNAL, MOTE_HOST_TIMEOUT, MOTE_HOST_BAD_SETUP };

/* After SIGNAL and TIMEOUT the process is gone. */
struct mote_host_stop {
  uint32_t kind;
  int32_t signal; /* or errno, with BAD_SETUP */
  uint64_t pc, sp, address;
};

#endif
