/* test_stream_publisher.c - app/stream_publisher.h on a log and a topic in memory: whatever fails
 * when, each event of the log is in the topic once. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "app/stream_publisher.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/prng.h"

#define EVENTS_MAX 4000

/* ---- a log: record n is n % 3 events ---- */

struct scripted_source {
    struct event_source port;
    uint64_t records, at;
    int fail;      /* the next step's answer, when below 0 */
    size_t filler; /* bytes of each value */
    char value[EVENT_VALUE_BYTES_MAX];
};

static int source_seek(struct event_source *port, uint64_t position)
{
    struct scripted_source *s = (struct scripted_source *)port;
    if (position > s->records)
        return -ERR_CORRUPT;
    s->at = position;
    return 0;
}

static int source_step(struct event_source *port, size_t bytes_max, event_visit visit, void *owner,
                       uint64_t *ret_position)
{
    struct scripted_source *s = (struct scripted_source *)port;
    (void)bytes_max;
    if (s->fail < 0)
        return s->fail;
    if (s->at < s->records) {
        s->at++;
        for (uint64_t n = 0; n < s->at % 3; n++) {
            const struct event event = {.key = SLICE("e"),
                                        .value = slice_of(s->value, s->filler),
                                        .seq = SLICE("0-1"),
                                        .position = s->at};
            TRY(visit(owner, &event));
        }
    }
    *ret_position = s->at;
    return s->at < s->records;
}

static uint64_t source_lag(const struct event_source *port)
{
    const struct scripted_source *s = (const struct scripted_source *)port;
    return s->records - s->at;
}

static const struct event_source_ops source_ops = {source_seek, source_step, source_lag, NULL};

/* ---- a topic ---- */

enum trouble { WELL = 0, AWAY, FAIL_PUT, LOSE_COMMIT, LOSE_ANSWER };

struct scripted_writer {
    struct event_writer port;
    uint64_t kept[EVENTS_MAX], put[EVENTS_MAX]; /* positions */
    size_t kept_count, put_count;
    uint64_t position;
    enum trouble next;
    bool begun;
    int begin_error;
};

static int writer_begin(struct event_writer *port, uint64_t *ret_position)
{
    struct scripted_writer *w = (struct scripted_writer *)port;
    if (w->begin_error < 0)
        return w->begin_error;
    if (w->next == AWAY) {
        w->next = WELL;
        return -ERR_ABSENT;
    }
    w->begun = true;
    w->put_count = 0;
    *ret_position = w->position;
    return 0;
}

static int absent(struct scripted_writer *w)
{
    w->next = WELL;
    w->begun = false;
    return -ERR_ABSENT;
}

static int writer_put(struct event_writer *port, const struct event *event)
{
    struct scripted_writer *w = (struct scripted_writer *)port;
    assert_true(w->begun);
    if (w->next == FAIL_PUT)
        return absent(w);
    assert_true(w->put_count < EVENTS_MAX);
    w->put[w->put_count++] = event->position;
    return 0;
}

static int writer_commit(struct event_writer *port, uint64_t position)
{
    struct scripted_writer *w = (struct scripted_writer *)port;
    assert_true(w->begun);
    assert_true(position > w->position);
    if (w->next == LOSE_COMMIT)
        return absent(w);
    assert_true(w->kept_count + w->put_count <= EVENTS_MAX);
    memcpy(w->kept + w->kept_count, w->put, w->put_count * sizeof *w->put);
    w->kept_count += w->put_count;
    w->put_count = 0;
    w->position = position;
    return w->next == LOSE_ANSWER ? absent(w) : 0;
}

static const struct event_writer_ops writer_ops = {writer_begin, writer_put, writer_commit, NULL,
                                                   NULL};

/* ---- both, and the publisher ---- */

static struct scripted_source source;
static struct scripted_writer writer;
static struct stream_publisher *publisher;

static void begin_publisher(void)
{
    assert_int_equal(stream_publisher_new(&source.port, &writer.port, &publisher), 0);
}

static void begin(uint64_t records)
{
    memset(&source, 0, sizeof source);
    memset(&writer, 0, sizeof writer);
    source.port.ops = &source_ops;
    source.records = records;
    writer.port.ops = &writer_ops;
    begin_publisher();
}

static int steps(int count)
{
    int result = PUBLISHER_MORE;
    for (int i = 0; i < count && result == PUBLISHER_MORE; i++)
        result = stream_publisher_step(publisher);
    return result;
}

/* Each event once, in order, up to the position. */
static void check_kept(void)
{
    size_t i = 0;
    for (uint64_t record = 1; record <= writer.position; record++)
        for (uint64_t n = 0; n < record % 3; n++, i++)
            assert_int_equal(writer.kept[i], record);
    assert_int_equal(writer.kept_count, i);
}

static void end(void)
{
    check_kept();
    stream_publisher_free(publisher);
}

