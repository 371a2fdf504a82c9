/* uof_source.h - the Unified Odds Feed (one XML document a line) as a feed source.
 *
 * Source: FORMATS part 2. Where that leaves a decision open, it is taken in the header of the part
 * that it is about: uof_producers.h (who can be relied on), uof_results.h (settlements), and here:
 *
 * - A market is "EVENT/ID" or "EVENT/ID/k=v,k=v"; of its producer N the provider is "uof:N".
 * - Bettable: status 1, the outcome active and with a price, its producer up and its lease valid,
 *   its event not over, no bet_stop since, betting_status absent, and all its outcomes known here.
 * - status 0, -1, -2: suspended; -3: closed until its settlement is here; -4: cancelled.
 * - Names: the feed has numbers only, and so have the names: "Market 18 total=2.5", "12".
 * - In play, bets wait for in_play_delay_us; the feed has no delay of its own.
 * - A line is any message; one of a kind that is unknown is a sign of life of the link. Two are not
 *   of the feed but of who brings it: <heartbeat/>, the link lives, and <heartbeat replay="1"/>,
 *   the silence is a recording's, so all producers live.
 *
 * Limits: uof_message.h and uof_xml.h for one message, uof_options for all. Pure: no clock, no I/O.
 * Thread: one loop, which is the sink's. */
#pragma once

#include <stdint.h>

#include "ports/feed_sink.h"
#include "ports/feed_source.h"

#define UOF_EVENTS_LIMIT   1000000u
#define UOF_MARKETS_LIMIT  4000000u
#define UOF_OUTCOMES_LIMIT 64000000u

struct uof_options {
    uint32_t events_max;   /* about 150 bytes each */
    uint32_t markets_max;  /* about 250 bytes each */
    uint32_t outcomes_max; /* of all markets; about 90 bytes each */
    int64_t in_play_delay_us;
    uint64_t hash_key[2]; /* random where ids come from strangers */
};

/* 8,192 events, 65,536 markets, 1,048,576 outcomes, 5 s. Memory is touched as needed. */
struct uof_options uof_options_default(void);

/* NULL when an option is out of range or memory is short. The caller owns the source and ends it
 * with ops->free; it borrows the sink until then. */
struct feed_source *uof_source_new(const struct uof_options *options, struct feed_sink *sink);

struct uof_producer;

/* For who asks the provider for recoveries (uof_recovery.h): as uof_producers_ask. */
void uof_source_ask(struct feed_source *source, uint16_t producer);
/* The producers that were heard of, n = 0, 1, ..; NULL behind the last. Borrowed until the next
 * message. */
const struct uof_producer *uof_source_producer(const struct feed_source *source, uint32_t n);
/* The recovery of this request is under way; 0: there is none. The producer was heard of. */
void uof_source_await(struct feed_source *source, uint16_t producer, uint64_t request_id);

/* Counted beside struct feed_counts. */
struct uof_counts {
    uint64_t others;          /* messages of unknown kinds */
    uint64_t heartbeats;      /* of who brings the messages */
    uint64_t recovered;       /* messages that answered a recovery */
    uint64_t old;             /* markets that a message did not change: it was overtaken */
    uint64_t not_owned;       /* ... or another producer sends them now */
    uint64_t stopped;         /* markets that a bet_stop closed */
    uint64_t prices_refused;  /* odds that are no price */
    uint64_t chances_refused; /* probabilities that are none */
    uint64_t results_refused; /* results that a leg cannot have, or of no outcome */
    uint64_t against_score;   /* results of lines that the score contradicts */
    uint64_t outcome_cancels; /* cancels of single outcomes */
    uint64_t empty_words;     /* settlements, cancels, rollbacks that name no market */
    uint64_t producers_down, producers_up; /* how often */
    uint64_t images_sent;                  /* calls to sink.market */
    uint64_t markets_evicted;
    uint64_t events, markets, outcomes; /* now */
};

/* For metrics, tools and tests; no walk. */
void uof_source_counts(const struct feed_source *source, struct uof_counts *ret);

/* Aborts when an invariant of the cache is broken; walks everything. For tests. */
void uof_source_check(const struct feed_source *source);
