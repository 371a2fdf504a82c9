/* market_list.h - the JSON of GET /v1/admin/markets: what the desk can stop, open and settle
 * (docs/PROTOCOL.md, section 5).
 *
 * A page walks the odds store's slots from a cursor: at most MARKET_LIST_SLOTS_MAX of them, and no
 * row is begun behind MARKET_LIST_PAGE_BYTES, so that a large book cannot hold up the loop. A
 * market that no feed shows any more is still found by its id, as the ledger knows it. Pure.
 * Thread: the book's loop. */
#pragma once

#include "base/buf.h"
#include "core/ids.h"
#include "core/market.h"
#include "ledger/shard_state.h"
#include "ports/odds_store.h"

#define MARKET_LIST_SLOTS_MAX  1024
#define MARKET_LIST_PAGE_BYTES (128 * 1024)

/* Each byte of a text may be escaped to 6. */
#define MARKET_LIST_ROW_BYTES                                                                      \
    (1024 +                                                                                        \
     6 * (MARKET_ID_BYTES_MAX + EVENT_ID_BYTES_MAX + PROVIDER_ID_BYTES_MAX + 3 * NAME_BYTES_MAX))
#define MARKET_LIST_SELECTION_BYTES (6 * (SELECTION_ID_BYTES_MAX + NAME_BYTES_MAX) + 256)
/* One market more always fits. */
#define MARKET_LIST_BYTES_MAX                                                                      \
    (MARKET_LIST_PAGE_BYTES + 1024 + MARKET_LIST_ROW_BYTES +                                       \
     (size_t)SELECTIONS_MAX * MARKET_LIST_SELECTION_BYTES)

struct market_list_sources {
    struct odds_store *store;
    const struct shard_state *state;
};

/* {"markets":[..],"next_cursor":N|null}, from slot `cursor` on. `out` has room for
 * MARKET_LIST_BYTES_MAX. */
void market_list_write(struct buf *out, const struct market_list_sources *sources, uint64_t cursor);
/* The same of one market alone; no row when nobody knows it. */
void market_list_write_one(struct buf *out, const struct market_list_sources *sources,
                           struct slice market_id);
