/* node_streams.h - a node that tells other programs what its logs say (app/stream_publisher.h): a
 * thread for each topic, which follows the log and never holds anything that the loop waits for.
 * What a stream cannot take waits in the log; bets go on (S1, V1-97). So does what a registry of
 * schemas refuses, if one is asked. Thread: the main one, but for the threads themselves. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "app/stream_publisher.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "cli/consumers/log_source.h"
#include "cli/consumers/schema_watch.h"

/* Odds are told when they are durable, so with streams their log is synced this often. */
#define NODE_STREAMS_ODDS_SYNC_US 100000

struct node_streams_options {
    const char *url;    /* kafka://...; NULL: nobody is told */
    const char *config; /* adapters/kafka/kafka_options.h; or NULL */
    int64_t copies;     /* > 0: topics are made where they are missing */
    struct schema_watch_options schemas;
};

/* One topic. */
struct node_stream {
    const char *topic;
    struct log_source log; /* owned, as the next two */
    struct event_writer *writer;
    struct stream_publisher *publisher;
    const struct schema_topic *schema; /* borrowed; NULL: nobody is asked */
    int64_t schema_id;                 /* the one that messages name */
    uint32_t *stop;                    /* atomic */
    pthread_t thread;
    bool running;
    bool told_away;
    /* Written by the thread alone. */
    struct metrics_gauge lag, away, ended;
    struct metrics_counter events, failures, repeats, gaps;
};

struct node_streams {
    struct node_stream bets, odds;
    struct schema_watch schemas;
    struct ledger_log *log; /* borrowed */
    struct log_source_parts sources;
    uint32_t shard;
    uint64_t told; /* atomic: the last record of which anybody was told */
    uint32_t stop; /* atomic */
};

/* The book has started; what the parts name outlives node_streams_stop. `log`: what stands before
 * parts->file_log, whose confirmed() is asked; told, owner and stop of the parts are set here, and
 * hold for who else reads the logs (streams->sources). Without a URL nobody is told. 0; -ERR_CONFIG
 * with `why`; or another error. */
int node_streams_start(struct node_streams *streams, const struct node_streams_options *options,
                       struct ledger_log *log, const struct log_source_parts *parts,
                       struct buf *why);
/* At a turn's end: what was told until now may be read. */
void node_streams_turn(struct node_streams *streams);
/* Ends the threads, within the time for an answer (KAFKA_WAIT_MS_MAX, WEB_REQUEST_MS_MAX) where a
 * broker or a registry is silent. */
void node_streams_stop(struct node_streams *streams);
/* Of a node with streams. 0 or -ERR_LIMIT. */
int node_streams_register_metrics(struct node_streams *streams,
                                  const struct node_streams_options *options,
                                  struct metrics *metrics);
