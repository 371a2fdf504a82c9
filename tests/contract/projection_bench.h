/* projection_bench.h - under tests of the projection port: a book whose ledger has one good record
 * of every type, projectors that follow it into a store, and the comparison of what is there with
 * what the log says (app/projection_check.h). Whatever cannot be had fails the test. Thread: the
 * test's. */
#pragma once

#include "app/projection_check.h"
#include "app/projector.h"
#include "every_type.h"

/* ---- a ledger ---- */

struct faulty_disk;

struct bench_book {
    struct faulty_disk *disk; /* NULL: the log is somebody's */
    struct ledger_log *log;
    uint32_t shard;
    uint64_t epoch;
    unsigned answers;
};

/* An empty one of this shard, in files; or over a log, which bench_book_close() ends as well. */
void bench_book_open(struct bench_book *book, uint32_t shard);
void bench_book_over(struct bench_book *book, struct ledger_log *log, uint32_t shard);
void bench_book_close(struct bench_book *book);
/* Writes a record of every type, the same each time, and calls this behind each; it may be NULL. */
void bench_book_write_every_type(struct bench_book *book, void (*between)(void));
/* Writes one of `shards`, with a market, a customer of that shard and so many bets. */
void bench_book_write_bets(struct bench_book *book, uint32_t shards, unsigned bets);
/* Of a book in files; the caller owns it. */
struct ledger_cursor *bench_book_cursor(const struct bench_book *book);

/* ---- following it ---- */

struct bench_follower {
    struct ledger_cursor *cursor; /* as the store, taken */
    struct projection_store *store;
    struct projector *projector;
};

void bench_follower_open(struct bench_follower *follower, struct ledger_cursor *cursor,
                         struct projection_store *store, uint32_t shard);
void bench_follower_close(struct bench_follower *follower);
void bench_step(struct bench_follower *follower); /* once, whatever comes of it but an end */
void bench_step_until_idle(struct bench_follower *follower);

/* ---- comparing it ---- */

/* All that the log says is in the store, and nothing else; both are the caller's. */
void bench_verify(struct ledger_log *log, struct projection_store *store, uint32_t shard,
                  struct projection_check_report *ret_report);
