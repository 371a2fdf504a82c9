/* test_bet_link.c - two fronts in processes of their own and the book's, on one thread and stepped
 * by hand: a real book and bet service behind links that carry, lose and end. */
#include "roles/bet/bet_link_asker.h"
#include "roles/bet/bet_link_teller.h"
#include "roles/bet/bet_link_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/prng.h"
#include "bet_fixture.h"
#include "test.h"

#define FRONTS    2
#define PLACES    8
#define ASKED_MAX 4096
#define QUEUE_MAX 64
#define ANSWER_US 2000000

struct asked {
    struct heard heard;
    char body[4096];
};

struct batch {
    char *at; /* owned */
    size_t bytes;
};

/* One way of a link. */
struct way {
    struct batch queue[QUEUE_MAX];
    size_t count;
    bool full;   /* the next send fails */
    bool closed; /* its sender wants the end */
};

struct front {
    struct bet_link_asker *asker;
    struct bet_link_teller *teller;
    struct way up, down;
    bool open;
    int gaps, owns;
    char own[512];
};

struct scene {
    struct fixture f;
    struct bet_service *bets;
    struct bet_counter counter;
    struct front fronts[FRONTS];
    struct jwt_claims ann;
    struct asked asked[ASKED_MAX];
    uint32_t count;
    bool takes_bets;
};

static struct scene scene;

static const uint64_t hash_key[2] = {3, 5};

/* ---- the link ---- */

static bool way_send(void *owner, struct slice batch)
{
    struct way *way = owner;
    if (way->full || way->count == QUEUE_MAX)
        return false;
    char *at = malloc(batch.bytes); /* so that a sanitizer sees who reads behind it */
    assert_non_null(at);
    memcpy(at, batch.at, batch.bytes);
    way->queue[way->count++] = (struct batch){at, batch.bytes};
    return true;
}

static void way_close(void *owner)
{
    ((struct way *)owner)->closed = true;
}

static void way_clear(struct way *way)
{
    for (size_t i = 0; i < way->count; i++)
        free(way->queue[i].at);
    *way = (struct way){.count = 0};
}

static void carry(struct front *front, struct way *way, bool up)
{
    struct way now = *way;
    *way = (struct way){.full = now.full, .closed = now.closed};
    for (size_t i = 0; i < now.count; i++) {
        struct slice batch = slice_of(now.queue[i].at, now.queue[i].bytes);
        if (up)
            bet_link_teller_batch(front->teller, batch);
        else
            bet_link_asker_batch(front->asker, batch);
        free(now.queue[i].at);
    }
}

static void open_link(struct front *front)
{
    const struct carrier up = {&front->up, way_send, way_close, NULL};
    const struct carrier down = {&front->down, way_send, way_close, NULL};
    front->open = true;
    bet_link_teller_attach(front->teller, &down);
    bet_link_asker_attach(front->asker, &up);
}

/* What is on its way is lost. */
static void cut(struct front *front)
{
    way_clear(&front->up);
    way_clear(&front->down);
    front->open = false;
    bet_link_asker_detached(front->asker);
    bet_link_teller_detached(front->teller);
}

/* ---- the scene ---- */

static void on_own(void *owner, struct slice user_id, const char *op, struct slice object)
{
    struct front *front = owner;
    front->owns++;
    (void)snprintf(front->own, sizeof front->own, "%.*s %s %.*s", SLICE_ARG(user_id), op,
                   SLICE_ARG(object));
}

static void on_gap(void *owner)
{
    ((struct front *)owner)->gaps++;
}

static void front_begin(struct scene *s, struct front *front)
{
    const struct bet_link_asker_options options = {.places = PLACES,
                                                   .answer_us_max = ANSWER_US,
                                                   .hash_key = {hash_key[0], hash_key[1]},
                                                   .place = {0, 1}};
    const struct bet_link_asker_events events = {front, on_own, on_gap};
    assert_int_equal(bet_link_asker_new(&options, &events, &front->asker), 0);
    assert_int_equal(
        bet_link_teller_new(&s->counter.port, (struct shard_place){0, 1}, &front->teller), 0);
}