TEST(stream_publisher, tells_all_events_of_the_log_in_order)
{
    begin(100);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    assert_int_equal(writer.position, 100);
    struct publisher_stats stats = stream_publisher_stats(publisher);
    assert_int_equal(stats.events, writer.kept_count);
    assert_int_equal(stats.lag, 0);
    assert_int_equal(stats.position, 100);
    end();
}

TEST(stream_publisher, goes_on_where_the_topic_is)
{
    begin(100);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    stream_publisher_free(publisher);
    source.records = 150;
    begin_publisher();
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    assert_int_equal(writer.position, 150);
    end();
}

TEST(stream_publisher, waits_in_the_log_while_the_stream_is_away)
{
    begin(100);
    writer.next = AWAY;
    assert_int_equal(steps(1000), PUBLISHER_AWAY);
    assert_true(stream_publisher_stats(publisher).away);
    assert_int_equal(stream_publisher_stats(publisher).lag, 100);
    assert_int_equal(source.at, 0);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    assert_false(stream_publisher_stats(publisher).away);
    end();
}

static void survives(enum trouble trouble, bool put_again)
{
    begin(20);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    source.records = 40;
    writer.next = trouble;
    assert_int_equal(steps(1000), PUBLISHER_AWAY);
    assert_int_equal(stream_publisher_stats(publisher).failures, 1);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    assert_int_equal(writer.position, 40);
    assert_int_equal(stream_publisher_stats(publisher).events, writer.kept_count);
    assert_int_equal(stream_publisher_stats(publisher).repeats > 0, put_again);
    end();
}

TEST(stream_publisher, puts_a_batch_again_that_broke_off)
{
    survives(FAIL_PUT, true);
}

TEST(stream_publisher, puts_a_batch_again_whose_commit_failed)
{
    survives(LOSE_COMMIT, true);
}

TEST(stream_publisher, puts_nothing_again_when_only_the_answer_was_lost)
{
    survives(LOSE_ANSWER, false);
}

TEST(stream_publisher, commits_a_batch_before_it_is_too_large)
{
    begin(600);
    source.filler = 100000;
    int most = 0, now = 0;
    size_t before = 0;
    for (int i = 0; i < 5000 && writer.position < 600; i++) {
        (void)stream_publisher_step(publisher);
        now = writer.kept_count == before ? now : (int)(writer.kept_count - before);
        before = writer.kept_count;
        most = now > most ? now : most;
    }
    assert_int_equal(writer.position, 600);
    assert_true(most > 1 && (size_t)most * source.filler <= PUBLISHER_BATCH_BYTES + 300000);
    assert_true(stream_publisher_stats(publisher).batches > 3);
    end();
}

TEST(stream_publisher, ends_where_another_process_has_told_of_the_log)
{
    begin(20);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    source.records = 40;
    writer.next = LOSE_COMMIT;
    assert_int_equal(steps(1000), PUBLISHER_AWAY);
    writer.position = 30;
    assert_int_equal(steps(1000), -ERR_STOPPED);
    assert_int_equal(steps(1), -ERR_STOPPED);
    stream_publisher_free(publisher);
}

TEST(stream_publisher, passes_over_a_writer_that_only_began)
{
    begin(20);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    writer.next = LOSE_COMMIT; /* fenced by the other's begin */
    source.records = 40;
    assert_int_equal(steps(1000), PUBLISHER_AWAY);
    assert_int_equal(steps(1000), PUBLISHER_IDLE);
    end();
}

TEST(stream_publisher, ends_with_an_error_of_the_log_or_of_its_settings)
{
    begin(20);
    source.fail = -ERR_CORRUPT;
    assert_int_equal(steps(1000), -ERR_CORRUPT);
    end();
    begin(20);
    writer.begin_error = -ERR_CONFIG;
    assert_int_equal(steps(1000), -ERR_CONFIG);
    end();
    begin(20);
    writer.position = 21; /* of a log that was longer */
    assert_int_equal(steps(1000), -ERR_CORRUPT);
    stream_publisher_free(publisher);
}

/* Thousands of random histories, with restarts of the publisher among them. */
TEST(stream_publisher, tells_each_event_once_whatever_fails_when)
{
    struct prng prng;
    prng_seed(&prng, 7);
    for (int history = 0; history < 300; history++) {
        begin(1 + prng_below(&prng, 50));
        for (int i = 0; i < 200; i++) {
            if (prng_below(&prng, 4) == 0)
                writer.next = (enum trouble)prng_below(&prng, LOSE_ANSWER + 1);
            if (prng_below(&prng, 8) == 0)
                source.records += prng_below(&prng, 20);
            if (prng_below(&prng, 40) == 0) {
                stream_publisher_free(publisher);
                begin_publisher();
            }
            assert_true(stream_publisher_step(publisher) >= 0);
            check_kept();
        }
        writer.next = WELL;
        while (writer.position < source.records)
            assert_true(stream_publisher_step(publisher) >= 0);
        end();
    }
}
