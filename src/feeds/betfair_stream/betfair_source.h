/* betfair_source.h - the Betfair Exchange Stream (op:mcm lines) as a feed source.
 *
 * Source: FORMATS part 1; where that leaves a decision open ([derived]), it is taken here:
 *
 * - Bettable: status OPEN, runner ACTIVE, a price, and prices that are known to be current:
 *   not between reset() and the market's next image, not while a subscription's image has not
 *   named the market yet, not when a runner of its definition had no room.
 * - A market that runner flags cannot settle is shown but never bettable: bettingType
 *   ASIAN_HANDICAP_* (1.7 trap 2), LINE, RANGE and unknown ones (whose price is no odds, so
 *   none is shown), and EACH_WAY (1.7 trap 6). When it closes, its CLOSED image is followed by
 *   sink.removed instead of a result.
 * - A result is sent when a market is CLOSED and every runner is WINNER, LOSER or REMOVED, and
 *   again when a later CLOSED says something else (1.7 trap 3); winners are not counted (trap
 *   1). An ACTIVE runner: not yet. PLACED, HIDDEN or an unknown word: refused and counted, the
 *   market stays closed. result_version is settledTime in ms if that is greater than the
 *   market's last one, else the definition's version if that is, else the last one plus 1.
 * - A market is shown from its first definition on; without one it has no event. A runner that
 *   a definition does not name any more is no selection any more.
 * - A subscription's image (SUB_IMAGE) replaces what had come with subscription ids; a market
 *   that it does not name is removed from the book. What came without ids (recordings) stays.
 *   An ordinary message of another id is dropped, unless the id is higher: then an image was
 *   missed, and every market waits for its next one.
 * - After reset() a market is sure again with img:true and a definition, at the end of a
 *   RESUB_DELTA, or (recordings have neither) with a definition in a message without a
 *   subscription id, which is then taken as an image.
 * - A market whose definition names no event has its own id as the event's.
 * - A definition of another event with a lower version is the old copy of a moved market.
 *
 * Limits: mcm_message.h for one message, betfair_options for all. Pure: no clock, no I/O.
 * Thread: one loop, which is the sink's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "feeds/betfair_stream/margin_rule.h"
#include "ports/feed_sink.h"
#include "ports/feed_source.h"

#define BETFAIR_PROVIDER      "betfair"
#define BETFAIR_CLK_BYTES_MAX 256
#define BETFAIR_MARKETS_LIMIT 1000000u
#define BETFAIR_RUNNERS_LIMIT 16000000u
#define BETFAIR_POINTS_LIMIT  400000000u

/* Whether the last traded price may stand in for an offer. */
enum betfair_ltp {
    BETFAIR_LTP_WITHOUT_LADDER = 0, /* in a market that never showed an offer (BASIC data) */
    BETFAIR_LTP_NEVER,
    BETFAIR_LTP_ALWAYS, /* wherever there is no offer now */
};

struct betfair_options {
    struct margin_rule margin;
    enum betfair_ltp ltp_prices;
    uint32_t markets_max;       /* about 700 bytes each */
    uint32_t runners_max;       /* of all markets; about 350 bytes each */
    uint32_t ladder_points_max; /* of all ladders; 8 bytes each */
    uint64_t hash_key[2];       /* random where ids come from strangers */
};

/* 5 % margin, prices from 1.01, offers of any size, 4,096 markets, 131,072 runners, 4 million
 * points. Memory is taken for all of it but touched as needed. */
struct betfair_options betfair_options_default(void);

/* NULL when an option is out of range or memory is short. The caller owns the source and ends
 * it with ops->free; it borrows the sink until then. */
struct feed_source *betfair_source_new(const struct betfair_options *options,
                                       struct feed_sink *sink);

/* Counted beside struct feed_counts. */
struct betfair_counts {
    uint64_t other_ops; /* connection, status, ocm, ccm, heartbeat, unknown */
    uint64_t heartbeats;
    uint64_t late_messages;       /* with status 503 */
    uint64_t old_subscription;    /* dropped */
    uint64_t missed_images;       /* a higher subscription id without its image */
    uint64_t stale_copies;        /* of a market under its old event, dropped */
    uint64_t results_refused;     /* CLOSED with PLACED, HIDDEN or unknown runners */
    uint64_t unsettled_closed;    /* CLOSED markets that runner flags cannot settle */
    uint64_t deductions_left_out; /* removed runners beyond what a bet can carry */
    uint64_t images_sent;         /* calls to sink.market */
    uint64_t images_skipped;      /* changes that changed nothing shown */
    uint64_t crossed;             /* books that a message left crossed: one before it was lost */
    uint64_t markets_evicted;
    uint64_t markets;       /* now */
    uint64_t runners;       /* now */
    uint64_t ladder_points; /* now */
};

/* Walks all ladders: for metrics scrapes, tools and tests, not for each message. */
void betfair_source_counts(const struct feed_source *source, struct betfair_counts *ret);

/* The tokens with which a connection resumes where this source stands (FORMATS 1.8); empty
 * when there are none. Borrowed until the next message. */
void betfair_source_resume(const struct feed_source *source, struct slice *ret_initial_clk,
                           struct slice *ret_clk);

/* Aborts when an invariant of the cache is broken; walks everything. For tests. */
void betfair_source_check(const struct feed_source *source);
