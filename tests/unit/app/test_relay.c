/* test_relay.c - the desk's words in another shard's book (app/book_relay.h): two books, and what
 * one has in its log is carried to the other by hand. Of two shards "ann" is of the second. */
#include "test.h"

#include "app/book_relay.h"
#include "book_fixture.h"

struct pair {
    struct fixture desk, shard;
    uint64_t carried; /* of the desk's log */
    enum relay_outcome outcome;
    _Alignas(8) char memory[RELAY_WORD_BYTES_MAX];
};

static void as_desk(struct book_options *options)
{
    options->place = (struct shard_place){0, 2};
}

static void as_shard(struct book_options *options)
{
    options->place = (struct shard_place){1, 2};
    options->has_desk = true;
}

static void grant(struct pair *p, int64_t us)
{
    book_desk_grants(p->shard.book, (struct monotonic){p->shard.now.us + us});
}

/* A market on both, money and a grant in the shard. */
static void begin(struct pair *p)
{
    memset(p, 0, sizeof *p);
    fixture_begin_tuned(&p->desk, as_desk);
    fixture_begin_tuned(&p->shard, as_shard);
    grant(p, 3600 * US_PER_SECOND);
    fixture_market(&p->desk, MARKET_ACTIVE, 210, 180);
    fixture_market(&p->shard, MARKET_ACTIVE, 210, 180);
    fixture_deposit(&p->shard, "ann", "d", 100000);
    fixture_turn(&p->desk, 1000);
    fixture_turn(&p->shard, 1000);
}

static void end(struct pair *p)
{
    fixture_check(&p->desk);
    fixture_check(&p->shard);
    fixture_end(&p->desk);
    fixture_end(&p->shard);
}

static enum relay_outcome take(struct pair *p, uint64_t desk_seq, const struct relay_word *word)
{
    const struct shard_state *state = book_state(p->desk.book);
    struct relayed relayed = {shard_state_book_id(state), shard_state_shard(state), desk_seq, word};
    return book_relay(p->shard.book, &relayed,
                      (struct book_reply){fixture_answer, fixture_cookie(&p->shard)});
}

static enum relay_outcome carry_record(struct pair *p, const struct record_view *record)
{
    struct relay_word word;
    struct buf out = buf_over(p->memory, sizeof p->memory);
    assert_true(relay_word_pack(book_state(p->desk.book), record, &out));
    assert_int_equal(relay_word_read(buf_slice(&out), &word), 0);
    return take(p, record->head->seq, &word);
}

/* What the desk's log has since; how many words that were. */
static int carry(struct pair *p)
{
    const struct fake_log *log = &p->desk.log;
    int words = 0;
    for (size_t at = 0; at < log->size;) {
        struct record_view record;
        assert_int_equal(record_view_of(log->bytes + at, log->size - at, &record), 0);
        at += record.head->bytes;
        if (record.head->seq <= p->carried || !relay_is_word(&record))
            continue;
        p->outcome = carry_record(p, &record);
        p->carried = record.head->seq;
        words++;
    }
    fixture_turn(&p->shard, 1000);
    return words;
}

static void bet(struct pair *p, const char *key, enum bet_outcome outcome)
{
    assert_int_equal(fixture_bet(&p->shard, key, "a", 210, 1000), REQUEST_TAKEN);
    fixture_turn(&p->shard, 1000);
    assert_int_equal(p->shard.outcome, outcome);
}

static void hold(struct pair *p, bool on)
{
    assert_int_equal(fixture_hold(&p->desk, on), REQUEST_TAKEN);
    fixture_turn(&p->desk, 1000);
}

static void settle(struct pair *p)
{
    while (!book_idle(p->shard.book))
        fixture_turn(&p->shard, 1000);
}

static void result(struct pair *p, uint64_t version, struct leg_result a, struct leg_result b)
{
    fixture_result(&p->desk, version, a, b);
    fixture_turn(&p->desk, 1000);
}

TEST(relay, a_hold_of_the_desk_stops_bets_in_the_shard_and_is_lifted_there)
{
    static struct pair p;
    begin(&p);
    bet(&p, "k1", BET_PLACED);
    hold(&p, true);
    assert_int_equal(carry(&p), 1);
    assert_int_equal(p.outcome, RELAY_RECORDED);
    assert_int_equal(p.shard.type, RECORD_RELAYED); /* the answer: it is durable */
    bet(&p, "k2", BET_MARKET_SUSPENDED);
    hold(&p, false);
    assert_int_equal(carry(&p), 1);
    bet(&p, "k3", BET_PLACED);
    assert_int_equal(shard_state_desk(book_state(p.shard.book))->seq, p.carried);
    end(&p);
}

