/* test_odds_source.c - app/odds_source.h on an odds log in files, beside its writer
 * (adapters/embedded/odds_cursor_file.h): whole markets, durable changes only, and the same from
 * wherever one begins, over segments and restarts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/odds_cursor_file.h"
#include "adapters/embedded/odds_store_memory.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/odds_source.h"
#include "base/error.h"
#include "base/hash.h"

#define MARKETS    7
#define EVENTS_MAX 20000

static struct faulty_disk *disk;
static struct odds_log *log_now;
static struct odds_cursor *cursor;
static struct odds_store *images;
static struct event_source *source;
static uint64_t versions;

/* What was told: hashes of the values suffice to compare. */
struct told {
    uint64_t value[EVENTS_MAX], position[EVENTS_MAX];
    size_t count;
    char last[2048];
};
static struct told told, other;

static int on_event(void *owner, const struct event *event)
{
    static const uint64_t key[2] = {1, 2};
    struct told *to = owner;
    assert_true(to->count < EVENTS_MAX);
    to->value[to->count] = siphash64(key, event->value.at, event->value.bytes);
    to->position[to->count++] = event->position;
    (void)snprintf(to->last, sizeof to->last, "%.*s %.*s", SLICE_ARG(event->seq),
                   SLICE_ARG(event->value));
    return 0;
}

static void open_log(uint64_t bytes_max)
{
    const struct odds_log_file_options options = {
        .segment_bytes = ODDS_LOG_SEGMENT_BYTES_MIN, .bytes_max = bytes_max, .stepped = true};
    assert_int_equal(odds_log_file_open(&options, faulty_disk_of(disk), NULL, &log_now), 0);
}

static void open_source(uint32_t markets_max)
{
    static const uint64_t key[2] = {1, 2};
    assert_int_equal(odds_cursor_file_new(log_now, &cursor), 0);
    assert_int_equal(odds_store_memory_new(markets_max, key, &images), 0);
    const struct odds_source_ports ports = {.cursor = cursor, .images = images};
    assert_int_equal(odds_source_new(&ports, &source), 0);
}

static void close_source(void)
{
    source->ops->free(source);
    cursor->ops->free(cursor);
    images->ops->free(images);
}

static void begin(uint64_t bytes_max)
{
    disk = faulty_disk_new();
    versions = 0;
    told.count = 0;
    open_log(bytes_max);
    open_source(100);
    assert_int_equal(source->ops->seek(source, 0), 0);
}

static void end(void)
{
    close_source();
    log_now->ops->free(log_now);
    faulty_disk_free(disk);
}

/* Of market n: what is 0 did not change. */
static void append(unsigned market, unsigned a, unsigned b)
{
    struct odds_log_selection selections[2];
    char id[16];
    size_t count = 0;
    (void)snprintf(id, sizeof id, "m%u", market);
    if (a != 0)
        selections[count++] =
            (struct odds_log_selection){.id = SLICE("a"), SELECTION_ACTIVE, {a, 100}};
    if (b != 0)
        selections[count++] =
            (struct odds_log_selection){.id = SLICE("b"), SELECTION_ACTIVE, {b, 100}};
    const struct odds_log_change change = {.market_id = slice_text(id),
                                           .event_id = SLICE("e1"),
                                           .provider = SLICE("p"),
                                           .status = MARKET_ACTIVE,
                                           .odds_version = ++versions,
                                           .received = {1700000000000000},
                                           .feed_time = {1699999999990000},
                                           .selections = selections,
                                           .selections_count = count};
    assert_true(log_now->ops->append(log_now, &change) > 0);
}

static uint64_t read_all(struct told *to)
{
    uint64_t position = 0;
    int more = 1;
    while (more > 0)
        more = source->ops->step(source, 10000, on_event, to, &position);
    assert_int_equal(more, 0);
    return position;
}

