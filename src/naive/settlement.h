/* settlement.h - V0's settlement: one loop, bet by bet, over all open bets of a market. Source: V0,
 * "Synchronous Bet Settlement"; V0-40.
 *
 * It is triggered by a feed's result or by hand, keeps a connection of the pool for as long as it
 * takes, and updates each bet by statements that are committed one by one: PLACED -> WON, LOST or
 * VOID, then the money, then SETTLED for what was paid. There is no checkpoint: where it dies, or
 * loses its connection, some are settled and others not, and the one in its hands may be WON and
 * never paid. Orders wait in memory and are gone with the process.
 *
 * Limits (S2): SETTLEMENT_ORDERS_MAX wait; settlement_has_room() says so. Thread: the loop's. */
#pragma once

#include "base/json_read.h"
#include "base/metrics.h"
#include "core/market.h"
#include "naive/db_pool.h"
#include "naive/session_cache.h"
#include "naive/slip.h"

#define SETTLEMENT_ORDERS_MAX 32

/* What is said of a market. */
struct settlement_order {
    char market[MARKET_ID_BYTES_MAX + 1];
    int count;
    struct settlement_row {
        char selection[SELECTION_ID_BYTES_MAX + 1];
        enum slip_result result;
    } rows[SELECTIONS_MAX];
};

/* Reads one object with market_id and selections [{selection_id, result}]; other members are read
 * over, and so is who is OPEN. False: it is none, is too large, or says what V0 does not know. */
bool settlement_order_read(struct json_reader *reader, struct settlement_order *ret);

struct settlement;

struct settlement_parts {
    struct loop *loop; /* all borrowed */
    struct db_pool *pool;
    struct session_cache *sessions;
    struct currency currency;
};

struct settlement_stats {
    struct metrics_counter bets;             /* decided: WON, LOST or VOID */
    struct metrics_counter orders, failures; /* failures: orders that were given up */
    struct metrics_counter orders_reached;   /* SETTLEMENT_ORDERS_MAX */
    struct metrics_gauge waiting;            /* orders */
    struct metrics_gauge left;               /* bets of the order under way: V0-21 */
    struct metrics_histogram us;             /* of an order: V0-20 alerts at 5 minutes */
};

/* 0, -ERR_MEMORY. */
int settlement_new(const struct settlement_parts *parts, struct settlement **ret);
/* Before the pool is ended: what is under way ends where it is. */
void settlement_end(struct settlement *settlement);
/* After the pool. Accepts NULL. */
void settlement_free(struct settlement *settlement);

bool settlement_has_room(struct settlement *settlement);
/* Copies the order; there is room. */
void settlement_offer(struct settlement *settlement, const struct settlement_order *order);
struct settlement_stats *settlement_stats(struct settlement *settlement);