TEST(relay, a_result_of_the_desk_settles_the_shards_bets_once)
{
    static struct pair p;
    begin(&p);
    bet(&p, "k1", BET_PLACED);
    result(&p, 1, LEG_WON, LEG_LOST);
    assert_int_equal(carry(&p), 1);
    settle(&p);
    assert_int_equal(fixture_available(&p.shard, "ann"), 100000 - 1000 + 2100);
    result(&p, 2, LEG_WON, LEG_LOST); /* told twice */
    assert_int_equal(carry(&p), 1);
    settle(&p);
    assert_int_equal(fixture_available(&p.shard, "ann"), 100000 - 1000 + 2100);
    result(&p, 3, LEG_LOST, LEG_WON); /* and corrected */
    assert_int_equal(carry(&p), 1);
    settle(&p);
    assert_int_equal(fixture_available(&p.shard, "ann"), 100000 - 1000);
    end(&p);
}

TEST(relay, a_result_of_a_market_that_nobody_asked_for_here_is_recorded)
{
    static struct pair p;
    begin(&p);
    result(&p, 1, LEG_WON, LEG_LOST);
    assert_int_equal(carry(&p), 1);
    assert_int_equal(p.outcome, RELAY_RECORDED);
    const struct shard_state *folded = book_state(p.shard.book);
    struct market_ref ref = shard_state_find_market(folded, SLICE("m1"));
    assert_int_not_equal(ref.n, 0);
    assert_int_equal(shard_state_market(folded, ref)->has_result, 1);
    bet(&p, "k1", BET_MARKET_CLOSED);
    end(&p);
}

/* Numbers of selections are each log's own: here the shard knows them in another order. */
TEST(relay, selections_are_found_by_their_ids)
{
    static struct pair p;
    static const struct fixture_offer desks = {.market = "m2", .a = 150, .b = 300, .c = 400};
    begin(&p);
    fixture_offer(&p.desk, &desks);
    static const struct fixture_offer shards = {.market = "m2", .a = 150, .b = 300};
    fixture_offer(&p.shard, &shards);
    fixture_turn(&p.shard, 1000);
    const struct fixture_ticket ticket = {
        .key = "t", .stake = 1000, .markets = {"m2"}, .selections = {"b"}, .odds = {300}};
    assert_int_equal(fixture_ticket(&p.shard, &ticket), REQUEST_TAKEN);
    fixture_turn(&p.shard, 1000);
    assert_int_equal(p.shard.outcome, BET_PLACED);
    struct feed_selection_result selections[] = {{.selection_id = SLICE("c"), .result = LEG_LOST},
                                                 {.selection_id = SLICE("b"), .result = LEG_WON},
                                                 {.selection_id = SLICE("a"), .result = LEG_LOST}};
    const struct feed_result won = {.provider = SLICE("p"),
                                    .market_id = SLICE("m2"),
                                    .kind = RESULT_SET,
                                    .result_version = 1,
                                    .selections = selections,
                                    .selections_count = 3};
    book_sink(p.desk.book)->ops->result(book_sink(p.desk.book), &won);
    fixture_turn(&p.desk, 1000);
    assert_int_equal(carry(&p), 1);
    assert_int_equal(p.outcome, RELAY_RECORDED);
    settle(&p);
    assert_int_equal(fixture_available(&p.shard, "ann"), 100000 - 1000 + 3000);
    const struct shard_state *folded = book_state(p.shard.book);
    struct market_ref ref = shard_state_find_market(folded, SLICE("m2"));
    assert_int_equal(shard_state_market(folded, ref)->selections_count, 3);
    end(&p);
}

TEST(relay, words_are_taken_once_and_go_on_after_a_crash)
{
    static struct pair p;
    begin(&p);
    hold(&p, true);
    carry(&p);
    uint64_t seq = shard_state_seq(book_state(p.shard.book));
    fixture_restart(&p.shard);
    grant(&p, 3600 * US_PER_SECOND);
    assert_int_equal(shard_state_desk(book_state(p.shard.book))->seq, p.carried);
    uint64_t opened = shard_state_seq(book_state(p.shard.book));
    assert_true(opened > seq);
    p.carried = 0; /* all of it again */
    assert_int_equal(carry(&p), 1);
    assert_int_equal(p.outcome, RELAY_KNOWN);
    assert_int_equal(shard_state_seq(book_state(p.shard.book)), opened);
    end(&p);
}

