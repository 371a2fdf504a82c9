/* log_source.h - what a book's own logs say, as events (ports/event_stream.h): a source of one
 * topic with everything that it reads by. Each is of one thread, and takes no lock that a writer of
 * the logs could wait for; one of `bet-events` folds the ledger once more, beside the book. Thread:
 * one user each. */
#pragma once

#include "adapters/embedded/disk.h"
#include "app/bet_source.h"
#include "app/odds_source.h"
#include "ports/ledger_log.h"

#define TOPIC_BET_EVENTS   "bet-events"
#define TOPIC_ODDS_UPDATES "odds-updates"

/* Of a book that has started; borrowed while there is any source of it. */
struct log_source_parts {
    struct ledger_log *file_log; /* a ledger_file */
    struct disk *ledger_disk;
    const struct verdict_store *verdicts;
    struct odds_log *odds_log; /* an odds_log_file */
    int64_t markets_max;
    const struct shard_state *state; /* of the book: its limits, and whose events they are */
    uint64_t (*told)(void *owner);   /* bet_source.h */
    void *owner;
    uint32_t *stop; /* atomic: an end does not wait for a snapshot to be read */
};

/* All zero at first. */
struct log_source {
    struct event_source *source;
    const char *(*problem)(const struct event_source *source); /* NULL: it says nothing */
    struct ledger_cursor *cursor;                              /* owned, as all below */
    struct snapshot_store *snapshots;
    struct odds_cursor *odds_cursor;
    struct odds_store *images;
};

/* Of TOPIC_BET_EVENTS or TOPIC_ODDS_UPDATES. 0; -ERR_NOT_FOUND: another topic; or an error: then it
 * is to be closed all the same. */
int log_source_open(struct log_source *source, struct slice topic,
                    const struct log_source_parts *parts);
void log_source_close(struct log_source *source); /* accepts one that was never opened */
