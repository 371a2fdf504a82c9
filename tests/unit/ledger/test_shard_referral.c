/* test_shard_referral.c - bets that wait for the desk, record by record: what a word may claim, who
 * may say it when, what a release may follow from, and where the money is meanwhile. */
#include "maker.h"

#include "test.h"

#include "core/referral.h"
#include "ledger/shard_referrals_internal.h"

#define ADA  1
#define HELD "L4: the balance is the fold"

static void accept(struct maker *m, const struct parts *parts)
{
    maker_accept(m, parts);
    if (shard_state_check(m->state) != 0)
        fail_msg("%s", shard_state_reason(m->state));
}

static void accept_new(struct maker *m, struct parts parts)
{
    accept(m, &parts);
}

/* Ada has 100.00; 50.00 of them are on s1 of market 1 at 2.1, and wait for the desk. */
static void begin(struct maker *m)
{
    maker_open(m);
    accept_new(m, parts_referred(m, ADA, 1, "k"));
}

static const struct shard_bet *the_bet(const struct maker *m)
{
    return shard_state_bet(m->state, 0);
}

static const struct shard_account *ada(const struct maker *m)
{
    return shard_state_account(m->state, (struct account_ref){ADA});
}

static const struct shard_market *market(const struct maker *m)
{
    return shard_state_market(m->state, (struct market_ref){1});
}

/* ---- where the money is ---- */

TEST(shard_referral, a_referred_bet_holds_its_stake_and_costs_the_market_nothing)
{
    struct maker m;
    begin(&m);
    assert_int_equal(the_bet(&m)->state, BET_STATE_REFERRED);
    assert_int_equal(ada(&m)->available, 5000);
    assert_int_equal(ada(&m)->held, 5000);
    assert_int_equal(ada(&m)->stakes_open, 5000);
    assert_int_equal(ada(&m)->bets_open, 1);
    assert_int_equal(market(&m)->stakes_open, 0);
    assert_int_equal(market(&m)->bets_pending, 0);
    assert_int_equal(shard_state_house(m.state, 0)->returns_open, 0);
    assert_int_equal(shard_state_referrals_count(m.state), 1);
    accept_new(&m, parts_release(&m, 0, BET_REFERRAL_TIMEOUT));
    assert_int_equal(the_bet(&m)->state, BET_STATE_NOT_ACCEPTED);
    assert_int_equal(ada(&m)->available, 10000);
    assert_int_equal(ada(&m)->held, 0);
    assert_int_equal(ada(&m)->stakes_open, 0);
    assert_int_equal(ada(&m)->bets_open, 0);
    assert_int_equal(shard_state_referrals_count(m.state), 0);
    maker_done(&m);
}

TEST(shard_referral, what_the_trader_accepts_is_pending_and_then_placed)
{
    struct maker m;
    begin(&m);
    accept_new(&m, parts_referral(&m, 0, REFERRAL_ACCEPTED));
    assert_int_equal(the_bet(&m)->state, BET_STATE_PENDING);
    assert_int_equal(market(&m)->stakes_open, 5000);
    assert_int_equal(market(&m)->bets_pending, 1);
    assert_int_equal(ada(&m)->stakes_open, 5000);
    accept_new(&m, parts_release(&m, 0, BET_PLACED));
    assert_int_equal(the_bet(&m)->state, BET_STATE_OPEN);
    assert_int_equal(ada(&m)->available, 5000);
    assert_int_equal(ada(&m)->held, 0);
    assert_int_equal(shard_state_house(m.state, 0)->stakes, 5000);
    assert_int_equal(shard_state_referrals_count(m.state), 0);
    maker_done(&m);
}

TEST(shard_referral, an_offer_that_is_taken_gives_back_the_rest_and_binds_its_price)
{
    struct maker m;
    begin(&m);
    accept_new(&m, parts_offer(&m, 0, 2000, (struct odds){9, 5}));
    assert_int_equal(the_bet(&m)->state, BET_STATE_REFERRED);
    assert_int_equal(ada(&m)->held, 5000);
    accept_new(&m, parts_referral(&m, 0, REFERRAL_TAKEN));
    assert_int_equal(the_bet(&m)->stake, 2000);
    assert_int_equal(the_bet(&m)->stake_placed, 2000);
    assert_int_equal(the_bet(&m)->returns, 3600);
    assert_int_equal(ada(&m)->available, 8000);
    assert_int_equal(ada(&m)->held, 2000);
    assert_int_equal(market(&m)->stakes_open, 2000);
    struct parts good = parts_release(&m, 0, BET_PLACED);
    REFUSES(&m, good, "L6: a delay never makes the price better",
            p.items.legs[0].odds_numerator = 8); /* not even a worse one: he named 1.80 */
    REFUSES(&m, good, "L6: a release changes no terms",
            p.items.legs[0].flags &= (uint8_t)~LEG_OFFERED);
    accept(&m, &good);
    assert_int_equal(shard_state_leg(m.state, 0)->odds.numerator, 9);
    accept_new(&m, parts_result(&m, 1, LEG_WON));
    accept_new(&m, parts_settle(&m, 0));
    assert_int_equal(ada(&m)->available, 11600);
    maker_done(&m);
}

