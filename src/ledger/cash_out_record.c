/* cash_out_record.c - contract in cash_out_record.h. */
#include "ledger/cash_out_record.h"

#include "core/cash_out.h"
#include "core/market_chances.h"
#include "ledger/settle_record.h"

struct cash_out_parts cash_out_parts_of(const struct record_view *record)
{
    const struct record_cash_out *body = record->body;
    struct slice texts = record->texts;
    (void)record_text(&texts, body->key_bytes);
    return (struct cash_out_parts){body, record->items, record->head->items_count, texts};
}

/* They are what the provider said, or what its prices say: then to win alone. */
static bool chances_sound(const struct record_cash_out_leg *leg)
{
    struct odds now = {leg->now_numerator, leg->now_denominator};
    if (now.denominator == 0 || now.numerator <= now.denominator ||
        !leg_chances_known(leg->chances) || !leg_chances_valid(leg->chances))
        return false;
    if (leg->book == 0)
        return leg_chances_agree(leg->chances, now);
    return leg_chances_equal(leg->chances, (struct leg_chances){.win = chances_of(now, leg->book)});
}

bool cash_out_record_bet(const struct cash_out_parts *parts, struct cash_out_bet *ret)
{
    const struct record_cash_out *body = parts->body;
    struct slice texts = parts->deductions;
    size_t count = parts->legs_count;
    bool each_way = (body->flags & BET_EACH_WAY) != 0;
    if (count == 0 || count > BET_LEGS_MAX || !currency_known((struct currency){body->currency}))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct record_cash_out_leg *leg = &parts->legs[i];
        if (!settle_record_leg(&leg->settled, &texts, &ret->legs[i]))
            return false;
        if (leg->settled.win.known == 0 &&
            (each_way || !chances_sound(leg))) /* to be placed it has no chance that is said */
            return false;
        ret->chances[i] = leg->chances;
        if (leg->settled.win.known == 0)
            ret->legs[i].win.open = &ret->chances[i];
    }
    ret->bet = (struct bet){.legs = ret->legs,
                            .legs_count = (uint32_t)count,
                            .sizes = {body->sizes},
                            .each_way = each_way,
                            .free = (body->flags & BET_FREE) != 0,
                            .stake = money_of(body->stake, (struct currency){body->currency})};
    return bet_valid(&ret->bet);
}

bool cash_out_record_value(const struct cash_out_parts *parts, int64_t *ret_fair,
                           int64_t *ret_value)
{
    struct cash_out_bet part;
    struct money fair, value;
    if (parts->body->margin > CASH_OUT_WHOLE || !cash_out_record_bet(parts, &part) ||
        !cash_out_offer(&part.bet, 0, ROUND_DOWN, &fair) ||
        !cash_out_offer(&part.bet, parts->body->margin, ROUND_DOWN, &value))
        return false;
    *ret_fair = fair.minor;
    *ret_value = value.minor;
    return true;
}
