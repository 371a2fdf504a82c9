/* test_cash_out.c - bets bought back through the book: offers, expiry, prices that move, delays,
 * suspensions, restarts, keys (app/cash_out.c). Every test ends with the sums and a refold. */
#include <string.h>

#include "test.h"

#include "book_fixture.h"

/* Ann has 100.00 on "a" at 3.00, out of 200.00; "a" and "b" are at 2.00 each, a book of 100 %: her
 * bet is worth 150.00, less 5 % 142.50. */
static uint64_t begin(struct fixture *f)
{
    fixture_begin(f);
    fixture_market(f, MARKET_ACTIVE, 300, 150);
    fixture_deposit(f, "ann", "d1", 20000);
    fixture_bet(f, "bet", "a", 300, 10000);
    fixture_turn(f, 1000);
    assert_int_equal(f->outcome, BET_PLACED);
    uint64_t bet = f->bet_id;
    fixture_market(f, MARKET_ACTIVE, 200, 200);
    fixture_turn(f, 1000);
    return bet;
}

static void end(struct fixture *f)
{
    fixture_check(f);
    fixture_end(f);
}

static struct cash_out_offer offer_of(struct fixture *f, uint64_t bet)
{
    struct cash_out_offer offer;
    assert_int_equal(fixture_cash_out_offer(f, bet, &offer), BET_PLACED);
    return offer;
}

static enum bet_outcome no_offer(struct fixture *f, uint64_t bet)
{
    struct cash_out_offer offer;
    return fixture_cash_out_offer(f, bet, &offer);
}

static enum bet_outcome sell(struct fixture *f, const char *key, const struct cash_out_offer *offer,
                             struct sale sale)
{
    assert_int_equal(fixture_cash_out(f, key, offer, sale), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->type, RECORD_CASH_OUT);
    return f->outcome;
}

TEST(cash_out_book, an_offer_is_paid_and_the_bet_is_over)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    uint64_t records = shard_state_seq(book_state(f.book));
    struct cash_out_offer offer = offer_of(&f, bet);
    assert_int_equal(offer.stake.minor, 10000);
    assert_int_equal(offer.amount.minor, 14250);
    assert_int_equal(offer.delay_us, 0);
    assert_int_equal(offer.legs_count, 1);
    assert_int_equal(offer.legs[0].chances.win, CHANCE_WHOLE / 2);
    assert_int_equal(shard_state_seq(book_state(f.book)), records); /* S2: it is no record */
    f.log.hold = true;
    int before = f.answers;
    fixture_cash_out(&f, "k", &offer, (struct sale){bet, 0, 14250});
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before); /* L2 */
    f.log.hold = false;
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    assert_int_equal(f.balance, 24250);
    assert_int_equal(no_offer(&f, bet), BET_CASH_OUT_UNAVAILABLE);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 24250); /* settlement passes it by */
    assert_int_equal(book_stats(f.book)->settled, 0);
    end(&f);
}

TEST(cash_out_book, a_part_leaves_a_bet_that_is_settled_and_corrected_for_the_rest)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_of(&f, bet);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 4000, 5700}), BET_PLACED);
    assert_int_equal(f.balance, 15700);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 15700 + 18000);
    fixture_result(&f, 2, LEG_VOID, LEG_VOID);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 15700 + 6000);
    assert_int_equal(fixture_history(&f, bet), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    const uint16_t story[] = {RECORD_BET, RECORD_CASH_OUT, RECORD_SETTLE, RECORD_REVERSE,
                              RECORD_SETTLE};
    assert_int_equal(f.history_count, 5);
    assert_memory_equal(f.history_types, story, sizeof story);
    end(&f);
}

