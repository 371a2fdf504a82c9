/* every_type.c - contract in every_type.h. */
#include "every_type.h"

static void next(struct maker *m, void (*call)(struct maker *, const struct parts *),
                 struct parts parts)
{
    call(m, &parts);
    maker_accept(m, &parts);
}

static struct parts with_texts(struct parts bet)
{
    bet.texts[1] = SLICE("\001sealed\377");
    bet.texts[2] = SLICE("9.99\nunknown \"one\"");
    bet.body.bet.personal_bytes = (uint16_t)bet.texts[1].bytes;
    bet.body.bet.asked_bytes = (uint16_t)bet.texts[2].bytes;
    bet.draft.texts_count = 3;
    return bet;
}

static struct parts of_nothing_known(struct parts bet)
{
    bet.body.bet.outcome = BET_UNKNOWN_SELECTION;
    bet.items.legs[0] = (struct record_leg){.selection = RECORD_SELECTION_NONE};
    return bet;
}

static int64_t available(const struct maker *m)
{
    return shard_state_account(m->state, (struct account_ref){1})->available;
}

void every_type(struct maker *m, void (*call)(struct maker *, const struct parts *))
{
    maker_empty(m, &MAKER_LIMITS);
    next(m, call, parts_genesis(m));
    next(m, call, parts_opened(m));
    next(m, call, parts_account(m, "ada"));
    next(m, call, parts_market(m, "1.23", 3));
    next(m, call, parts_selections(m, 1, 2));
    next(m, call, parts_deposit(m, 1, 20000, "d"));
    next(m, call, parts_withdrawal(m, 1, 50, "w"));
    next(m, call, parts_money_refused(m, 1, "v"));
    next(m, call, parts_bet(m, 1, 1, "placed"));
    next(m, call, parts_pending(m, 1, 1, "pending"));
    next(m, call, of_nothing_known(with_texts(parts_refused(m, 1, 1, "refused"))));
    next(m, call, parts_release(m, 1, BET_PLACED));
    next(m, call, parts_fence(m, 1, MARKET_SUSPENDED_STATUS));
    next(m, call, parts_result(m, 1, (struct leg_result){true, 1, 1, 2}));
    next(m, call, parts_settle(m, 0));
    next(m, call, parts_result(m, 1, LEG_LOST));
    next(m, call, parts_reverse(m, 0));
    next(m, call, parts_settle(m, 0));
    next(m, call, parts_market(m, "1.24", 2));
    next(m, call, parts_bet(m, 1, 2, "sold"));
    next(m, call, parts_cash_out(m, 2, 400, "part"));
    next(m, call, parts_cash_out_waiting(m, 2, 100, "wait"));
    next(m, call, parts_cash_out_decided(m, 2, BET_PLACED));
    next(m, call, parts_cash_out_refused(m, 2, BET_CASH_OUT_LIMIT, "none"));
    next(m, call, parts_limits(m, LIMIT_OF_SPORT, 0, "tennis"));
    next(m, call, parts_proposal(m, 1, 3));
    next(m, call, parts_decision(m, shard_state_seq(m->state), "eve", DECISION_APPROVED));
    next(m, call, parts_referred(m, 1, 2, "referred"));
    next(m, call, parts_offer(m, 3, 4000, (struct odds){2, 1}));
    next(m, call, parts_referral(m, 3, REFERRAL_TAKEN));
    next(m, call, parts_result(m, 1, LEG_WON));
    next(m, call, parts_reverse(m, 0));
    next(m, call, parts_settle(m, 0));
    next(m, call, parts_withdrawal(m, 1, available(m), "all"));
    next(m, call, parts_result(m, 1, LEG_LOST));
    next(m, call, parts_reverse(m, 0));
    next(m, call, parts_adjustment(m, 1, LEDGER_AVAILABLE));
    next(m, call, parts_limits(m, LIMIT_OF_EVENT, 0, "e"));
    next(m, call, parts_relayed(m, RECORD_LIMITS));
}
