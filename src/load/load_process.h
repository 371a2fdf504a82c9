/* load_process.h - time, the processor time used by this thread and by another process, and what
 * machine this is: a figure without these says nothing. Linux. Thread: any. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/instant.h"
#include "base/json_write.h"

struct monotonic load_process_now(void);
struct instant load_process_wall(void);
/* Processor time of the calling thread, in microseconds. */
int64_t load_process_thread_us(void);
/* Of all threads of a process (user and system), in microseconds to within 10 ms; -ERR_NOT_FOUND.
 */
int64_t load_process_cpu_us(pid_t pid);
/* Timers of the calling thread fire when they are due, not up to 50 us later. */
void load_process_precise_timers(void);
/* How many files this process may have open at once: a connection is one. */
uint64_t load_process_files_max(void);
/* The value of an object member: {"nproc":2,"cpu":"..","kernel":".."}. */
void load_process_write_machine(struct json_writer *writer);
