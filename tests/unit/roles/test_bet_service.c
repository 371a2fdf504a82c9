/* test_bet_service.c - answers from records: a real book on fake ports, JSON in and out. */
#include "roles/bet/bet_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "bet_fixture.h"
#include "roles/bet/bet_port.h"
#include "test.h"

struct scene {
    struct fixture f;
    struct bet_service *bets;
    struct jwt_claims ann;
    struct heard heard;
    char body[256 * 1024];
};

static struct scene scene;

static struct scene *begin(uint32_t bets_per_minute)
{
    struct scene *s = &scene;
    memset(s, 0, sizeof *s);
    fixture_begin(&s->f);
    s->bets = bet_service_over(&s->f, bets_per_minute, 4);
    s->ann = claims_of("ann", JWT_BETTOR);
    return s;
}

static void end(struct scene *s)
{
    bet_service_free(s->bets);
    fixture_check(&s->f);
    fixture_end(&s->f);
}

static void on_answer(const struct bet_service_answer *answer)
{
    struct scene *s = answer->cookie.owner;
    hear(&s->heard, s->body, sizeof s->body, answer);
}

typedef void (*call_fn)(struct bet_service *service, const struct bet_service_request *request,
                        bet_service_answer_fn answer, struct book_cookie cookie);

/* Asks, and lets a turn pass; answers the status. */
static int ask(struct scene *s, call_fn call, const char *key, const char *body)
{
    const struct bet_service_request request = {
        .claims = &s->ann,
        .key = slice_text(key),
        .body = slice_text(body),
        .transport = TRANSPORT_HTTP,
    };
    int before = s->heard.answers;
    call(s->bets, &request, on_answer, (struct book_cookie){.owner = s});
    fixture_turn(&s->f, 1000);
    fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.answers, before + 1); /* exactly once */
    return s->heard.status;
}

static void says(const struct scene *s, const char *text)
{
    if (strstr(s->body, text) == NULL)
        fail_msg("%s not in %s", text, s->body);
}

static int deposit(struct scene *s, const char *key, const char *amount)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"amount\":%s,\"currency\":\"GBP\"}", amount);
    return ask(s, bet_service_deposit, key, body);
}

static int place(struct scene *s, const char *key, const char *stake)
{
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"market_id\":\"m1\",\"selection_id\":\"a\",\"odds\":2.00,\"stake\":%s}",
                   stake);
    return ask(s, bet_service_place, key, body);
}

static void read_back(struct scene *s, const struct jwt_claims *claims, const char *bet_id)
{
    int before = s->heard.answers;
    bet_service_read(s->bets, claims, slice_text(bet_id), on_answer,
                     (struct book_cookie){.owner = s});
    for (int i = 0; i < 8; i++)
        fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.answers, before + 1);
}

/* The bet_id of the newest answer. */
static const char *bet_id_of(const struct scene *s)
{
    static char id[24];
    const char *at = strstr(s->body, "\"bet_id\":\"");
    assert_non_null(at);
    at += strlen("\"bet_id\":\"");
    size_t bytes = strcspn(at, "\"");
    assert_true(bytes < sizeof id);
    memcpy(id, at, bytes);
    id[bytes] = '\0';
    return id;
}

TEST(bet_service, a_deposit_is_told_with_its_balance_and_again_as_a_replay)
{
    struct scene *s = begin(0);
    assert_int_equal(deposit(s, "d1", "100.00"), 201);
    says(s, "\"balance\":100.00");
    says(s, "\"transaction_id\":\"0-");
    assert_false(s->heard.replayed);
    assert_int_equal(deposit(s, "d2", "1"), 201);
    assert_int_equal(deposit(s, "d1", "100"), 200);
    assert_true(s->heard.replayed);
    says(s, "\"balance\":100.00"); /* of its record, not of now */
    assert_int_equal(deposit(s, "d1", "100.01"), 409);
    says(s, "IDEMPOTENCY_CONFLICT");
    end(s);
}

TEST(bet_service, a_withdrawal_never_goes_below_zero)
{
    struct scene *s = begin(0);
    assert_int_equal(deposit(s, "d1", "10.00"), 201);
    assert_int_equal(ask(s, bet_service_withdraw, "w1", "{\"amount\":10.01,\"currency\":\"GBP\"}"),
                     400);
    says(s, "\"code\":\"INSUFFICIENT_BALANCE\"");
    assert_int_equal(ask(s, bet_service_withdraw, "w2", "{\"amount\":10,\"currency\":\"GBP\"}"),
                     201);
    says(s, "\"balance\":0.00");
    end(s);
}

