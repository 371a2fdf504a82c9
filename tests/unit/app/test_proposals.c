/* test_proposals.c - results that wait for a second person or for their time, with restarts
 * between: nothing is settled before, and once after. */
#include <stdio.h>

#include "book_fixture.h"
#include "test.h"

#include "ledger/shard_proposals.h"

#define WINDOW_US (60 * US_PER_SECOND)

static void second_person(struct book_options *options)
{
    options->results_second_person = true;
}

static void objection(struct book_options *options)
{
    options->results_objection_us = WINDOW_US;
}

static void both(struct book_options *options)
{
    second_person(options);
    objection(options);
}

static void certain(struct book_options *options)
{
    options->results_certainty_least = 2;
}

static const struct feed_selection_result won[2] = {
    {.selection_id = {"a", 1}, .result = LEG_WON, .reason = {"by a nose", 9}},
    {.selection_id = {"b", 1}, .result = LEG_LOST}};

static struct feed_result word_of(uint64_t version, uint8_t certainty)
{
    return (struct feed_result){.provider = SLICE("p"),
                                .market_id = SLICE("m1"),
                                .kind = RESULT_SET,
                                .result_version = version,
                                .certainty = certainty,
                                .selections = won,
                                .selections_count = 2};
}

static enum request_outcome post(struct fixture *f, uint64_t version, const char *actor)
{
    const struct feed_result result = word_of(version, 0);
    struct desk_word word = {.actor = slice_text(actor), .reason = SLICE("seen")};
    enum request_outcome outcome = book_post_result(
        f->book, &result, &word, (struct book_reply){fixture_answer, fixture_cookie(f)});
    fixture_turn(f, 1000);
    return outcome;
}

static void feed(struct fixture *f, uint64_t version, uint8_t certainty)
{
    const struct feed_result result = word_of(version, certainty);
    book_sink(f->book)->ops->result(book_sink(f->book), &result);
    fixture_turn(f, 1000);
}

static enum request_outcome decide(struct fixture *f, enum decision_kind kind, const char *actor)
{
    const struct shard_state *state = book_state(f->book);
    uint64_t seq =
        shard_state_proposals_count(state) == 0 ? 1 : shard_state_proposal(state, 0)->seq;
    struct desk_word word = {.actor = slice_text(actor), .reason = SLICE("agreed")};
    enum request_outcome outcome = book_decide_proposal(
        f->book, seq, kind, &word, (struct book_reply){fixture_answer, fixture_cookie(f)});
    fixture_turn(f, 1000);
    return outcome;
}

/* Ten pounds on a, at evens. */
static void begin(struct fixture *f, void (*tune)(struct book_options *))
{
    fixture_begin_tuned(f, tune);
    fixture_market(f, MARKET_ACTIVE, 200, 400);
    assert_int_equal(fixture_deposit(f, "ann", "d", 1000), REQUEST_TAKEN);
    fixture_turn(f, 0);
    assert_int_equal(fixture_bet(f, "k", "a", 200, 1000), REQUEST_TAKEN);
    fixture_turn(f, 0);
    assert_int_equal(fixture_available(f, "ann"), 0);
}

static uint32_t waiting(struct fixture *f)
{
    return shard_state_proposals_count(book_state(f->book));
}

static void end(struct fixture *f)
{
    fixture_check(f);
    fixture_end(f);
}

TEST(proposals, nothing_is_settled_before_another_one_approves)
{
    struct fixture f;
    begin(&f, second_person);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    assert_int_equal(f.type, RECORD_PROPOSAL);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_NO_CHANGE);
    fixture_restart(&f);
    assert_int_equal(waiting(&f), 1);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    assert_int_equal(decide(&f, DECISION_APPROVED, "tom"), REQUEST_SAME_ACTOR);
    assert_int_equal(decide(&f, DECISION_REJECTED, "tom"), REQUEST_SAME_ACTOR);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_TAKEN);
    assert_int_equal(f.type, RECORD_DECISION);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_UNKNOWN);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_NO_CHANGE); /* it is in force */
    end(&f);
}