TEST(cash_out_book, what_is_paid_is_the_value_of_now_and_never_less_than_agreed)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_of(&f, bet);
    fixture_market(&f, MARKET_ACTIVE, 210, 190);
    assert_int_equal(sell(&f, "worse", &offer, (struct sale){bet, 0, 14250}), BET_CASH_OUT_CHANGED);
    f.tolerance = 1000; /* 10 %: 128.25 at least; it is worth 135.37 */
    offer = offer_of(&f, bet);
    assert_int_equal(sell(&f, "within", &offer, (struct sale){bet, 100, 142}), BET_PLACED);
    assert_int_equal(f.balance, 10000 + 135);
    f.tolerance = 0;
    fixture_market(&f, MARKET_ACTIVE, 190, 210);
    offer = offer_of(&f, bet);
    assert_int_equal(sell(&f, "better", &offer, (struct sale){bet, 100, 135}), BET_PLACED);
    assert_int_equal(f.balance, 10000 + 135 + 149);
    end(&f);
}

TEST(cash_out_book, an_offer_ends_with_its_time_its_bet_and_its_process)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_of(&f, bet), forged = offer;
    forged.id[3] = forged.id[3] == 'A' ? 'B' : 'A';
    assert_int_equal(sell(&f, "forged", &forged, (struct sale){bet, 100, 1}), BET_OFFER_EXPIRED);
    fixture_bet(&f, "other", "b", 200, 100);
    fixture_turn(&f, 1000);
    uint64_t other = f.bet_id;
    assert_int_equal(sell(&f, "other's", &offer, (struct sale){other, 100, 1}), BET_OFFER_EXPIRED);
    assert_int_equal(sell(&f, "part", &offer, (struct sale){bet, 100, 1}), BET_PLACED);
    assert_int_equal(sell(&f, "again", &offer, (struct sale){bet, 100, 1}),
                     BET_OFFER_EXPIRED); /* a new bet now */
    offer = offer_of(&f, bet);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    fixture_turn(&f, 4 * US_PER_SECOND);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    fixture_turn(&f, 1 * US_PER_SECOND + 1);
    assert_int_equal(sell(&f, "late", &offer, (struct sale){bet, 100, 1}), BET_OFFER_EXPIRED);
    offer = offer_of(&f, bet);
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    assert_int_equal(sell(&f, "before", &offer, (struct sale){bet, 100, 1}), BET_OFFER_EXPIRED);
    end(&f);
}

TEST(cash_out_book, one_key_has_one_verdict)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_of(&f, bet);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 4000, 5700}), BET_PLACED);
    uint64_t seq = f.seq;
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 4000, 5700}), BET_PLACED);
    assert_true(f.replayed);
    assert_int_equal(f.seq, seq);
    assert_int_equal(fixture_cash_out(&f, "k", &offer, (struct sale){bet, 4000, 5701}),
                     REQUEST_CONFLICT);
    assert_int_equal(fixture_cash_out(&f, "k", &offer, (struct sale){bet + 1, 1, 1}),
                     REQUEST_UNKNOWN);
    assert_int_equal(sell(&f, "bad", &offer, (struct sale){bet, 1, 1}), BET_OFFER_EXPIRED);
    assert_int_equal(sell(&f, "bad", &offer, (struct sale){bet, 1, 1}), BET_OFFER_EXPIRED);
    assert_true(f.replayed);
    fixture_restart(&f);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 4000, 5700}), BET_PLACED);
    assert_true(f.replayed);
    assert_int_equal(f.seq, seq);
    end(&f);
}

TEST(cash_out_book, offers_nothing_where_there_is_no_price_to_go_by)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 200, 200);
    assert_int_equal(no_offer(&f, bet), BET_MARKET_SUSPENDED);
    fixture_market(&f, MARKET_ACTIVE, 200, 0); /* a price is missing */
    assert_int_equal(no_offer(&f, bet), BET_MARKET_SUSPENDED);
    fixture_market(&f, MARKET_CLOSED_STATUS, 200, 200);
    assert_int_equal(no_offer(&f, bet), BET_MARKET_CLOSED);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    assert_int_equal(no_offer(&f, bet), BET_PLACED);
    fixture_hold(&f, true);
    fixture_turn(&f, 1000);
    assert_int_equal(no_offer(&f, bet), BET_MARKET_SUSPENDED);
    fixture_hold(&f, false);
    fixture_turn(&f, 1000);
    assert_int_equal(no_offer(&f, bet), BET_PLACED);
    fixture_turn(&f, 6 * US_PER_SECOND); /* P2: nobody has heard of the provider */
    assert_int_equal(no_offer(&f, bet), BET_MARKET_SUSPENDED);
    fixture_market(&f, MARKET_ACTIVE, 101, 101); /* a book of 198 % */
    assert_int_equal(no_offer(&f, bet), BET_PLACED);
    f.no_cash_out = true;
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    assert_int_equal(no_offer(&f, bet), BET_CASH_OUT_UNAVAILABLE);
    end(&f);
}