/* As a process would: first a whole image of each market, then changes. */
static void append_many(unsigned count)
{
    for (unsigned market = 0; market < MARKETS; market++)
        append(market, 200 + market, 300 + market);
    for (unsigned i = 0; i < count; i++)
        append(i % MARKETS, i % 2 == 0 ? 101 + i % 500 : 0, i % 2 == 1 ? 101 + i % 700 : 0);
    odds_log_file_step(log_now);
}

TEST(odds_source, tells_the_whole_market_of_each_change)
{
    begin(0);
    append(1, 210, 350);
    append(1, 0, 360);
    odds_log_file_step(log_now);
    (void)read_all(&told);
    assert_int_equal(told.count, 2);
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "0-%llu {\"market_id\":\"m1\",\"event_id\":\"e1\",\"provider\":\"p\","
                   "\"status\":\"active\",\"odds_version\":2,"
                   "\"updated_at\":\"2023-11-14T22:13:20.000000Z\","
                   "\"feed_timestamp\":\"2023-11-14T22:13:19.990000Z\",\"selections\":["
                   "{\"id\":\"a\",\"odds\":2.10,\"status\":\"active\"},"
                   "{\"id\":\"b\",\"odds\":3.60,\"status\":\"active\"}]}",
                   (unsigned long long)told.position[1]);
    assert_string_equal(told.last, expected);
    end();
}

TEST(odds_source, waits_for_what_is_not_durable)
{
    begin(0);
    append(1, 210, 350);
    (void)read_all(&told);
    assert_int_equal(told.count, 0);
    assert_int_equal(source->ops->lag(source), 1);
    odds_log_file_step(log_now);
    (void)read_all(&told);
    assert_int_equal(told.count, 1);
    assert_int_equal(source->ops->lag(source), 0);
    end();
}

TEST(odds_source, follows_over_segments_and_restarts_from_any_position)
{
    begin(0);
    for (int process = 0; process < 3; process++) {
        append_many(4000);
        (void)read_all(&told);
        close_source();
        log_now->ops->free(log_now);
        open_log(0);
        open_source(100);
        assert_int_equal(source->ops->seek(source, 0), 0);
        other.count = 0;
        uint64_t end_position = read_all(&other);
        assert_int_equal(other.count, told.count);
        assert_int_equal(source->ops->seek(source, end_position), 0);
    }
    assert_int_equal(told.count, 3 * (4000 + MARKETS));
    for (size_t from = 0; from < told.count; from += 997) {
        other.count = 0;
        assert_int_equal(source->ops->seek(source, told.position[from]), 0);
        (void)read_all(&other);
        assert_int_equal(other.count, told.count - from);
        assert_memory_equal(other.value, told.value + from, other.count * sizeof *other.value);
    }
    end();
}

TEST(odds_source, goes_on_with_the_oldest_that_is_kept)
{
    begin(4 * ODDS_LOG_SEGMENT_BYTES_MIN);
    append_many(3000);
    (void)read_all(&told);
    size_t before = told.count;
    append_many(40000); /* the segment that comes next is deleted before it is looked for */
    assert_int_equal(odds_source_gaps(source), 0);
    (void)read_all(&told);
    assert_int_equal(odds_source_gaps(source), 1);
    assert_true(told.count > before + 3000 && told.count < before + 40000);
    for (size_t i = 1; i < told.count; i++)
        assert_true(told.position[i] > told.position[i - 1]);
    end();
}

TEST(odds_source, tells_what_it_knows_of_markets_beyond_its_memory)
{
    begin(0);
    close_source();
    open_source(2);
    assert_int_equal(source->ops->seek(source, 0), 0);
    append_many(100);
    (void)read_all(&told);
    assert_int_equal(told.count, 100 + MARKETS);
    end();
}

TEST(odds_source, tells_nothing_that_a_failed_disk_may_not_have)
{
    begin(0);
    append_many(10);
    faulty_disk_fail_sync(disk, 1);
    append(1, 500, 500);
    odds_log_file_step(log_now);
    (void)read_all(&told);
    assert_int_equal(told.count, 10 + MARKETS);
    end();
}
