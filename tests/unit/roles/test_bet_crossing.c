/* test_bet_crossing.c - two network loops and the book's on one thread, stepped by hand: a real
 * book and bet service behind real rings, full ones too. */
#include "roles/bet/bet_crossing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "bet_fixture.h"
#include "test.h"

#define LOOPS     2
#define PLACES    8
#define UP_BYTES  ((size_t)16 * 1024)
#define ASKED_MAX 4096

struct asked {
    struct heard heard;
    char body[4096];
};

struct crossing {
    struct ring_gate up_gate;
    struct ring *up;
    struct crossing_down down;
    struct bet_asker *asker;
    struct bet_teller teller;
};

struct scene {
    struct fixture f;
    struct bet_service *bets;
    struct bet_counter counter;
    struct ring_gate down_gate;
    struct crossing loops[LOOPS];
    struct jwt_claims ann;
    struct asked asked[ASKED_MAX];
    uint32_t count;
};

static struct scene scene;

static void open_loop(struct scene *s, struct crossing *loop, size_t down_bytes)
{
    assert_int_equal(ring_new(UP_BYTES, &loop->up_gate, &loop->up), 0);
    assert_int_equal(ring_new(down_bytes, &s->down_gate, &loop->down.ring), 0);
    assert_int_equal(bet_asker_new(PLACES, loop->up, &loop->asker), 0);
    loop->teller = (struct bet_teller){.port = &s->counter.port, .down = &loop->down};
}

static struct scene *begin(size_t down_bytes)
{
    struct scene *s = &scene;
    memset(s, 0, sizeof *s);
    fixture_begin(&s->f);
    s->bets = bet_service_over(&s->f, 0, 64);
    bet_counter_init(&s->counter, (struct shard_place){0, 1}, s->bets, NULL);
    s->ann = claims_of("ann", JWT_BETTOR);
    for (int i = 0; i < LOOPS; i++)
        open_loop(s, &s->loops[i], down_bytes);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    return s;
}

static void end(struct scene *s)
{
    for (int i = 0; i < LOOPS; i++) {
        bet_asker_free(s->loops[i].asker);
        ring_free(s->loops[i].up);
        ring_free(s->loops[i].down.ring);
    }
    bet_service_free(s->bets);
    fixture_check(&s->f);
    fixture_end(&s->f);
}

/* ---- the turns ---- */

static void network_turn(struct crossing *loop)
{
    struct slice record;
    (void)ring_look(loop->down.ring);
    while (ring_take(loop->down.ring, &record))
        bet_asker_take(loop->asker, record);
    (void)ring_give_back(loop->down.ring);
    (void)ring_offer(loop->up);
    ring_gate_open(&loop->up_gate);
}

static void book_turn(struct scene *s)
{
    struct slice record;
    for (int i = 0; i < LOOPS; i++) {
        struct crossing *loop = &s->loops[i];
        (void)ring_look(loop->up);
        while (bet_teller_may_take(&loop->teller) && ring_take(loop->up, &record))
            bet_teller_take(&loop->teller, record);
        (void)ring_give_back(loop->up);
    }
    fixture_turn(&s->f, 1000);
    for (int i = 0; i < LOOPS; i++)
        (void)ring_offer(s->loops[i].down.ring);
    ring_gate_open(&s->down_gate);
}

static void turns(struct scene *s, int count)
{
    for (int turn = 0; turn < count; turn++) {
        for (int i = 0; i < LOOPS; i++)
            network_turn(&s->loops[i]);
        book_turn(s);
    }
    for (int i = 0; i < LOOPS; i++)
        network_turn(&s->loops[i]);
}

/* ---- asking ---- */

static void on_answer(const struct bet_service_answer *answer)
{
    struct asked *asked = answer->cookie.owner;
    hear(&asked->heard, asked->body, sizeof asked->body, answer);
}

