/* load_view.h - the one market that a bettor of a world watches, as he sees it: from the body of a
 * read, or from the messages of a stream. Thread: the owner's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "load/load_match.h"

struct load_view {
    uint64_t odds_version;
    uint32_t cents[LOAD_MATCH_SELECTIONS]; /* 0: no price is shown */
    bool active;
};

/* What the selections of the market are called, in their order. */
extern const char *const load_view_selections[LOAD_MATCH_SELECTIONS];

/* A market as GET /v1/odds/{market_id} answers it. False: it is none, and nothing changed. */
bool load_view_read(struct load_view *view, struct slice json);
/* A message of a stream. False: it says nothing of a market. */
bool load_view_message(struct load_view *view, struct slice json);