TEST(bet_service, a_bet_is_told_when_it_is_durable_and_not_before)
{
    struct scene *s = begin(0);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    s->f.log.hold = true;
    const struct bet_service_request request = {
        .claims = &s->ann,
        .key = SLICE("b1"),
        .body = SLICE("{\"market_id\":\"m1\",\"selection_id\":\"a\",\"odds\":2,\"stake\":10}"),
        .transport = TRANSPORT_HTTP,
    };
    int before = s->heard.answers;
    bet_service_place(s->bets, &request, on_answer, (struct book_cookie){.owner = s});
    bet_service_account(s->bets, &s->ann, on_answer, (struct book_cookie){.owner = s});
    for (int i = 0; i < 5; i++)
        fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.answers, before); /* L2: nobody was told anything */
    s->f.log.hold = false;
    fixture_turn(&s->f, 1000);
    fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.answers, before + 2);
    says(s, "\"balance\":90.00"); /* the account, as of when it was asked for */
    end(s);
}

TEST(bet_service, a_placed_bet_has_all_that_the_contract_names)
{
    struct scene *s = begin(0);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "10.00"), 201);
    static const char *const members[] = {
        "\"bet_id\":\"",        "\"status\":\"PLACED\"",      "\"odds\":2.00",
        "\"stake\":10.00",      "\"potential_return\":20.00", "\"balance\":90.00",
        "\"ledger_seq\":\"0-",  "\"created_at\":\"",          "\"legs\":[{\"event_id\":\"e1\"",
        "\"market_id\":\"m1\"", "\"selection_id\":\"a\"",     "\"odds_version\":",
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        says(s, members[i]);
    assert_int_equal(place(s, "b1", "10"), 200);
    assert_true(s->heard.replayed);
    end(s);
}

TEST(bet_service, refusals_are_stored_and_say_what_would_pass)
{
    struct scene *s = begin(0);
    fixture_market(&s->f, MARKET_ACTIVE, 180, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "10"), 409);
    says(s, "\"code\":\"ODDS_CHANGED\"");
    says(s, "\"odds\":1.80");
    says(s, "\"odds_version\":");
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(place(s, "b1", "10"), 409); /* L3: the verdict stays */
    assert_true(s->heard.replayed);
    says(s, "\"odds\":1.80");
    assert_int_equal(place(s, "b2", "10000.01"), 422);
    says(s, "\"code\":\"STAKE_LIMIT\"");
    says(s, "\"stake_max\":10000.00");
    assert_int_equal(place(s, "b3", "100.01"), 400);
    says(s, "\"code\":\"INSUFFICIENT_BALANCE\"");
    fixture_market(&s->f, MARKET_SUSPENDED_STATUS, 200, 300);
    assert_int_equal(place(s, "b4", "10"), 409);
    says(s, "\"code\":\"MARKET_SUSPENDED\"");
    end(s);
}

TEST(bet_service, a_malformed_bet_uses_up_no_key)
{
    struct scene *s = begin(0);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "0"), 400);
    says(s, "\"code\":\"AMOUNT_NOT_POSITIVE\"");
    says(s, "\"field\":\"stake\"");
    assert_int_equal(place(s, "b1", "10"), 201);
    assert_int_equal(bet_service_stats(s->bets)->malformed, 1);
    end(s);
}

TEST(bet_service, legs_that_make_no_bet_are_refused_by_a_verdict)
{
    struct scene *s = begin(0);
    const char *body = "{\"type\":\"system\",\"system\":[2],\"unit_stake\":1,\"legs\":[{"
                       "\"market_id\":\"m1\",\"selection_id\":\"a\",\"odds\":2}]}";
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(ask(s, bet_service_place, "b1", body), 422);
    says(s, "\"code\":\"UNSUPPORTED_BET_TYPE\"");
    assert_int_equal(ask(s, bet_service_place, "b1", body), 422);
    assert_true(s->heard.replayed);
    end(s);
}

