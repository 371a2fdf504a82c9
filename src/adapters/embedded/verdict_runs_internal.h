/* verdict_runs_internal.h - the memory of verdict_runs.h, shared by the files verdict_runs*.c
 * only. */
#pragma once

#include <pthread.h>

#include "adapters/embedded/verdict_filter.h"
#include "adapters/embedded/verdict_runs.h"

/* In the order of their records. Each is used once by the list; find() uses those that it reads. */
struct verdict_list {
    struct verdict_run *runs[VERDICT_RUNS_MAX];
    uint32_t count;
};

/* A run in the making, from the log. */
struct verdict_build {
    enum { BUILD_NOTHING = 0, BUILD_COLLECT, BUILD_WRITE } phase;
    struct verdict_entry *entries; /* owns; chunk_keys */
    struct verdict_entry *sorted;  /* owns; chunk_keys */
    uint32_t *buckets;             /* owns; of the sort */
    uint32_t count, put;
    uint64_t seq_first, seq_last, seq_max; /* the last collected; none behind seq_max */
    uint32_t record_crc;                   /* of seq_last */
    struct verdict_run_writer writer;
};

/* Runs [first, first + count) of the list, being merged. */
struct verdict_merge {
    bool busy;
    uint32_t first, count;
    struct verdict_scan scans[VERDICT_RUNS_MAX];
    struct verdict_entry heads[VERDICT_RUNS_MAX]; /* the next key of each */
    bool more[VERDICT_RUNS_MAX];
    struct verdict_run_writer writer;
};

struct verdict_runs {
    struct verdict_runs_options options;
    struct disk *disk;            /* borrowed */
    struct ledger_cursor *cursor; /* borrowed */
    struct verdict_filter *filter;
    uint64_t covered, wanted; /* atomic */
    bool book_known;          /* GENESIS was read */
    uint8_t book_id[16];
    uint64_t hash_key[2];
    uint64_t serial; /* of the newest run */
    struct verdict_build build;
    struct verdict_merge merge;
    bool turn; /* whose step is next: the merge's */
    bool failed;
    char text[VERDICT_TEXT_BYTES];
    struct verdict_list retired;  /* out of the list, perhaps still read */
    struct verdict_finder finder; /* find()'s */

    pthread_mutex_t lock; /* what is below, and every run's `users` */
    struct verdict_list list;
    struct verdict_runs_stats stats;
};

/* verdict_runs.c. GENESIS, once it is durable: 0; -ERR_NOT_FOUND: it is not. */
int verdict_runs_learn(struct verdict_runs *runs);
/* The checksum of this durable record. 0; -ERR_NOT_FOUND; or the log's error. */
int verdict_runs_record_crc(struct verdict_runs *runs, uint64_t seq, uint32_t *ret_crc);
/* A head for a new run, with the next serial number. */
struct verdict_run_head verdict_runs_head(struct verdict_runs *runs);
/* Puts a finished run in the place of `count` others from `first` on. */
int verdict_runs_install(struct verdict_runs *runs, uint64_t serial, uint32_t first,
                         uint32_t count);
/* -ERR_CORRUPT for good. */
int verdict_runs_fail(struct verdict_runs *runs, const char *text);
int verdict_runs_contradiction(struct verdict_runs *runs, uint64_t seq, uint64_t other);

/* verdict_runs_build.c, verdict_runs_merge.c. */
int verdict_build_new(struct verdict_runs *runs);
void verdict_build_done(struct verdict_runs *runs);
bool verdict_build_due(const struct verdict_runs *runs);
int verdict_build_step(struct verdict_runs *runs);
int verdict_merge_new(struct verdict_runs *runs);
void verdict_merge_done(struct verdict_runs *runs);
void verdict_merge_abandon(struct verdict_runs *runs);
bool verdict_merge_due(const struct verdict_runs *runs);
int verdict_merge_step(struct verdict_runs *runs);