TEST(cash_out_book, a_request_is_decided_at_once_or_refused_for_the_same_reasons)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_of(&f, bet);
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 200, 200);
    assert_int_equal(sell(&f, "suspended", &offer, (struct sale){bet, 0, 14250}),
                     BET_MARKET_SUSPENDED);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    assert_int_equal(sell(&f, "too much", &offer, (struct sale){bet, 10001, 1}),
                     BET_CASH_OUT_UNAVAILABLE);
    fixture_result(&f, 1, LEG_LOST, LEG_WON);
    fixture_turn(&f, 1000);
    assert_int_equal(sell(&f, "settled", &offer, (struct sale){bet, 0, 14250}),
                     BET_CASH_OUT_UNAVAILABLE);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    end(&f);
}

/* A leg is corrected so that it is open again: what is left may be bought back again. */
TEST(cash_out_book, a_bet_that_is_open_again_is_for_sale_again)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_of(&f, bet);
    assert_int_equal(sell(&f, "part", &offer, (struct sale){bet, 4000, 5700}), BET_PLACED);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    struct feed_result rollback = {.provider = SLICE("p"),
                                   .market_id = SLICE("m1"),
                                   .kind = RESULT_ROLLBACK,
                                   .result_version = 2,
                                   .feed_time = f.wall};
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->result(sink, &rollback);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 15700);
    fixture_market(&f, MARKET_ACTIVE, 200, 200);
    fixture_turn(&f, 1000);
    offer = offer_of(&f, bet);
    assert_int_equal(offer.stake.minor, 6000);
    assert_int_equal(sell(&f, "rest", &offer, (struct sale){bet, 0, 8550}), BET_PLACED);
    assert_int_equal(f.balance, 15700 + 8550);
    fixture_result(&f, 3, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 15700 + 8550);
    end(&f);
}

/* ---- delays ---- */

static struct cash_out_offer offer_in_play(struct fixture *f, uint64_t bet)
{
    fixture_market_in_play(f, 200, 200, 5 * US_PER_SECOND);
    fixture_turn(f, 1000);
    struct cash_out_offer offer = offer_of(f, bet);
    assert_int_equal(offer.delay_us, 5 * US_PER_SECOND);
    return offer;
}

TEST(cash_out_book, in_play_it_waits_and_pays_no_more_than_what_was_shown)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_in_play(&f, bet);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_PENDING);
    assert_int_equal(f.balance, 10000);
    assert_int_equal(no_offer(&f, bet), BET_CASH_OUT_PENDING);
    assert_int_equal(sell(&f, "second", &offer, (struct sale){bet, 1, 1}), BET_CASH_OUT_PENDING);
    fixture_market_in_play(&f, 150, 300, 5 * US_PER_SECOND); /* worth more now */
    fixture_turn(&f, 4 * US_PER_SECOND);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    fixture_market_in_play(&f, 150, 300, 5 * US_PER_SECOND);
    fixture_turn(&f, 1 * US_PER_SECOND);
    assert_int_equal(fixture_available(&f, "ann"), 24250);
    assert_int_equal(fixture_state_of(&f, bet)->state, BET_STATE_CASHED_OUT);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}),
                     BET_PLACED); /* the final verdict */
    assert_true(f.replayed);
    assert_int_equal(f.balance, 24250);
    end(&f);
}

