/* ledger_calls.h - the calls of a ledger_log that are under way, one append and a ring of reads,
 * between the owner's thread, which hands over and takes back, and the threads that wait for the
 * medium. The rules are those of ports/ledger_log.h.
 *
 * It is a part of the log that holds it, and its lock is that log's: whatever else the threads
 * share is kept under it. A writer is the log's own thread; the reader is here. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "ports/ledger_log.h"

#define LEDGER_PROBLEM_BYTES 256

enum ledger_call_state {
    LEDGER_CALL_NONE = 0,
    LEDGER_CALL_WAITING, /* for the writer */
    LEDGER_CALL_WORKING, /* it has it, or the medium */
    LEDGER_CALL_DONE,    /* the owner has to poll */
};

/* What the log that holds the calls does for them. */
struct ledger_calls_ops {
    /* An append waits. Called with the lock. */
    void (*wake_writer)(void *owner);
    /* Reads: as ledger_read's on_done says; may put a sentence into `problem`. On the reader's
     * thread, without the lock. */
    int (*read)(void *owner, struct ledger_read *read, size_t *ret_bytes,
                char problem[LEDGER_PROBLEM_BYTES]);
};

struct ledger_calls_done {
    struct ledger_read *read;
    int error;
    size_t bytes;
    bool has_problem;
};

struct ledger_calls {
    const struct ledger_calls_ops *ops;
    struct ledger_log *log; /* borrowed: whose notify is called */
    void *owner;            /* of the ops */
    pthread_t reader;
    bool reader_started;
    char problem[LEDGER_PROBLEM_BYTES]; /* the owner's thread: of what it was told last */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t owner_wake, reader_wake;
    bool stopped; /* after APPEND_UNKNOWN: appends are refused */
    bool closing; /* nothing new is taken */
    struct ledger_append *append;
    enum ledger_call_state append_state;
    enum append_outcome outcome;
    char append_problem[LEDGER_PROBLEM_BYTES], read_problem[LEDGER_PROBLEM_BYTES];
    uint64_t reads, reads_busy; /* counters */

    /* Rings; a read is counted in reads_under_way from read() to its callback. */
    struct ledger_read *waiting[LEDGER_READS_MAX];
    struct ledger_calls_done done[LEDGER_READS_MAX];
    uint64_t waiting_in, waiting_out, done_in, done_out;
    unsigned reads_under_way;
};

void ledger_calls_init(struct ledger_calls *calls, const struct ledger_calls_ops *ops,
                       struct ledger_log *log, void *owner);
void ledger_calls_destroy(struct ledger_calls *calls);
/* Begins the reader's thread; signals are to be blocked by the caller. 0 or -ERR_MEMORY. */
int ledger_calls_start(struct ledger_calls *calls);

/* ---- on the owner's thread ---- */

/* 0, -ERR_BUSY or -ERR_STOPPED; the log has checked what else may be wrong with it. */
int ledger_calls_append(struct ledger_calls *calls, struct ledger_append *append);
/* 0 or -ERR_BUSY. */
int ledger_calls_read(struct ledger_calls *calls, struct ledger_read *read);
/* Runs the callbacks of what was done. */
void ledger_calls_poll(struct ledger_calls *calls);
/* After `closing` was set and all were woken: serves what is under way. Whatever has not ended
 * after us_max is given up by give_up, again and again until it ends; 0: it is waited for. */
void ledger_calls_run_down(struct ledger_calls *calls, int64_t us_max,
                           void (*give_up)(void *owner));
/* Ends the reader's thread, after `closing`. */
void ledger_calls_join(struct ledger_calls *calls);

/* ---- on the writer's thread, with the lock ---- */

/* The append has ended; leaves the lock to tell the owner. `problem` may be NULL. */
void ledger_calls_finish(struct ledger_calls *calls, enum append_outcome outcome,
                         const char *problem);

/* ---- on any ---- */

/* Calls the log's notify; without the lock. */
void ledger_calls_notify(const struct ledger_calls *calls);
/* With the lock. */
static inline bool ledger_calls_append_is_under_way(const struct ledger_calls *calls)
{
    return calls->append_state == LEDGER_CALL_WAITING || calls->append_state == LEDGER_CALL_WORKING;
}
/* With the lock, which it leaves meanwhile: until somebody signals, or for so long. */
void ledger_calls_wait_us(struct ledger_calls *calls, pthread_cond_t *wake, int64_t us);
/* Keeps as much of the text as there is room for. */
void ledger_calls_explain(char to[LEDGER_PROBLEM_BYTES], const char *text);
/* A condition that ledger_calls_wait_us may be asked with. */
void ledger_calls_cond_init(pthread_cond_t *cond);
