/* odds_log.h - the append-only record of every price offered, and when (DESIGN part 1).
 *
 * Positions rise; a bet's leg names the position of the change that made its price, so that it
 * can be checked offline. Appending never blocks and waits for no disk: entries are written in
 * the background and synced at least every second, so that a crash may lose the last second of
 * offers but never a bet's own evidence (the bet record holds price and version itself). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "core/leg_chances.h"
#include "core/market.h"
#include "core/odds.h"

struct odds_log_selection {
    struct slice id;
    enum selection_status status;
    struct odds odds;
    struct leg_chances chances; /* as the provider says; all 0: none */
};

/* One change of one market: only the selections that changed. */
struct odds_log_change {
    struct slice market_id;
    struct slice event_id;
    struct slice provider;
    enum market_status status;
    uint64_t odds_version;
    struct instant received; /* wall time of the feed's receipt */
    struct instant feed_time;
    const struct odds_log_selection *selections;
    size_t selections_count;
};

typedef int (*odds_log_visit)(void *owner, uint64_t position, const struct odds_log_change *change);

struct odds_log;

struct odds_log_ops {
    /* The position given to the change, > 0 and rising. Drops nothing: when the background
     * writer is more than its buffer behind, the answer is 0 and the change was not logged
     * (counted; the market must then be suspended). */
    uint64_t (*append)(struct odds_log *log, const struct odds_log_change *change);
    /* A new odds epoch, durable before the answer (P1): higher than every earlier one of this log,
     * and not below `least`. -ERR_LIMIT: there are no more (ODDS_EPOCH_MAX). -ERR_UNSUPPORTED: the
     * log was opened to be read only (append() then answers 0). */
    int (*take_epoch)(struct odds_log *log, uint32_t least, uint32_t *ret_epoch);
    /* Blocking; offline only. */
    int (*replay)(struct odds_log *log, odds_log_visit visit, void *owner);
    void (*free)(struct odds_log *log); /* syncs, then closes */
    /* The position from which on everything is kept: older changes were deleted to bound the log.
     * 0: none was. Blocking; offline only; 0 or as replay(). NULL where nothing is ever deleted. */
    int (*kept_from)(struct odds_log *log, uint64_t *ret_position);
};

struct odds_log {
    const struct odds_log_ops *ops;
};
