/* test_source_pages.c - app/source_pages.h on a log in memory: whichever place one reads from, and
 * in pieces however small, what comes is the same, also while the log grows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "app/source_pages.h"
#include "base/error.h"
#include "base/prng.h"

#define RECORDS_MAX 500
#define REFUSED     (-ERR_STOPPED)
#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 50 /* each makes readers, whose rooms are large */
#else
#define ROUNDS 200
#endif

/* Record n is n % 4 events; a step is 1 + n % 7 records, as far as there are so many. */
struct scripted {
    struct event_source port;
    uint64_t records, at;
    unsigned seeks;
    bool fails;
};

static int source_seek(struct event_source *port, uint64_t position)
{
    struct scripted *s = (struct scripted *)port;
    s->seeks++;
    if (position > s->records)
        return -ERR_CORRUPT;
    s->at = position;
    return 0;
}

static int source_step(struct event_source *port, size_t bytes_max, event_visit visit, void *owner,
                       uint64_t *ret_position)
{
    struct scripted *s = (struct scripted *)port;
    char text[32];
    assert_true(bytes_max > 0);
    for (uint64_t left = 1 + s->at % 7; left > 0 && s->at < s->records; left--) {
        s->at++;
        for (uint64_t n = 0; n < s->at % 4; n++) {
            (void)snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)s->at,
                           (unsigned long long)n);
            const struct event event = {.key = SLICE("k"),
                                        .value = slice_text(text),
                                        .seq = SLICE("0-1"),
                                        .position = s->at};
            TRY(visit(owner, &event));
        }
    }
    if (s->fails)
        return -ERR_IO;
    *ret_position = s->at;
    return s->at < s->records;
}

static uint64_t source_lag(const struct event_source *port)
{
    const struct scripted *s = (const struct scripted *)port;
    return s->records - s->at;
}

static const struct event_source_ops source_ops = {source_seek, source_step, source_lag, NULL};

static struct scripted source;
static struct event_pages *pages;

static void begin(uint64_t records)
{
    source = (struct scripted){.port = {&source_ops}, .records = records};
    assert_int_equal(source_pages_new(&source.port, NULL, &pages), 0);
}

/* What was visited, as one text. */
struct seen {
    char text[16384];
    size_t bytes;
    size_t left; /* visits until one is refused; SIZE_MAX: none is */
};

static int on_event(void *owner, const struct event *event)
{
    struct seen *seen = owner;
    if (seen->left == 0)
        return REFUSED;
    if (seen->left != SIZE_MAX)
        seen->left--;
    assert_true(seen->bytes + event->value.bytes + 1 < sizeof seen->text);
    memcpy(seen->text + seen->bytes, event->value.at, event->value.bytes);
    seen->bytes += event->value.bytes;
    seen->text[seen->bytes++] = ' ';
    return 0;
}

static void check_whole(const struct seen *seen, uint64_t records)
{
    char expected[16384];
    size_t bytes = 0;
    for (uint64_t record = 1; record <= records; record++)
        for (uint64_t n = 0; n < record % 4; n++)
            bytes += (size_t)snprintf(expected + bytes, sizeof expected - bytes, "%llu.%llu ",
                                      (unsigned long long)record, (unsigned long long)n);
    assert_int_equal(seen->bytes, bytes);
    assert_memory_equal(seen->text, expected, bytes);
}

TEST(source_pages, one_who_reads_on_meets_each_event_once_without_a_seek)
{
    static struct seen seen;
    struct event_place place = {0, 0, 0};
    int more = 1;
    seen = (struct seen){.left = SIZE_MAX};
    begin(RECORDS_MAX);
    while (more > 0)
        more = pages->ops->read(pages, &place, 100, on_event, &seen);
    assert_int_equal(more, 0);
    assert_int_equal(place.position, RECORDS_MAX);
    assert_int_equal(place.skip, 0);
    assert_int_equal(pages->ops->lag(pages), 0);
    check_whole(&seen, RECORDS_MAX);
    assert_int_equal(source.seeks, 1);
    pages->ops->free(pages);
}

/* Two readers of one log: where either left off, the other goes on, wherever it has been before. */
struct reader {
    struct scripted source;
    struct event_pages *pages;
};

static void readers_new(struct reader readers[2], uint64_t records)
{
    for (int i = 0; i < 2; i++) {
        readers[i].source = (struct scripted){.port = {&source_ops}, .records = records};
        assert_int_equal(source_pages_new(&readers[i].source.port, NULL, &readers[i].pages), 0);
    }
}

static void readers_free(struct reader readers[2])
{
    for (int i = 0; i < 2; i++)
        readers[i].pages->ops->free(readers[i].pages);
}

TEST(source_pages, any_place_goes_on_behind_what_was_visited_while_the_log_grows)
{
    static struct seen seen;
    struct reader readers[2];
    struct prng prng;
    prng_seed(&prng, 5);
    for (int round = 0; round < ROUNDS; round++) {
        struct event_place place = {0, 0, 0};
        uint64_t records = prng_below(&prng, 10);
        int who = 0;
        seen = (struct seen){.left = 0};
        readers_new(readers, records);
        while (place.position < RECORDS_MAX) {
            struct event_place before = place;
            struct event_pages *mine = readers[who].pages;
            seen.left = prng_below(&prng, 9);
            int more = mine->ops->read(mine, &place, 1 + prng_below(&prng, 40), on_event, &seen);
            assert_true(more >= 0 || more == REFUSED);
            assert_true(place.position >= before.position);
            if (prng_below(&prng, 4) == 0)
                who = 1 - who;
            records += prng_below(&prng, 6);
            if (records > RECORDS_MAX)
                records = RECORDS_MAX;
            readers[0].source.records = readers[1].source.records = records;
        }
        check_whole(&seen, RECORDS_MAX);
        readers_free(readers);
    }
}

TEST(source_pages, after_an_error_it_reads_on_from_the_same_place)
{
    static struct seen seen;
    struct event_place place = {0, 0, 0};
    seen = (struct seen){.left = SIZE_MAX};
    begin(9);
    assert_int_equal(pages->ops->read(pages, &place, 4, on_event, &seen), 1);
    source.fails = true;
    int more = 1;
    while (more > 0)
        more = pages->ops->read(pages, &place, 4, on_event, &seen);
    assert_int_equal(more, -ERR_IO);
    source.fails = false;
    for (more = 1; more > 0;)
        more = pages->ops->read(pages, &place, 4, on_event, &seen);
    check_whole(&seen, 9);
    pages->ops->free(pages);
}

TEST(source_pages, a_place_behind_the_log_is_refused)
{
    static struct seen seen;
    struct event_place place = {10, 0, 5};
    begin(9);
    assert_int_equal(pages->ops->read(pages, &place, 4, on_event, &seen), -ERR_CORRUPT);
    assert_int_equal(place.position, 10);
    pages->ops->free(pages);
}
