/* test_uof_session.c - the conversation with a broker: its order, messages in pieces, and whatever
 * a broker may say that it must not. */
#include "feeds/uof/uof_session.h"

#include <stdlib.h>

#include "amqp_words.h"
#include "base/error.h"
#include "test.h"

#define MESSAGE_BYTES_MAX 64

static const struct slice keys[] = {SLICE("hi.#"), SLICE("lo.#")};

static struct uof_session *new_session(void)
{
    const struct uof_session_options options = {.user = SLICE("u"),
                                                .password = SLICE("p"),
                                                .vhost = SLICE("/"),
                                                .exchange = SLICE("unifiedfeed"),
                                                .keys = keys,
                                                .keys_count = 2,
                                                .message_bytes_max = MESSAGE_BYTES_MAX};
    struct uof_session *session = NULL;
    assert_int_equal(uof_session_new(&options, &session), 0);
    uof_session_begin(session);
    return session;
}

/* What was heard of all steps over some bytes. */
struct heard {
    int error;
    size_t used;
    bool ended, came_up;
    struct buf messages; /* "[..][..]" */
    struct buf said;
    char messages_memory[4096], said_memory[8192];
};

static void take_out(struct uof_session *session, struct heard *heard)
{
    buf_put_slice(&heard->said, buf_slice(uof_session_out(session)));
    uof_session_out(session)->bytes = 0;
    assert_false(heard->said.overflow);
}

static void heard_begin(struct heard *heard)
{
    heard->error = 0;
    heard->used = 0;
    heard->ended = heard->came_up = false;
    heard->messages = buf_over(heard->messages_memory, sizeof heard->messages_memory);
    heard->said = buf_over(heard->said_memory, sizeof heard->said_memory);
}

/* Steps while there are whole frames; each byte is where no other byte is, for the sanitizers. */
static void hear(struct uof_session *session, struct slice bytes, struct heard *heard)
{
    enum uof_session_event event = UOF_SESSION_ON;
    while (event != UOF_SESSION_WAITS && heard->error == 0 && !heard->ended) {
        size_t used = 0;
        char *alone = malloc(bytes.bytes + 1);
        assert_non_null(alone);
        memcpy(alone, bytes.at, bytes.bytes);
        heard->error = uof_session_step(session, slice_of(alone, bytes.bytes), &used, &event);
        uof_session_check(session);
        take_out(session, heard);
        heard->came_up = heard->came_up || event == UOF_SESSION_UP;
        heard->ended = heard->ended || event == UOF_SESSION_ENDED;
        if (event == UOF_SESSION_MESSAGE) {
            buf_put_char(&heard->messages, '[');
            buf_put_slice(&heard->messages, uof_session_message(session));
            buf_put_char(&heard->messages, ']');
        }
        bytes = slice_skip(bytes, used);
        heard->used += used;
        free(alone);
    }
}

static void assert_text(struct slice slice, const char *text)
{
    if (!slice_is(slice, text))
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(slice), text);
}

TEST(uof_session, comes_up_and_binds_a_queue_of_its_own_by_every_key)
{
    static char memory[4096], words[1024];
    static struct heard heard;
    struct buf broker = buf_over(memory, sizeof memory);
    struct uof_session *session = new_session();
    heard_begin(&heard);
    word_way_up(&broker, 2);
    hear(session, buf_slice(&broker), &heard);
    assert_int_equal(heard.error, 0);
    assert_true(heard.came_up);
    assert_true(uof_session_is_up(session));
    assert_string_equal(words_of(buf_slice(&heard.said), words, sizeof words),
                        "greeting 10.11 10.31 10.40 20.10 50.10 50.20 50.20 60.20");
    uof_session_free(session);
}

/* After the reserved number: the queue has no name, and of its bits exclusive and auto-delete are
 * set; the consumer's are no-ack and exclusive. Heartbeats: every two seconds. */
