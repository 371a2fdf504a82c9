/* synthetic_race.h - races of a day without end, one after the other: what a racing provider would
 * say of them. Each has a market to win with each-way terms, prices that move until the off, now
 * and then a runner that is withdrawn (Rule 4, by its price at that moment), and places of which
 * some are shared.
 *
 * Knows nothing of football. Pure: no clock, no randomness but the seed; the course depends on the
 * seed and the pace only. Owner: synthetic_feed. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/prng.h"
#include "base/slice.h"
#include "core/each_way.h"
#include "core/ids.h"
#include "core/market.h"
#include "core/odds.h"
#include "ports/feed_sink.h"

#define SYNTHETIC_RUNNERS_MAX 12
#define SYNTHETIC_RUNNERS_MIN 8

/* Real durations after the speed was applied, and what is the same for all races. */
struct synthetic_card {
    struct slice prefix; /* of event ids: "sim:PREFIX-rN"; borrowed for the races' life */
    uint64_t seed;
    uint32_t margin_permyriad;
    int64_t before_us; /* from the first price to the off */
    int64_t run_us;    /* from the off to the result */
    int64_t after_us;  /* from the result to the next race */
};

struct synthetic_runner {
    uint8_t name; /* which of the invented ones */
    double form;  /* his chance is his share of all that run */
    struct odds odds;
    struct instant withdrawn_at; /* us = 0: he runs */
    uint32_t pence;              /* withdrawn: in the pound */
    uint16_t position, tied;
};

struct synthetic_race {
    struct synthetic_card card;
    struct prng prng;
    uint64_t number; /* 0: none yet */
    char event_id[EVENT_ID_BYTES_MAX + 1];
    struct synthetic_runner runners[SYNTHETIC_RUNNERS_MAX];
    uint32_t count;
    struct place_terms terms;
    enum market_status status; /* as last sent */
    uint64_t version;
    struct instant off, reprice_at, withdraw_at, reopen_at; /* us = 0: not */
    bool over;
};

/* Nothing is said before the first step. The card is copied. */
void synthetic_race_init(struct synthetic_race *race, const struct synthetic_card *card);
/* Brings the races to `now`: at most one begins or ends in a step. */
void synthetic_race_step(struct synthetic_race *race, struct feed_sink *sink, struct instant now);
