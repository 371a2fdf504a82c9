/* settle_record.c - contract in settle_record.h. */
#include "ledger/settle_record.h"

static bool take_part(struct record_leg_result factors, const struct deductions *deductions,
                      struct leg_part *ret)
{
    *ret = (struct leg_part){LEG_WON, DEDUCTIONS_NONE, NULL};
    if (factors.known == 0)
        return true;
    *ret = (struct leg_part){record_factors(factors), *deductions, NULL};
    return leg_result_valid(ret->result);
}

bool settle_record_leg(const struct record_settled_leg *leg, struct slice *texts,
                       struct bet_leg *ret)
{
    struct deductions deductions = {.from = leg->deducted_from, .count = leg->deductions_count};
    if (leg->deductions_count > DEDUCTIONS_MAX ||
        leg->deductions_count * sizeof *deductions.permyriad > texts->bytes)
        return false;
    struct slice numbers =
        record_text(texts, (uint16_t)(leg->deductions_count * sizeof *deductions.permyriad));
    if (numbers.bytes > 0)
        memcpy(deductions.permyriad, numbers.at, numbers.bytes);
    if (!deductions_valid(&deductions))
        return false;
    *ret = (struct bet_leg){
        .odds = {leg->odds_numerator, leg->odds_denominator},
        .terms = {leg->places, leg->place_numerator, leg->place_denominator},
        .banker = (leg->flags & SETTLED_BANKER) != 0,
    };
    return leg->odds_denominator != 0 && leg->odds_numerator > leg->odds_denominator &&
           take_part(leg->win, &deductions, &ret->win) &&
           take_part(leg->place, &deductions, &ret->place);
}

bool settle_record_bet(const struct record_view *settle, struct bet_leg legs[BET_LEGS_MAX],
                       struct bet *ret)
{
    const struct record_settle *body = settle->body;
    const struct record_settled_leg *items = settle->items;
    struct slice texts = settle->texts;
    size_t count = settle->head->items_count;
    if (count == 0 || count > BET_LEGS_MAX || !currency_known((struct currency){body->currency}))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!settle_record_leg(&items[i], &texts, &legs[i]))
            return false;
    *ret = (struct bet){.legs = legs,
                        .legs_count = (uint32_t)count,
                        .sizes = {body->sizes},
                        .each_way = (body->flags & BET_EACH_WAY) != 0,
                        .free = (body->flags & BET_FREE) != 0,
                        .stake = money_of(body->stake, (struct currency){body->currency})};
    return bet_valid(ret);
}
