/* What each of the programs here gives to start.c, which measures it. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdint.h>

/* What one call of work() does, and how much of it: "bytes", 1024. */
extern const char program_unit[];
extern const uint32_t program_units;

/* Once, before the measurement. */
void prepare(void);
/* What is measured. */
void work(void);
/* Nonzero when work() computed what it should. */
int correct(void);

#endif
