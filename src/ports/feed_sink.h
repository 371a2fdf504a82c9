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
#include "core/deductions.h"
#include "core/each_way.h"
#include "core/leg_chances.h"
#include "core/market.h"
#include "core/odds.h"
#include "core/settle.h"

struct feed_selection {
    struct slice id; /* unique in its market; Betfair with handicap: "ID@HC" */
    struct slice name;
    enum selection_status status; /* ACTIVE only with a price */
    struct odds odds;             /* the house price, margin included; ODDS_NONE: none now */
    struct leg_chances chances;   /* as the provider says, for cash-outs; all 0: it says none */
};

/* The whole image of one market after a change; the book computes what changed. */
struct feed_market {
    struct slice provider; /* "betfair", "sim" */
    struct slice id;
    struct slice event_id; /* never empty: a market without an event is its own */
    struct slice event_name;
    struct slice sport; /* "football", "horse_racing", ... */
    struct slice name;  /* "Match Odds" */
    struct slice kind;  /* the provider's type: "MATCH_ODDS", "1x2", ... */
    enum market_status status;
    bool in_play;
    int64_t bet_delay_us;           /* 0 = none */
    uint64_t provider_version;      /* evidence for the record; 0 = the provider has none */
    struct instant feed_time;       /* the provider's stamp of this change */
    struct instant start_time;      /* scheduled start; us = 0: unknown */
    struct place_terms place_terms; /* of each-way bets; places 0: to win only */
    bool each_way_only;             /* with terms: its price is of both halves, none to win only */
    uint8_t winners;                /* so many selections can win; 0: not said, any number */
    bool ante_post;                 /* a non-runner loses, and nothing is deducted for others */
    uint8_t score[2];               /* in play: home, away; 0 when the provider says none */
    uint8_t red_cards[2];           /* the same */
    const struct feed_selection *selections;
    size_t selections_count; /* <= SELECTIONS_MAX */
};

struct feed_selection_result {
    struct slice selection_id;
    bool open; /* there is no result for it (any more); what follows does not count */
    struct leg_result result;
    uint32_t position;           /* where it finished, 1 is first; 0: not said */
    uint32_t tied;               /* how many share that position, itself counted; 0: not said */
    struct instant withdrawn_at; /* it did not run; us = 0: it did */
    uint32_t deduction;  /* withdrawn: hundredths of a percent it takes off the others' bets */
    struct slice reason; /* "" or why, e.g. "runner removed" */
};

/* A word on a market's results (core/settle.h): the results, that some are withdrawn, or a window
 * of time in which bets are void. A later one with a higher version is a correction; a version that
 * is not higher changes nothing (L7). Selections that it does not name keep what they had, except
 * that a rollback that names none opens all. */
struct feed_result {
    struct slice provider;
    struct slice market_id;
    enum result_kind kind;
    uint64_t result_version; /* rises per market; Betfair: settledTime in ms */
    struct instant feed_time;
    struct instant void_from; /* CANCEL and UNDO_CANCEL: from <= t < until, provider's clock */
    struct instant void_until;
    uint8_t certainty;                    /* 1 live, 2 confirmed; 0 not said */
    enum deduction_model deduction_model; /* 0: none of them deducts */
    uint8_t cap_pence, waive_pence;       /* DEDUCT_RULE4 */
    bool score_known;  /* lines are settled from it (core/market_line.h): selections that have one
                          need not be named, and where they are it must be what the score says */
    uint16_t score[2]; /* home, away */
    bool names_others; /* it may name selections that the market never had: nobody can have bet on
                          them, and they are passed over; else such a name makes all of it wrong */
    const struct feed_selection_result *selections;
    size_t selections_count;
};

/* One of several sources of prices behind one link, each of which may fall silent for itself. */
struct feed_producer {
    struct slice provider;  /* as in its markets, "uof:1" */
    struct slice link;      /* the provider whose bytes bring it, "uof" */
    int64_t silence_us_max; /* > 0 */
};

struct feed_sink;

struct feed_sink_ops {
    void (*market)(struct feed_sink *sink, const struct feed_market *market);
    void (*result)(struct feed_sink *sink, const struct feed_result *result);
    /* The provider stopped offering the market without a result. */
    void (*removed)(struct feed_sink *sink, struct slice provider, struct slice market_id);
    /* Any byte came from the provider: its lease is renewed (P2). Heartbeats count. */
    void (*alive)(struct feed_sink *sink, struct slice provider);
    /* The producer says that it lives: its lease is renewed, by this alone, and holds only while
     * that of its link does. Comes before its first market. */
    void (*producer)(struct feed_sink *sink, const struct feed_producer *producer);
    /* The provider itself says that its prices may be late (Betfair status 503), or that they
     * are good again: while late, no bet on them. */
    void (*late)(struct feed_sink *sink, struct slice provider, bool late);
};

struct feed_sink {
    const struct feed_sink_ops *ops;
};