TEST(shard_referral, the_rest_of_a_free_bet_goes_back_to_the_free_bets)
{
    struct maker m;
    maker_open(&m);
    accept_new(&m, parts_promotion(&m, ADA, MONEY_GRANT_FREE, 5000, "g"));
    struct parts bet = parts_referred(&m, ADA, 1, "k");
    bet.body.bet.flags = BET_FREE;
    bet.body.bet.promo_stake = 5000;
    bet.body.bet.balance_after = 10000;
    bet.body.bet.potential_return -= 5000;
    bet.postings[0].kind = LEDGER_FREE;
    accept(&m, &bet);
    accept_new(&m, parts_offer(&m, 0, 1000, ODDS_NONE));
    struct parts taken = parts_referral(&m, 0, REFERRAL_TAKEN);
    taken.body.referral.balance_after = 10000;
    accept(&m, &taken);
    assert_int_equal(ada(&m)->free, 4000);
    assert_int_equal(ada(&m)->held, 1000);
    assert_int_equal(ada(&m)->available, 10000);
    maker_done(&m);
}

/* ---- who may say what when ---- */

TEST(shard_referral, a_release_follows_from_the_last_word)
{
    static const enum bet_outcome outcomes[] = {
        BET_PLACED,           BET_PENDING,       BET_ODDS_CHANGED,           BET_MARKET_SUSPENDED,
        BET_REFERRAL_TIMEOUT, BET_OFFER_EXPIRED, BET_NOT_ACCEPTED_BY_TRADER, BET_RE_OFFERED,
    };
    static const struct {
        enum referral_word words[3];
        enum bet_outcome only; /* 0: any that is none of the desk's */
    } cases[] = {
        {{0}, BET_REFERRAL_TIMEOUT},
        {{REFERRAL_OFFERED}, BET_OFFER_EXPIRED},
        {{REFERRAL_OFFERED, REFERRAL_OFFERED}, BET_OFFER_EXPIRED},
        {{REFERRAL_REJECTED}, BET_NOT_ACCEPTED_BY_TRADER},
        {{REFERRAL_OFFERED, REFERRAL_REJECTED}, BET_NOT_ACCEPTED_BY_TRADER},
        {{REFERRAL_OFFERED, REFERRAL_DECLINED}, BET_RE_OFFERED},
        {{REFERRAL_ACCEPTED}, 0},
        {{REFERRAL_OFFERED, REFERRAL_TAKEN}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t j = 0; j < sizeof outcomes / sizeof *outcomes; j++) {
            struct maker m;
            begin(&m);
            for (const enum referral_word *word = cases[i].words; *word != 0; word++)
                accept_new(&m, *word == REFERRAL_OFFERED ? parts_offer(&m, 0, 5000, ODDS_NONE)
                                                         : parts_referral(&m, 0, *word));
            struct parts release = parts_release(&m, 0, outcomes[j]);
            bool good = cases[i].only == 0 ? j < 4 : outcomes[j] == cases[i].only;
            if (good)
                accept(&m, &release);
            else
                maker_refuse(&m, &release,
                             "L7: a release follows from the last word on a referred bet");
            maker_done(&m);
        }
    }
}

TEST(shard_referral, a_bet_that_only_had_a_delay_has_none_of_the_desks_outcomes)
{
    struct maker m;
    maker_open(&m);
    accept_new(&m, parts_pending(&m, ADA, 1, "k"));
    struct parts release = parts_release(&m, 0, BET_REFERRAL_TIMEOUT);
    maker_refuse(&m, &release, "L7: a release follows from the last word on a referred bet");
    maker_done(&m);
}