static struct scene *begin(void)
{
    struct scene *s = &scene;
    memset(s, 0, sizeof *s);
    fixture_begin(&s->f);
    s->takes_bets = true;
    s->bets = bet_service_over(&s->f, 0, 64);
    bet_counter_init(&s->counter, (struct shard_place){0, 1}, s->bets, NULL);
    s->ann = claims_of("ann", JWT_BETTOR);
    s->ann.exp_s = 99;
    for (int i = 0; i < FRONTS; i++)
        front_begin(s, &s->fronts[i]);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    return s;
}

static void end(struct scene *s)
{
    for (int i = 0; i < FRONTS; i++) {
        way_clear(&s->fronts[i].up);
        way_clear(&s->fronts[i].down);
        bet_link_asker_free(s->fronts[i].asker);
        bet_link_teller_free(s->fronts[i].teller);
    }
    bet_service_free(s->bets);
    fixture_check(&s->f);
    fixture_end(&s->f);
}

static void front_turn(struct scene *s, struct front *front)
{
    bet_link_asker_turn_begin(front->asker, s->f.now);
    carry(front, &front->down, false);
    bet_link_asker_turn_end(front->asker);
    if (front->open && (front->up.closed || front->down.closed))
        cut(front);
}

static void book_turn(struct scene *s)
{
    for (int i = 0; i < FRONTS; i++)
        carry(&s->fronts[i], &s->fronts[i].up, true);
    fixture_turn(&s->f, 1000);
    for (int i = 0; i < FRONTS; i++)
        bet_link_teller_turn_end(s->fronts[i].teller, s->takes_bets);
}

static void turns(struct scene *s, int count)
{
    for (int turn = 0; turn < count; turn++) {
        for (int i = 0; i < FRONTS; i++)
            front_turn(s, &s->fronts[i]);
        book_turn(s);
    }
    for (int i = 0; i < FRONTS; i++)
        front_turn(s, &s->fronts[i]);
}

static struct scene *begin_linked(void)
{
    struct scene *s = begin();
    book_turn(s);
    for (int i = 0; i < FRONTS; i++)
        open_link(&s->fronts[i]);
    turns(s, 2);
    return s;
}

/* ---- asking ---- */

static void on_answer(const struct bet_service_answer *answer)
{
    struct asked *asked = answer->cookie.owner;
    hear(&asked->heard, asked->body, sizeof asked->body, answer);
}

static bool writes(enum bet_call call)
{
    return call == BET_CALL_PLACE || call == BET_CALL_DEPOSIT || call == BET_CALL_WITHDRAW;
}

static struct asked *ask(struct scene *s, int front, enum bet_call call, const char *key,
                         const char *words)
{
    assert_true(s->count < ASKED_MAX);
    struct asked *asked = &s->asked[s->count++];
    const struct bet_question question = {
        .call = call,
        .transport = writes(call) ? TRANSPORT_HTTP : 0,
        .claims = call == BET_CALL_HEAD ? NULL : &s->ann,
        .key = slice_text(key),
        .words = slice_text(words),
        .personal = writes(call) ? SLICE("192.0.2.1\ncurl") : SLICE_NONE,
    };
    bet_port_ask(bet_link_asker_port(s->fronts[front].asker), &question, on_answer,
                 (struct book_cookie){.owner = asked});
    return asked;
}

#define BET   "{\"market_id\":\"m1\",\"selection_id\":\"a\",\"odds\":2.00,\"stake\":1}"
#define MONEY "{\"amount\":100,\"currency\":\"GBP\"}"

static void expect(const struct asked *asked, int status, const char *text)
{
    assert_int_equal(asked->heard.answers, 1);
    if (asked->heard.status != status || strstr(asked->body, text) == NULL)
        fail_msg("%d %s: not %d with %s", asked->heard.status, asked->body, status, text);
}

