/* test_uof_link.c - the connection to a broker that is played here, on a socket: what the source
 * hears of it, what waits, and how it comes back. Limits of time are short and waited for; nothing
 * is asserted of how long anything takes. */
#include "feeds/uof/uof_link.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "amqp_words.h"
#include "base/error.h"
#include "test.h"

#define TURNS_MAX 60000
#define SHORT_US  300000

struct world {
    struct loop *loop;
    struct uof_link *link;
    int listener, broker; /* -1: none */
    bool ready;
    unsigned ups, downs, resets;
    uint64_t heartbeats;
    int64_t looks; /* at the clock */
    struct feed_source source;
    struct buf heard; /* messages: "[..][..]" */
    char heard_memory[65536];
    char problem[256];
};

static struct world world;

static int on_message(struct feed_source *source, struct slice line)
{
    (void)source;
    if (slice_is(line, "<heartbeat/>")) {
        world.heartbeats++;
        return 0;
    }
    buf_put_char(&world.heard, '[');
    buf_put_slice(&world.heard, line);
    buf_put_char(&world.heard, ']');
    return slice_is(line, "bad") ? -ERR_FORMAT : 0;
}

static void on_reset(struct feed_source *source)
{
    (void)source;
    world.resets++;
}

static const struct feed_source_ops ops = {.message = on_message, .reset = on_reset};

static bool is_ready(void *owner)
{
    (void)owner;
    return world.ready;
}

static int64_t now_us(void *owner)
{
    (void)owner;
    return 1000 * ++world.looks; /* each look takes a millisecond */
}

static void on_up(void *owner)
{
    (void)owner;
    world.ups++;
}

static void on_down(void *owner, bool was_up, struct slice problem)
{
    (void)owner;
    (void)was_up;
    world.downs++;
    assert_true(problem.bytes > 0);
    assert_true(problem.bytes < sizeof world.problem);
    memcpy(world.problem, problem.at, problem.bytes);
    world.problem[problem.bytes] = '\0';
}

static struct net_address open_listener(void)
{
    struct sockaddr_storage bound = {.ss_family = AF_INET};
    socklen_t bytes = sizeof bound;
    world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(world.listener >= 0);
    struct net_address any;
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &any), 0);
    struct sockaddr_storage address;
    socklen_t size = net_address_to_sockaddr(&any, &address);
    assert_int_equal(bind(world.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(world.listener, 8), 0);
    assert_int_equal(getsockname(world.listener, (struct sockaddr *)&bound, &bytes), 0);
    return net_address_of(&bound);
}

/* `limit_us` is what a broker may be silent, and take to serve us. */
static void begin_within(int64_t limit_us)
{
    static const struct slice keys[] = {SLICE("#")};
    struct uof_link_options options = UOF_LINK_OPTIONS_DEFAULT;
    const struct uof_link_listener listener = {NULL, is_ready, now_us, on_up, on_down};
    memset(&world, 0, sizeof world);
    world.broker = -1;
    world.ready = true;
    world.heard = buf_over(world.heard_memory, sizeof world.heard_memory);
    world.source.ops = &ops;
    options.address = open_listener();
    options.source = &world.source;
    options.setup_us_max = options.silence_us_max = limit_us;
    options.backoff_us_min = options.backoff_us_max = 1000;
    options.session = (struct uof_session_options){.user = SLICE("u"),
                                                   .password = SLICE("p"),
                                                   .vhost = SLICE("/"),
                                                   .exchange = SLICE("unifiedfeed"),
                                                   .keys = keys,
                                                   .keys_count = 1,
                                                   .message_bytes_max = 65536};
    assert_int_equal(loop_new(&world.loop), 0);
    assert_int_equal(uof_link_new(world.loop, &options, &listener, &world.link), 0);
}

static void begin(void)
{
    begin_within(30 * US_PER_SECOND);
}

static void end(void)
{
    uof_link_free(world.link);
    loop_free(world.loop);
    if (world.broker >= 0)
        assert_int_equal(close(world.broker), 0);
    assert_int_equal(close(world.listener), 0);
}

static void turn(void)
{
    assert_int_equal(loop_run_once(world.loop, 1000), 0);
}