TEST(uof_session, asks_for_what_the_feed_wants)
{
    static char memory[4096];
    static struct heard heard;
    struct buf broker = buf_over(memory, sizeof memory);
    struct uof_session *session = new_session();
    heard_begin(&heard);
    word_way_up(&broker, 2);
    hear(session, buf_slice(&broker), &heard);
    const char declare[] = "\0\x32\0\x0a\0\0\0\x0c\0\0\0\0\xce";
    const char consume[] = "\0\x3c\0\x14\0\0\x09"
                           "amq.gen-1\0\x06\0\0\0\0\xce";
    const char tune_ok[] = "\0\x0a\0\x1f\0\x01\0\x02\0\0\0\x02\xce";
    const char plain[] = "\x05PLAIN\0\0\0\x04\0u\0p\x05"
                         "en_US";
    const char bind[] = "amq.gen-1\x0bunifiedfeed\x04lo.#";
    struct slice said = buf_slice(&heard.said);
    assert_non_null(memmem(said.at, said.bytes, declare, sizeof declare - 1));
    assert_non_null(memmem(said.at, said.bytes, consume, sizeof consume - 1));
    assert_non_null(memmem(said.at, said.bytes, tune_ok, sizeof tune_ok - 1));
    assert_non_null(memmem(said.at, said.bytes, plain, sizeof plain - 1));
    assert_non_null(memmem(said.at, said.bytes, bind, sizeof bind - 1));
    uof_session_free(session);
}

TEST(uof_session, takes_messages_wherever_they_are_cut)
{
    static char memory[8192];
    static struct heard heard;
    struct buf broker = buf_over(memory, sizeof memory);
    word_way_up(&broker, 2);
    word_message(&broker, "<alive/>", 100);
    word_heartbeat(&broker);
    word_message(&broker, "<bet_stop/>", 3);
    word_message(&broker, "", 1);
    word_message(&broker, "<odds_change/>", 14);
    for (size_t piece = 1; piece < 40; piece++) {
        struct uof_session *session = new_session();
        size_t held = 0, from = 0;
        heard_begin(&heard);
        while (from + held <
               broker.bytes) { /* as a connection gives them: what was not used, too */
            size_t left = broker.bytes - from - held;
            size_t before = heard.used;
            held += left < piece ? left : piece;
            hear(session, slice_of(memory + from, held), &heard);
            from += heard.used - before;
            held -= heard.used - before;
        }
        assert_int_equal(heard.error, 0);
        assert_int_equal(heard.used, broker.bytes);
        assert_text(buf_slice(&heard.messages), "[<alive/>][<bet_stop/>][][<odds_change/>]");
        uof_session_free(session);
    }
}

TEST(uof_session, says_a_frame_is_whole_only_when_it_is)
{
    static char memory[1024];
    static struct heard heard;
    struct buf broker = buf_over(memory, sizeof memory);
    struct uof_session *session = new_session();
    word_start(&broker, "PLAIN");
    heard_begin(&heard);
    hear(session, slice_of(memory, broker.bytes - 1), &heard);
    assert_int_equal(heard.error, 0);
    assert_int_equal(heard.used, 0);
    uof_session_free(session);
}

static void end_here(struct uof_session *session, struct buf *broker, const char *problem,
                     const char *last_words)
{
    static char words[1024];
    static struct heard heard;
    heard_begin(&heard);
    hear(session, buf_slice(broker), &heard);
    assert_int_equal(heard.error, 0);
    assert_true(heard.ended);
    assert_text(uof_session_problem(session), problem);
    const char *said = words_of(buf_slice(&heard.said), words, sizeof words);
    size_t bytes = strlen(last_words);
    assert_true(strlen(said) >= bytes);
    assert_string_equal(said + strlen(said) - bytes, last_words);
    /* whatever follows is refused */
    size_t used = 0;
    enum uof_session_event event;
    assert_int_equal(uof_session_step(session, buf_slice(broker), &used, &event), -ERR_FORMAT);
    uof_session_free(session);
}