TEST(bet_link, every_question_is_answered_as_at_the_counter)
{
    struct scene *s = begin_linked();
    struct asked *deposit = ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    assert_int_equal(deposit->heard.answers, 0);
    turns(s, 4);
    expect(deposit, 201, "\"balance\":100.00");
    struct asked *bet = ask(s, 1, BET_CALL_PLACE, "b1", BET);
    turns(s, 4);
    expect(bet, 201, "\"status\":\"PLACED\"");
    assert_false(bet->heard.replayed);
    struct asked *again = ask(s, 0, BET_CALL_PLACE, "b1", BET);
    struct asked *account = ask(s, 0, BET_CALL_ACCOUNT, "", "");
    struct asked *list = ask(s, 1, BET_CALL_LIST, "", "limit=1");
    struct asked *foreign = ask(s, 1, BET_CALL_READ, "", "12345");
    struct asked *withdraw = ask(s, 1, BET_CALL_WITHDRAW, "w1", MONEY);
    struct asked *head = ask(s, 0, BET_CALL_HEAD, "", "");
    turns(s, 8);
    expect(again, 200, "\"status\":\"PLACED\"");
    assert_true(again->heard.replayed);
    expect(account, 200, "\"user_id\":\"ann\"");
    expect(list, 200, "\"bets\":[{");
    expect(foreign, 404, "NOT_FOUND");
    expect(withdraw, 400, "INSUFFICIENT_BALANCE");
    expect(head, 404, "NOT_FOUND"); /* this counter has no proofs */
    assert_int_equal(bet_link_asker_under_way(s->fronts[0].asker), 0);
    end(s);
}

TEST(bet_link, asks_nothing_without_a_book_that_has_welcomed_it)
{
    struct scene *s = begin();
    expect(ask(s, 0, BET_CALL_PLACE, "b1", BET), 503, "BOOK_AWAY");
    open_link(&s->fronts[0]);
    assert_false(bet_link_asker_takes_bets(s->fronts[0].asker));
    expect(ask(s, 0, BET_CALL_PLACE, "b1", BET), 503, "BOOK_AWAY");
    assert_int_equal(s->asked[1].heard.retry_after_s, 1);
    turns(s, 2);
    assert_true(bet_link_asker_takes_bets(s->fronts[0].asker));
    struct asked *bet = ask(s, 0, BET_CALL_PLACE, "b1", BET);
    turns(s, 4);
    expect(bet, 400, "CURRENCY_REQUIRED"); /* the book has said so */
    assert_int_equal(bet_link_asker_stats(s->fronts[0].asker)->away.value, 2);
    end(s);
}

TEST(bet_link, hears_when_the_book_takes_no_bets)
{
    struct scene *s = begin_linked();
    s->takes_bets = false;
    turns(s, 2);
    assert_false(bet_link_asker_takes_bets(s->fronts[1].asker));
    s->takes_bets = true;
    turns(s, 2);
    assert_true(bet_link_asker_takes_bets(s->fronts[1].asker));
    end(s);
}

TEST(bet_link, one_key_at_two_fronts_at_once_is_one_bet)
{
    struct scene *s = begin_linked();
    struct asked *racing[2];
    (void)ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    turns(s, 4);
    for (int i = 0; i < FRONTS; i++)
        racing[i] = ask(s, i, BET_CALL_PLACE, "b1", BET);
    turns(s, 6);
    assert_true((racing[0]->heard.status == 201 && racing[1]->heard.status == 200) ||
                (racing[0]->heard.status == 200 && racing[1]->heard.status == 201));
    assert_int_equal(fixture_available(&s->f, "ann"), 9900); /* L3: debited once */
    end(s);
}