TEST(cash_out_book, a_value_that_fell_during_the_delay_refuses)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_in_play(&f, bet);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_PENDING);
    fixture_market_in_play(&f, 210, 190, 5 * US_PER_SECOND);
    fixture_turn(&f, 4 * US_PER_SECOND);
    fixture_market_in_play(&f, 210, 190, 5 * US_PER_SECOND);
    fixture_turn(&f, 1 * US_PER_SECOND);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_CASH_OUT_CHANGED);
    assert_true(f.replayed);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    assert_int_equal(no_offer(&f, bet), BET_PLACED); /* and it may be asked for again */
    end(&f);
}

TEST(cash_out_book, a_suspension_or_a_result_during_the_delay_refuses)
{
    for (int settled = 0; settled < 2; settled++) {
        struct fixture f;
        uint64_t bet = begin(&f);
        struct cash_out_offer offer = offer_in_play(&f, bet);
        assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_PENDING);
        if (settled)
            fixture_result(&f, 1, LEG_WON, LEG_LOST);
        else
            fixture_market(&f, MARKET_SUSPENDED_STATUS, 200, 200);
        fixture_turn(&f, 5 * US_PER_SECOND);
        fixture_turn(&f, 1000);
        assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}),
                         settled ? BET_MARKET_CLOSED : BET_MARKET_SUSPENDED);
        assert_int_equal(fixture_available(&f, "ann"), settled ? 40000 : 10000);
        end(&f);
    }
}

TEST(cash_out_book, a_suspension_that_is_over_again_refuses_too)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_in_play(&f, bet);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_PENDING);
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 200, 200);
    fixture_turn(&f, 1 * US_PER_SECOND);
    fixture_market_in_play(&f, 200, 200, 5 * US_PER_SECOND);
    fixture_turn(&f, 3 * US_PER_SECOND);
    fixture_market_in_play(&f, 200, 200, 5 * US_PER_SECOND);
    fixture_turn(&f, 1 * US_PER_SECOND);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_MARKET_SUSPENDED);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    end(&f);
}

/* Whose price it is paid by, not whose market it was when the first bet came. */
TEST(cash_out_book, a_silence_of_the_provider_of_now_refuses)
{
    for (int silent = 0; silent < 2; silent++) {
        const struct fixture_offer offered = {
            .a = 200, .b = 200, .delay_us = US_PER_SECOND, .provider = "q"};
        struct fixture f;
        uint64_t bet = begin(&f);
        fixture_offer(&f, &offered);
        fixture_turn(&f, 1000);
        struct cash_out_offer offer = offer_of(&f, bet);
        assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_PENDING);
        book_begin_turn(f.book, f.wall, f.now);
        struct feed_sink *sink = book_sink(f.book);
        for (int late = 1; silent && late >= 0; late--)
            sink->ops->late(sink, SLICE("q"), late);
        fixture_turn(&f, US_PER_SECOND);
        assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}),
                         silent ? BET_MARKET_SUSPENDED : BET_PLACED);
        end(&f);
    }
}

TEST(cash_out_book, one_that_waits_is_decided_after_a_restart_against_the_state_then)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_in_play(&f, bet);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_PENDING);
    fixture_restart(&f); /* no prices yet */
    fixture_turn(&f, 1000);
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_MARKET_SUSPENDED);
    assert_int_equal(fixture_state_of(&f, bet)->cash_out_waits, CASH_OUT_NONE);
    end(&f);
}

TEST(cash_out_book, waits_among_the_bets_that_wait)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    struct cash_out_offer offer = offer_in_play(&f, bet);
    const char *keys[] = {"k1", "k2", "k3", "k4"};
    for (int i = 0; i < 4; i++) {
        fixture_bet(&f, keys[i], "a", 200, 100);
        fixture_turn(&f, 10);
        assert_int_equal(f.outcome, BET_PENDING);
    }
    assert_int_equal(sell(&f, "k", &offer, (struct sale){bet, 0, 14250}), BET_MARKET_SUSPENDED);
    end(&f);
}

