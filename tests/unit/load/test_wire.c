/* test_wire.c - the requests of simulated customers, byte by byte. */
#include "load/load_wire.h"

#include "load/load_users.h"
#include "test.h"

static char text[4096];
static struct buf out;

static void expect(const char *wanted)
{
    assert_false(out.overflow);
    text[out.bytes] = '\0';
    assert_string_equal(text, wanted);
}

TEST(wire, a_bet_carries_exact_digits_and_the_version_seen)
{
    struct load_wire_bet bet = {SLICE("1.5"), SLICE("47"), SLICE("1.6154"), SLICE("21/13"),
                                17,           5000,        SLICE("GBP"),    SLICE("better")};
    out = buf_over(text, sizeof text - 1);
    load_wire_bet_body(&out, &bet);
    expect("{\"market_id\":\"1.5\",\"selection_id\":\"47\",\"odds\":1.6154,"
           "\"odds_exact\":\"21/13\",\"odds_version\":17,\"stake\":50.00,\"currency\":\"GBP\","
           "\"price_policy\":\"better\"}");
}

TEST(wire, a_request_is_complete)
{
    struct load_wire_request request = {.method = "POST",
                                        .path = "/v1/bets",
                                        .host = SLICE("h:1"),
                                        .token = SLICE("a.b.c"),
                                        .key = SLICE("k1"),
                                        .body = SLICE("{}")};
    out = buf_over(text, sizeof text - 1);
    load_wire_request(&out, &request);
    expect("POST /v1/bets HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer a.b.c\r\n"
           "Idempotency-Key: k1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    request = (struct load_wire_request){.method = "GET", .path = "/", .host = SLICE("h:1")};
    out = buf_over(text, sizeof text - 1);
    load_wire_request(&out, &request);
    expect("GET / HTTP/1.1\r\nHost: h:1\r\n\r\n");
}

TEST(wire, channels_are_separated_by_spaces_and_escaped)
{
    out = buf_over(text, sizeof text - 1);
    load_wire_subscribe(&out, SLICE("market:1.2 event:\"x\"/a=1,b=2"), 50);
    expect("{\"op\":\"subscribe\",\"channels\":[\"market:1.2\",\"event:\\\"x\\\"/a=1,b=2\"],"
           "\"conflate_ms\":50}");
}

TEST(wire, a_bet_over_the_socket_is_wrapped)
{
    out = buf_over(text, sizeof text - 1);
    load_wire_place_bet(&out, 3, SLICE("k"), SLICE("{}"));
    expect("{\"op\":\"place_bet\",\"id\":\"3\",\"idempotency_key\":\"k\",\"bet\":{}}");
}

static int token_of(void *owner, struct slice user_id, struct buf *ret_token)
{
    int *calls = owner;
    if (++*calls == 4000)
        return -1;
    buf_put_text(ret_token, "t:");
    buf_put_slice(ret_token, user_id);
    return 0;
}

TEST(users, have_names_and_tokens_of_their_own)
{
    struct load_users users;
    int calls = 0;
    assert_int_equal(load_users_new(3000, SLICE("u"), token_of, &calls, &users), 0);
    assert_true(slice_is(load_users_name(&users, 0), "u-1"));
    assert_true(slice_is(load_users_token(&users, 2999), "t:u-3000"));
    load_users_done(&users);
    assert_int_equal(load_users_new(3000, SLICE("u"), token_of, &calls, &users), -1);
}