#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        unsigned turns_ = 0;                                                                       \
        while (!(condition)) {                                                                     \
            if (++turns_ > TURNS_MAX)                                                              \
                fail_msg("never: %s", #condition);                                                 \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

static bool accepts(void)
{
    if (world.broker >= 0)
        assert_int_equal(close(world.broker), 0);
    world.broker = accept4(world.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return world.broker >= 0;
}

static void say(const struct buf *words)
{
    size_t sent = 0;
    while (sent < words->bytes) {
        ssize_t more = send(world.broker, words->at + sent, words->bytes - sent, MSG_NOSIGNAL);
        if (more > 0)
            sent += (size_t)more;
        else
            assert_int_equal(errno, EAGAIN);
        turn();
    }
}

static void serve(void)
{
    static char memory[4096];
    struct buf words = buf_over(memory, sizeof memory);
    unsigned ups = world.ups;
    TURN_UNTIL(accepts());
    word_way_up(&words, 1);
    say(&words);
    TURN_UNTIL(world.ups > ups);
}

static void say_message(const char *body)
{
    static char memory[4096];
    struct buf words = buf_over(memory, sizeof memory);
    word_message(&words, body, 1000);
    say(&words);
}

static const struct uof_link_stats *stats(void)
{
    return uof_link_stats(world.link);
}

TEST(uof_link, hands_messages_over_in_their_order)
{
    begin();
    serve();
    assert_int_equal(stats()->up.value, 1);
    say_message("one");
    say_message("bad");
    say_message("two");
    TURN_UNTIL(stats()->messages.value == 3);
    assert_true(slice_is(buf_slice(&world.heard), "[one][bad][two]"));
    assert_int_equal(stats()->malformed.value, 1);
    assert_int_equal(world.resets, 0);
    end();
}

TEST(uof_link, takes_every_byte_as_a_sign_of_life)
{
    static char memory[64];
    struct buf words = buf_over(memory, sizeof memory);
    begin();
    serve();
    uint64_t before = world.heartbeats;
    word_heartbeat(&words);
    say(&words);
    TURN_UNTIL(world.heartbeats > before);
    before = world.heartbeats;
    words.bytes -= 3; /* a part of a frame is one, too */
    say(&words);
    TURN_UNTIL(world.heartbeats > before);
    end();
}

TEST(uof_link, beats_while_there_is_nothing_to_say)
{
    begin();
    serve();
    TURN_UNTIL(stats()->heartbeats.value == 2);
    assert_int_equal(world.downs, 0);
    end();
}

TEST(uof_link, leaves_a_broker_that_is_silent_and_comes_back)
{
    begin_within(SHORT_US);
    serve();
    TURN_UNTIL(world.downs == 1);
    assert_int_equal(world.resets, 1);
    assert_string_equal(world.problem, "the broker is silent");
    assert_int_equal(stats()->silences.value, 1);
    assert_int_equal(stats()->up.value, 0);
    serve();
    say_message("again");
    TURN_UNTIL(stats()->messages.value == 1);
    assert_int_equal(stats()->losses.value, 1);
    end();
}

TEST(uof_link, waits_for_no_broker_that_never_comes_up)
{
    begin_within(SHORT_US);
    TURN_UNTIL(accepts());
    TURN_UNTIL(stats()->setups.value == 1);
    assert_int_equal(world.resets, 0); /* nothing was known through it */
    assert_string_equal(world.problem, "the broker takes too long to serve us");
    serve();
    end();
}

/* Bytes alone keep none waiting for ever that does not come up with them. */
TEST(uof_link, waits_for_no_broker_that_only_beats)
{
    static char memory[64];
    struct buf words = buf_over(memory, sizeof memory);
    begin_within(SHORT_US);
    TURN_UNTIL(accepts());
    word_heartbeat(&words);
    while (stats()->setups.value == 0) {
        ssize_t sent = send(world.broker, words.at, words.bytes, MSG_NOSIGNAL);
        assert_true(sent != 0);
        turn();
    }
    assert_int_equal(world.resets, 0);
    end();
}

TEST(uof_link, leaves_a_broker_that_talks_nonsense)
{
    struct buf words = buf_over((char[]){"nonsense"}, 8);
    words.bytes = 8;
    begin();
    serve();
    say(&words);
    TURN_UNTIL(world.downs == 1);
    assert_int_equal(stats()->broken.value, 1);
    assert_int_equal(world.resets, 1);
    TURN_UNTIL(accepts());
    say(&words);
    TURN_UNTIL(world.downs == 2);
    assert_int_equal(stats()->broken.value, 2);
    assert_int_equal(world.resets, 1);
    serve();
    end();
}

TEST(uof_link, leaves_a_broker_whose_message_is_too_long)
{
    static char memory[256];
    struct buf words = buf_over(memory, sizeof memory);
    begin();
    serve();
    word_deliver(&words);
    word_header(&words, 65537);
    say(&words);
    TURN_UNTIL(world.downs == 1);
    assert_int_equal(stats()->too_long.value, 1);
    assert_int_equal(world.resets, 1);
    assert_int_equal(stats()->messages.value, 0);
    end();
}

TEST(uof_link, tells_why_a_broker_refuses_us)
{
    static char memory[512];
    struct buf words = buf_over(memory, sizeof memory);
    begin();
    TURN_UNTIL(accepts());
    word_start(&words, "PLAIN");
    word_close(&words, 403, "ACCESS_REFUSED");
    say(&words);
    TURN_UNTIL(world.downs == 1);
    assert_string_equal(world.problem, "the broker says 403: ACCESS_REFUSED");
    assert_int_equal(stats()->broken.value, 0);
    end();
}

/* What cannot be taken waits, in bounded memory, and is then taken whole and in order; the silence
 * meanwhile is ours. */
TEST(uof_link, reads_no_further_than_the_book_can_take)
{
    enum { COUNT = 3000 };
    static char memory[COUNT * 256], body[64];
    struct buf words = buf_over(memory, sizeof memory);
    struct buf wanted = buf_over(malloc(COUNT * 16), COUNT * 16);
    begin();
    serve();
    world.ready = false;
    for (unsigned i = 0; i < COUNT; i++) {
        struct buf text = buf_over(body, sizeof body);
        buf_printf(&text, "%u", i);
        buf_put_char(&text, '\0');
        word_message(&words, body, 2);
        buf_printf(&wanted, "[%s]", body);
    }
    size_t sent = 0;
    for (unsigned i = 0; i < 1000; i++) {
        ssize_t more = send(world.broker, words.at + sent, words.bytes - sent, MSG_NOSIGNAL);
        sent += more > 0 ? (size_t)more : 0;
        turn();
    }
    assert_true(stats()->messages.value <= 1); /* the one that filled the book */
    assert_true(stats()->book_reached.value >= 1);
    assert_true(stats()->held_bytes.value > 0);
    assert_true(stats()->held_bytes.value <= 4 * UOF_FRAME_BYTES_MAX);
    assert_int_equal(world.downs, 0);
    world.ready = true;
    struct buf rest = buf_over(words.at + sent, words.bytes - sent);
    rest.bytes = words.bytes - sent;
    say(&rest);
    TURN_UNTIL(stats()->messages.value == COUNT);
    assert_false(wanted.overflow);
    assert_true(slice_equal(buf_slice(&world.heard), buf_slice(&wanted)));
    assert_true(stats()->turn_reached.value > 1);
    free(wanted.at);
    end();
}

TEST(uof_link, comes_to_a_broker_that_was_not_there)
{
    begin();
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    for (unsigned i = 0; i < 3; i++) { /* it resets whoever connects */
        TURN_UNTIL(accepts());
        assert_int_equal(setsockopt(world.broker, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
        assert_int_equal(close(world.broker), 0);
        world.broker = -1;
        TURN_UNTIL(world.downs > i);
    }
    serve();
    assert_int_equal(world.resets, 0);
    assert_true(stats()->connects.value >= 4);
    end();
}

TEST(uof_link, ends_for_ever_and_says_nothing_to_the_source)
{
    begin();
    serve();
    uof_link_end(world.link);
    for (unsigned i = 0; i < 500; i++)
        turn();
    assert_false(accepts());
    assert_int_equal(world.resets, 0);
    assert_int_equal(world.downs, 0);
    assert_int_equal(stats()->up.value, 0);
    end();
}