TEST(bet_service, too_many_bets_in_a_minute_are_429_and_no_verdict)
{
    struct scene *s = begin(2);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "1"), 201);
    assert_int_equal(place(s, "b2", "1"), 201);
    assert_int_equal(place(s, "b3", "1"), 429);
    says(s, "\"code\":\"RATE_LIMITED\"");
    assert_in_range(s->heard.retry_after_s, 1, 30);
    bet_service_begin_turn(s->bets, (struct monotonic){s->f.now.us + 30 * US_PER_SECOND});
    assert_int_equal(place(s, "b3", "1"), 201); /* its key was not used up */
    assert_int_equal(bet_service_stats(s->bets)->rate_limited, 1);
    end(s);
}

/* S2: a limit that nobody can see is none. */
TEST(bet_service, tells_how_many_users_it_could_not_keep_count_of)
{
    static struct metrics_item items[16];
    struct metrics metrics;
    struct bet_counter counter;
    char text[8192];
    struct scene *s = begin(1);
    for (int i = 0; i < 1000; i++) { /* of whom 64 are remembered */
        char user[16];
        (void)snprintf(user, sizeof user, "user-%d", i);
        s->ann = claims_of(user, JWT_BETTOR);
        assert_int_not_equal(place(s, "b1", "1"), 429);
    }
    bet_counter_init(&counter, (struct shard_place){0, 1}, s->bets, NULL);
    metrics_init(&metrics, items, sizeof items / sizeof *items);
    assert_int_equal(bet_counter_register_metrics(&counter, &metrics), 0);
    struct buf out = buf_over(text, sizeof text);
    metrics_write(&metrics, &out);
    buf_put_char(&out, '\0');
    const char *line = strstr(text, "{limit=\"users_tracked_max\"} ");
    assert_non_null(line);
    assert_in_range(strtoul(strchr(line, ' '), NULL, 10), 1000 - 64, 1000);
    end(s);
}

TEST(bet_service, who_is_no_bettor_may_not_bet)
{
    struct scene *s = begin(0);
    s->ann = claims_of("ann", JWT_TRADER);
    assert_int_equal(place(s, "b1", "1"), 403);
    says(s, "\"code\":\"ROLE_REQUIRED\"");
    assert_int_equal(deposit(s, "d1", "1"), 403);
    end(s);
}

TEST(bet_service, at_its_limit_of_waiting_bets_it_sheds_and_says_which)
{
    struct scene *s = begin(0);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    s->f.log.hold = true;
    int before = s->heard.answers;
    for (int i = 0; i < 5; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        const struct bet_service_request request = {
            .claims = &s->ann,
            .key = slice_text(key),
            .body = SLICE("{\"amount\":1,\"currency\":\"GBP\"}"),
            .transport = TRANSPORT_HTTP,
        };
        bet_service_deposit(s->bets, &request, on_answer, (struct book_cookie){.owner = s});
    }
    assert_int_equal(s->heard.answers, before + 1);
    assert_int_equal(s->heard.status, 503);
    assert_int_equal(s->heard.retry_after_s, 1);
    says(s, "\"code\":\"OVERLOADED\"");
    assert_int_equal(bet_service_stats(s->bets)->in_flight_reached, 1);
    s->f.log.hold = false;
    fixture_turn(&s->f, 1000);
    fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.answers, before + 5);
    assert_int_equal(bet_service_stats(s->bets)->in_flight, 0);
    end(s);
}

TEST(bet_service, a_failed_log_is_503_for_those_who_wait_and_those_who_come)
{
    struct scene *s = begin(0);
    s->f.log.fail_next = true;
    assert_int_equal(deposit(s, "d1", "100"), 503);
    says(s, "\"code\":\"LEDGER_UNAVAILABLE\"");
    assert_int_equal(deposit(s, "d2", "100"), 503);
    assert_int_equal(s->heard.retry_after_s, 5);
    bet_service_free(s->bets);
    fixture_end(&s->f);
}

TEST(bet_service, a_pending_bet_is_202_then_what_became_of_it)
{
    struct scene *s = begin(0);
    fixture_market_in_play(&s->f, 200, 300, 5000000);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "10"), 202);
    says(s, "\"status\":\"PENDING\"");
    says(s, "\"decide_at\":\"");
    says(s, "\"balance\":90.00");
    assert_int_equal(place(s, "b1", "10"), 202);
    assert_true(s->heard.replayed);
    for (int i = 0; i < 4; i++) {
        fixture_market_in_play(&s->f, 200, 300, 5000000); /* the feed lives */
        fixture_turn(&s->f, 2000000);
    }
    assert_int_equal(place(s, "b1", "10"), 200);
    says(s, "\"status\":\"PLACED\"");
    end(s);
}

