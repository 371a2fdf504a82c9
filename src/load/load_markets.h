/* load_markets.h - the prices as one client knows them, so that simulated customers bet on what
 * they see. Fed with the frames of a stream, or with images read by REST.
 *
 * Bounded: a market or selection beyond the limits is not known here (counted). Thread: owner's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "base/slice.h"
#include "load/load_frame.h"

#define LOAD_MARKETS_MAX     1024
#define LOAD_SELECTIONS_MAX  48
#define LOAD_ID_BYTES_MAX    120
#define LOAD_PRICE_BYTES_MAX 24

struct load_selection {
    char id[LOAD_ID_BYTES_MAX];
    char odds[LOAD_PRICE_BYTES_MAX];       /* digits as they came; empty: no price */
    char odds_exact[LOAD_PRICE_BYTES_MAX]; /* "21/13", or empty */
    char odds_before[LOAD_PRICE_BYTES_MAX];
    bool active;
};

struct load_market {
    char id[LOAD_ID_BYTES_MAX];
    bool used;
    bool active;
    uint64_t odds_version, version_before; /* before: what a slow customer may still see */
    uint32_t selections_count;
    struct load_selection selections[LOAD_SELECTIONS_MAX];
};

struct load_markets {
    struct load_market *rows; /* owned; LOAD_MARKETS_MAX */
    uint32_t count;           /* rows in use are among the first `count` */
    uint64_t changes;         /* images and deltas taken */
    uint64_t moves;           /* of these, such that changed a known price */
    uint64_t beyond;          /* LOAD_MARKETS_MAX, LOAD_SELECTIONS_MAX or an id too long */
    uint64_t older;           /* P1: an older price came after a newer one */
};

/* 0 or -ERR_MEMORY. */
int load_markets_new(struct load_markets *ret);
void load_markets_done(struct load_markets *markets);

/* Takes a frame about prices; others change nothing. */
void load_markets_apply(struct load_markets *markets, const struct load_frame *frame);
/* One market as GET /v1/odds/{market_id} answers it. */
void load_markets_apply_image(struct load_markets *markets, struct slice json);

/* A choice among what may be bet on now; false when there is nothing. */
bool load_markets_pick(const struct load_markets *markets, struct prng *prng,
                       const struct load_market **ret_market,
                       const struct load_selection **ret_selection);
/* Markets that may be bet on now. */
uint32_t load_markets_active(const struct load_markets *markets);