TEST(proposals, a_rejected_one_settles_nothing_and_may_be_made_again)
{
    struct fixture f;
    begin(&f, second_person);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    assert_int_equal(decide(&f, DECISION_REJECTED, "eve"), REQUEST_TAKEN);
    fixture_restart(&f);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    assert_int_equal(post(&f, 1, "eve"), REQUEST_TAKEN);
    assert_int_equal(decide(&f, DECISION_APPROVED, "tom"), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    end(&f);
}

TEST(proposals, nobody_objects_and_it_takes_force_by_itself_after_a_restart_too)
{
    struct fixture f;
    begin(&f, objection);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_INVALID); /* nobody has to */
    fixture_turn(&f, WINDOW_US / 2);
    fixture_restart(&f);
    assert_in_range(book_due_us(f.book), 1, WINDOW_US / 2);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    fixture_turn(&f, WINDOW_US / 2);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    end(&f);
}

TEST(proposals, an_objection_ends_it)
{
    struct fixture f;
    begin(&f, objection);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    assert_int_equal(decide(&f, DECISION_REJECTED, "eve"), REQUEST_TAKEN);
    fixture_turn(&f, 2 * WINDOW_US);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    end(&f);
}

TEST(proposals, with_both_policies_it_needs_approval_and_its_time)
{
    struct fixture f;
    begin(&f, both);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    fixture_turn(&f, 2 * WINDOW_US);
    assert_int_equal(waiting(&f), 1);
    assert_int_equal(post(&f, 2, "tom"), REQUEST_TAKEN); /* in the place of the first */
    assert_int_equal(waiting(&f), 1);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_TAKEN);
    assert_int_equal(waiting(&f), 1);
    fixture_restart(&f);
    fixture_turn(&f, WINDOW_US);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    end(&f);
}

TEST(proposals, a_feed_that_is_not_certain_waits_for_its_own_confirmation)
{
    struct fixture f;
    begin(&f, certain);
    feed(&f, 1, 1);
    assert_int_equal(waiting(&f), 1);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    feed(&f, 1, 2);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    end(&f);
}

TEST(proposals, a_feed_without_certainties_is_taken_at_its_word)
{
    struct fixture f;
    begin(&f, certain);
    feed(&f, 1, 0);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    end(&f);
}

TEST(proposals, the_second_person_is_for_the_desk_alone)
{
    struct fixture f;
    begin(&f, both);
    feed(&f, 1, 1);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 2000);
    end(&f);
}

static void one_waits(struct book_options *options)
{
    second_person(options);
    options->limits.proposals_max = 1;
}

TEST(proposals, as_many_wait_as_may_and_no_more)
{
    struct fixture f;
    begin(&f, one_waits);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    assert_int_equal(post(&f, 1, "tim"), REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "proposals_max");
    assert_int_equal(book_stats(f.book)->proposals_reached, 1);
    end(&f);
}

TEST(proposals, who_made_one_withdraws_it_and_nobody_else)
{
    struct fixture f;
    begin(&f, second_person);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN);
    assert_int_equal(decide(&f, DECISION_WITHDRAWN, "eve"), REQUEST_OTHER_ACTOR);
    assert_int_equal(decide(&f, DECISION_WITHDRAWN, "tom"), REQUEST_TAKEN);
    assert_int_equal(f.type, RECORD_DECISION);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(decide(&f, DECISION_WITHDRAWN, "tom"), REQUEST_UNKNOWN);
    assert_int_equal(post(&f, 1, "tom"), REQUEST_TAKEN); /* better said */
    end(&f);
}