TEST(bet_service, a_bet_read_back_tells_its_whole_history)
{
    struct scene *s = begin(0);
    char id[24];
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "10"), 201);
    (void)snprintf(id, sizeof id, "%s", bet_id_of(s));
    read_back(s, &s->ann, id);
    assert_int_equal(s->heard.status, 200);
    says(s, "\"status\":\"PLACED\",\"money\":\"OPEN\",\"payout\":0.00");
    says(s, "\"result\":\"OPEN\"");
    fixture_result(&s->f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&s->f, 1000);
    read_back(s, &s->ann, id);
    says(s, "\"status\":\"WON\",\"money\":\"SETTLED\",\"payout\":20.00");
    says(s, "\"settlement\":1");
    says(s, "\"delta\":20.00");
    says(s, "\"result_version\":1");
    says(s, "\"explanation\":[\"You staked 10.00 GBP");
    fixture_result(&s->f, 2, LEG_LOST, LEG_WON);
    fixture_turn(&s->f, 1000);
    read_back(s, &s->ann, id);
    says(s, "\"status\":\"LOST\",\"money\":\"RESETTLED\",\"payout\":0.00");
    says(s, "\"delta\":-20.00");
    says(s, "\"reverses\":\"0-");
    says(s, "\"settlement\":2");
    end(s);
}

TEST(bet_service, a_foreign_bet_is_not_found_but_by_an_auditor)
{
    struct scene *s = begin(0);
    char id[24];
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    assert_int_equal(place(s, "b1", "10"), 201);
    (void)snprintf(id, sizeof id, "%s", bet_id_of(s));
    struct jwt_claims bob = claims_of("bob", JWT_BETTOR);
    struct jwt_claims auditor = claims_of("aud", JWT_AUDITOR);
    static const char *const nonsense[] = {"0", "007", "x", "-1", "99999999999999999999", "12 "};
    read_back(s, &bob, id);
    assert_int_equal(s->heard.status, 404);
    read_back(s, &auditor, id);
    assert_int_equal(s->heard.status, 200);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        read_back(s, &s->ann, nonsense[i]);
        assert_int_equal(s->heard.status, 404);
    }
    end(s);
}

static void list(struct scene *s, const struct jwt_claims *claims, const char *query)
{
    int before = s->heard.answers;
    bet_service_list(s->bets, claims, slice_text(query), on_answer,
                     (struct book_cookie){.owner = s});
    fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.answers, before + 1);
}

/* Walks all pages of the query and counts the bets; each id must follow the one before. */
static int count_pages(struct scene *s, const char *query, bool rising)
{
    char next[128];
    uint64_t last = 0;
    int count = 0;
    (void)snprintf(next, sizeof next, "%s", query);
    for (;;) {
        list(s, &s->ann, next);
        assert_int_equal(s->heard.status, 200);
        for (const char *at = s->body; (at = strstr(at, "\"bet_id\":\"")) != NULL; at++) {
            uint64_t id = strtoull(at + 10, NULL, 10);
            assert_true(last == 0 || (rising ? id > last : id < last));
            last = id;
            count++;
        }
        const char *cursor = strstr(s->body, "\"next_cursor\":\"");
        if (cursor == NULL)
            return count;
        (void)snprintf(next, sizeof next, "%s&cursor=%.*s", query, (int)strcspn(cursor + 15, "\""),
                       cursor + 15);
    }
}

TEST(bet_service, a_list_comes_in_pages_without_gaps_or_repeats)
{
    struct scene *s = begin(0);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    for (int i = 0; i < 11; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "b%d", i);
        assert_int_equal(place(s, key, "1"), 201);
    }
    assert_int_equal(count_pages(s, "limit=4", true), 11);
    assert_int_equal(count_pages(s, "limit=4&order=desc", false), 11);
    assert_int_equal(count_pages(s, "limit=11", true), 11);
    assert_int_equal(count_pages(s, "limit=1", true), 11);
    assert_int_equal(count_pages(s, "to=1990-01-01T00:00:00Z", true), 0);
    assert_int_equal(count_pages(s, "from=9999-01-01T00:00:00Z", true), 0);
    end(s);
}

