/* bet_explain.c - contract in bet_explain.h.
 * The return of a leg is stake * (v + (1 - v) * w * d * o'), BETTING-RULES 4.1. With v = h/2 and
 * d = dn/dd, o' = on/od that is stake * (h*dd*od + (2-h)*w*dn*on) / (2*dd*od): the exact value is
 * shown before it is rounded, and the rounding is named. */
#include "roles/bet/bet_explain.h"

#include "base/assert.h"
#include "core/money.h"
#include "core/odds.h"
#include "core/settle.h"

#define SENTENCE_BYTES_MAX 256
#define PLACES_SHOWN       4 /* of what rounding cuts off */

static void put_sentence(struct json_writer *writer, const struct buf *sentence)
{
    ASSERT(!sentence->overflow);
    json_write_text(writer, buf_slice(sentence));
}

static void put_money_text(struct buf *buf, int64_t minor, const struct record_settle *settle)
{
    struct currency currency = {settle->currency};
    money_write(buf, money_of(minor, currency));
    buf_put_char(buf, ' ');
    buf_put_text(buf, currency_code(currency));
}

static struct odds odds_of(const struct record_settle *settle)
{
    return (struct odds){settle->odds_numerator, settle->odds_denominator};
}

static void put_odds_text(struct buf *buf, struct odds odds)
{
    odds_write_decimal(buf, odds);
    if (odds_is_decimal(odds))
        return;
    buf_put_text(buf, " (exactly ");
    odds_write_exact(buf, odds);
    buf_put_char(buf, ')');
}

static void say_stake(struct json_writer *writer, const struct record_settle *settle)
{
    char memory[SENTENCE_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_text(&buf, "You staked ");
    put_money_text(&buf, settle->stake, settle);
    buf_put_text(&buf, " at odds of ");
    put_odds_text(&buf, odds_of(settle));
    buf_put_char(&buf, '.');
    put_sentence(writer, &buf);
}

static const char *outcome_sentence(struct leg_result result)
{
    switch (leg_result_outcome(result)) {
    case LEG_OUTCOME_WON:
        return "The selection won: the stake is multiplied by the odds.";
    case LEG_OUTCOME_LOST:
        return "The selection lost: nothing is returned.";
    case LEG_OUTCOME_VOID:
        return "The selection is void: the stake is returned.";
    case LEG_OUTCOME_HALF_WON:
        return "The selection half won: half of the stake is returned and the other half is "
               "multiplied by the odds.";
    case LEG_OUTCOME_HALF_LOST:
        return "The selection half lost: half of the stake is returned and the other half is lost.";
    case LEG_OUTCOME_DEAD_HEAT:
        return "The selection won in a dead heat: the part of the stake that won is multiplied by "
               "the odds.";
    case LEG_OUTCOME_OPEN:
        break;
    }
    return "The selection has no result.";
}

static void say_outcome(struct json_writer *writer, struct leg_result result)
{
    char memory[SENTENCE_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_text(&buf, outcome_sentence(result));
    if (leg_result_outcome(result) == LEG_OUTCOME_DEAD_HEAT) {
        buf_printf(&buf, " The dead heat factor is %u/%u.", result.dead_heat_numerator,
                   result.dead_heat_denominator);
        if (result.void_halves == 1)
            buf_put_text(&buf, " Half of the stake is void and returned.");
    }
    put_sentence(writer, &buf);
}

/* "50.00 GBP x 21/10" with the factors that are not 1 (or 0). */
static void put_product(struct buf *buf, const struct record_settle *settle,
                        struct leg_result result)
{
    put_money_text(buf, settle->stake, settle);
    if (result.void_halves == 2 || !result.won) {
        buf_put_text(buf, result.void_halves == 2   ? " x 1"
                          : result.void_halves == 1 ? " x 1/2"
                                                    : " x 0");
        return;
    }
    buf_put_text(buf, result.void_halves == 1 ? " x (1/2 + 1/2 x " : " x ");
    if (result.dead_heat_numerator != result.dead_heat_denominator)
        buf_printf(buf, "%u/%u x ", result.dead_heat_numerator, result.dead_heat_denominator);
    if (odds_is_decimal(odds_of(settle)))
        odds_write_decimal(buf, odds_of(settle));
    else
        odds_write_exact(buf, odds_of(settle));
    if (result.void_halves == 1)
        buf_put_char(buf, ')');
}

/* The exact return with PLACES_SHOWN more places than the currency has; true when that is not
 * all of it. Below 2^127: 10^15 * 2 * 10^4 * 10^9 * 10^4 = 2 * 10^32. */
static bool exact_return(const struct record_settle *settle, struct leg_result result,
                         int64_t *ret_mantissa, bool *ret_whole)
{
    typedef unsigned __int128 wide;
    wide halves = result.void_halves;
    wide won = result.won ? 1 : 0;
    wide numerator = halves * result.dead_heat_denominator * settle->odds_denominator +
                     (2 - halves) * won * result.dead_heat_numerator * settle->odds_numerator;
    wide denominator = (wide)2 * result.dead_heat_denominator * settle->odds_denominator;
    wide scaled = (wide)(uint64_t)settle->stake * numerator;
    *ret_whole = scaled % denominator == 0;
    for (int i = 0; i < PLACES_SHOWN; i++)
        scaled *= 10;
    wide shown = scaled / denominator;
    if (shown > INT64_MAX)
        return false;
    *ret_mantissa = (int64_t)shown;
    return true;
}

static const char *rounding_text(unsigned rounding)
{
    switch ((enum rounding)rounding) {
    case ROUND_DOWN:
        return "rounded down to ";
    case ROUND_HALF_UP:
        return "rounded half up to ";
    case ROUND_HALF_EVEN:
        return "rounded half to even to ";
    }
    return "rounded to ";
}

static void say_return(struct json_writer *writer, const struct record_settle *settle,
                       struct leg_result result)
{
    char memory[SENTENCE_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    int64_t mantissa = 0;
    bool whole = true;
    bool shown = exact_return(settle, result, &mantissa, &whole);
    put_product(&buf, settle, result);
    buf_put_text(&buf, " = ");
    if (shown && !whole) {
        struct currency currency = {settle->currency};
        decimal_write(&buf, mantissa, currency_scale(currency) + PLACES_SHOWN);
        buf_put_text(&buf, ".., ");
        buf_put_text(&buf, rounding_text(settle->rounding));
    }
    put_money_text(&buf, settle->payout, settle);
    buf_put_char(&buf, '.');
    put_sentence(writer, &buf);
}

static void say_booking(struct json_writer *writer, const struct record_view *record,
                        uint32_t shard)
{
    const struct record_settle *settle = record->body;
    char memory[SENTENCE_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_printf(&buf,
               "Settlement %u, ledger record %u-%llu, follows from the result in record "
               "%u-%llu; the balance was then ",
               settle->settlement, shard, (unsigned long long)record->head->seq, shard,
               (unsigned long long)settle->result_seq);
    put_money_text(&buf, settle->balance_after, settle);
    buf_put_char(&buf, '.');
    put_sentence(writer, &buf);
}

void bet_explain_settlement(struct json_writer *writer, const struct record_view *record,
                            uint32_t shard)
{
    ASSERT(record->head->type == RECORD_SETTLE);
    const struct record_settle *settle = record->body;
    struct leg_result result = record_factors(settle->factors);
    say_stake(writer, settle);
    say_outcome(writer, result);
    say_return(writer, settle, result);
    say_booking(writer, record, shard);
}
