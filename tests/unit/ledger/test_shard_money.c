/* test_shard_money.c - every reason of shard_apply_money.c to refuse a deposit, a withdrawal, a
 * bet or a release: a good record with one thing changed, and no trace of it afterwards. */
#include "test.h"

#include "maker.h"

#define POSTINGS_OF_THE_MOVEMENT "L4: the postings are those of the movement"
#define POSTINGS_OF_THE_STAKE    "L4: the postings are those of the stake"
#define POSTINGS_OF_THE_RELEASE  "L4: the postings are those of the release"

static const char long_key[] = "0123456789012345678901234567890123456789012345678901234567890123X";

static void set_key(struct parts *p, uint16_t *bytes, size_t length)
{
    p->texts[0] = slice_of(long_key, length);
    *bytes = (uint16_t)length;
}

/* Each field of each posting changed, one posting less, one more, another order. */
static void refuses_other_postings(struct maker *m, const struct parts *good, const char *reason)
{
    for (size_t i = 0; i < good->draft.postings_count; i++) {
        REFUSES(m, *good, reason, p.postings[i].account ^= 3);
        REFUSES(m, *good, reason, p.postings[i].kind ^= 7);
        REFUSES(m, *good, reason, p.postings[i].currency = EUR);
        REFUSES(m, *good, reason, p.postings[i].amount++);
        REFUSES(m, *good, reason, p.postings[i].amount = -p.postings[i].amount);
        REFUSES(m, *good, reason, p.postings[i].amount = INT64_MAX);
    }
    REFUSES(m, *good, reason, p.draft.postings_count--);
    REFUSES(m, *good, reason, p.draft.postings_count = 0);
    REFUSES(m, *good, reason, p.draft.postings_count++);
    struct parts swapped = *good;
    swapped.postings[0] = good->postings[1];
    swapped.postings[1] = good->postings[0];
    maker_refuse(m, &swapped, reason);
}

static void refuses_bad_movements(struct maker *m, const struct parts *good)
{
    const int64_t balance = good->body.money.balance_after;
    REFUSES(m, *good, "the account is unknown", p.draft.account = 0);
    REFUSES(m, *good, "the account is unknown", p.draft.account = 3);
    REFUSES(m, *good, "no such movement", p.body.money.kind = 0);
    REFUSES(m, *good, "no such movement", p.body.money.kind = 9);
    REFUSES(m, *good, "L3: a key has 1 to 64 bytes", set_key(&p, &p.body.money.key_bytes, 0));
    REFUSES(m, *good, "L3: a key has 1 to 64 bytes", set_key(&p, &p.body.money.key_bytes, 65));
    REFUSES(m, *good, "L4: the amount is positive and within the limit", p.body.money.amount = 0);
    REFUSES(m, *good, "L4: the amount is positive and within the limit", p.body.money.amount = -1);
    REFUSES(m, *good, "L4: the amount is positive and within the limit",
            p.body.money.amount = MONEY_MINOR_MAX + 1);
    REFUSES(m, *good, "the currency is not known", p.body.money.currency = 0);
    REFUSES(m, *good, "the currency is not known", p.body.money.currency = 1);
    REFUSES(m, *good, "L4: an account has one currency", p.body.money.currency = EUR);
    REFUSES(m, *good, "L4: the balance is the fold", p.body.money.balance_after = balance + 1);
    REFUSES(m, *good, "L4: the balance is the fold", p.body.money.amount++);
    REFUSES(m, *good, "no such outcome", p.body.money.outcome = 0);
    REFUSES(m, *good, "no such outcome", p.body.money.outcome = 9);
    REFUSES(m, *good, "L4: a refusal moves no money",
            p.body.money.outcome = BET_INSUFFICIENT_BALANCE);
    refuses_other_postings(m, good, POSTINGS_OF_THE_MOVEMENT);
}

TEST(shard_money, a_deposit_is_checked_against_the_balance_and_its_postings)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_deposit(&m, 1, 2500, "k");
    refuses_bad_movements(&m, &good);
    REFUSES(&m, good, "L3: one key, one verdict", p.texts[0] = SLICE("first");
            p.body.money.key_bytes = 5);
    set_key(&good, &good.body.money.key_bytes, 64);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->available, 12500);
    assert_int_equal(shard_state_house(m.state, 0)->cash, -22500);
    maker_done(&m);
}

