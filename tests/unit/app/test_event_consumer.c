/* test_event_consumer.c - app/event_consumer.h on a stream and a sink in memory: nothing is
 * committed that is not where it belongs, and what is not committed comes again. */
#include <string.h>

#include "test.h"

#include "app/event_consumer.h"
#include "base/error.h"
#include "base/prng.h"

#define EVENTS 3000

/* ---- a stream of EVENTS events ---- */

static struct {
    struct event_reader port;
    uint64_t at, committed, generation;
    int next; /* answer of the next read or commit, when below 0 */
    int stays;
    bool moves; /* the next stay gives the share away and back */
} stream;

static int reader_read(struct event_reader *reader, int events_max, int wait_ms, event_visit visit,
                       void *owner)
{
    int error = stream.next;
    (void)reader, (void)wait_ms;
    stream.next = 0;
    if (error < 0)
        return error;
    int count = 0;
    for (; count < events_max && stream.at < EVENTS; count++) {
        const struct event event = {
            .key = SLICE("k"), .value = SLICE("{}"), .seq = SLICE("0-1"), .position = stream.at};
        TRY(visit(owner, &event));
        stream.at++;
    }
    return count;
}

static uint64_t reader_generation(const struct event_reader *reader)
{
    (void)reader;
    return stream.generation;
}

static int reader_commit(struct event_reader *reader)
{
    int error = stream.next;
    (void)reader;
    stream.next = 0;
    if (error == 0)
        stream.committed = stream.at;
    return error;
}

static int reader_stay(struct event_reader *reader, int wait_ms)
{
    (void)reader, (void)wait_ms;
    stream.stays++;
    if (stream.moves) {
        stream.moves = false;
        stream.generation++;
        stream.at = stream.committed;
    }
    return 0;
}

static uint64_t reader_lag(struct event_reader *reader)
{
    (void)reader;
    return EVENTS - stream.at;
}

static const struct event_reader_ops reader_ops = {.read = reader_read,
                                                   .generation = reader_generation,
                                                   .commit = reader_commit,
                                                   .stay = reader_stay,
                                                   .lag = reader_lag};

/* ---- a sink ---- */

static struct {
    struct event_sink port;
    unsigned char taken[EVENTS]; /* times */
    uint64_t settled;            /* everything below has arrived */
    uint64_t newest;
    size_t room, held; /* room 0: there is always some */
    int unsettled;     /* so often it is not done yet */
    int error;
    unsigned renewed;
} sink;

static int sink_take(struct event_sink *port, const struct event *event)
{
    (void)port;
    if (sink.error < 0)
        return sink.error;
    if (sink.room > 0 && sink.held == sink.room)
        return -ERR_BUSY;
    sink.held++;
    sink.taken[event->position]++;
    sink.newest = event->position + 1;
    return 0;
}

static int sink_settle(struct event_sink *port)
{
    (void)port;
    if (sink.unsettled > 0) {
        sink.unsettled--;
        return 0;
    }
    sink.held = 0;
    sink.settled = sink.newest;
    return 1;
}

static void sink_renew(struct event_sink *port)
{
    (void)port;
    sink.renewed++;
}

static const struct event_sink_ops sink_ops = {sink_take, sink_settle, sink_renew};

static struct event_consumer *consumer;

static void begin(void)
{
    memset(&stream, 0, sizeof stream);
    memset(&sink, 0, sizeof sink);
    stream.port.ops = &reader_ops;
    stream.generation = 1;
    sink.port.ops = &sink_ops;
    assert_int_equal(event_consumer_new(&stream.port, &sink.port, &consumer), 0);
}

static void steps(int count)
{
    for (int i = 0; i < count; i++) {
        assert_true(event_consumer_step(consumer) >= 0);
        assert_true(stream.committed <= sink.settled);
    }
}

TEST(event_consumer, takes_everything_and_commits_behind_the_sink)
{
    begin();
    steps(10);
    assert_int_equal(stream.committed, EVENTS);
    for (size_t i = 0; i < EVENTS; i++)
        assert_int_equal(sink.taken[i], 1);
    struct consumer_stats stats = event_consumer_stats(consumer);
    assert_int_equal(stats.events, EVENTS);
    assert_int_equal(stats.lag, 0);
    assert_int_equal(stats.generation, 1);
    assert_true(event_consumer_is_settled(consumer));
    event_consumer_free(consumer);
}

TEST(event_consumer, a_sink_without_room_settles_and_gets_the_event_again)
{
    begin();
    sink.room = 7;
    steps(2 * EVENTS / 7 + 10);
    assert_int_equal(stream.committed, EVENTS);
    for (size_t i = 0; i < EVENTS; i++)
        assert_int_equal(sink.taken[i], 1);
    event_consumer_free(consumer);
}

TEST(event_consumer, stays_a_member_while_the_sink_is_not_done)
{
    begin();
    sink.room = 5;
    sink.unsettled = 3;
    steps(4);
    assert_int_equal(stream.stays, 3);
    assert_int_equal(stream.committed, 0);
    assert_false(event_consumer_is_settled(consumer));
    assert_true(event_consumer_settle(consumer) >= 0);
    assert_int_equal(stream.committed, 5);
    assert_true(event_consumer_is_settled(consumer));
    event_consumer_free(consumer);
}

TEST(event_consumer, a_stream_that_is_away_is_tried_again)
{
    begin();
    stream.next = -ERR_ABSENT;
    assert_int_equal(event_consumer_step(consumer), CONSUMER_AWAY);
    assert_true(event_consumer_stats(consumer).away);
    steps(10);
    assert_false(event_consumer_stats(consumer).away);
    assert_int_equal(stream.committed, EVENTS);
    event_consumer_free(consumer);
}

TEST(event_consumer, an_error_of_the_sink_or_the_stream_ends_it_for_good)
{
    begin();
    sink.error = -ERR_IO;
    assert_int_equal(event_consumer_step(consumer), -ERR_IO);
    sink.error = 0;
    assert_int_equal(event_consumer_step(consumer), -ERR_IO);
    assert_int_equal(stream.committed, 0);
    event_consumer_free(consumer);
    begin();
    stream.next = -ERR_CONFIG;
    assert_int_equal(event_consumer_step(consumer), -ERR_CONFIG);
    assert_int_equal(event_consumer_step(consumer), -ERR_CONFIG);
    event_consumer_free(consumer);
}

/* Whatever fails when: everything is taken, what is committed has arrived, and what comes more than
 * once came with a new share, which the sink was told of. */
TEST(event_consumer, by_chance_nothing_is_left_out)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct prng prng;
        prng_seed(&prng, seed);
        begin();
        sink.room = 1 + (size_t)prng_below(&prng, 400);
        for (int i = 0; stream.committed < EVENTS; i++) {
            assert_true(i < 100000);
            if (prng_below(&prng, 10) == 0)
                stream.next = -ERR_ABSENT;
            if (prng_below(&prng, 10) == 0)
                sink.unsettled = (int)prng_below(&prng, 4);
            stream.moves |= i < 5000 && prng_below(&prng, 20) == 0;
            steps(1);
        }
        for (size_t i = 0; i < EVENTS; i++)
            assert_true(sink.taken[i] >= 1);
        assert_int_equal(sink.renewed, stream.generation);
        event_consumer_free(consumer);
    }
}
