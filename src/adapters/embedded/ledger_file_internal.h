/* ledger_file_internal.h - the memory of a ledger_file, shared by ledger_file.c (the port, the
 * reader) and ledger_writer.c (the writers, the clock) only. */
#pragma once

#include <pthread.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_lookup.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_stall.h"
#include "adapters/shared/ledger_calls.h"

/* Of an append that the writer has (LEDGER_CALL_WORKING). */
enum write_phase {
    PHASE_LAYING = 1, /* it reads the owner's bytes */
    PHASE_WRITING,    /* the disk has them: from here the log may fail over, back to WAITING */
    PHASE_TELLING,    /* durable; the follower is told */
};

#define VIEW_WORDS (sizeof(struct ledger_view) / sizeof(uint64_t))
_Static_assert(sizeof(struct ledger_view) % sizeof(uint64_t) == 0, "copied by words");
_Static_assert(LEDGER_REPORT_TEXT_BYTES <= LEDGER_PROBLEM_BYTES, "a report's text is a problem");

/* One thread a directory; that of the active one works, the others wait or hang. */
struct ledger_writer {
    struct ledger_file *file;
    pthread_t thread;
    pthread_cond_t wake;
    uint32_t volume;
    bool running; /* it was begun and not joined */
};

struct ledger_file {
    struct ledger_log log;     /* first */
    struct ledger_calls calls; /* and the lock */
    struct ledger_store *store;
    struct ledger_lookup *lookup; /* the reader's */
    struct ledger_follower follower;
    struct ledger_writer writers[LEDGER_VOLUMES_MAX];
    pthread_t clock;
    bool clock_running;

    /* The view once more, for a thread of low priority, which must never hold what the writer
     * waits for: odd while it is being written, and read again when it has changed meanwhile. */
    uint64_t shown_version;
    uint64_t shown[VIEW_WORDS];
    struct ledger_file_health health; /* written with the lock, read without */

    /* Everything below under the lock. */
    pthread_cond_t clock_wake;
    bool working;   /* the active writer works on its hand */
    bool taken;     /* the owner works on the store */
    bool left;      /* the owner has gone; a writer that hung touches nothing more */
    bool take_over; /* the active writer has to begin behind `tail` */
    bool prepare;   /* steps may be left to do */
    struct ledger_stall stall;
    int64_t looked_us; /* when the space was looked at */
    struct ledger_tail tail;
    enum write_phase phase;
    struct ledger_view view;
    struct ledger_file_stats stats;
};

void ledger_file_destroy(struct ledger_file *file);
/* With the lock: the active writer has something to do. */
void ledger_writer_wake(struct ledger_file *file);
/* With the lock, or before there are threads: the view, the counters and the health are those of
 * the store from now on. */
void ledger_writer_publish(struct ledger_file *file);
/* Begins the writers' threads, and the clock's. 0 or -ERR_MEMORY, with some of them running. */
int ledger_writer_start(struct ledger_file *file);
/* After `closing` was set: waits for them. False when one hangs and was left behind: it destroys
 * the file when it comes back, if ever, and the disks must stay until then. */
bool ledger_writer_join(struct ledger_file *file);
