/* slip.h - a bet as V0 asks for it, and V0's rules on it: pure. Money and prices are exact, as
 * everywhere: what V0 gets wrong is its architecture, not its arithmetic. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/ids.h"
#include "core/money.h"
#include "core/odds.h"
#include "roles/shared/json_fields.h"

#define SLIP_VERSION_MAX     INT32_MAX              /* of odds_version INTEGER */
#define SLIP_STAKE_MINOR_MAX INT64_C(1000000000000) /* times ODDS_DECIMAL_MAX it fits */

struct slip {
    char market[MARKET_ID_BYTES_MAX + 1]; /* ended by zeros, as libpq wants them */
    char selection[SELECTION_ID_BYTES_MAX + 1];
    uint64_t version;
    struct money stake;
};

/* The members are those of a single of the book (docs/PROTOCOL.md), so that one client speaks to
 * both. market_id, selection_id, odds_version and stake count. `odds` is what the customer saw, and
 * the version says the same; price_policy and idempotency_key are read over, because V0 has
 * neither. False with the fault. */
bool slip_decode(struct slice body, struct currency currency, struct slip *ret,
                 struct request_refusal *ret_refusal);

/* X(name): V0-3. */
#define SLIP_VERDICT_LIST(X)                                                                       \
    X(PLACED)                                                                                      \
    X(INSUFFICIENT_BALANCE)                                                                        \
    X(MARKET_SUSPENDED)                                                                            \
    X(UNKNOWN_SELECTION)                                                                           \
    X(ODDS_CHANGED)

#define SLIP_VERDICT_ENUM(name) SLIP_##name,
enum slip_verdict { SLIP_VERDICT_LIST(SLIP_VERDICT_ENUM) };
#undef SLIP_VERDICT_ENUM
#define SLIP_VERDICT_ONE(name) +1
#define SLIP_VERDICTS_COUNT    (0 SLIP_VERDICT_LIST(SLIP_VERDICT_ONE))

const char *slip_verdict_text(enum slip_verdict verdict);
int slip_verdict_status(enum slip_verdict verdict); /* of HTTP */

/* The row that was locked; texts of the database. */
struct slip_market {
    bool exists;
    struct slice version, status;
    struct slice odds, selection_status; /* empty: no such selection, or no price */
};

/* V0's first step: the balance, before the market is looked at. */
bool slip_is_covered(const struct slip *slip, struct slice balance);
/* Its second, on the locked row. *ret_odds on SLIP_PLACED. */
enum slip_verdict slip_decide(const struct slip *slip, const struct slip_market *market,
                              struct odds *ret_odds);

enum slip_result { SLIP_WON = 1, SLIP_LOST, SLIP_VOID };

/* "WON", "LOST" or "VOID"; false for another word: V0 knows no halves and no dead heats. */
bool slip_result_parse(struct slice word, enum slip_result *ret);
/* "WON" .. */
const char *slip_result_text(enum slip_result result);
/* What the bet pays: stake * odds rounded down, nothing, or the stake. */
struct money slip_payout(struct money stake, struct odds odds, enum slip_result result);
