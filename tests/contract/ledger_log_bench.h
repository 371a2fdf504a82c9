/* ledger_log_bench.h - one open log under the contract's sentences, and what it was asked: appends,
 * reads and replays of records that say their own number. Whatever cannot be asked for fails the
 * test. Thread: the test's. */
#pragma once

#include <pthread.h>

#include "ledger_log_contract.h"

#define BENCH_RECORD_BYTES 328

struct bench { /* one open log and what it answered */
    struct log_subject *subject;
    struct ledger_log *log;
    uint64_t epoch;
    bool beside;
    pthread_mutex_t lock;
    pthread_cond_t notified;
    unsigned notifications;
};

/* Opens it and takes an epoch; or without one; or as a second writer past the wire, without one. */
void bench_open(struct bench *bench, struct log_subject *subject);
void bench_open_only(struct bench *bench, struct log_subject *subject);
void bench_open_beside(struct bench *bench, struct log_subject *subject);
/* What the log answers; `epoch` is the new one where it is 0. */
int bench_take_epoch(struct bench *bench);
void bench_close(struct bench *bench);
uint64_t bench_tail(struct bench *bench);

struct bench_call { /* one append or read, and its answer */
    struct ledger_append append;
    struct ledger_read read;
    struct bench *bench;
    bool submitting;
    unsigned callbacks;
    enum append_outcome outcome;
    int error;
    size_t bytes;
    struct bench_call *next; /* submitted from inside the callback */
    char *memory;            /* the test's to free */
};

/* An append of so many records behind `tail`, to be submitted. */
void bench_prepare(struct bench_call *call, struct bench *bench, uint64_t tail, uint32_t count);
/* What the log answers; and where that must be 0. */
int bench_try_submit(struct bench_call *call);
void bench_submit(struct bench_call *call);
/* Waits for a notification, as an event loop would, then polls, until the call has its answer. */
void bench_poll_until(struct bench *bench, const struct bench_call *call);
/* All of it. */
enum append_outcome bench_append(struct bench *bench, uint64_t tail, uint32_t count);

/* A read, to be submitted. */
void bench_begin_read(struct bench_call *call, struct bench *bench, uint64_t seq, uint32_t count,
                      size_t capacity);
int bench_try_read(struct bench_call *call);
/* All of it: the error, or the records were exactly those. */
int bench_read_range(struct bench *bench, uint64_t seq, uint32_t count, size_t capacity);

struct bench_visited {
    uint64_t first, last; /* 0: none */
    uint64_t stop_at;
};

/* For a replay, `owner` a bench_visited: holds each record to the one before it; -ERR_FORMAT at
 * `stop_at`. */
int bench_visit(void *owner, uint32_t shard, const char *record, size_t bytes);
struct bench_visited bench_replay(struct bench *bench, uint64_t seq_first);