TEST(shard_money, a_withdrawal_never_goes_below_zero)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_withdrawal(&m, 1, 10000, "w");
    refuses_bad_movements(&m, &good);
    struct parts above = parts_withdrawal(&m, 1, 10001, "w");
    maker_refuse(&m, &above, "L4: a withdrawal never goes below zero");
    maker_accept(&m, &good);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->available, 0);
    maker_done(&m);
}

#define WHO_MOVED_IT "who moved it, and why, are said of what the desk moves"

TEST(shard_money, promotional_money_is_granted_taken_and_turned_into_cash)
{
    static const struct {
        enum money_kind kind;
        int64_t amount, available, free, bonus, promo;
    } rows[] = {
        {MONEY_GRANT_FREE, 500, 10000, 500, 0, -500},
        {MONEY_GRANT_BONUS, 700, 10000, 500, 700, -1200},
        {MONEY_FORFEIT_FREE, 500, 10000, 0, 700, -700},
        {MONEY_BONUS_TO_CASH, 300, 10300, 0, 400, -700},
        {MONEY_FORFEIT_BONUS, 400, 10300, 0, 0, -300},
    };
    struct maker m;
    maker_open(&m);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[] = {'p', (char)('0' + i), '\0'};
        struct parts good = parts_promotion(&m, 1, rows[i].kind, rows[i].amount, key);
        refuses_other_postings(&m, &good, POSTINGS_OF_THE_MOVEMENT);
        REFUSES(&m, good, "L4: the balance is the fold", p.body.money.balance_after++);
        REFUSES(&m, good, "L4: an account has one currency", p.body.money.currency = EUR);
        REFUSES(&m, good, WHO_MOVED_IT, p.body.money.actor_bytes = 0; p.texts[1] = SLICE_NONE);
        REFUSES(&m, good, WHO_MOVED_IT, p.body.money.reason_bytes = 0; p.texts[2] = SLICE_NONE);
        maker_accept(&m, &good);
        const struct shard_account *account = shard_state_account(m.state, (struct account_ref){1});
        assert_int_equal(account->available, rows[i].available);
        assert_int_equal(account->free, rows[i].free);
        assert_int_equal(account->bonus, rows[i].bonus);
        assert_int_equal(shard_state_house(m.state, 0)->promo, rows[i].promo);
    }
    static const enum money_kind taking[] = {MONEY_FORFEIT_FREE, MONEY_FORFEIT_BONUS,
                                             MONEY_BONUS_TO_CASH};
    for (size_t i = 0; i < sizeof taking / sizeof *taking; i++) {
        struct parts above = parts_promotion(&m, 1, taking[i], 1, "q");
        maker_refuse(&m, &above, "L4: a withdrawal never goes below zero");
    }
    struct parts deposit = parts_deposit(&m, 1, 5, "d");
    deposit.texts[1] = SLICE("who"); /* a customer's own movement has nobody of the desk */
    deposit.draft.texts_count = 2;
    deposit.body.money.actor_bytes = 3;
    maker_refuse(&m, &deposit, WHO_MOVED_IT);
    maker_done(&m);
}

TEST(shard_money, the_first_deposit_fixes_the_currency)
{
    struct maker m;
    maker_open(&m);
    struct parts account = parts_account(&m, "cy");
    maker_accept(&m, &account);
    struct parts withdrawal = parts_withdrawal(&m, 3, 1, "w");
    maker_refuse(&m, &withdrawal, "L4: an account has one currency");
    struct parts euros = parts_deposit(&m, 3, 700, "d");
    euros.body.money.currency = euros.postings[0].currency = euros.postings[1].currency = EUR;
    maker_accept(&m, &euros);
    struct parts pounds = parts_deposit(&m, 3, 700, "e");
    maker_refuse(&m, &pounds, "L4: an account has one currency");
    assert_int_equal(shard_state_account(m.state, (struct account_ref){3})->currency.iso, EUR);
    assert_int_equal(shard_state_houses_count(m.state), 2);
    maker_done(&m);
}

TEST(shard_money, a_refused_movement_is_a_verdict_that_moves_nothing)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_money_refused(&m, 1, "k");
    REFUSES(&m, good, "L4: the balance is the fold", p.body.money.balance_after--);
    REFUSES(&m, good, "no such outcome", p.body.money.outcome = 3);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->available, 10000);
    assert_int_equal(shard_state_counts(m.state)->money_refused, 1);
    struct parts again = parts_withdrawal(&m, 1, 5, "k");
    maker_refuse(&m, &again, "L3: one key, one verdict");
    maker_done(&m);
}

