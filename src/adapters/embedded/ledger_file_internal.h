/* ledger_file_internal.h - the memory of a ledger_file, shared by ledger_file.c (the port, the
 * reader) and ledger_writer.c (the writers, the clock) only. */
#pragma once

#include <pthread.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_lookup.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_stall.h"

enum append_state {
    STATE_NONE = 0,
    STATE_WAITING, /* for the writer */
    STATE_LAYING,  /* it reads the owner's bytes */
    STATE_WRITING, /* the disk has them: from here the log may fail over, back to WAITING */
    STATE_TELLING, /* durable; the follower is told */
    STATE_DONE,    /* the owner has to poll */
};

struct read_done {
    struct ledger_read *read;
    int error;
    size_t bytes;
};

#define VIEW_WORDS (sizeof(struct ledger_view) / sizeof(uint64_t))
_Static_assert(sizeof(struct ledger_view) % sizeof(uint64_t) == 0, "copied by words");

/* One thread a directory; that of the active one works, the others wait or hang. */
struct ledger_writer {
    struct ledger_file *file;
    pthread_t thread;
    pthread_cond_t wake;
    uint32_t volume;
    bool running; /* it was begun and not joined */
};

struct ledger_file {
    struct ledger_log log;
    struct ledger_store *store;
    struct ledger_lookup *lookup; /* the reader's */
    struct ledger_follower follower;
    struct ledger_writer writers[LEDGER_VOLUMES_MAX];
    pthread_t reader, clock;
    bool clock_running;
    char problem[LEDGER_REPORT_TEXT_BYTES]; /* for the owner to look at */

    /* The view once more, for a thread of low priority, which must never hold what the writer
     * waits for: odd while it is being written, and read again when it has changed meanwhile. */
    uint64_t shown_version;
    uint64_t shown[VIEW_WORDS];
    struct ledger_file_health health; /* written with the lock, read without */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t reader_wake, owner_wake, clock_wake;
    bool working; /* the active writer works on its hand */
    bool taken;   /* the owner works on the store */
    bool stopped; /* after APPEND_UNKNOWN */
    bool closing;
    bool left;      /* the owner has gone; a writer that hung touches nothing more */
    bool take_over; /* the active writer has to begin behind `tail` */
    bool prepare;   /* steps may be left to do */
    struct ledger_stall stall;
    int64_t looked_us; /* when the space was looked at */
    struct ledger_tail tail;
    struct ledger_append *append;
    enum append_state append_state;
    enum append_outcome append_outcome;
    struct ledger_view view;
    struct ledger_file_stats stats;
    char read_problem[LEDGER_REPORT_TEXT_BYTES];

    /* Rings; a read is counted in reads_under_way from read() to its callback. */
    struct ledger_read *waiting[LEDGER_READS_MAX];
    struct read_done done[LEDGER_READS_MAX];
    uint64_t waiting_in, waiting_out, done_in, done_out;
    unsigned reads_under_way;
};

void ledger_file_notify(const struct ledger_file *file);
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
