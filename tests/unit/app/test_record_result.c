/* test_record_result.c - what a word on results becomes: lines from the score, what a part of a
 * market keeps, reasons. */
#include <string.h>

#include "book_fixture.h"
#include "test.h"

static struct instant at(struct fixture *f, int64_t later_us)
{
    return (struct instant){f->wall.us + later_us};
}

static enum request_outcome post(struct fixture *f, const struct feed_result *result)
{
    struct desk_word word = {.actor = SLICE("tess"), .reason = SLICE("enquiry")};
    enum request_outcome outcome = book_post_result(
        f->book, result, &word, (struct book_reply){fixture_answer, fixture_cookie(f)});
    fixture_turn(f, 1000);
    return outcome;
}

static struct feed_result result_of(const char *market, uint64_t version, enum result_kind kind)
{
    return (struct feed_result){
        .market_id = slice_text(market), .result_version = version, .kind = kind};
}

static void put_selections(struct feed_result *result, const struct feed_selection_result *rows,
                           size_t count)
{
    result->selections = rows;
    result->selections_count = count;
}

static const struct shard_selection *row_of(struct fixture *f, const char *market, uint16_t number)
{
    const struct shard_state *state = book_state(f->book);
    return shard_state_selection(state, shard_state_find_market(state, slice_text(market)), number);
}

/* A total of 2.75 goals, as the simulated matches name it. */
static void send_total(struct fixture *f)
{
    struct feed_selection selections[2] = {
        {SLICE("over"), SLICE("Over 2.75"), SELECTION_ACTIVE, {21, 10}, {.win = 0}},
        {SLICE("under"), SLICE("Under 2.75"), SELECTION_ACTIVE, {19, 10}, {.win = 0}}};
    struct feed_market market = {.provider = SLICE("p"),
                                 .id = SLICE("e1/total:2.75"),
                                 .event_id = SLICE("e1"),
                                 .event_name = SLICE("A v B"),
                                 .sport = SLICE("football"),
                                 .name = SLICE("Total"),
                                 .kind = SLICE("total"),
                                 .status = MARKET_ACTIVE,
                                 .selections = selections,
                                 .selections_count = 2};
    struct feed_sink *sink = book_sink(f->book);
    sink->ops->alive(sink, SLICE("p"));
    sink->ops->market(sink, &market);
}

TEST(record_result, a_line_follows_from_the_score_and_nothing_else)
{
    struct fixture f;
    struct feed_selection_result said = {.selection_id = SLICE("over"), .result = LEG_WON};
    fixture_begin(&f);
    send_total(&f);
    struct feed_result result = result_of("e1/total:2.75", 1, RESULT_SET);
    result.score_known = true;
    result.score[0] = 2;
    result.score[1] = 1;
    put_selections(&result, &said, 1);
    assert_int_equal(post(&f, &result), REQUEST_INVALID); /* three goals win half */
    put_selections(&result, NULL, 0);
    assert_int_equal(post(&f, &result), REQUEST_TAKEN);
    struct leg_result over = record_factors(row_of(&f, "e1/total:2.75", 0)->result.win);
    struct leg_result under = record_factors(row_of(&f, "e1/total:2.75", 1)->result.win);
    assert_int_equal(leg_result_outcome(over), LEG_OUTCOME_HALF_WON);
    assert_int_equal(leg_result_outcome(under), LEG_OUTCOME_HALF_LOST);
    result.result_version = 2;
    result.score[1] = 60000;
    assert_int_equal(post(&f, &result), REQUEST_INVALID);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(record_result, a_rollback_of_one_selection_keeps_what_the_others_deduct)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 333);
    struct feed_selection_result rows[2] = {{.selection_id = SLICE("a"), .result = LEG_WON},
                                            {.selection_id = SLICE("b"),
                                             .result = LEG_VOID,
                                             .withdrawn_at = at(&f, 1000000),
                                             .deduction = 2500}};
    struct feed_result result = result_of("m1", 1, RESULT_SET);
    result.deduction_model = DEDUCT_RULE4;
    result.cap_pence = 90;
    put_selections(&result, rows, 2);
    assert_int_equal(post(&f, &result), REQUEST_TAKEN);
    struct feed_selection_result open = {
        .selection_id = SLICE("a"), .open = true, .reason = SLICE("photo")};
    struct feed_result rollback = result_of("m1", 2, RESULT_ROLLBACK);
    put_selections(&rollback, &open, 1);
    assert_int_equal(post(&f, &rollback), REQUEST_TAKEN);
    const struct shard_market *market = shard_state_market(
        book_state(f.book), shard_state_find_market(book_state(f.book), SLICE("m1")));
    assert_int_equal(row_of(&f, "m1", 0)->result.win.known, 0);
    assert_int_equal(row_of(&f, "m1", 0)->result.reason_bytes, 0); /* the record alone has it */
    assert_int_equal(row_of(&f, "m1", 1)->result.deduction, 2500);
    assert_int_equal(market->deduction_model, DEDUCT_RULE4);
    assert_int_equal(market->cap_pence, 90);
    struct feed_result all = result_of("m1", 3, RESULT_ROLLBACK);
    assert_int_equal(post(&f, &all), REQUEST_TAKEN);
    assert_int_equal(market->deduction_model, 0);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(record_result, another_model_does_not_reinterpret_what_is_withdrawn_already)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 333);
    struct feed_selection_result first = {.selection_id = SLICE("b"),
                                          .result = LEG_VOID,
                                          .withdrawn_at = at(&f, 1000000),
                                          .deduction = 1620};
    struct feed_selection_result second = first;
    second.selection_id = SLICE("a");
    second.deduction = 2500;
    struct feed_result result = result_of("m1", 1, RESULT_SET);
    result.deduction_model = DEDUCT_PRICE;
    put_selections(&result, &first, 1);
    assert_int_equal(post(&f, &result), REQUEST_TAKEN);
    result = result_of("m1", 2, RESULT_SET);
    result.deduction_model = DEDUCT_RULE4;
    result.cap_pence = 90;
    put_selections(&result, &second, 1);
    assert_int_equal(post(&f, &result), REQUEST_INVALID);
    struct feed_selection_result both[2] = {second, first};
    both[1].deduction = 1600;
    put_selections(&result, both, 2);
    assert_int_equal(post(&f, &result), REQUEST_TAKEN);
    fixture_end(&f);
}