/* Only a bet waits for its delay. */
TEST(shard_money, a_movement_is_never_pending)
{
    struct maker m;
    maker_open(&m);
    struct parts refused = parts_money_refused(&m, 1, "k");
    REFUSES(&m, refused, "no such outcome", p.body.money.outcome = BET_PENDING);
    maker_accept(&m, &refused);
    maker_done(&m);
}

TEST(shard_money, a_refused_record_in_a_new_currency_leaves_no_trace)
{
    struct maker m;
    maker_begin(&m);
    struct parts account = parts_account(&m, "cy");
    maker_accept(&m, &account);
    struct parts deposit = parts_deposit(&m, 1, 700, "d");
    REFUSES(&m, deposit, "L4: the balance is the fold", p.body.money.balance_after++);
    assert_int_equal(shard_state_houses_count(m.state), 0);
    maker_accept(&m, &deposit);
    assert_int_equal(shard_state_houses_count(m.state), 1);
    maker_done(&m);
}

/* A stranger chooses the currency of a request: what is refused must not use up the table. */
TEST(shard_money, a_refusal_in_every_currency_uses_up_nothing)
{
    struct maker m;
    unsigned known = 0;
    maker_open(&m);
    for (uint16_t iso = 1; iso < 1000; iso++) {
        char key[8];
        struct buf text = buf_over(key, sizeof key);
        if (!currency_known((struct currency){iso}))
            continue;
        buf_printf(&text, "k%u%c", iso, 0);
        struct parts refused = parts_money_refused(&m, 1, key);
        refused.body.money.outcome = BET_CURRENCY_MISMATCH;
        refused.body.money.currency = iso;
        maker_accept(&m, &refused);
        known++;
    }
    assert_true(known > 32);
    assert_int_equal(shard_state_houses_count(m.state), 1);
    maker_done(&m);
}

