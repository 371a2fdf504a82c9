/* test_own_crossing.c - own messages from the book's loop to the sockets of another, stepped by
 * hand: a real odds service and real sockets behind a real ring, a full one too. */
#include "roles/odds/own_crossing.h"

#include <stdlib.h>
#include <string.h>

#include "stream_fixture.h"
#include "test.h"

static const struct jwt_claims ann = {.exp_s = INT64_MAX / 2, .sub_bytes = 3, .sub = "ann"};
static const struct jwt_claims bob = {.exp_s = INT64_MAX / 2, .sub_bytes = 3, .sub = "bob"};

struct scene {
    struct stream_fixture f;
    struct ring_gate gate;
    struct crossing_down down;
    struct own_presence *presence;
    struct own_sender sender;
};

static void begin(struct scene *s)
{
    static const uint64_t key[2] = {3, 4};
    memset(s, 0, sizeof *s);
    assert_int_equal(own_presence_new(key, &s->presence), 0);
    assert_int_equal(ring_new(RING_BYTES_MIN, &s->gate, &s->down.ring), 0);
    s->sender = (struct own_sender){.down = &s->down, .presence = s->presence};
    fixture_init(&s->f);
    s->f.options.presence = s->presence;
    fixture_begin(&s->f);
    fixture_add(&s->f, "m1", "e1");
}

static void end(struct scene *s)
{
    fixture_end(&s->f);
    ring_free(s->down.ring);
    own_presence_free(s->presence);
}

/* What the book's loop does for each record, and what it does at the end of its turn. */
static void tell(struct scene *s, const char *user, const char *object)
{
    if (own_sender_wants(&s->sender, slice_text(user)))
        own_sender_push(&s->sender, slice_text(user), "balance", slice_text(object));
}

static void book_turn(struct scene *s)
{
    own_sender_turn(&s->sender);
    (void)ring_offer(s->down.ring);
    ring_gate_open(&s->gate);
}

static void network_turn(struct scene *s)
{
    struct slice record;
    (void)ring_look(s->down.ring);
    while (ring_take(s->down.ring, &record))
        own_receiver_take(s->f.service, record);
    (void)ring_give_back(s->down.ring);
    fixture_turns(&s->f, 1);
}

static void turn(struct scene *s)
{
    book_turn(s);
    network_turn(s);
}

static void open_as(struct scene *s, struct peer *peer, const struct jwt_claims *claims)
{
    s->f.claims = claims;
    peer_open(peer, &s->f);
}

TEST(own_crossing, each_user_gets_their_own_in_order)
{
    struct scene s;
    struct peer first, second, other;
    begin(&s);
    open_as(&s, &first, &ann);
    open_as(&s, &second, &ann);
    open_as(&s, &other, &bob);
    tell(&s, "ann", "{\"n\":1}");
    tell(&s, "ann", "{\"n\":2}");
    tell(&s, "bob", "{\"n\":3}");
    turn(&s);
    peer_expect(&first, "{\"op\":\"balance\",\"n\":1}");
    peer_expect(&first, "{\"op\":\"balance\",\"n\":2}");
    peer_expect(&second, "{\"op\":\"balance\",\"n\":1}");
    peer_expect(&second, "{\"op\":\"balance\",\"n\":2}");
    peer_expect(&other, "{\"op\":\"balance\",\"n\":3}");
    peer_expect_nothing(&other);
    peer_end(&first);
    peer_end(&second);
    peer_end(&other);
    end(&s);
}

TEST(own_crossing, nothing_is_sent_where_no_socket_is)
{
    struct scene s;
    struct peer first, second;
    begin(&s);
    assert_false(own_sender_wants(&s.sender, SLICE("ann")));
    open_as(&s, &first, &ann);
    open_as(&s, &second, &ann);
    assert_true(own_sender_wants(&s.sender, SLICE("ann")));
    assert_false(own_sender_wants(&s.sender, SLICE("bob")));
    peer_end(&first);
    fixture_turns(&s.f, 3);
    assert_true(own_sender_wants(&s.sender, SLICE("ann")));
    odds_service_revoke(s.f.service, SLICE("ann"));
    assert_false(own_sender_wants(&s.sender, SLICE("ann")));
    peer_end(&second);
    end(&s);
}

/* S2: never silently. Sockets without a user are not concerned. */
TEST(own_crossing, a_full_ring_sends_every_user_away_and_nobody_else)
{
    struct scene s;
    struct peer user, reader, back;
    char object[512];
    begin(&s);
    open_as(&s, &user, &ann);
    open_as(&s, &reader, NULL);
    memset(object, 'x', sizeof object);
    memcpy(object, "{\"n\":\"", 6);
    memcpy(object + sizeof object - 3, "\"}", 3);
    for (int i = 0; i < 100; i++)
        tell(&s, "ann", object);
    assert_true(s.sender.gap);
    assert_true(s.sender.sent > 0);
    assert_int_equal(s.sender.sent + s.sender.left_out, 100);
    ring_offer(s.down.ring); /* the ring is full up to the gap's own record, or nearly */
    ring_gate_open(&s.gate);
    network_turn(&s);
    tell(&s, "ann", "{\"n\":0}"); /* there is room again, but the gap comes first */
    assert_int_equal(s.sender.left_out + s.sender.sent, 101);
    turn(&s);
    assert_int_equal(s.sender.gaps, 1);
    assert_false(s.sender.gap);
    for (uint64_t i = 0; i < s.sender.sent; i++)
        peer_expect(&user, "{\"op\":\"balance\",\"n\":\"x");
    peer_expect(&user, "{\"op\":\"reconnect\",\"after_ms\":");
    peer_expect(&user, "CLOSE 1012");
    open_as(&s, &back, &ann);
    tell(&s, "ann", "{\"n\":7}");
    turn(&s);
    peer_expect(&back, "{\"op\":\"balance\",\"n\":7}");
    peer_say(&reader, "{\"op\":\"ping\"}");
    peer_expect(&reader, "{\"op\":\"pong\"");
    peer_end(&user);
    peer_end(&reader);
    peer_end(&back);
    end(&s);
}

TEST(own_crossing, an_answer_that_is_owed_keeps_its_room)
{
    struct scene s;
    struct peer user;
    begin(&s);
    open_as(&s, &user, &ann);
    s.down.owed = RING_BYTES_MIN;
    tell(&s, "ann", "{\"n\":1}");
    assert_true(s.sender.gap);
    own_sender_turn(&s.sender);
    assert_true(s.sender.gap); /* not even the gap's */
    s.down.owed = 0;
    turn(&s);
    assert_false(s.sender.gap);
    peer_expect(&user, "{\"op\":\"reconnect\"");
    peer_end(&user);
    end(&s);
}

TEST(own_crossing, event_streams_of_users_end_with_a_gap)
{
    struct scene s;
    struct peer stream;
    begin(&s);
    s.f.claims = &ann;
    peer_begin(&stream, &s.f);
    peer_send(&stream, "GET /v1/stream?channels=market:m1 HTTP/1.1\r\nHost: x\r\n"
                       "Accept: text/event-stream\r\n\r\n");
    assert_non_null(peer_wait(&stream, "\"op\":\"snapshot\""));
    s.sender.gap = true;
    turn(&s);
    assert_non_null(peer_wait(&stream, "retry: "));
    fixture_turns(&s.f, 3);
    assert_false(own_sender_wants(&s.sender, SLICE("ann")));
    assert_int_equal(odds_service_stats(s.f.service)->event_streams.value, 0);
    peer_end(&stream);
    end(&s);
}
