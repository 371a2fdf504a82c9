/* settle.c - contract in settle.h. */
#include "core/settle.h"

#include "base/assert.h"

static const char *const outcome_texts[] = {
    [LEG_OUTCOME_OPEN] = "OPEN",           [LEG_OUTCOME_WON] = "WON",
    [LEG_OUTCOME_LOST] = "LOST",           [LEG_OUTCOME_VOID] = "VOID",
    [LEG_OUTCOME_HALF_WON] = "HALF_WON",   [LEG_OUTCOME_HALF_LOST] = "HALF_LOST",
    [LEG_OUTCOME_DEAD_HEAT] = "DEAD_HEAT",
};

#define OUTCOMES_COUNT (sizeof outcome_texts / sizeof *outcome_texts)
#define HALVES         2u

bool leg_result_valid(struct leg_result result)
{
    return result.void_halves <= HALVES && result.dead_heat_numerator > 0 &&
           result.dead_heat_numerator <= result.dead_heat_denominator &&
           result.dead_heat_denominator <= DEAD_HEAT_TERM_MAX;
}

/* (1 - v) * w * d * 2 over the dead heat's denominator: what multiplies the price. */
static uint32_t price_share(struct leg_result result)
{
    return result.won ? (HALVES - result.void_halves) * result.dead_heat_numerator : 0;
}

bool leg_result_equal(struct leg_result a, struct leg_result b)
{
    ASSERT(leg_result_valid(a));
    ASSERT(leg_result_valid(b));
    return a.void_halves == b.void_halves &&
           price_share(a) * b.dead_heat_denominator == price_share(b) * a.dead_heat_denominator;
}

enum leg_outcome leg_result_outcome(struct leg_result result)
{
    ASSERT(leg_result_valid(result));
    if (result.void_halves == HALVES)
        return LEG_OUTCOME_VOID;
    if (!result.won)
        return result.void_halves > 0 ? LEG_OUTCOME_HALF_LOST : LEG_OUTCOME_LOST;
    if (result.dead_heat_numerator < result.dead_heat_denominator)
        return LEG_OUTCOME_DEAD_HEAT;
    return result.void_halves > 0 ? LEG_OUTCOME_HALF_WON : LEG_OUTCOME_WON;
}

const char *leg_outcome_text(enum leg_outcome outcome)
{
    return (size_t)outcome < OUTCOMES_COUNT ? outcome_texts[outcome] : NULL;
}

bool leg_result_parse(struct slice word, struct leg_result *ret)
{
    static const struct leg_result results[] = {
        [LEG_OUTCOME_WON] = LEG_WON,
        [LEG_OUTCOME_LOST] = LEG_LOST,
        [LEG_OUTCOME_VOID] = LEG_VOID,
        [LEG_OUTCOME_HALF_WON] = LEG_HALF_WON,
        [LEG_OUTCOME_HALF_LOST] = LEG_HALF_LOST,
    };
    for (size_t i = LEG_OUTCOME_WON; i < sizeof results / sizeof *results; i++) {
        if (slice_is(word, outcome_texts[i])) {
            *ret = results[i];
            return true;
        }
    }
    return false;
}

/* Largest terms: stake 10^15 * 2 * d 10^4 * price 10^9 is below 2^95. */
struct money settle_single(struct money stake, struct odds odds, struct leg_result result,
                           enum rounding rounding)
{
    ASSERT(stake.minor >= 0);
    ASSERT(stake.minor <= MONEY_MINOR_MAX);
    ASSERT(odds_present(odds));
    ASSERT(leg_result_valid(result));

    uint64_t denominator = (uint64_t)HALVES * result.dead_heat_denominator * odds.denominator;
    uint64_t refund =
        (uint64_t)result.void_halves * result.dead_heat_denominator * odds.denominator;
    uint64_t win = (uint64_t)price_share(result) * odds.numerator;
    unsigned __int128 numerator = (unsigned __int128)stake.minor * (refund + win);
    if (numerator / denominator >= MONEY_MINOR_MAX)
        return money_of(MONEY_MINOR_MAX, stake.currency);
    return money_of(round_fraction(numerator, denominator, rounding), stake.currency);
}

const char *settled_status_text(struct leg_result result)
{
    enum leg_outcome outcome = leg_result_outcome(result);
    bool whole =
        outcome == LEG_OUTCOME_WON || outcome == LEG_OUTCOME_LOST || outcome == LEG_OUTCOME_VOID;
    return whole ? leg_outcome_text(outcome) : "SETTLED";
}

void settled_results_add(struct settled_results *results, struct leg_result result)
{
    enum leg_outcome outcome = leg_result_outcome(result);
    if (results->count++ == 0)
        results->first = result;
    results->voids += outcome == LEG_OUTCOME_VOID;
    results->wins += outcome == LEG_OUTCOME_WON;
}

const char *settled_results_text(const struct settled_results *results, int64_t payout)
{
    if (results->count == 1)
        return settled_status_text(results->first);
    if (results->voids == results->count)
        return "VOID";
    if (payout == 0)
        return "LOST";
    return results->wins + results->voids == results->count ? "WON" : "SETTLED";
}