TEST(uof_session, tells_why_the_broker_ends_it)
{
    static char memory[4096];
    struct buf broker = buf_over(memory, sizeof memory);
    word_start(&broker, "PLAIN");
    word_close(&broker, 403, "ACCESS_REFUSED\nno\x80");
    end_here(new_session(), &broker, "the broker says 403: ACCESS_REFUSED?no?", "10.51");
    broker.bytes = 0;
    word_way_up(&broker, 2);
    word_cancel(&broker);
    end_here(new_session(), &broker, "the broker took the queue away", "10.50");
    broker.bytes = 0;
    word_way_up(&broker, 2);
    word_deliver(&broker);
    word_close(&broker, 320, "CONNECTION_FORCED"); /* in the midst of a message */
    end_here(new_session(), &broker, "the broker says 320: CONNECTION_FORCED", "10.51");
    broker.bytes = 0;
    word_start(&broker, "PLAIN");
    word_tune(&broker, 0);
    word_open_ok(&broker);
    word_channel_open_ok(&broker);
    word_channel_close(&broker, 404, "NOT_FOUND - no exchange 'unifiedfeed'");
    end_here(new_session(), &broker, "the broker says 404: NOT_FOUND - no exchange 'unifiedfeed'",
             "10.50");
}

/* ---- what a broker must not say ---- */