TEST(shard_money, an_account_may_open_in_every_currency)
{
    struct maker m;
    uint32_t ref = 0;
    maker_begin(&m);
    for (uint16_t iso = 1; iso < 1000; iso++) {
        char user[8];
        struct buf text = buf_over(user, sizeof user);
        if (!currency_known((struct currency){iso}))
            continue;
        buf_printf(&text, "u%u%c", iso, 0);
        struct parts account = parts_account(&m, user);
        maker_accept(&m, &account);
        struct parts deposit = parts_deposit(&m, ++ref, 700, "d");
        deposit.body.money.currency = iso;
        deposit.postings[0].currency = deposit.postings[1].currency = iso;
        maker_accept(&m, &deposit);
    }
    assert_int_equal(shard_state_houses_count(m.state), ref);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

/* A forged log of impossible amounts: no sum overflows before it is refused. */
TEST(shard_money, balances_have_an_end)
{
    struct maker m;
    char key[16];
    maker_open(&m);
    for (unsigned i = 0; i < 1152; i++) { /* 1152 * 10^15 < 2^60 < 1153 * 10^15 */
        struct buf text = buf_over(key, sizeof key);
        buf_printf(&text, "k%u%c", i, 0);
        struct parts deposit = parts_deposit(&m, 1, MONEY_MINOR_MAX, key);
        maker_accept(&m, &deposit);
    }
    struct parts own = parts_deposit(&m, 1, MONEY_MINOR_MAX, "own");
    maker_refuse(&m, &own, "L4: a balance is beyond all limits");
    struct parts other = parts_deposit(&m, 2, MONEY_MINOR_MAX, "other"); /* the house's cash */
    maker_refuse(&m, &other, "L4: a balance is beyond all limits");
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

/* ---- bets ---- */

/* What is checked of a bet before it is known whether it was accepted. */
static void refuses_bad_slips(struct maker *m, const struct parts *good)
{
    REFUSES(m, *good, "the account is unknown", p.draft.account = 0);
    REFUSES(m, *good, "the account is unknown", p.draft.account = 3);
    REFUSES(m, *good, "L3: a key has 1 to 64 bytes", set_key(&p, &p.body.bet.key_bytes, 0));
    REFUSES(m, *good, "L3: a key has 1 to 64 bytes", set_key(&p, &p.body.bet.key_bytes, 65));
    REFUSES(m, *good, "L4: the stake is positive and within the limit", p.body.bet.stake = 0);
    REFUSES(m, *good, "L4: the stake is positive and within the limit",
            p.body.bet.stake = MONEY_MINOR_MAX + 1);
    REFUSES(m, *good, "a bet has 1 to 100 legs", p.draft.items_count = 0);
    REFUSES(m, *good, "the currency is not known", p.body.bet.currency = 0);
    REFUSES(m, *good, "the currency is not known", p.body.bet.currency = 999);
    REFUSES(m, *good, "no such outcome", p.body.bet.outcome = 0);
    REFUSES(m, *good, "no such outcome", p.body.bet.outcome = 3);
    REFUSES(m, *good, "no such outcome", p.body.bet.outcome = 99);
}

static void refuses_bad_legs(struct maker *m, const struct parts *good)
{
    struct record_leg leg = good->items.legs[0];
    REFUSES(m, *good, "L6: the market is unknown", p.items.legs[0].market = 0);
    REFUSES(m, *good, "L6: the market is unknown", p.items.legs[0].market = 3);
    REFUSES(m, *good, "L6: the selection is unknown", p.items.legs[0].selection = 3);
    REFUSES(m, *good, "L6: the selection is unknown",
            p.items.legs[0].selection = RECORD_SELECTION_NONE);
    REFUSES(m, *good, "L6: the market was seen active",
            p.items.legs[0].market_status = MARKET_SUSPENDED_STATUS);
    REFUSES(m, *good, "L6: the market was seen active", p.items.legs[0].market_status = 0);
    REFUSES(m, *good, "P2: the provider's lease held",
            p.items.legs[0].flags = leg.flags & (uint8_t)~LEG_PROVIDER_ALIVE);
    REFUSES(m, *good, "L6: there was a price", p.items.legs[0].odds_denominator = 0);
    REFUSES(m, *good, "L6: there was a price",
            p.items.legs[0].odds_numerator = leg.odds_denominator);
    REFUSES(m, *good, "L6: there was a price", p.items.legs[0].odds_numerator = 0);
}

static void refuses_bad_bets(struct maker *m, const struct parts *good)
{
    struct record_leg leg = good->items.legs[0];
    refuses_bad_slips(m, good);
    REFUSES(m, *good, "a bet has one leg of a market", p.draft.items_count = 2;
            p.items.legs[1] = p.items.legs[0]);
    refuses_bad_legs(m, good);
    REFUSES(m, *good, "bet ids rise", p.body.bet.bet_id = 0);
    REFUSES(m, *good, "bet ids rise", p.body.bet.bet_id = shard_state_last_bet_id(m->state).n);
    REFUSES(m, *good, "L4: an account has one currency", p.body.bet.currency = EUR);
    REFUSES(m, *good, "L6: the price taken was agreed to",
            p.items.legs[0].odds_numerator = leg.odds_numerator - 1);
    REFUSES(m, *good, "L6: the price taken was agreed to", p.items.legs[0].asked_denominator = 0);
    REFUSES(m, *good, "L6: the price taken was agreed to", p.body.bet.policy = 0);
    REFUSES(m, *good, "L6: the price taken was agreed to", p.body.bet.policy = 5);
    REFUSES(m, *good, "L6: the price taken was agreed to", p.items.legs[0].odds_numerator++,
            p.body.bet.policy = PRICE_EXACT);
    REFUSES(m, *good, "no such rounding", p.body.bet.rounding = 0);
    REFUSES(m, *good, "no such rounding", p.body.bet.rounding = 4);
    REFUSES(m, *good, "L4: the balance is the fold", p.body.bet.balance_after++);
    REFUSES(m, *good, "L4: the balance is the fold", p.body.bet.stake--);
    REFUSES(m, *good, "L4: the potential return is stake times odds",
            p.body.bet.potential_return++);
    REFUSES(m, *good, "L4: the potential return is stake times odds",
            p.items.legs[0].odds_numerator++);
    refuses_other_postings(m, good, POSTINGS_OF_THE_STAKE);
}

TEST(shard_bet, a_placed_bet_is_checked_whole)
{
    struct maker m;
    maker_open(&m);
    struct parts first = parts_bet(&m, 2, 2, "b0");
    maker_accept(&m, &first);
    struct parts good = parts_bet(&m, 1, 1, "b");
    refuses_bad_bets(&m, &good);
    struct parts too_much = parts_bet(&m, 1, 1, "b");
    parts_stake(&m, &too_much, 10001, (struct odds){21, 10});
    maker_refuse(&m, &too_much, "L4: a bet never goes below zero");
    maker_accept(&m, &good);
    struct parts again = parts_bet(&m, 1, 1, "b");
    maker_refuse(&m, &again, "L3: one key, one verdict");
    const struct shard_bet *bet = shard_state_bet(m.state, 1);
    assert_int_equal(bet->state, BET_STATE_OPEN);
    assert_int_equal(bet->seq_placed, good.draft.seq);
    assert_int_equal(shard_state_house(m.state, 0)->stakes, 10000);
    maker_done(&m);
}

TEST(shard_bet, a_pending_bet_holds_its_stake_until_it_is_decided)
{
    struct maker m;
    maker_open(&m);
    struct parts first = parts_bet(&m, 2, 2, "b0");
    maker_accept(&m, &first);
    struct parts good = parts_pending(&m, 1, 1, "b");
    refuses_bad_bets(&m, &good);
    REFUSES(&m, good, "a pending bet is decided later",
            p.body.bet.decide_at_us = p.draft.time_us - 1);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_bet(m.state, 1)->state, BET_STATE_PENDING);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->held, 5000);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->available, 5000);
    maker_done(&m);
}