static struct asked *ask(struct scene *s, int loop, enum bet_call call, const char *key,
                         const char *words)
{
    assert_true(s->count < ASKED_MAX);
    struct asked *asked = &s->asked[s->count++];
    const struct bet_question question = {
        .call = call,
        .transport = TRANSPORT_HTTP,
        .claims = call == BET_CALL_HEAD ? NULL : &s->ann,
        .key = slice_text(key),
        .words = slice_text(words),
        .personal = SLICE("192.0.2.1\ncurl"),
    };
    bet_port_ask(bet_asker_port(s->loops[loop].asker), &question, on_answer,
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

TEST(bet_crossing, every_question_is_answered_as_at_the_counter)
{
    struct scene *s = begin(RING_BYTES_MIN * 64);
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
    assert_int_equal(bet_asker_under_way(s->loops[0].asker), 0);
    assert_int_equal(s->loops[0].down.owed + s->loops[1].down.owed, 0);
    end(s);
}

TEST(bet_crossing, one_key_on_two_loops_at_once_is_one_bet)
{
    struct scene *s = begin(RING_BYTES_MIN * 64);
    struct asked *racing[2];
    (void)ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    turns(s, 4);
    for (int i = 0; i < LOOPS; i++)
        racing[i] = ask(s, i, BET_CALL_PLACE, "b1", BET);
    turns(s, 6);
    assert_true((racing[0]->heard.status == 201 && racing[1]->heard.status == 200) ||
                (racing[0]->heard.status == 200 && racing[1]->heard.status == 201));
    assert_int_equal(fixture_available(&s->f, "ann"), 9900); /* L3: debited once */
    end(s);
}

TEST(bet_crossing, refuses_by_itself_when_no_place_is_left)
{
    struct scene *s = begin(RING_BYTES_MIN * 64);
    struct asked *last = NULL;
    for (int i = 0; i <= PLACES; i++)
        last = ask(s, 0, BET_CALL_LIST, "", "limit=x");
    expect(last, 503, "OVERLOADED");
    assert_int_equal(last->heard.retry_after_s, 1);
    assert_int_equal(bet_asker_stats(s->loops[0].asker)->places_reached.value, 1);
    turns(s, 4);
    for (uint32_t i = 0; i < s->count; i++)
        assert_int_equal(s->asked[i].heard.answers, 1);
    struct asked *after = ask(s, 0, BET_CALL_LIST, "", "limit=x");
    turns(s, 4);
    assert_int_equal(after->heard.answers, 1);
    assert_true(after->heard.status != 503); /* the place is there again */
    end(s);
}

TEST(bet_crossing, refuses_by_itself_when_the_ring_has_no_room)
{
    static char words[UP_BYTES];
    struct scene *s = begin(RING_BYTES_MIN * 64);
    memset(words, 'x', sizeof words - 1);
    expect(ask(s, 1, BET_CALL_PLACE, "b1", words), 503, "OVERLOADED"); /* longer than any record */
    words[UP_BYTES / 2 - 1024] = '\0';
    struct asked *first = ask(s, 1, BET_CALL_PLACE, "b1", words);
    (void)ask(s, 1, BET_CALL_PLACE, "b2", words);
    expect(ask(s, 1, BET_CALL_PLACE, "b3", words), 503, "OVERLOADED");
    assert_int_equal(bet_asker_stats(s->loops[1].asker)->room_reached.value, 2);
    turns(s, 4);
    expect(first, 400, "\"code\":"); /* it is no JSON, and the book's side says so */
    struct asked *after = ask(s, 1, BET_CALL_PLACE, "b3", words);
    turns(s, 4);
    expect(after, 400, "\"code\":");
    end(s);
}

/* Whoever fills the ring back (prices do) leaves what is owed. */
static size_t fill(struct crossing *loop)
{
    size_t records = 0;
    while (crossing_begin(&loop->down, 8) != NULL) {
        ring_end(loop->down.ring, 8);
        records++;
    }
    return records;
}

TEST(bet_crossing, an_answer_without_room_is_a_short_one_and_the_verdict_stands)
{
    struct scene *s = begin(RING_BYTES_MIN);
    struct crossing *loop = &s->loops[0];
    struct slice record;
    (void)ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    turns(s, 4);
    struct asked *bets[4];
    char key[8];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(key, sizeof key, "b%d", i);
        bets[i] = ask(s, 0, BET_CALL_PLACE, key, BET);
    }
    network_turn(loop);
    (void)ring_look(loop->up);
    while (bet_teller_may_take(&loop->teller) && ring_take(loop->up, &record))
        bet_teller_take(&loop->teller, record);
    (void)ring_give_back(loop->up);
    assert_true(fill(loop) > 0);
    fixture_turn(&s->f, 1000);
    fixture_turn(&s->f, 1000);
    assert_int_equal(loop->down.owed, 0);
    (void)ring_offer(loop->down.ring);
    ring_gate_open(&s->down_gate);
    (void)ring_look(loop->down.ring);
    while (ring_take(loop->down.ring, &record))
        if (record.bytes > 8) /* not what fill() has put */
            bet_asker_take(loop->asker, record);
    (void)ring_give_back(loop->down.ring);
    int delayed = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bets[i]->heard.answers, 1);
        delayed += bets[i]->heard.status == 503;
    }
    assert_true(delayed > 0);
    assert_int_equal(loop->teller.delayed, delayed);
    for (int i = 0; i < 4; i++) {
        (void)snprintf(key, sizeof key, "b%d", i);
        struct asked *again = ask(s, 1, BET_CALL_PLACE, key, BET);
        turns(s, 6);
        expect(again, 200, "\"status\":\"PLACED\"");
    }
    assert_int_equal(fixture_available(&s->f, "ann"), 9600);
    end(s);
}

