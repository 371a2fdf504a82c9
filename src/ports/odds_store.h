/* odds_store.h - the authoritative current price of every market (DESIGN parts 1-2).
 *
 * The odds-worker puts whole images, the bet path and the odds-service get them. An older
 * version never overwrites a newer one (P1). Embedded it is memory of this process, so get()
 * answers at once; a distributed adapter answers get() from what prefetch() brought for this
 * turn. Owned by one loop; nothing here blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "core/each_way.h"
#include "core/ids.h"
#include "core/leg_chances.h"
#include "core/market.h"
#include "core/odds.h"

struct odds_selection {
    struct odds odds;
    struct leg_chances chances; /* as the provider says; all 0: none */
    uint8_t status;             /* enum selection_status */
    uint8_t id_bytes;
    uint8_t name_bytes;
    char id[SELECTION_ID_BYTES_MAX];
    char name[NAME_BYTES_MAX];
};

enum odds_flag {
    ODDS_PROVIDER_LOST = 1, /* its provider's lease ended (P2): shown as suspended */
    ODDS_RESULTED = 2,      /* it has a result: not active until that is rolled back */
    ODDS_ANTE_POST = 4,     /* a non-runner loses */
    ODDS_EACH_WAY_ONLY = 8, /* it has place terms, and no bet to win only is taken */
};

struct odds_image {
    uint64_t odds_version; /* P1 */
    uint64_t provider_version;
    uint64_t odds_position; /* in the odds log, of this version */
    struct instant updated; /* wall time; changes with the version only */
    struct instant feed_time;
    struct instant start_time;
    struct monotonic received; /* of the feed's message that made this version */
    int64_t bet_delay_us;
    uint8_t status;      /* enum market_status: what is shown and decided on */
    uint8_t feed_status; /* the provider's own word */
    uint8_t holds;       /* enum market_hold of ledger/record.h */
    uint8_t flags;       /* enum odds_flag */
    bool in_play;
    uint8_t winners;                /* so many selections can win; 0: any number */
    struct place_terms place_terms; /* places 0: to win only */
    uint8_t score[2], red_cards[2]; /* in play, as far as the provider says */
    uint8_t market_id_bytes, event_id_bytes, provider_bytes;
    uint8_t sport_bytes, event_name_bytes, name_bytes, kind_bytes;
    uint16_t selections_count;
    char market_id[MARKET_ID_BYTES_MAX];
    char event_id[EVENT_ID_BYTES_MAX];
    char provider[PROVIDER_ID_BYTES_MAX];
    char sport[PROVIDER_ID_BYTES_MAX];
    char event_name[NAME_BYTES_MAX];
    char name[NAME_BYTES_MAX];
    char kind[NAME_BYTES_MAX];
    struct odds_selection selections[]; /* selections_count; order is stable, new ones last */
};

#define ODDS_TEXT(image, field) slice_of((image)->field, (image)->field##_bytes)

static inline size_t odds_image_bytes(size_t selections_count)
{
    return sizeof(struct odds_image) + selections_count * sizeof(struct odds_selection);
}

enum odds_put { ODDS_PUT_OK = 0, ODDS_PUT_OLDER, ODDS_PUT_FULL };

struct odds_store;

struct odds_store_ops {
    /* Copies the image. OLDER: a version as new or newer is there; FULL: markets_max. */
    enum odds_put (*put)(struct odds_store *store, const struct odds_image *image);
    /* Borrowed until the next put or remove; NULL when unknown. */
    const struct odds_image *(*get)(struct odds_store *store, struct slice market_id);
    void (*remove)(struct odds_store *store, struct slice market_id);
    /* To walk over all markets, a few at a time: slots 0 .. slots()-1, NULL for an empty one. A
     * market keeps its slot; put and remove between the calls are allowed. */
    size_t (*slots)(struct odds_store *store);
    const struct odds_image *(*at)(struct odds_store *store, size_t slot);
    size_t (*count)(struct odds_store *store);
    void (*free)(struct odds_store *store);
};

struct odds_store {
    const struct odds_store_ops *ops;
};