TEST(bet_link, refuses_by_itself_when_no_place_is_left)
{
    struct scene *s = begin_linked();
    struct asked *last = NULL;
    for (int i = 0; i <= PLACES; i++)
        last = ask(s, 0, BET_CALL_LIST, "", "limit=x");
    expect(last, 503, "OVERLOADED");
    assert_int_equal(bet_link_asker_stats(s->fronts[0].asker)->places_reached.value, 1);
    turns(s, 4);
    for (uint32_t i = 0; i < s->count; i++)
        assert_int_equal(s->asked[i].heard.answers, 1);
    struct asked *after = ask(s, 0, BET_CALL_LIST, "", "limit=x");
    turns(s, 4);
    assert_true(after->heard.answers == 1 && after->heard.status != 503);
    end(s);
}

/* The bet may stand or not: the same key tells, at either front. */
TEST(bet_link, a_link_that_ends_leaves_the_verdict_to_the_key)
{
    for (int when = 0; when < 2; when++) {
        struct scene *s = begin_linked();
        (void)ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
        turns(s, 4);
        struct asked *bet = ask(s, 0, BET_CALL_PLACE, "b1", BET);
        front_turn(s, &s->fronts[0]);
        if (when == 1) { /* the book has taken it */
            book_turn(s);
            book_turn(s);
        }
        cut(&s->fronts[0]);
        expect(bet, 503, "ANSWER_DELAYED");
        assert_int_equal(s->fronts[0].gaps, 1);
        turns(s, 2);
        assert_int_equal(fixture_available(&s->f, "ann"), when == 1 ? 9900 : 10000);
        struct asked *again = ask(s, 1, BET_CALL_PLACE, "b1", BET);
        turns(s, 4);
        expect(again, when == 1 ? 200 : 201, "PLACED");
        assert_int_equal(fixture_available(&s->f, "ann"), 9900);
        open_link(&s->fronts[0]);
        turns(s, 2);
        struct asked *once_more = ask(s, 0, BET_CALL_PLACE, "b1", BET);
        turns(s, 4);
        expect(once_more, 200, "PLACED");
        end(s);
    }
}

TEST(bet_link, answers_of_an_ended_link_are_not_told_to_the_next)
{
    struct scene *s = begin_linked();
    struct asked *before = ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    front_turn(s, &s->fronts[0]);
    carry(&s->fronts[0], &s->fronts[0].up, true); /* the book has it, and the disk has not */
    cut(&s->fronts[0]);
    expect(before, 503, "ANSWER_DELAYED");
    open_link(&s->fronts[0]);
    turns(s, 6);
    assert_int_equal(before->heard.answers, 1);
    assert_int_equal(bet_link_teller_stats(s->fronts[0].teller)->dropped, 1);
    assert_int_equal(fixture_available(&s->f, "ann"), 10000);
    end(s);
}

TEST(bet_link, gives_up_what_is_late_and_drops_its_answer)
{
    struct scene *s = begin_linked();
    struct asked *late = ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    bet_link_asker_turn_end(s->fronts[0].asker);
    s->f.now.us += ANSWER_US - 1;
    bet_link_asker_turn_begin(s->fronts[0].asker, s->f.now);
    assert_int_equal(late->heard.answers, 0);
    assert_int_equal(bet_link_asker_due_us(s->fronts[0].asker), 1);
    s->f.now.us += 1;
    bet_link_asker_turn_begin(s->fronts[0].asker, s->f.now);
    expect(late, 503, "ANSWER_DELAYED");
    assert_int_equal(bet_link_asker_due_us(s->fronts[0].asker), -1);
    struct asked *next = ask(s, 0, BET_CALL_ACCOUNT, "", ""); /* in the same place */
    turns(s, 6);
    assert_int_equal(late->heard.answers, 1);
    expect(next, 200, "\"user_id\":\"ann\"");
    assert_int_equal(bet_link_asker_stats(s->fronts[0].asker)->late.value, 1);
    end(s);
}