/* The word that b does not run, and takes a quarter off the winnings of bets on others. */
static enum request_outcome withdraw_b(struct fixture *f, uint64_t version)
{
    struct feed_selection_result row = {.selection_id = SLICE("b"),
                                        .result = LEG_VOID,
                                        .withdrawn_at = at(f, -1),
                                        .deduction = 2500};
    struct feed_result result = result_of("m1", version, RESULT_SET);
    result.deduction_model = DEDUCT_RULE4;
    result.cap_pence = 90;
    put_selections(&result, &row, 1);
    return post(f, &result);
}

static enum bet_outcome bet_on(struct fixture *f, const char *key, const char *selection,
                               unsigned odds)
{
    assert_int_equal(fixture_bet(f, key, selection, odds, 1000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    return f->outcome;
}

TEST(record_result, a_market_goes_on_without_a_withdrawn_runner)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_deposit(&f, "ann", "d", 10000);
    fixture_turn(&f, 1000);
    fixture_market(&f, MARKET_ACTIVE, 210, 333);
    assert_int_equal(bet_on(&f, "before", "a", 210), BET_PLACED);
    uint64_t before = f.bet_id;
    assert_int_equal(bet_on(&f, "gone", "b", 333), BET_PLACED);
    uint64_t gone = f.bet_id;
    fixture_turn(&f, 1000);
    assert_int_equal(withdraw_b(&f, 1), REQUEST_TAKEN);
    assert_int_equal(fixture_state_of(&f, gone)->payout, 1000);
    assert_int_equal(fixture_state_of(&f, before)->state, BET_STATE_OPEN);
    assert_int_equal(bet_on(&f, "too soon", "a", 210), BET_MARKET_SUSPENDED);
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 150, 333);
    assert_int_equal(bet_on(&f, "behind", "a", 150), BET_PLACED);
    uint64_t behind = f.bet_id;
    assert_int_not_equal(bet_on(&f, "on nobody", "b", 333), BET_PLACED);
    struct feed_selection_result won = {.selection_id = SLICE("a"), .result = LEG_WON};
    struct feed_result result = result_of("m1", 2, RESULT_SET);
    put_selections(&result, &won, 1);
    assert_int_equal(post(&f, &result), REQUEST_TAKEN);
    assert_int_equal(fixture_state_of(&f, before)->payout, 1000 + 1100 * 75 / 100);
    assert_int_equal(fixture_state_of(&f, behind)->payout, 1500);
    fixture_market(&f, MARKET_ACTIVE, 150, 333);
    assert_int_equal(bet_on(&f, "too late", "a", 150), BET_MARKET_CLOSED);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(record_result, a_bet_that_waits_for_its_delay_is_not_accepted_on_who_was_withdrawn)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_deposit(&f, "ann", "d", 10000);
    fixture_turn(&f, 1000);
    fixture_market_in_play(&f, 210, 333, 2 * US_PER_SECOND);
    assert_int_equal(bet_on(&f, "k", "b", 333), BET_PENDING);
    uint64_t id = f.bet_id;
    assert_int_equal(withdraw_b(&f, 1), REQUEST_TAKEN);
    fixture_market_in_play(&f, 210, 333, 2 * US_PER_SECOND);
    fixture_turn(&f, 3 * US_PER_SECOND);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_state_of(&f, id)->state, BET_STATE_NOT_ACCEPTED);
    fixture_check(&f);
    fixture_end(&f);
}

/* The desk is told; what else it says of the market is taken. */
TEST(record_result, a_word_without_deductions_is_taken_whatever_a_feed_made_of_them)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_offer(&f, &(struct fixture_offer){.a = 210, .b = 333, .c = 500});
    assert_int_equal(withdraw_b(&f, 3), REQUEST_TAKEN);
    struct feed_selection_result row = {.selection_id = SLICE("c"),
                                        .result = LEG_VOID,
                                        .withdrawn_at = at(&f, -1),
                                        .deduction = 1000};
    struct feed_result result = result_of("m1", 2, RESULT_SET);
    result.deduction_model = DEDUCT_PRICE;
    put_selections(&result, &row, 1);
    assert_int_equal(post(&f, &result), REQUEST_INVALID);
    result.provider = SLICE("p");
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->result(sink, &result);
    fixture_turn(&f, 1000);
    assert_int_equal(row_of(&f, "m1", 2)->deduction_model, DEDUCT_PRICE);
    struct feed_selection_result won = {.selection_id = SLICE("a"), .result = LEG_WON};
    result = result_of("m1", 4, RESULT_SET);
    put_selections(&result, &won, 1);
    assert_int_equal(post(&f, &result), REQUEST_TAKEN);
    fixture_check(&f);
    fixture_end(&f);
}