/* BETTING-RULES 4.8: 100 at 1.95 on an Asian line, 40 % to win, 10 % to win half, 5 % to get the
 * stake back, 10 % to lose half. */
#define LINE_CHANCES                                                                               \
    {                                                                                              \
        .win = CHANCE_WHOLE / 10 * 4, .half_win = CHANCE_WHOLE / 10, .refund = CHANCE_WHOLE / 20,  \
        .half_lose = CHANCE_WHOLE / 10                                                             \
    }

static uint64_t begin_line(struct fixture *f)
{
    fixture_begin(f);
    fixture_offer(f, &(struct fixture_offer){.a = 195, .b = 190, .kind = "asian_handicap"});
    fixture_deposit(f, "ann", "d", 20000);
    fixture_turn(f, 1000);
    fixture_bet(f, "k", "a", 195, 10000);
    fixture_turn(f, 1000);
    return f->bet_id;
}

TEST(cash_out_book, chances_of_the_provider_value_what_prices_cannot)
{
    struct fixture f;
    uint64_t bet = begin_line(&f);
    assert_int_equal(no_offer(&f, bet), BET_CASH_OUT_UNAVAILABLE); /* stakes may come back */
    fixture_offer(&f, &(struct fixture_offer){
                          .a = 185, .b = 190, .kind = "asian_handicap", .chances = LINE_CHANCES});
    struct cash_out_offer offer = offer_of(&f, bet);
    assert_int_equal(offer.amount.minor, 9761); /* 102.75 less 5 %, rounded down */
    assert_int_equal(offer.legs[0].book, 0);
    assert_int_equal(sell(&f, "s", &offer, (struct sale){bet, 0, 9761}), BET_PLACED);
    assert_int_equal(f.balance, 10000 + 9761);
    end(&f);
}

/* At 1.95 a unit with these chances would be worth 1.0275: one of the two is wrong. */
TEST(cash_out_book, chances_that_contradict_the_price_are_none)
{
    struct fixture f;
    uint64_t bet = begin_line(&f);
    fixture_offer(&f, &(struct fixture_offer){
                          .a = 195, .b = 190, .kind = "asian_handicap", .chances = LINE_CHANCES});
    assert_int_equal(no_offer(&f, bet), BET_CASH_OUT_UNAVAILABLE);
    end(&f);
}

TEST(cash_out_book, chances_that_are_more_than_the_whole_are_not_taken)
{
    struct fixture f;
    uint64_t bet = begin(&f);
    fixture_offer(&f, &(struct fixture_offer){
                          .a = 200, .b = 200, .chances = {.win = CHANCE_WHOLE, .half_win = 1}});
    struct cash_out_offer offer = offer_of(&f, bet); /* as its prices say */
    assert_int_equal(offer.legs[0].chances.win, CHANCE_WHOLE / 2);
    end(&f);
}

TEST(cash_out_book, a_change_of_chances_alone_is_a_version_and_is_logged)
{
    struct fixture f;
    uint64_t bet = begin_line(&f);
    struct fixture_offer said = {
        .a = 185, .b = 190, .kind = "asian_handicap", .chances = LINE_CHANCES};
    fixture_offer(&f, &said);
    struct cash_out_offer first = offer_of(&f, bet);
    said.chances.win -= CHANCE_WHOLE / 10;
    fixture_offer(&f, &said);
    struct cash_out_offer second = offer_of(&f, bet);
    assert_true(second.legs[0].odds_version > first.legs[0].odds_version);
    assert_true(second.legs[0].odds_position > first.legs[0].odds_position);
    assert_true(second.amount.minor < first.amount.minor);
    const struct fake_odds_change *logged = &f.odds_log.changes[f.odds_log.position - 1];
    assert_int_equal(logged->change.selections_count, 1);
    assert_true(leg_chances_equal(logged->selections[0].chances, said.chances));
    end(&f);
}