TEST(bet_crossing, takes_no_question_whose_answer_might_find_no_room)
{
    struct scene *s = begin(RING_BYTES_MIN);
    struct crossing *loop = &s->loops[0];
    struct asked *account = ask(s, 0, BET_CALL_ACCOUNT, "", "");
    assert_true(fill(loop) > 0);
    network_turn(loop);
    assert_false(bet_teller_may_take(&loop->teller));
    book_turn(s); /* it stays in its ring */
    struct slice record;
    (void)ring_look(loop->down.ring);
    while (ring_take(loop->down.ring, &record))
        continue;
    (void)ring_give_back(loop->down.ring);
    turns(s, 4);
    expect(account, 200, "\"user_id\":\"ann\"");
    end(s);
}

/* Any order of turns, small rings, many keys asked on both loops: each question has one answer, and
 * each key at most one bet. */
TEST(bet_crossing, loses_and_doubles_nothing_in_any_order_of_turns)
{
    struct scene *s = begin(RING_BYTES_MIN);
    struct prng prng;
    char key[16];
    prng_seed(&prng, 41);
    (void)ask(s, 0, BET_CALL_DEPOSIT, "d1", MONEY);
    turns(s, 4);
    while (s->count < ASKED_MAX - 200) {
        switch (prng_below(&prng, 4)) {
        case 0:
            book_turn(s);
            break;
        case 1:
            network_turn(&s->loops[prng_below(&prng, LOOPS)]);
            break;
        default:
            (void)snprintf(key, sizeof key, "k%u", (unsigned)prng_below(&prng, 50));
            (void)ask(s, (int)prng_below(&prng, LOOPS), BET_CALL_PLACE, key, BET);
        }
    }
    turns(s, 200);
    uint64_t placed = 0, told = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        assert_int_equal(s->asked[i].heard.answers, 1);
        placed += s->asked[i].heard.status == 201;
        told += s->asked[i].heard.status == 200 || s->asked[i].heard.status == 201;
    }
    assert_true(told > 500);
    assert_true(placed <= 51); /* with the deposit */
    assert_int_equal(fixture_available(&s->f, "ann"), 10000 - 100 * 50);
    end(s);
}