/* Version 1 that b was withdrawn, in another model than what is in force when its time has come. */
TEST(proposals, what_can_not_take_force_any_more_ends)
{
    struct fixture f;
    begin(&f, second_person);
    struct feed_selection_result row = {
        .selection_id = SLICE("b"), .result = LEG_VOID, .withdrawn_at = f.wall, .deduction = 1000};
    struct feed_result result = {.provider = SLICE("p"),
                                 .market_id = SLICE("m1"),
                                 .kind = RESULT_SET,
                                 .result_version = 1,
                                 .deduction_model = DEDUCT_PRICE,
                                 .selections = &row,
                                 .selections_count = 1};
    struct desk_word word = {.actor = SLICE("tom"), .reason = SLICE("seen")};
    assert_int_equal(book_post_result(f.book, &result, &word,
                                      (struct book_reply){fixture_answer, fixture_cookie(&f)}),
                     REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    struct feed_sink *sink = book_sink(f.book);
    row.selection_id = SLICE("a");
    result.result_version = 2;
    result.deduction_model = DEDUCT_WINNINGS;
    sink->ops->result(sink, &result);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 1);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(book_stats(f.book)->proposals_impossible, 1);
    end(&f);
}

static const struct shard_market *market_of(struct fixture *f)
{
    const struct shard_state *state = book_state(f->book);
    return shard_state_market(state, shard_state_find_market(state, SLICE("m1")));
}

/* Everything is in force but how withdrawn runners deduct, which that word did not say. */
TEST(proposals, a_word_whose_only_news_is_how_runners_deduct_waits_as_well)
{
    struct fixture f;
    begin(&f, certain);
    feed(&f, 5, 0);
    struct feed_result result = word_of(5, 1);
    result.deduction_model = DEDUCT_WINNINGS;
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->result(sink, &result);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 1);
    fixture_restart(&f);
    const struct shard_market *market = market_of(&f);
    assert_int_equal(market->deduction_model, 0);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    market = market_of(&f);
    assert_int_equal(market->deduction_model, DEDUCT_WINNINGS);
    assert_int_equal(market->model_version, 5);
    feed(&f, 5, 1); /* and that is no news */
    assert_int_equal(waiting(&f), 0);
    end(&f);
}

static void one_window(struct book_options *options)
{
    second_person(options);
    options->limits.windows_max = 1;
}

static void propose_window(struct fixture *f, const char *actor, int64_t from_us)
{
    const struct feed_result result = {.provider = SLICE("p"),
                                       .market_id = SLICE("m1"),
                                       .kind = RESULT_CANCEL,
                                       .result_version = 1,
                                       .void_from = {from_us},
                                       .void_until = {from_us + 1000}};
    struct desk_word word = {.actor = slice_text(actor), .reason = SLICE("goal")};
    assert_int_equal(book_post_result(f->book, &result, &word,
                                      (struct book_reply){fixture_answer, fixture_cookie(f)}),
                     REQUEST_TAKEN);
    fixture_turn(f, 1000);
}

static int note_reason(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct record_view view;
    (void)shard;
    assert_int_equal(record_view_of(record, bytes, &view), 0);
    if (view.head->type != RECORD_DECISION)
        return 0;
    const struct record_decision *body = view.body;
    struct slice texts = view.texts;
    (void)record_text(&texts, body->actor_bytes);
    struct slice reason = record_text(&texts, body->reason_bytes);
    snprintf(owner, 64, "%.*s", SLICE_ARG(reason));
    return 0;
}

TEST(proposals, one_that_ends_says_which_limit_it_met)
{
    struct fixture f;
    char reason[64];
    begin(&f, one_window);
    propose_window(&f, "tom", 1000);
    propose_window(&f, "tim", 5000);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 1);
    assert_int_equal(decide(&f, DECISION_APPROVED, "eve"), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(f.log.port.ops->replay(&f.log.port, 0, 1, note_reason, reason), 0);
    assert_string_equal(reason, "the book has its most windows of time");
    end(&f);
}