TEST(shard_referral, words_have_their_turn)
{
    struct maker m;
    begin(&m);
    REFUSES(&m, parts_referral(&m, 0, REFERRAL_TAKEN), "an offer has a stake, and no other word",
            p.body.referral.word = REFERRAL_ACCEPTED;
            p.body.referral.stake = 1; p.body.referral.transport = 0; p.body.referral.offer_seq = 0;
            p.body.referral.actor_bytes = 1; p.texts[0] = SLICE("t"); p.draft.texts_count = 1);
    struct parts early = parts_referral(&m, 0, REFERRAL_DECLINED);
    maker_refuse(&m, &early, "L7: the newest offer is answered");

    accept_new(&m, parts_offer(&m, 0, 2000, ODDS_NONE));
    struct parts accepted = parts_referral(&m, 0, REFERRAL_ACCEPTED);
    maker_refuse(&m, &accepted, "L7: what waits for the trader is accepted");
    struct parts old = parts_referral(&m, 0, REFERRAL_TAKEN);
    accept_new(&m, parts_offer(&m, 0, 1000, ODDS_NONE));
    struct parts taken = parts_referral(&m, 0, REFERRAL_TAKEN);
    REFUSES(&m, taken, "L7: the newest offer is answered",
            p.body.referral.offer_seq = old.body.referral.offer_seq);
    accept_new(&m, parts_offer(&m, 0, 1000, ODDS_NONE));
    accept_new(&m, parts_offer(&m, 0, 1000, ODDS_NONE));
    struct parts fifth = parts_offer(&m, 0, 1000, ODDS_NONE);
    maker_refuse(&m, &fifth, "L7: what waits has a few offers at most");
    taken = parts_referral(&m, 0, REFERRAL_TAKEN);
    REFUSES(&m, taken, "L6: the offer held", p.draft.time_us += 30000001;
            p.body.referral.until_us += 40000000);
    accept(&m, &taken);
    struct parts again = parts_referral(&m, 0, REFERRAL_TAKEN);
    maker_refuse(&m, &again, "L7: only a referred bet waits");
    maker_done(&m);
}

/* ---- what a word claims ---- */

TEST(shard_referral, a_bet_says_truly_why_it_is_referred)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_referred(&m, ADA, 1, "k");
    REFUSES(&m, good, "why a bet is referred is known", p.body.bet.referred = 4);
    REFUSES(&m, good, "whose limit referred a bet is known", p.body.bet.limit_scope = 0);
    REFUSES(&m, good, "whose limit referred a bet is known", p.body.bet.limit_scope = LIMIT_SCOPES);
    REFUSES(&m, good, "L4: a balance is beyond all limits", p.body.bet.stake_max = -1);
    REFUSES(&m, good, "no limit refuses an accepted bet", p.body.bet.referred = 0);
    REFUSES(&m, good, "a referred bet is pending", p.body.bet.outcome = BET_PLACED;
            p.postings[1].account = 0; p.postings[1].kind = LEDGER_HOUSE_STAKES);
    REFUSES(&m, good, "only an offer names another price", p.items.legs[0].flags |= LEG_OFFERED);
    REFUSES(&m, parts_refused(&m, ADA, 1, "k"), "a refused bet is not referred",
            p.body.bet.referred = REFERRED_STAKE_LIMIT);
    maker_done(&m);
}

TEST(shard_referral, a_word_is_checked_whole)
{
    struct maker m;
    begin(&m);
    struct parts good = parts_referral(&m, 0, REFERRAL_ACCEPTED);
    REFUSES(&m, good, "L7: there is no such bet", p.body.referral.bet_id++);
    REFUSES(&m, good, "L7: the bet is another account's", p.draft.account = 2);
    REFUSES(&m, good, "L7: the bet's records are a chain", p.body.referral.previous_seq--);
    REFUSES(&m, good, "no such word", p.body.referral.word = 0);
    REFUSES(&m, good, "no such word", p.body.referral.word = 6);
    REFUSES(&m, good, "a trader's word is somebody's", p.body.referral.actor_bytes = 0;
            p.texts[0] = SLICE_NONE);
    REFUSES(&m, good, "a trader's word is somebody's", p.body.referral.transport = 1);
    REFUSES(&m, good, "a trader's word is somebody's", p.body.referral.offer_seq = 1);
    REFUSES(&m, good, "what is lifted is known", p.body.referral.lifted = 4);
    REFUSES(&m, good, "what is not over ends later", p.body.referral.until_us--);
    REFUSES(&m, good, "L4: an account has one currency", p.body.referral.currency = EUR);
    REFUSES(&m, good, HELD, p.body.referral.balance_after++);
    REFUSES(&m, good, "an offer, and only an offer, speaks of every leg", p.draft.items_count = 1;
            p.items.legs[0] = (struct record_leg){0});
    REFUSES(&m, good, "an offer has a stake, and no other word",
            p.body.referral.potential_return = 1);
    struct parts rejected = parts_referral(&m, 0, REFERRAL_REJECTED);
    REFUSES(&m, rejected, "what is not over ends later", p.body.referral.until_us = m.time_us);
    accept(&m, &good);
    maker_done(&m);
}

