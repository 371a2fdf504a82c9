/* node_streams.h - a node that tells other programs what its logs say (app/stream_publisher.h): a
 * thread for each topic, which follows the log and never holds anything that the loop waits for.
 * What a stream cannot take waits in the log; bets go on (S1, V1-97). Thread: the main one, but for
 * the threads themselves. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "adapters/embedded/disk.h"
#include "app/bet_source.h"
#include "app/odds_source.h"
#include "app/stream_publisher.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "ports/ledger_log.h"

/* Odds are told when they are durable, so with streams their log is synced this often. */
#define NODE_STREAMS_ODDS_SYNC_US 100000

struct node_streams_options {
    const char *url;    /* kafka://...; NULL: nobody is told */
    const char *config; /* adapters/kafka/kafka_options.h; or NULL */
    int64_t copies;     /* > 0: topics are made where they are missing */
};

/* One topic. */
struct node_stream {
    const char *topic;
    struct event_source *source; /* owned, as the next two; NULL: not open */
    struct event_writer *writer;
    struct stream_publisher *publisher;
    const char *(*source_problem)(const struct event_source *source); /* NULL: it says nothing */
    uint32_t *stop;                                                   /* atomic */
    pthread_t thread;
    bool running;
    bool told_away;
    /* Written by the thread alone. */
    struct metrics_gauge lag, away, ended;
    struct metrics_counter events, failures, repeats, gaps;
};

struct node_streams {
    struct node_stream bets, odds;
    struct ledger_cursor *cursor;     /* of the thread of the bets; owned, as the next three */
    struct snapshot_store *snapshots; /* of the same */
    struct odds_cursor *odds_cursor;  /* of the thread of the odds */
    struct odds_store *images;        /* of the same */
    struct ledger_log *log;           /* borrowed */
    uint32_t shard;
    uint64_t told; /* atomic: the last record of which anybody was told */
    uint32_t stop; /* atomic */
};

struct node_streams_parts {
    struct ledger_log *file_log; /* a ledger_file, and */
    struct ledger_log *log;      /* what stands before it: confirmed() is asked */
    struct disk *ledger_disk;
    const struct verdict_store *verdicts;
    struct odds_log *odds_log; /* an odds_log_file */
    int64_t markets_max;
    const struct shard_state *state; /* of the book: whose events they are */
};

/* The book has started; the parts outlive node_streams_stop. Without a URL nothing is done. 0;
 * -ERR_CONFIG with `why`; or another error. */
int node_streams_start(struct node_streams *streams, const struct node_streams_options *options,
                       const struct node_streams_parts *parts, struct buf *why);
/* At a turn's end: what was told until now may be published. */
void node_streams_turn(struct node_streams *streams);
/* Ends the threads, within the time for an answer (KAFKA_WAIT_MS_MAX) where a broker is silent. */
void node_streams_stop(struct node_streams *streams);
/* Of a node with streams. 0 or -ERR_LIMIT. */
int node_streams_register_metrics(struct node_streams *streams,
                                  const struct node_streams_options *options,
                                  struct metrics *metrics);