TEST(bet_service, a_list_refuses_what_it_cannot_read)
{
    struct scene *s = begin(0);
    static const char *const bad[] = {"from=yesterday", "to=1",     "cursor=x",   "limit=0",
                                      "limit=101",      "order=up", "user_id=%20"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        list(s, &s->ann, bad[i]);
        assert_int_equal(s->heard.status, 400);
    }
    list(s, &s->ann, "user_id=bob");
    assert_int_equal(s->heard.status, 403);
    struct jwt_claims auditor = claims_of("aud", JWT_AUDITOR);
    list(s, &auditor, "user_id=bob");
    assert_int_equal(s->heard.status, 200);
    end(s);
}

TEST(bet_service, nobody_knows_an_account_that_has_no_money_yet)
{
    struct scene *s = begin(0);
    bet_service_account(s->bets, &s->ann, on_answer, (struct book_cookie){.owner = s});
    assert_int_equal(s->heard.status, 200);
    says(s, "\"balance\":0.00");
    says(s, "\"currency\":null");
    end(s);
}

#define LONG_LEGS 30

/* Markets whose every name is as long as it may be, and each byte of it written as six. */
static void offer_long_names(struct scene *s)
{
    char ids[LONG_LEGS][MARKET_ID_BYTES_MAX], name[NAME_BYTES_MAX], id[SELECTION_ID_BYTES_MAX];
    memset(ids, '<', sizeof ids);
    memset(name, '<', sizeof name);
    memset(id, 's', sizeof id);
    const struct feed_selection selection = {
        slice_of(id, sizeof id), slice_of(name, sizeof name), SELECTION_ACTIVE, {3, 2}, {.win = 0}};
    book_begin_turn(s->f.book, s->f.wall, s->f.now);
    struct feed_sink *sink = book_sink(s->f.book);
    sink->ops->alive(sink, SLICE("p"));
    for (int i = 0; i < LONG_LEGS; i++) {
        ids[i][0] = (char)('A' + i);
        const struct feed_market market = {.provider = SLICE("p"),
                                           .id = slice_of(ids[i], sizeof ids[i]),
                                           .event_id = slice_of(ids[i], EVENT_ID_BYTES_MAX),
                                           .event_name = slice_of(name, sizeof name),
                                           .name = slice_of(name, sizeof name),
                                           .status = MARKET_ACTIVE,
                                           .selections = &selection,
                                           .selections_count = 1};
        sink->ops->market(sink, &market);
    }
}

static void put_long_legs(struct buf *body)
{
    char id[MARKET_ID_BYTES_MAX], selection[SELECTION_ID_BYTES_MAX];
    memset(id, '<', sizeof id);
    memset(selection, 's', sizeof selection);
    for (int i = 0; i < LONG_LEGS; i++) {
        id[0] = (char)('A' + i);
        buf_printf(body, "%s{\"odds\":1.5,\"market_id\":", i == 0 ? "" : ",");
        json_write_string(body, slice_of(id, sizeof id));
        buf_put_text(body, ",\"selection_id\":");
        json_write_string(body, slice_of(selection, sizeof selection));
        buf_put_char(body, '}');
    }
}

TEST(bet_service, the_longest_bet_fits_every_answer)
{
    static char body[64 * 1024];
    struct scene *s = begin(0);
    struct buf text = buf_over(body, sizeof body - 1);
    assert_int_equal(deposit(s, "d1", "100"), 201);
    offer_long_names(s);
    buf_put_text(&text, "{\"type\":\"multiple\",\"stake\":1,\"legs\":[");
    put_long_legs(&text);
    buf_put_text(&text, "]}");
    assert_false(text.overflow);
    assert_int_equal(ask(s, bet_service_place, "b1", body), 201);
    assert_true(strlen(s->body) > 60000);
    read_back(s, &s->ann, bet_id_of(s));
    assert_int_equal(s->heard.status, 200);
    says(s, "\"explanation\"");
    bet_service_list(s->bets, &s->ann, SLICE("limit=100"), on_answer,
                     (struct book_cookie){.owner = s});
    for (int i = 0; i < 8; i++)
        fixture_turn(&s->f, 1000);
    assert_int_equal(s->heard.status, 200);
    end(s);
}