/* The hold was durable, and its RELAYED was not: said again it changes nothing. */
TEST(relay, a_word_whose_place_was_lost_changes_nothing_when_it_is_said_again)
{
    static struct pair p;
    begin(&p);
    result(&p, 1, LEG_WON, LEG_LOST);
    hold(&p, true);
    carry(&p);
    struct fake_log *log = &p.shard.log;
    struct record_view last = {.head = NULL};
    size_t at = 0;
    while (at < log->size) {
        assert_int_equal(record_view_of(log->bytes + at, log->size - at, &last), 0);
        at += last.head->bytes;
    }
    assert_int_equal(last.head->type, RECORD_RELAYED);
    log->size -= last.head->bytes;
    log->tail--;
    fixture_restart(&p.shard);
    p.carried = shard_state_desk(book_state(p.shard.book))->seq;
    assert_int_equal(carry(&p), 1);
    assert_int_equal(p.outcome, RELAY_NO_CHANGE);
    end(&p);
}

TEST(relay, without_a_grant_no_bet_is_taken_and_the_rest_goes_on)
{
    static struct pair p;
    begin(&p);
    bet(&p, "k1", BET_PLACED);
    fixture_turn(&p.shard, 3600 * US_PER_SECOND);
    assert_true(book_desk_away(p.shard.book));
    assert_false(book_takes_bets(p.shard.book));
    assert_int_equal(fixture_bet(&p.shard, "k2", "a", 210, 1000), REQUEST_DESK_AWAY);
    assert_int_equal(book_stats(p.shard.book)->desk_away, 1);
    assert_int_equal(fixture_bet(&p.shard, "k1", "a", 210, 1000), REQUEST_TAKEN); /* L3 */
    fixture_turn(&p.shard, 1000);
    assert_true(p.shard.replayed);
    assert_int_equal(fixture_deposit(&p.shard, "ann", "d2", 1), REQUEST_TAKEN);
    result(&p, 1, LEG_WON, LEG_LOST);
    carry(&p);
    settle(&p);
    assert_int_equal(fixture_available(&p.shard, "ann"), 100000 - 1000 + 2100 + 1);
    end(&p);
}

TEST(relay, a_bet_whose_delay_ends_without_a_grant_is_not_accepted)
{
    static struct pair p;
    begin(&p);
    fixture_market_in_play(&p.shard, 210, 180, 5 * US_PER_SECOND);
    fixture_turn(&p.shard, 1000);
    bet(&p, "k1", BET_PENDING);
    fixture_turn(&p.shard, 3600 * US_PER_SECOND);
    fixture_turn(&p.shard, 1000);
    assert_int_equal(fixture_held(&p.shard, "ann"), 0);
    assert_int_equal(fixture_available(&p.shard, "ann"), 100000);
    end(&p);
}

static void many_windows_none(struct book_options *options)
{
    as_shard(options);
    options->limits.windows_max = 1;
}

static void cancel(struct pair *p, uint64_t version, int64_t from_us)
{
    const struct feed_result window = {.provider = SLICE("p"),
                                       .market_id = SLICE("m1"),
                                       .kind = RESULT_CANCEL,
                                       .result_version = version,
                                       .void_from = {from_us},
                                       .void_until = {from_us + 10}};
    book_sink(p->desk.book)->ops->result(book_sink(p->desk.book), &window);
    fixture_turn(&p->desk, 1000);
}

/* It is recorded as refused, for the desk to be told; what follows is taken all the same. */
TEST(relay, a_word_that_cannot_be_here_is_recorded_as_refused)
{
    static struct pair p;
    begin(&p);
    fixture_end(&p.shard);
    fixture_begin_tuned(&p.shard, many_windows_none);
    cancel(&p, 1, 1000);
    cancel(&p, 2, 2000);
    assert_int_equal(carry(&p), 2);
    assert_int_equal(p.outcome, RELAY_REFUSED);
    assert_int_equal(book_stats(p.shard.book)->relay_refused, 1);
    hold(&p, true);
    assert_int_equal(carry(&p), 1);
    assert_int_equal(p.outcome, RELAY_RECORDED);
    end(&p);
}

static const struct desk_word tess = {.actor = SLICE("tess"), .reason = SLICE("sharp")};