/* GLI-33 2.8 asks for them on every wager; there are none yet. */
TEST(shard_bet, what_is_no_cash_is_the_whole_stake_and_there_is_no_fee)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_bet(&m, 1, 1, "b"), refused = parts_refused(&m, 1, 1, "r");
    REFUSES(&m, bet, "L4: what is no cash is the whole stake", p.body.bet.promo_stake = 1);
    REFUSES(&m, bet, "L4: what is no cash is the whole stake", p.body.bet.flags = BET_FREE);
    REFUSES(&m, bet, "a bet's flags are known", p.body.bet.flags = BET_FREE | BET_BONUS);
    REFUSES(&m, bet, "a bet's flags are known", p.body.bet.flags = 8);
    REFUSES(&m, bet, "fees are not in this format", p.body.bet.fees = 1);
    REFUSES(&m, refused, "fees are not in this format", p.body.bet.fees = -1);
    maker_done(&m);
}

TEST(shard_bet, a_refused_bet_is_a_verdict_that_moves_nothing)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_refused(&m, 1, 1, "b");
    refuses_bad_slips(&m, &good);
    REFUSES(&m, good, "a refused bet has no id", p.body.bet.bet_id = 1);
    REFUSES(&m, good, "L4: a refusal moves no money", p.draft.postings_count = 2);
    REFUSES(&m, good, "L4: the balance is the fold", p.body.bet.balance_after = 5000);
    good.items.legs[0] = (struct record_leg){.selection = RECORD_SELECTION_NONE};
    maker_accept(&m, &good);
    assert_int_equal(shard_state_bets_count(m.state), 0);
    assert_int_equal(shard_state_counts(m.state)->bets_refused, 1);
    struct parts again = parts_bet(&m, 1, 1, "b");
    maker_refuse(&m, &again, "L3: one key, one verdict");
    maker_done(&m);
}

TEST(shard_bet, each_price_policy_agrees_to_its_prices)
{
    static const struct {
        enum price_policy policy;
        struct odds taken, asked;
        bool agreed;
    } rows[] = {
        {PRICE_EXACT, {21, 10}, {21, 10}, true},  {PRICE_EXACT, {22, 10}, {21, 10}, false},
        {PRICE_EXACT, {21, 10}, {0, 0}, false},   {PRICE_BETTER, {21, 10}, {21, 10}, true},
        {PRICE_BETTER, {22, 10}, {21, 10}, true}, {PRICE_BETTER, {2, 1}, {21, 10}, false},
        {PRICE_BETTER, {2, 1}, {0, 0}, false},    {PRICE_WITHIN, {2, 1}, {21, 10}, true},
        {PRICE_ANY, {2, 1}, {0, 0}, true},        {PRICE_ANY, {2, 1}, {5, 1}, true},
    };
    struct maker m;
    maker_open(&m);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[2] = {(char)('a' + i), 0};
        struct parts p = parts_bet(&m, 1, 1, key);
        p.body.bet.policy = (uint8_t)rows[i].policy;
        parts_stake(&m, &p, 100, rows[i].taken);
        p.items.legs[0].asked_numerator = rows[i].asked.numerator;
        p.items.legs[0].asked_denominator = rows[i].asked.denominator;
        if (rows[i].agreed)
            maker_accept(&m, &p);
        else
            maker_refuse(&m, &p, "L6: the price taken was agreed to");
    }
    maker_done(&m);
}