TEST(bet_link, a_front_that_takes_nothing_loses_its_link_only)
{
    struct scene *s = begin_linked();
    struct asked *deposit = ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    s->fronts[0].down.full = true;
    turns(s, 4);
    expect(deposit, 503, "ANSWER_DELAYED");
    assert_false(s->fronts[0].open);
    struct asked *again = ask(s, 1, BET_CALL_DEPOSIT, "d1", MONEY);
    turns(s, 4);
    expect(again, 200, "\"balance\":100.00");
    end(s);
}

static uint32_t cell_of(const char *user)
{
    return (uint32_t)(siphash128(hash_key, user, strlen(user)).low % BET_LINK_CELLS);
}

TEST(bet_link, own_messages_go_where_the_user_is)
{
    struct scene *s = begin_linked();
    struct front *front = &s->fronts[0];
    assert_false(bet_link_teller_wants(front->teller, SLICE("ann")));
    bet_link_asker_users(front->asker, cell_of("ann"), true);
    turns(s, 2);
    assert_true(bet_link_teller_wants(front->teller, SLICE("ann")));
    assert_false(bet_link_teller_wants(s->fronts[1].teller, SLICE("ann")));
    bet_link_teller_push(front->teller, SLICE("ann"), "balance", SLICE("{\"balance\":1.00}"));
    turns(s, 2);
    assert_string_equal(front->own, "ann balance {\"balance\":1.00}");
    cut(front);
    assert_false(bet_link_teller_wants(front->teller, SLICE("ann")));
    open_link(front);
    turns(s, 2);
    assert_true(bet_link_teller_wants(front->teller, SLICE("ann"))); /* said anew */
    bet_link_asker_users(front->asker, cell_of("ann"), false);
    turns(s, 2);
    assert_false(bet_link_teller_wants(front->teller, SLICE("ann")));
    assert_int_equal(front->owns, 1);
    end(s);
}

/* ---- hostile ends ---- */

static struct slice batch_of(struct buf *memory, const struct bet_link_message *message)
{
    memory->bytes = 0;
    assert_true(bet_link_put(memory, message));
    return buf_slice(memory);
}

TEST(bet_link, what_is_out_of_place_ends_the_link)
{
    static char memory[4096];
    struct buf out = buf_over(memory, sizeof memory);
    const struct bet_link_message to_book[] = {
        {.type = BET_LINK_WELCOME, .welcome = {.format = BET_LINK_FORMAT}},
        {.type = BET_LINK_HELLO, .hello = {.format = BET_LINK_FORMAT, .places = 1}},
        {.type = BET_LINK_STATE},
    };
    for (size_t i = 0; i < sizeof to_book / sizeof *to_book; i++) {
        struct scene *s = begin_linked();
        bet_link_teller_batch(s->fronts[0].teller, batch_of(&out, &to_book[i]));
        assert_true(s->fronts[0].down.closed);
        assert_int_equal(bet_link_teller_stats(s->fronts[0].teller)->bad_batches, 1);
        end(s);
    }
    const struct bet_link_message to_front[] = {
        {.type = BET_LINK_WELCOME, .welcome = {.format = BET_LINK_FORMAT}},
        {.type = BET_LINK_USERS},
        {.type = BET_LINK_HELLO, .hello = {.format = BET_LINK_FORMAT, .places = 1}},
    };
    for (size_t i = 0; i < sizeof to_front / sizeof *to_front; i++) {
        struct scene *s = begin_linked();
        bet_link_asker_batch(s->fronts[0].asker, batch_of(&out, &to_front[i]));
        assert_true(s->fronts[0].up.closed);
        end(s);
    }
}