static void limit(struct pair *p, enum limit_scope scope, const char *id, int64_t stake_max)
{
    struct limits_request request = {.scope = scope,
                                     .id = slice_text(id),
                                     .remove = stake_max == 0,
                                     .limits = STAKE_LIMITS_NONE};
    request.limits.stake_minor_max = stake_max == 0 ? INT64_MAX : stake_max;
    assert_int_equal(book_set_limits(p->desk.book, &request, &tess,
                                     (struct book_reply){fixture_answer, fixture_cookie(&p->desk)}),
                     REQUEST_TAKEN);
    fixture_turn(&p->desk, 1000);
}

TEST(relay, limits_of_markets_events_and_sports_hold_in_the_shard)
{
    static const struct {
        enum limit_scope scope;
        const char *id;
    } of[] = {{LIMIT_OF_MARKET, "m1"}, {LIMIT_OF_EVENT, "e1"}};
    static struct pair p;
    begin(&p);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        limit(&p, of[i].scope, of[i].id, 999);
        assert_int_equal(carry(&p), 1);
        assert_int_equal(p.outcome, RELAY_RECORDED);
        bet(&p, i == 0 ? "k1" : "k2", BET_STAKE_LIMIT);
        assert_int_equal(p.shard.limit_scope, of[i].scope);
        limit(&p, of[i].scope, of[i].id, 0);
        assert_int_equal(carry(&p), 1);
        bet(&p, i == 0 ? "k3" : "k4", BET_PLACED);
    }
    end(&p);
}

TEST(relay, words_for_all_shards_are_said_at_the_desk)
{
    static struct pair p;
    begin(&p);
    struct limits_request request = {
        .scope = LIMIT_OF_EVENT, .id = SLICE("e1"), .limits = STAKE_LIMITS_NONE};
    const struct book_reply reply = {fixture_answer, fixture_cookie(&p.shard)};
    const struct feed_result won = {
        .market_id = SLICE("m1"), .kind = RESULT_ROLLBACK, .result_version = 1};
    assert_int_equal(fixture_hold(&p.shard, true), REQUEST_ELSEWHERE);
    assert_int_equal(book_set_limits(p.shard.book, &request, &tess, reply), REQUEST_ELSEWHERE);
    assert_int_equal(book_post_result(p.shard.book, &won, &tess, reply), REQUEST_ELSEWHERE);
    assert_int_equal(book_decide_proposal(p.shard.book, 1, DECISION_APPROVED, &tess, reply),
                     REQUEST_ELSEWHERE);
    request.scope = LIMIT_OF_PLAYER; /* of one of its users */
    request.id = SLICE("ann");
    assert_int_equal(book_set_limits(p.shard.book, &request, &tess, reply), REQUEST_TAKEN);
    fixture_turn(&p.shard, 1000);
    end(&p);
}

TEST(relay, a_shard_has_one_desk)
{
    static struct pair p, other;
    begin(&p);
    begin(&other);
    hold(&p, true);
    carry(&p);
    struct fixture desk = p.desk;
    p.desk = other.desk;
    assert_int_equal(take(&p, 1000, NULL), RELAY_FOREIGN);
    p.desk = p.shard;
    assert_int_equal(take(&p, 1000, NULL), RELAY_FOREIGN);
    p.desk = desk;
    assert_int_equal(take(&p, 1000, NULL), RELAY_NO_CHANGE);
    fixture_turn(&p.shard, 1000);
    assert_int_equal(shard_state_desk(book_state(p.shard.book))->seq, 1000);
    end(&p);
    end(&other);
}

TEST(relay, while_the_log_has_no_room_a_word_is_left_for_later)
{
    static struct pair p;
    begin(&p);
    hold(&p, true);
    book_stop(p.shard.book, "test");
    carry(&p);
    assert_int_equal(p.outcome, RELAY_LATER);
    fixture_end(&p.desk);
    fixture_end(&p.shard);
}

static void of_liability(struct book_options *options)
{
    as_shard(options);
    options->liability_minor_max = 2200; /* of both shards together: a bet of 10.00 costs 11.00 */
}

TEST(relay, a_shard_has_its_share_of_the_liability_of_all)
{
    static struct pair p;
    begin(&p);
    fixture_end(&p.shard);
    fixture_begin_tuned(&p.shard, of_liability);
    grant(&p, 3600 * US_PER_SECOND);
    fixture_market(&p.shard, MARKET_ACTIVE, 210, 180);
    fixture_deposit(&p.shard, "ann", "d", 100000);
    fixture_turn(&p.shard, 1000);
    bet(&p, "k1", BET_PLACED);
    bet(&p, "k2", BET_LIABILITY_LIMIT);
    end(&p);
}
