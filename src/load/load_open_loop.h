/* load_open_loop.h - sends requests when they are due and measures from then, whatever the server
 * does; says how far the generator itself was behind, so that its own weakness is not taken for
 * the server's. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "load/load_pool.h"
#include "load/load_schedule.h"
#include "load/load_tally.h"

struct load_open_loop_options {
    uint64_t rate; /* requests a second */
    uint32_t burst;
    uint32_t warmup_ms; /* requests that are due before its end are not counted */
    uint32_t measure_ms;
    uint32_t grace_ms; /* for the last answers; then they are lost */
    pid_t server_pid;  /* its processor time is read; 0: not */
};

struct load_open_loop_callbacks {
    /* Writes request number n for this connection. False: nothing can be asked now; it stays due.
     */
    bool (*build)(void *owner, uint64_t n, uint32_t connection, struct buf *out);
    /* An answer's code, for the count (empty for a success); may look at more. */
    struct slice (*code)(void *owner, const struct load_pool_answer *answer);
    /* See load_pool_callbacks; may be NULL. */
    void (*on_text)(void *owner, uint32_t connection, struct slice text);
};

struct load_open_loop_result {
    struct load_tally tally;
    struct histogram own_late_us;      /* due -> sent, where a connection was free: our own fault */
    uint64_t waited_for_connection;    /* requests that no connection was free for */
    uint64_t unsent;                   /* never sent: no connection by the end; counted as lost */
    uint64_t not_built;                /* times that build() could not */
    uint64_t answered_in_window;       /* answers that came between the two CPU readings */
    int64_t window_us;                 /* between them */
    int64_t own_cpu_us, server_cpu_us; /* in the window; -1: not known */
};

struct load_open_loop;

/* Makes the pool that `pool_options` say; its callbacks belong to the loop. The caller owns. */
int load_open_loop_new(struct loop *loop, const struct load_pool_options *pool_options,
                       const struct load_open_loop_callbacks *callbacks, void *owner,
                       struct load_open_loop **ret_open_loop);
void load_open_loop_free(struct load_open_loop *open_loop);
struct load_pool *load_open_loop_pool(struct load_open_loop *open_loop);

/* Runs the loop until `wanted` connections stand; false when `ms` are over before. */
bool load_open_loop_connect(struct load_open_loop *open_loop, uint32_t wanted, uint32_t ms);
/* Runs to the end. The result is borrowed until _free. 0 or -ERR_IO. */
int load_open_loop_run(struct load_open_loop *open_loop,
                       const struct load_open_loop_options *options,
                       const struct load_open_loop_result **ret_result);

/* Members of an open object: the tally, achieved_per_s, generator {...}, server {...}. */
void load_open_loop_write(struct json_writer *writer, const struct load_open_loop_result *result);