TEST(bet_link, a_book_of_another_shard_or_format_is_not_asked)
{
    static char memory[64];
    struct buf out = buf_over(memory, sizeof memory);
    const struct bet_link_welcome others[] = {{.format = BET_LINK_FORMAT + 1},
                                              {.format = BET_LINK_FORMAT, .shard = 1},
                                              {.format = BET_LINK_FORMAT, .shards = 2}};
    for (int i = 0; i < 3; i++) {
        struct scene *s = begin();
        open_link(&s->fronts[0]);
        bet_link_asker_batch(s->fronts[0].asker,
                             batch_of(&out, &(struct bet_link_message){.type = BET_LINK_WELCOME,
                                                                       .welcome = others[i]}));
        assert_true(s->fronts[0].up.closed);
        const struct bet_link_asker_stats *stats = bet_link_asker_stats(s->fronts[0].asker);
        assert_int_equal(stats->bad_batches.value, i == 0);
        assert_int_equal(stats->other_shards.value, i > 0);
        assert_false(bet_link_asker_is_welcome(s->fronts[0].asker));
        expect(ask(s, 0, BET_CALL_PLACE, "b1", BET), 503, "BOOK_AWAY");
        end(s);
    }
}

TEST(bet_link, more_questions_than_were_announced_end_the_link)
{
    static char memory[8192];
    struct buf out = buf_over(memory, sizeof memory);
    struct scene *s = begin_linked();
    const struct bet_question deposit = {.call = BET_CALL_DEPOSIT,
                                         .transport = TRANSPORT_HTTP,
                                         .claims = &s->ann,
                                         .key = SLICE("d1"),
                                         .words = SLICE(MONEY)};
    for (uint64_t i = 0; i <= PLACES; i++)
        assert_true(bet_link_put_question(&out, i, &deposit));
    bet_link_teller_batch(s->fronts[0].teller, buf_slice(&out));
    assert_true(s->fronts[0].down.closed);
    turns(s, 4); /* what was asked before stands, and its answers find no link */
    assert_int_equal(bet_link_teller_stats(s->fronts[0].teller)->dropped, PLACES);
    end(s);
}

TEST(bet_link, words_with_any_byte_changed_harm_nobody)
{
    static char memory[8192], changed[8192];
    struct prng prng;
    prng_seed(&prng, 17);
    for (int round = 0; round < 300; round++) {
        struct buf out = buf_over(memory, sizeof memory);
        struct scene *s = begin_linked();
        const struct bet_question deposit = {.call = BET_CALL_DEPOSIT,
                                             .transport = TRANSPORT_HTTP,
                                             .claims = &s->ann,
                                             .key = SLICE("d1"),
                                             .words = SLICE(MONEY),
                                             .personal = SLICE("x")};
        assert_true(bet_link_put_question(&out, 7, &deposit));
        assert_true(bet_link_put_question(&out, 8, &deposit));
        memcpy(changed, memory, out.bytes);
        changed[prng_below(&prng, out.bytes)] ^= (char)(1 << prng_below(&prng, 8));
        bet_link_teller_batch(s->fronts[0].teller,
                              slice_of(changed, out.bytes - prng_below(&prng, 2)));
        turns(s, 4);
        end(s);
    }
}

/* ---- the wire ---- */

TEST(bet_link_wire, a_question_comes_out_as_it_went_in)
{
    static char memory[1024];
    struct buf out = buf_over(memory, sizeof memory);
    struct jwt_claims claims = claims_of("ann", JWT_BETTOR), read;
    claims.exp_s = INT64_MAX;
    claims.nbf_s = -1;
    claims.iat_s = 7;
    const struct bet_question question = {.call = BET_CALL_CASH_OUT,
                                          .transport = TRANSPORT_WEBSOCKET,
                                          .claims = &claims,
                                          .key = SLICE("k"),
                                          .words = SLICE("{}"),
                                          .personal = SLICE("192.0.2.1"),
                                          .bet_id = SLICE("42")};
    assert_true(bet_link_put_question(&out, UINT64_MAX, &question));
    struct slice batch = buf_slice(&out);
    struct bet_link_message message;
    struct bet_question got;
    assert_int_equal(bet_link_next(&batch, &message), 1);
    bet_link_question_of(&message, &read, &got);
    assert_true(message.question.tag == UINT64_MAX);
    assert_int_equal(got.call, BET_CALL_CASH_OUT);
    assert_int_equal(got.transport, TRANSPORT_WEBSOCKET);
    assert_memory_equal(&read, &claims, sizeof read);
    assert_true(slice_is(got.key, "k") && slice_is(got.words, "{}"));
    assert_true(slice_is(got.personal, "192.0.2.1") && slice_is(got.bet_id, "42"));
    assert_int_equal(bet_link_next(&batch, &message), 0);
}

