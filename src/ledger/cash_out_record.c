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

/* What is open counts with its chance to win; to be placed it has none that a price would say. */
static bool open_leg(const struct record_cash_out_leg *leg, struct leg_chances *chances,
                     struct bet_leg *to)
{
    struct odds now = {leg->now_numerator, leg->now_denominator};
    if (now.denominator == 0 || now.numerator <= now.denominator ||
        leg->chance != chances_of(now, leg->book) || leg->chance == 0)
        return false;
    *chances = (struct leg_chances){.win = leg->chance};
    to->win.open = chances;
    return true;
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
            (each_way || !open_leg(leg, &ret->chances[i], &ret->legs[i])))
            return false;
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
