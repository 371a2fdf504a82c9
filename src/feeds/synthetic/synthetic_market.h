/* synthetic_market.h - the markets of a simulated match: their selections, chances, prices and
 * results.
 *
 * Chances are normalised over a market: with pushes and half results a selection's chance is
 * its share of the money that is not given back, so that 1 / chance is always the fair price
 * (expected return 1 per unit, BETTING-RULES 4.1). Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/leg_chances.h"
#include "core/odds.h"
#include "core/settle.h"
#include "feeds/synthetic/synthetic_model.h"

/* X(code, kind on the wire, default bet delay in ms) */
#define SYNTHETIC_KIND_LIST(X)                                                                     \
    X(SYNTHETIC_1X2, "1x2", 1000)                                                                  \
    X(SYNTHETIC_TOTAL, "total", 0)                                                                 \
    X(SYNTHETIC_ASIAN_HANDICAP, "asian_handicap", 2000)                                            \
    X(SYNTHETIC_NEXT_GOAL, "next_goal", 5000)                                                      \
    X(SYNTHETIC_CORRECT_SCORE, "correct_score", 3000)                                              \
    X(SYNTHETIC_BUILDER, "bet_builder", 3000)

#define SYNTHETIC_KIND_ENUM(code, text, delay_ms) code,
enum synthetic_kind { SYNTHETIC_KIND_LIST(SYNTHETIC_KIND_ENUM) };
#undef SYNTHETIC_KIND_ENUM
#define SYNTHETIC_KINDS 6

#define SYNTHETIC_CORRECT_MAX    4  /* the grid of correct scores ends at 4:4 */
#define SYNTHETIC_SELECTIONS_MAX 26 /* that grid and "other" */

struct synthetic_market {
    enum synthetic_kind kind;
    int line; /* totals, handicaps, the total of a builder: quarters of a goal; next goal: which
                 one, from 1 */
};

/* A builder is 1x2 and a total of half goals at one joint price: these are not independent, and
 * the two legs may not stand in one multiple. Its selections: home, draw, away, each with over and
 * under. */

/* What a result depends on; scorers[i] scored the match's goal i + 1. */
struct synthetic_outcome {
    struct synthetic_score score;
    const uint8_t *scorers; /* enum synthetic_side, score.home + score.away of them */
};

/* The markets that every match begins with; NULL past the last. */
const struct synthetic_market *synthetic_market_opening(size_t index);

/* The kind on the wire: "1x2", "total", ... */
const char *synthetic_market_kind_text(enum synthetic_kind kind);
/* 2, 3 or SYNTHETIC_SELECTIONS_MAX. */
size_t synthetic_market_selections_count(const struct synthetic_market *market);

/* The part of the market id after the event id ("total:2.75"), and names for people. */
void synthetic_market_id_write(struct buf *buf, const struct synthetic_market *market);
void synthetic_market_name_write(struct buf *buf, const struct synthetic_market *market,
                                 const char *home);
void synthetic_market_selection_id_write(struct buf *buf, const struct synthetic_market *market,
                                         size_t selection);
void synthetic_market_selection_name_write(struct buf *buf, const struct synthetic_market *market,
                                           size_t selection, const char *const teams[2]);

/* ret[selections_count] sums to 1. next[] is used by next goal only and is about the goal that
 * the market names. */
void synthetic_market_chances(const struct synthetic_market *market,
                              const struct synthetic_grid *grid, const double next[3],
                              double ret[SYNTHETIC_SELECTIONS_MAX]);

/* What may become of a unit staked on the selection, in billionths, rounded down; `share` is its
 * number in the call above. Of lines also the chances of half results and of a return. */
struct leg_chances synthetic_market_leg_chances(const struct synthetic_market *market,
                                                const struct synthetic_grid *grid, double share,
                                                size_t selection);

/* The price with margin, rounded down to 2 decimals (so never better than asked for), at most
 * 1000. False, and not offered, where it would be below 1.01 or the chance is nothing. */
bool synthetic_market_price(double chance, uint32_t margin_permyriad, struct odds *ret);

/* Is the result certain already, whatever is still scored? */
bool synthetic_market_decided(const struct synthetic_market *market, struct synthetic_score score);

/* The result of selection `selection` under this outcome. For a market that is decided the score
 * so far is enough; otherwise it must be the final one. */
struct leg_result synthetic_market_result(const struct synthetic_market *market,
                                          const struct synthetic_outcome *outcome,
                                          size_t selection);