TEST(bet_link_wire, refuses_a_batch_that_is_cut_anywhere)
{
    static char memory[1024];
    struct buf out = buf_over(memory, sizeof memory);
    struct jwt_claims claims = claims_of("ann", JWT_BETTOR);
    const struct bet_question question = {
        .call = BET_CALL_LIST, .claims = &claims, .words = SLICE("limit=1")};
    assert_true(bet_link_put_question(&out, 1, &question));
    for (size_t bytes = 1; bytes < out.bytes; bytes++) {
        struct slice batch = slice_of(memory, bytes);
        struct bet_link_message message;
        assert_int_equal(bet_link_next(&batch, &message), -ERR_FORMAT);
    }
}

/* Nobody asks for somebody's bets without being somebody, and no bet is written without a way that
 * it came. */
TEST(bet_link_wire, refuses_who_and_what_no_front_asks)
{
    struct jwt_claims claims = claims_of("ann", JWT_BETTOR), nobody = {.roles = 1};
    const struct bet_question questions[] = {
        {.call = BET_CALL_LIST},
        {.call = BET_CALL_PLACE, .claims = &claims},
        {.call = BET_CALL_READ, .claims = &claims, .transport = TRANSPORT_HTTP},
        {.call = BET_CALL_LIST, .claims = &nobody},
        {.call = (enum bet_call)BET_CALLS_COUNT, .claims = &claims},
        {.call = BET_CALL_PLACE, .claims = &claims, .transport = (enum record_transport)4},
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        char memory[512];
        struct buf out = buf_over(memory, sizeof memory);
        struct bet_link_message message;
        assert_true(bet_link_put_question(&out, 1, &questions[i]));
        struct slice batch = buf_slice(&out);
        assert_int_equal(bet_link_next(&batch, &message), -ERR_FORMAT);
    }
}

/* Any order of turns, links that end and come back: each question has one answer, each key at most
 * one bet, and whoever was told "placed" has it. */
TEST(bet_link, loses_and_doubles_nothing_whatever_ends)
{
    struct scene *s = begin_linked();
    struct prng prng;
    char key[16];
    prng_seed(&prng, 43);
    (void)ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    turns(s, 4);
    while (s->count < ASKED_MAX - 200) {
        int at = (int)prng_below(&prng, FRONTS);
        switch (prng_below(&prng, 8)) {
        case 0:
            book_turn(s);
            break;
        case 1:
            front_turn(s, &s->fronts[at]);
            break;
        case 2:
            if (prng_below(&prng, 8) == 0 && s->fronts[at].open)
                cut(&s->fronts[at]);
            else if (!s->fronts[at].open)
                open_link(&s->fronts[at]);
            break;
        default:
            (void)snprintf(key, sizeof key, "k%u", (unsigned)prng_below(&prng, 50));
            (void)ask(s, at, BET_CALL_PLACE, key, BET);
        }
    }
    turns(s, 20);
    uint64_t told = 0, delayed = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        assert_int_equal(s->asked[i].heard.answers, 1);
        told += s->asked[i].heard.status == 200 || s->asked[i].heard.status == 201;
        delayed += strstr(s->asked[i].body, "ANSWER_DELAYED") != NULL;
    }
    assert_true(told > 100);
    assert_true(delayed > 10);
    assert_int_equal(fixture_available(&s->f, "ann"), 10000 - 100 * 50);
    end(s);
}
