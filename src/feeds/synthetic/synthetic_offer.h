/* synthetic_offer.h - one market of a simulated match as the sink knows it: its image with
 * prices, its result, and now and then a result that was wrong and is corrected.
 *
 * Life: opened (active or suspended, any number of times), then closed with its first result,
 * then perhaps one correction. Owner: synthetic_feed. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/prng.h"
#include "core/ids.h"
#include "core/market.h"
#include "feeds/synthetic/synthetic_market.h"
#include "ports/feed_sink.h"

/* What all markets of one match have in common. */
struct synthetic_fixture {
    struct feed_sink *sink; /* borrowed for the feed's life */
    const char *teams[2];
    char event_id[EVENT_ID_BYTES_MAX + 1];
    char event_name[NAME_BYTES_MAX + 1];
    struct instant start;
    bool in_play;
    struct synthetic_score score;
    uint8_t reds[2];
};

struct synthetic_offer {
    struct synthetic_market market;
    enum market_status status; /* as last sent */
    uint64_t version;          /* of the last image */
    uint64_t result_version;   /* 0: no result yet */
    uint64_t cancel_version;   /* of the last window */
    struct instant correct_at; /* us = 0: the result stands */
    int64_t bet_delay_us;
    struct odds odds[SYNTHETIC_SELECTIONS_MAX]; /* ODDS_NONE: not offered */
    struct leg_chances chances[SYNTHETIC_SELECTIONS_MAX];
};

struct synthetic_quote {
    const struct synthetic_grid *grid;
    const double *next; /* chances of the next goal */
    uint32_t margin_permyriad;
};

/* Prices the offer and sends its image as ACTIVE if anything in it changed. */
void synthetic_offer_quote(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                           const struct synthetic_quote *quote, struct instant now);

/* Sends the image as suspended, with the prices it had; nothing when it already is. */
void synthetic_offer_suspend(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                             struct instant now);

/* Closes the market and sends its first result: that of `outcome`, or with `mistaken` a wrong
 * one where a plausible one exists. True when what was sent was wrong; the caller then sets
 * correct_at. */
bool synthetic_offer_settle(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                            const struct synthetic_outcome *outcome, bool mistaken,
                            struct instant now);

/* Sends the right result as the next version, every second time after taking the wrong one back
 * first, and clears correct_at. */
void synthetic_offer_correct(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                             const struct synthetic_outcome *outcome, struct instant now);

/* Bets placed within the window are void: a goal was seen late. The result so far stays. */
void synthetic_offer_cancel(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                            struct instant from, struct instant until);