TEST(shard_bet, no_bet_stands_after_a_fence_that_stops_it)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_bet(&m, 1, 1, "b");
    struct parts suspend = parts_fence(&m, 1, MARKET_SUSPENDED_STATUS);
    maker_accept(&m, &suspend);
    REFUSES(&m, bet, "L6: no bet stands after a fence that stops it", p.draft.seq++;
            p.draft.time_us = m.time_us);
    struct parts hold = parts_fence(&m, 1, MARKET_ACTIVE);
    hold.items.fenced[0].holds = HOLD_TRADER;
    maker_accept(&m, &hold);
    REFUSES(&m, bet, "L6: no bet stands after a fence that stops it", p.draft.seq += 2;
            p.draft.time_us = m.time_us);
    struct parts resume = parts_fence(&m, 1, MARKET_ACTIVE);
    maker_accept(&m, &resume);
    struct parts good = parts_bet(&m, 1, 1, "b");
    maker_accept(&m, &good);
    struct parts result = parts_result(&m, 1, LEG_WON);
    maker_accept(&m, &result);
    struct parts late = parts_bet(&m, 1, 1, "c");
    parts_stake(&m, &late, 100, (struct odds){2, 1});
    maker_refuse(&m, &late, "L6: no bet stands after a fence that stops it");
    maker_done(&m);
}

/* ---- releases ---- */

static void open_with_pending(struct maker *m)
{
    maker_open(m);
    struct parts pending = parts_pending(m, 1, 1, "b");
    maker_accept(m, &pending);
}

static void refuses_bad_releases(struct maker *m, const struct parts *good)
{
    REFUSES(m, *good, "L7: there is no such bet", p.body.release.bet_id = 0);
    REFUSES(m, *good, "L7: there is no such bet", p.body.release.bet_id++);
    REFUSES(m, *good, "L7: there is no such bet", p.body.release.bet_id--);
    REFUSES(m, *good, "L7: the bet is another account's", p.draft.account = 2);
    REFUSES(m, *good, "L7: the bet's records are a chain", p.body.release.previous_seq--);
    REFUSES(m, *good, "a release speaks of every leg", p.draft.items_count = 0);
    REFUSES(m, *good, "a release speaks of every leg", p.draft.items_count = 2);
    REFUSES(m, *good, "no such outcome", p.body.release.outcome = 0);
    REFUSES(m, *good, "no such outcome", p.body.release.outcome = 3);
    REFUSES(m, *good, "L4: the balance is the fold", p.body.release.balance_after++);
    refuses_other_postings(m, good, POSTINGS_OF_THE_RELEASE);
}

TEST(shard_release, a_pending_bet_is_placed_at_most_at_its_price)
{
    struct maker m;
    open_with_pending(&m);
    struct parts good = parts_release(&m, 0, BET_PLACED);
    refuses_bad_releases(&m, &good);
    refuses_bad_legs(&m, &good);
    REFUSES(&m, good, "L6: a release is about the bet's own leg", p.items.legs[0].market = 2);
    REFUSES(&m, good, "L6: a release is about the bet's own leg", p.items.legs[0].selection = 2);
    REFUSES(&m, good, "L6: a delay never makes the price better",
            p.items.legs[0].odds_numerator = 22);
    good.items.legs[0].odds_numerator = 2;
    good.items.legs[0].odds_denominator = 1;
    maker_accept(&m, &good);
    const struct shard_bet *bet = shard_state_bet(m.state, 0);
    assert_int_equal(bet->state, BET_STATE_OPEN);
    assert_int_equal(shard_state_leg(m.state, bet->legs_first)->odds.numerator, 2);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->held, 0);
    assert_int_equal(shard_state_house(m.state, 0)->stakes, 5000);
    struct parts again = parts_release(&m, 0, BET_PLACED);
    maker_refuse(&m, &again, "L7: only a pending bet is released");
    maker_done(&m);
}

