/* uof_cache.h - what the feed has said so far: events, their markets, the outcomes of those.
 *
 * Private to feeds/uof. Holds and finds; what a message does stands in uof_apply.c. Everything is
 * taken at the start and every table is bounded: when there is no room, the event that was not
 * heard of for longest and has no market open gives way, with all its markets. Thread: one loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "core/ids.h"
#include "feeds/uof/uof_message.h"

#define UOF_NONE            UINT32_MAX
#define UOF_EVICT_LOOKS_MAX 64 /* events looked at for one that may give way */

struct cached_outcome {
    struct odds odds;
    struct leg_chances chances;
    bool active;
    uint8_t id_bytes;
    char id[SELECTION_ID_BYTES_MAX];
    uint32_t next; /* of its market, or free; UOF_NONE: the last */
};

struct cached_market {
    uint32_t event; /* index; UOF_NONE: the slot is free, and `next` leads to the next free one */
    uint32_t next;  /* of the event's markets */
    uint16_t owner; /* the producer that last sent its odds; 0: none has */
    int8_t status;  /* enum uof_market_status */
    bool overfull;  /* it has outcomes that are not here */
    uint8_t key_bytes;
    char key[MARKET_ID_BYTES_MAX];
    int64_t timestamp_ms; /* of the last message applied to it */
    uint32_t outcomes_first, outcomes_count;
};

struct cached_event {
    uint32_t markets_first; /* UOF_NONE: it has none */
    uint32_t older, newer;  /* in the order in which they were heard of; older: also of free ones */
    bool used;
    bool reopened; /* betting_status: just open again */
    uint8_t id_bytes;
    char id[EVENT_ID_BYTES_MAX];
    struct uof_event_status status;
    int64_t timestamp_ms; /* of the last message about it that was not overtaken */
    int64_t start_ms;     /* -1: unknown */
};

struct uof_cache_limits {
    uint32_t events_max, markets_max, outcomes_max;
};

struct uof_cache {
    struct uof_cache_limits limits;
    uint64_t hash_key[2];
    struct cached_event *events;     /* owned */
    struct cached_market *markets;   /* owned */
    struct cached_outcome *outcomes; /* owned */
    struct table *event_table;       /* owned; id -> index */
    struct table *market_table;      /* owned; key -> index */
    uint32_t events_count, markets_count, outcomes_count;
    uint32_t events_free, markets_free, outcomes_free; /* lists; then never used ones: */
    uint32_t events_fresh, markets_fresh, outcomes_fresh;
    uint32_t oldest, newest; /* events */
    uint64_t limits_reached; /* no room for an event, a market or an outcome */
    uint64_t evicted;        /* markets */
};

/* Told of each market that gives way, before it does. */
typedef void (*uof_evicted_fn)(void *owner, const struct cached_market *market);

/* 0 or -ERR_MEMORY. Every limit is at least 1. */
int uof_cache_new(const struct uof_cache_limits *limits, const uint64_t hash_key[2],
                  struct uof_cache **ret);
void uof_cache_free(struct uof_cache *cache); /* accepts NULL */

/* NULL when it is not there. */
struct cached_event *uof_cache_event(struct uof_cache *cache, struct slice id);
struct cached_market *uof_cache_market(struct uof_cache *cache, struct slice key);

/* Finds or makes; the event is the newest heard of. NULL: no room, which is counted. */
struct cached_event *uof_cache_hear(struct uof_cache *cache, struct slice id,
                                    uof_evicted_fn evicted, void *owner);
/* Finds or makes a market of the event; NULL: no room, which is counted. */
struct cached_market *uof_cache_add(struct uof_cache *cache, struct cached_event *event,
                                    struct slice key, uof_evicted_fn evicted, void *owner);
/* The message's outcomes in the place of those that were there; at most SELECTIONS_MAX, and as
 * many as there is room for: else the market is overfull, which is counted. */
void uof_cache_replace(struct uof_cache *cache, struct cached_market *market,
                       const struct uof_message *message, const struct uof_market *named);

static inline struct slice cached_key(const struct cached_market *market)
{
    return slice_of(market->key, market->key_bytes);
}

/* Aborts when an invariant is broken. Walks everything: for tests and the fuzzer. */
void uof_cache_check(const struct uof_cache *cache);
