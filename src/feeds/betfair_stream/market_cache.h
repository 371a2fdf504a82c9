/* market_cache.h - what the stream has said so far: markets, runners, their ladders.
 *
 * Private to feeds/betfair_stream. Applies decoded changes (mcm_message.h) by the rules of
 * FORMATS 1.3 to 1.6; knows nothing of the book. Everything is taken at the start and every
 * table is bounded: when there is no room for a market, the market that closed longest ago
 * gives way. Thread: one loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/each_way.h"
#include "core/ids.h"
#include "core/market.h"
#include "feeds/betfair_stream/id_table.h"
#include "feeds/betfair_stream/ladder.h"
#include "feeds/betfair_stream/mcm_message.h"

#define MARKET_CACHE_NONE ID_TABLE_NONE

struct short_text {
    uint8_t bytes;
    char at[NAME_BYTES_MAX];
};

/* What the sink was last told of a runner or a market, to skip what changes nothing. */
struct shown_selection {
    enum selection_status status;
    uint32_t cents; /* 0 = no price */
};

struct shown_market {
    bool shown; /* the book has been told of it and it was not removed since */
    enum market_status status;
    bool in_play;
    int64_t bet_delay_s;
};

struct cached_runner {
    int64_t id;
    int32_t hc_milli;
    uint32_t market; /* index */
    uint32_t next;   /* in the order of the selections, or MARKET_CACHE_NONE */
    int64_t sort_priority;
    uint32_t inserted; /* how many runners its market had had before it */
    uint32_t mark;     /* the last definition of its market that named it; 0 = none yet */
    enum mcm_runner_status status;
    enum mcm_runner_status result; /* as the last result that was sent said; UNKNOWN = none */
    int32_t ltp_milli;             /* 0 = none */
    int32_t adjustment_milli;      /* percent, of the definition in which it was removed */
    int32_t result_adjustment;     /* as the last result that was sent said */
    struct instant removed;        /* when that definition came; us = 0: it is not removed */
    struct ladder ladders[LADDERS_COUNT];
    bool crossed; /* after the last message */
    struct shown_selection shown;
    struct short_text name; /* empty: none known */
    struct short_text key;  /* "ID" or "ID@HC" */
};

struct cached_market {
    bool used;
    struct short_text id;
    struct short_text event_id;
    struct short_text event_name;
    struct short_text name;
    struct short_text kind;
    struct slice sport; /* static text */
    enum mcm_market_status status;
    enum mcm_betting betting;
    bool each_way;
    bool racing;                    /* horses or greyhounds: who is removed reduces the others */
    struct place_terms place_terms; /* of an each-way market; places 0: none */
    int64_t winners;
    bool in_play;
    int64_t bet_delay_s;
    uint64_t version;
    struct instant start_time;
    struct instant settled_time;

    bool defined;     /* has a definition that no image has cleared since */
    bool subscribed;  /* its changes carry a subscription id: images of others clear it */
    bool awaited;     /* a running image has not named it yet */
    bool unsure;      /* the connection was lost since its last image */
    bool overfull;    /* a runner of the definition had no room */
    bool ladder_seen; /* an offer was ever in a ladder: the last traded price is no price */
    bool changed;     /* something shown of the definition changed since the last image sent */
    bool touched;     /* in the cache's list of what the message touched */

    uint32_t first_runner; /* in order, or MARKET_CACHE_NONE */
    uint32_t runners_count;
    uint32_t runners_inserted;
    uint32_t mark;    /* number of the last definition */
    uint64_t used_at; /* the message that last changed it, for eviction */

    struct shown_market shown;
    bool ended;   /* closed, and removed from the book without a result */
    bool refused; /* closed with runner flags that say no result; counted once */
    bool result_sent;
    uint64_t result_version;
    uint32_t result_count;
};

struct market_cache_limits {
    uint32_t markets_max;
    uint32_t runners_max;       /* of all markets together; SELECTIONS_MAX holds for each */
    uint32_t ladder_points_max; /* of all ladders together */
};

struct market_cache_counts {
    uint64_t limits_reached; /* markets, runners, points or names that had no room */
    uint64_t crossed;        /* books that a message left with best back >= best lay (1.8.6) */
    uint64_t stale_copies;   /* copies of a market under its old event (1.3) */
    uint64_t evicted;
};

struct market_cache {
    struct cached_market *markets; /* owned, markets_max */
    struct cached_runner *runners; /* owned, runners_max */
    struct ladder_pool *ladders;   /* owned */
    struct id_table *market_table; /* owned */
    struct id_table *runner_table; /* owned */
    uint32_t *touched;             /* owned, markets_max */
    uint32_t touched_count;
    uint32_t markets_count;
    uint32_t runners_count;
    uint32_t markets_free, markets_fresh; /* a list through first_runner; then never used ones */
    uint32_t runners_free, runners_fresh; /* a list through next */
    struct market_cache_limits limits;
    uint64_t hash_key[2];
    uint64_t messages;
    struct market_cache_counts counts;
};

/* 0 or -ERR_MEMORY. Every limit is at least 1. */
int market_cache_new(const struct market_cache_limits *limits, const uint64_t hash_key[2],
                     struct market_cache **ret);
void market_cache_free(struct market_cache *cache); /* accepts NULL */

/* Puts a market on the list of touched ones, which the caller empties. */
void market_cache_touch(struct market_cache *cache, struct cached_market *market);

/* The index of a market, which is made where there is none; MARKET_CACHE_NONE when there is no
 * room, which is counted. */
uint32_t market_cache_find_or_add(struct market_cache *cache, struct slice id);
/* Forgets the market, which is not on the list of touched ones. */
void market_cache_remove(struct market_cache *cache, uint32_t index);

/* Applies one element of `mc`, with its runner changes in order, and touches the market.
 * False, with nothing applied: it is the copy of a moved market under its old event (1.3). */
bool market_cache_apply(struct market_cache *cache, struct cached_market *market,
                        const struct mcm_message *message, const struct mcm_market_change *change);

/* Forgets all prices of the market, as an image does. */
void market_cache_clear_prices(struct market_cache *cache, struct cached_market *market);

/* Counts the runners of a touched market whose book became crossed; after a whole message. */
void market_cache_count_crossed(struct market_cache *cache, const struct cached_market *market);

static inline struct slice short_text_slice(const struct short_text *text)
{
    return (struct slice){text->at, text->bytes};
}

/* Points of all ladders of all markets. Walks everything: for tests and tools. */
uint64_t market_cache_points(const struct market_cache *cache);
/* Aborts when an invariant is broken. Walks everything: for ASSERT_SLOW and the fuzzer. */
void market_cache_check(const struct market_cache *cache);