static void garbage(struct buf *to)
{
    buf_put_text(to, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void other_version(struct buf *to)
{
    buf_put(to, "AMQP\x03\x01\0\0", 8);
}

static void bad_end(struct buf *to)
{
    word_start(to, "PLAIN");
    to->at[to->bytes - 1] = 0;
}

static void huge_frame(struct buf *to)
{
    buf_put(to, "\x01\0\0\x7f\xff\xff\xff", 7);
}

static void full_frame(struct buf *to) /* its length and ours would wrap to a small number */
{
    buf_put(to, "\x01\0\0\xff\xff\xff\xff", 7);
}

static void no_plain(struct buf *to)
{
    word_start(to, "EXTERNAL PLAINER");
}

static void short_frames(struct buf *to)
{
    word_start(to, "PLAIN");
    word_tune(to, 100);
}

static void out_of_order(struct buf *to)
{
    word_start(to, "PLAIN");
    word_open_ok(to);
}

static void on_another_channel(struct buf *to)
{
    word_start(to, "PLAIN");
    word_tune(to, 4096);
    word_open_ok(to);
    word_method(to, 2, 20, 11, slice_of("\0\0\0\0", 4));
}

static void cut_method(struct buf *to)
{
    word_method(to, 0, 10, 10, SLICE("\x00\x09\xff\xff"));
}

static void short_method(struct buf *to)
{
    word_frame(to, WORD_METHOD, 0, SLICE("\x00\x0a"));
}

static void long_method(struct buf *to)
{
    static char zeros[UOF_METHOD_BYTES_MAX + 1];
    word_frame(to, WORD_METHOD, 0, slice_of(zeros, sizeof zeros));
}

/* Arrays in arrays in one property, as deep as a method's bytes allow. */
static void deep_table(struct buf *to)
{
    static char memory[UOF_METHOD_BYTES_MAX - 4];
    struct buf arguments = buf_over(memory, sizeof memory);
    size_t levels = (sizeof memory - 2 - 4 - 3) / 5;
    size_t inside = levels * 5;
    buf_put(&arguments, "\0\x09", 2);
    buf_put(&arguments, (const char[]){0, 0, (char)((inside + 2) >> 8), (char)(inside + 2)}, 4);
    buf_put(&arguments, "\x01k", 2);
    for (; levels > 0; levels--) {
        inside -= 5;
        buf_put(&arguments, (const char[]){'A', 0, 0, (char)(inside >> 8), (char)inside}, 5);
    }
    word_method(to, 0, 10, 10, buf_slice(&arguments));
}

static void nameless_queue(struct buf *to)
{
    word_start(to, "PLAIN");
    word_tune(to, 0);
    word_open_ok(to);
    word_channel_open_ok(to);
    word_declare_ok(to, "");
}

static void message_too_early(struct buf *to)
{
    word_start(to, "PLAIN");
    word_message(to, "<alive/>", 8);
}

static void body_without_header(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_frame(to, WORD_BODY, 1, SLICE("x"));
}

static void header_twice(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_header(to, 5);
    word_header(to, 5);
}

static void header_of_no_message(struct buf *to)
{
    word_way_up(to, 2);
    word_header(to, 5);
}

static void short_header(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_frame(to, WORD_HEADER, 1, SLICE("\0\x3c\0\0\0"));
}

static void two_deliveries(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_deliver(to);
}

static void body_too_long(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_header(to, 3);
    word_frame(to, WORD_BODY, 1, SLICE("four"));
}

static void message_too_long(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_header(to, MESSAGE_BYTES_MAX + 1);
}

static void message_longer_than_memory(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_header(to, UINT64_MAX);
}

static void frame_longer_than_agreed(struct buf *to)
{
    word_start(to, "PLAIN");
    word_tune(to, 4096);
    buf_put(to, "\x01\0\0\0\0\x10\0", 7);
}

static void message_on_channel_zero(struct buf *to)
{
    word_way_up(to, 2);
    word_deliver(to);
    word_frame(to, WORD_HEADER, 0, SLICE_NONE);
}

static void heartbeat_with_a_load(struct buf *to)
{
    word_frame(to, WORD_HEARTBEAT, 0, SLICE("x"));
}

static const struct {
    const char *name;
    void (*say)(struct buf *to);
    int error;
    const char *problem;
} refused[] = {
    {"no AMQP", garbage, -ERR_FORMAT, "this is no AMQP 0-9-1"},
    {"another version of it", other_version, -ERR_FORMAT, "this is no AMQP 0-9-1"},
    {"a frame that does not end", bad_end, -ERR_FORMAT, "this is no AMQP 0-9-1"},
    {"a huge frame", huge_frame, -ERR_LIMIT, "a frame is too long"},
    {"the longest frame", full_frame, -ERR_LIMIT, "a frame is too long"},
    {"no PLAIN", no_plain, -ERR_FORMAT, "the broker does not take PLAIN"},
    {"frames too short", short_frames, -ERR_FORMAT, "the broker's frames are too short"},
    {"an answer out of order", out_of_order, -ERR_FORMAT,
     "a method of the broker's that is not due"},
    {"another channel", on_another_channel, -ERR_FORMAT,
     "a method of the broker's that is not due"},
    {"a method cut off", cut_method, -ERR_FORMAT, "a method of the broker's cannot be read"},
    {"a method without its number", short_method, -ERR_FORMAT,
     "a method of the broker's cannot be read"},
    {"a long method", long_method, -ERR_LIMIT, "a method of the broker's cannot be read"},
    {"a deep table", deep_table, -ERR_FORMAT, "a method of the broker's cannot be read"},
    {"a queue without a name", nameless_queue, -ERR_FORMAT, "the broker's queue has no name"},
    {"a message too early", message_too_early, -ERR_FORMAT,
     "a method of the broker's that is not due"},
    {"a body without a header", body_without_header, -ERR_FORMAT,
     "the body of a message that is not due"},
    {"a header twice", header_twice, -ERR_FORMAT, "the header of a message that is not due"},
    {"a header of no message", header_of_no_message, -ERR_FORMAT,
     "the header of a message that is not due"},
    {"a header cut off", short_header, -ERR_FORMAT, "the header of a message cannot be read"},
    {"two deliveries", two_deliveries, -ERR_FORMAT, "a method of the broker's that is not due"},
    {"a body too long", body_too_long, -ERR_FORMAT, "a message is longer than its header says"},
    {"a message too long", message_too_long, -ERR_LIMIT, "a message is too long"},
    {"a message of all bytes there are", message_longer_than_memory, -ERR_LIMIT,
     "a message is too long"},
    {"a frame longer than agreed", frame_longer_than_agreed, -ERR_LIMIT, "a frame is too long"},
    {"a message on channel 0", message_on_channel_zero, -ERR_FORMAT,
     "a message on a channel that is not open"},
    {"a heartbeat with a load", heartbeat_with_a_load, -ERR_FORMAT, "a heartbeat that is none"},
};

TEST(uof_session, refuses_what_is_not_due)
{
    static char memory[65536];
    static struct heard heard;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct uof_session *session = new_session();
        struct buf broker = buf_over(memory, sizeof memory);
        refused[i].say(&broker);
        assert_false(broker.overflow);
        heard_begin(&heard);
        hear(session, buf_slice(&broker), &heard);
        if (heard.error != refused[i].error ||
            !slice_is(uof_session_problem(session), refused[i].problem))
            fail_msg("%s: %s, %.*s", refused[i].name, error_text(heard.error),
                     SLICE_ARG(uof_session_problem(session)));
        assert_int_equal(heard.messages.bytes, 0);
        uof_session_begin(session); /* the next connection knows nothing of it */
        assert_false(uof_session_is_up(session));
        uof_session_free(session);
    }
}