TEST(shard_release, no_bet_stands_after_a_suspension_during_its_delay)
{
    static const struct {
        enum market_status status;
        uint8_t holds;
        bool stops;
    } rows[] = {
        {MARKET_SUSPENDED_STATUS, 0, true},
        {MARKET_CLOSED_STATUS, 0, true},
        {MARKET_ACTIVE, HOLD_TRADER, true},
        {MARKET_ACTIVE, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct maker m;
        open_with_pending(&m);
        struct parts stop = parts_fence(&m, 1, rows[i].status);
        stop.items.fenced[0].holds = rows[i].holds;
        maker_accept(&m, &stop);
        struct parts go_on = parts_fence(&m, 1, MARKET_ACTIVE);
        maker_accept(&m, &go_on);
        struct parts release = parts_release(&m, 0, BET_PLACED);
        if (rows[i].stops)
            REFUSES(&m, release, "L6: no bet stands after a suspension during its delay", (void)p);
        else
            maker_accept(&m, &release);
        struct parts later = parts_pending(&m, 1, 1, "c"); /* that was before it */
        maker_accept(&m, &later);
        release = parts_release(&m, 1, BET_PLACED);
        maker_accept(&m, &release);
        maker_done(&m);
    }
}

TEST(shard_release, a_score_that_changed_is_shown_by_the_record)
{
    struct maker m;
    open_with_pending(&m);
    struct parts good = parts_release(&m, 0, BET_SCORE_CHANGED);
    good.items.legs[0].score[1] = 1;
    REFUSES(&m, good, "L7: a score that changed is another one", p.items.legs[0].score[1] = 0);
    struct parts card = good;
    card.items.legs[0].score[1] = 0;
    card.items.legs[0].red_cards[0] = 1;
    maker_accept(&m, &card);
    assert_int_equal(shard_state_bet(m.state, 0)->state, BET_STATE_NOT_ACCEPTED);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->held, 0);
    maker_done(&m);
}

TEST(shard_release, a_pending_bet_that_is_not_accepted_gets_its_stake_back)
{
    struct maker m;
    open_with_pending(&m);
    struct parts suspend = parts_fence(&m, 1, MARKET_SUSPENDED_STATUS);
    maker_accept(&m, &suspend);
    struct parts placed = parts_release(&m, 0, BET_PLACED);
    maker_refuse(&m, &placed, "L6: no bet stands after a fence that stops it");
    struct parts good = parts_release(&m, 0, BET_MARKET_SUSPENDED);
    refuses_bad_releases(&m, &good);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_bet(m.state, 0)->state, BET_STATE_NOT_ACCEPTED);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->available, 10000);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->bets_open, 0);
    struct parts again = parts_release(&m, 0, BET_MARKET_SUSPENDED);
    maker_refuse(&m, &again, "L7: only a pending bet is released");
    maker_done(&m);
}

TEST(shard_release, one_that_was_not_written_in_time_changes_nothing)
{
    struct maker m;
    open_with_pending(&m);
    const struct shard_bet before = *shard_state_bet(m.state, 0);
    const struct odds odds = shard_state_leg(m.state, before.legs_first)->odds;
    struct parts good = parts_release(&m, 0, BET_PENDING);
    good.items.legs[0].odds_numerator = 2;
    good.items.legs[0].odds_denominator = 1;
    refuses_bad_releases(&m, &good);
    refuses_bad_legs(&m, &good);
    REFUSES(&m, good, "L4: the postings are those of the release",
            p.postings[1].kind = LEDGER_AVAILABLE);
    maker_accept(&m, &good);
    const struct shard_bet *bet = shard_state_bet(m.state, 0);
    assert_int_equal(bet->state, BET_STATE_PENDING);
    assert_int_equal(bet->seq_last, before.seq_last + 1);
    assert_int_equal(bet->seq_verdict, before.seq_verdict);
    assert_int_equal(bet->returns, before.returns);
    assert_true(odds_equal(shard_state_leg(m.state, bet->legs_first)->odds, odds));
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->held, 5000);
    assert_int_equal(shard_state_house(m.state, 0)->stakes, 0);
    struct parts placed = parts_release(&m, 0, BET_PLACED);
    maker_accept(&m, &placed);
    assert_int_equal(shard_state_bet(m.state, 0)->state, BET_STATE_OPEN);
    maker_done(&m);
}