TEST(shard_referral, an_offer_is_checked_whole)
{
    struct maker m;
    begin(&m);
    struct parts good = parts_offer(&m, 0, 2000, (struct odds){9, 5});
    REFUSES(&m, good, "L4: no more is offered than is held", p.body.referral.stake = 5001);
    REFUSES(&m, good, "L4: no more is offered than is held", p.body.referral.stake = 0);
    REFUSES(&m, good, "L4: the potential return is stake times odds",
            p.body.referral.potential_return++);
    REFUSES(&m, good, "L6: a price that no offer names stays bound",
            p.items.legs[0].flags &= (uint8_t)~LEG_OFFERED);
    REFUSES(&m, good, "L6: there was a price", p.items.legs[0].odds_numerator = 5);
    REFUSES(&m, good, "L6: a release is about the bet's own leg", p.items.legs[0].selection = 0);
    REFUSES(&m, good, "L6: a release changes no terms", p.items.legs[0].flags |= LEG_ANTE_POST);
    REFUSES(&m, good, "P2: the provider's lease held",
            p.items.legs[0].flags &= (uint8_t)~LEG_PROVIDER_ALIVE);
    accept(&m, &good);
    struct parts taken = parts_referral(&m, 0, REFERRAL_TAKEN);
    REFUSES(&m, taken, "L7: an offer is taken as it is", p.body.referral.stake = 2001);
    REFUSES(&m, taken, "L4: the potential return is stake times odds",
            p.body.referral.potential_return++);
    REFUSES(&m, taken, "L4: the postings are those of the rest", p.draft.postings_count = 0);
    REFUSES(&m, taken, "L4: the postings are those of the rest", p.postings[1].amount--;
            p.postings[0].amount++);
    REFUSES(&m, taken, "L4: the postings are those of the rest", p.postings[1].kind = LEDGER_FREE);
    REFUSES(&m, taken, "a customer's word is the account's", p.body.referral.lifted = 1);
    REFUSES(&m, taken, "a customer's word is the account's", p.body.referral.transport = 0);
    accept(&m, &taken);
    maker_done(&m);
}

/* ---- what happens meanwhile ---- */

TEST(shard_referral, a_suspension_before_the_offer_is_the_traders_affair_and_one_behind_it_refuses)
{
    for (int before = 0; before < 2; before++) {
        struct maker m;
        begin(&m);
        for (int offered = 0; offered < 2; offered++) {
            if (before == 1 - offered) {
                accept_new(&m, parts_fence(&m, 1, MARKET_SUSPENDED_STATUS));
                accept_new(&m, parts_fence(&m, 1, MARKET_ACTIVE));
            }
            if (offered == 0)
                accept_new(&m, parts_offer(&m, 0, 2000, ODDS_NONE));
        }
        accept_new(&m, parts_referral(&m, 0, REFERRAL_TAKEN));
        struct parts release = parts_release(&m, 0, BET_PLACED);
        if (before == 1)
            accept(&m, &release);
        else
            maker_refuse(&m, &release, "L6: no bet stands after a suspension during its delay");
        maker_done(&m);
    }
}

TEST(shard_referral, as_many_wait_as_may)
{
    struct shard_limits limits = MAKER_LIMITS;
    struct maker m;
    limits.referrals_max = 2;
    maker_empty(&m, &limits);
    accept_new(&m, parts_genesis(&m));
    accept_new(&m, parts_opened(&m));
    accept_new(&m, parts_account(&m, "ada"));
    accept_new(&m, parts_market(&m, "1.1", 3));
    accept_new(&m, parts_deposit(&m, ADA, 50000, "d"));
    accept_new(&m, parts_referred(&m, ADA, 1, "a"));
    accept_new(&m, parts_referred(&m, ADA, 1, "b"));
    assert_false(shard_state_referral_room(m.state));
    struct parts third = parts_referred(&m, ADA, 1, "c");
    maker_limited(&m, &third);
    accept_new(&m, parts_release(&m, 0, BET_REFERRAL_TIMEOUT));
    assert_int_equal(shard_state_find_referral(m.state, 0), REFERRAL_NONE);
    assert_int_equal(shard_state_find_referral(m.state, 1), 0);
    third = parts_referred(&m, ADA, 1, "c");
    accept(&m, &third);
    maker_done(&m);
}
