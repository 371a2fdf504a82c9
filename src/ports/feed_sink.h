/* feed_sink.h - what a feed adapter says to the book: normalised prices, states and results.
 *
 * A feed adapter (feeds/X) turns one provider's messages into these calls; the book (app/book)
 * is the sink. All calls come on the book's loop, run to their end before they return, and
 * borrow everything they are given for the call. A sink never refuses: what breaks a limit is
 * counted by the sink and dropped, with the market suspended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "core/market.h"
#include "core/odds.h"
#include "core/settle.h"

struct feed_selection {
    struct slice id; /* unique in its market; Betfair with handicap: "ID@HC" */
    struct slice name;
    enum selection_status status; /* ACTIVE only with a price */
    struct odds odds;             /* the house price, margin included; ODDS_NONE: none now */
};

/* The whole image of one market after a change; the book computes what changed. */
struct feed_market {
    struct slice provider; /* "betfair", "sim" */
    struct slice id;
    struct slice event_id;
    struct slice event_name;
    struct slice sport; /* "football", "horse_racing", ... */
    struct slice name;  /* "Match Odds" */
    struct slice kind;  /* the provider's type: "MATCH_ODDS", "1x2", ... */
    enum market_status status;
    bool in_play;
    int64_t bet_delay_us;      /* 0 = none */
    uint64_t provider_version; /* evidence for the record; 0 = the provider has none */
    struct instant feed_time;  /* the provider's stamp of this change */
    struct instant start_time; /* scheduled start; us = 0: unknown */
    const struct feed_selection *selections;
    size_t selections_count; /* <= SELECTIONS_MAX */
};

struct feed_selection_result {
    struct slice selection_id;
    struct leg_result result;
    struct slice reason; /* "" or why, e.g. "runner removed" */
};

/* A market's result. A later one with a higher version and other factors is a correction; the
 * same factors again, or a version that is not higher, change nothing (L7). */
struct feed_result {
    struct slice provider;
    struct slice market_id;
    uint64_t result_version; /* rises per market; Betfair: settledTime in ms */
    struct instant feed_time;
    const struct feed_selection_result *selections;
    size_t selections_count;
};

struct feed_sink;

struct feed_sink_ops {
    void (*market)(struct feed_sink *sink, const struct feed_market *market);
    void (*result)(struct feed_sink *sink, const struct feed_result *result);
    /* The provider stopped offering the market without a result. */
    void (*removed)(struct feed_sink *sink, struct slice provider, struct slice market_id);
    /* Any byte came from the provider: its lease is renewed (P2). Heartbeats count. */
    void (*alive)(struct feed_sink *sink, struct slice provider);
    /* The provider itself says that its prices may be late (Betfair status 503), or that they
     * are good again: while late, no bet on them. */
    void (*late)(struct feed_sink *sink, struct slice provider, bool late);
};

struct feed_sink {
    const struct feed_sink_ops *ops;
};
