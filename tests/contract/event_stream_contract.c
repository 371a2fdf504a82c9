/* event_stream_contract.c - contract in event_stream_contract.h. */
#include "event_stream_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/embedded/odds_cursor_file.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/odds_store_memory.h"
#include "app/odds_source.h"
#include "base/clock.h"
#include "base/error.h"

#define END_US       (90 * US_PER_SECOND)
#define WAIT_MS      50
#define KEYS         5
#define EVENTS_MAX   4096
#define REFUSED      (-ERR_STOPPED)
#define MARKETS_MAX  64
#define QUIET_ROUNDS 8 /* of WAIT_MS without an event: nothing more comes */

/* ---- the log ---- */

static char folder[64];
static struct disk *disk;
static uint64_t versions;
static uint32_t shards;

void stream_subject_open(struct stream_subject *subject)
{
    const struct odds_log_file_options options = {.sync_us_max = 10000};
    (void)snprintf(folder, sizeof folder, "/tmp/overround-streams-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(disk_open_directory(folder, &disk), 0);
    assert_int_equal(odds_log_file_open(&options, disk, NULL, &subject->log), 0);
    versions = 0;
    subject->shard = shards++;
}

static int unlink_one(void *owner, const char *name)
{
    struct disk *from = owner;
    return from->ops->unlink(from, name);
}

void stream_subject_close(struct stream_subject *subject)
{
    subject->log->ops->free(subject->log);
    assert_int_equal(disk->ops->list(disk, unlink_one, disk), 0);
    disk_free(disk);
    assert_int_equal(rmdir(folder), 0);
}

void stream_source_open(struct stream_subject *subject, struct stream_source *ret)
{
    static const uint64_t key[2] = {1, 2};
    assert_int_equal(odds_cursor_file_new(subject->log, &ret->cursor), 0);
    assert_int_equal(odds_store_memory_new(MARKETS_MAX, key, &ret->images), 0);
    const struct odds_source_ports ports = {
        .cursor = ret->cursor, .images = ret->images, .shard = subject->shard};
    assert_int_equal(odds_source_new(&ports, &ret->source), 0);
}

void stream_source_close(struct stream_source *held)
{
    held->source->ops->free(held->source);
    held->cursor->ops->free(held->cursor);
    held->images->ops->free(held->images);
}

static void put_change(struct stream_subject *subject, unsigned key, size_t selections_count)
{
    static struct odds_log_selection selections[SELECTIONS_MAX];
    static char ids[SELECTIONS_MAX][64];
    char market[16];
    (void)snprintf(market, sizeof market, "m%u", key);
    for (size_t i = 0; i < selections_count; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "selection-%zu", i);
        selections[i] = (struct odds_log_selection){
            .id = slice_text(ids[i]), SELECTION_ACTIVE, {101 + (uint32_t)(versions % 1000), 100}};
    }
    const struct odds_log_change change = {.market_id = slice_text(market),
                                           .event_id = SLICE("e"),
                                           .provider = SLICE("p"),
                                           .status = MARKET_ACTIVE,
                                           .odds_version = ++versions,
                                           .received = {1700000000000000},
                                           .selections = selections,
                                           .selections_count = selections_count};
    assert_true(subject->log->ops->append(subject->log, &change) > 0);
}

/* `count` further events, over all keys. */
static void say(struct stream_subject *subject, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put_change(subject, (unsigned)(versions % KEYS), 2);
    assert_int_equal(odds_log_file_flush(subject->log), 0);
}

static void tell(struct stream_subject *subject)
{
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    while (subject->tell != NULL && !subject->tell(subject))
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
}

static void say_and_tell(struct stream_subject *subject, unsigned count)
{
    say(subject, count);
    tell(subject);
}

/* ---- what was read ---- */

struct seen {
    const struct stream_subject *subject;
    uint64_t version[EVENTS_MAX];
    char key[EVENTS_MAX];
    size_t count;
    size_t refuse_at; /* the event with this number is refused; SIZE_MAX: none */
    size_t longest;
    bool passes_repeats; /* by what they are marked with */
    uint64_t last[128];  /* of each key */
};

static struct seen *seen_new(const struct stream_subject *subject)
{
    struct seen *seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    seen->subject = subject;
    seen->refuse_at = SIZE_MAX;
    return seen;
}

static uint64_t number_after(struct slice value, const char *what)
{
    static char text[EVENT_VALUE_BYTES_MAX + 1];
    memcpy(text, value.at, value.bytes);
    text[value.bytes] = '\0';
    const char *at = strstr(text, what);
    assert_non_null(at);
    return strtoull(at + strlen(what), NULL, 10);
}

static int on_event(void *owner, const struct event *event)
{
    struct seen *seen = owner;
    char begin[16];
    (void)snprintf(begin, sizeof begin, "%u-", seen->subject->shard);
    if (!slice_begins(event->seq, slice_text(begin)))
        return 0; /* of another test */
    if (seen->count == seen->refuse_at) {
        seen->refuse_at = SIZE_MAX;
        return REFUSED;
    }
    assert_true(seen->count < EVENTS_MAX);
    assert_int_equal(event->key.bytes, 2);
    uint64_t version = number_after(event->value, "\"odds_version\":");
    uint64_t *last = &seen->last[(unsigned char)event->key.at[1] % 128];
    if (seen->passes_repeats && version <= *last)
        return 0;
    *last = version;
    seen->key[seen->count] = event->key.at[1];
    seen->version[seen->count++] = version;
    if (event->value.bytes > seen->longest)
        seen->longest = event->value.bytes;
    return 0;
}

/* One look; whether something came. */
static bool look(struct event_reader *reader, struct seen *seen, int events_max)
{
    size_t before = seen->count;
    int count = reader->ops->read(reader, events_max, WAIT_MS, on_event, seen);
    assert_true(count >= 0 || count == -ERR_ABSENT);
    return seen->count > before;
}

static void read_until(struct event_reader *reader, struct seen *seen, size_t count)
{
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    while (seen->count < count) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        (void)look(reader, seen, 1000);
        if (seen->subject->tell != NULL)
            (void)seen->subject->tell((struct stream_subject *)seen->subject);
    }
}

static void check_nothing_more(struct event_reader *reader, struct seen *seen)
{
    for (int i = 0; i < QUIET_ROUNDS; i++)
        assert_false(look(reader, seen, 1000));
}

/* Each version from `from` to `to` once, those of a key in their order. */
static void check_all_once(const struct seen *seen, size_t begin, uint64_t from, uint64_t to)
{
    static unsigned char times[EVENTS_MAX];
    uint64_t last[128] = {0};
    memset(times, 0, sizeof times);
    for (size_t i = begin; i < seen->count; i++) {
        uint64_t version = seen->version[i];
        unsigned char key = (unsigned char)seen->key[i];
        assert_true(version > last[key]);
        assert_in_range(version, from, to);
        assert_int_equal(++times[version], 1);
        last[key] = version;
    }
    assert_int_equal(seen->count - begin, to - from + 1);
}

static void forget_between(struct seen *seen, size_t from, size_t to)
{
    memmove(seen->version + from, seen->version + to, (seen->count - to) * sizeof *seen->version);
    memmove(seen->key + from, seen->key + to, seen->count - to);
    seen->count -= to - from;
}

static void commit(struct event_reader *reader)
{
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    while (reader->ops->commit(reader) < 0)
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
}

static void end(struct event_reader *reader)
{
    reader->ops->free(reader);
}

/* Reads all that there is as one more member, whose group's name is of this subject alone. */
static struct event_reader *member(struct stream_subject *subject, const char *name)
{
    char group[EVENT_GROUP_BYTES_MAX];
    (void)snprintf(group, sizeof group, "%s-%u-%d", name, subject->shard, (int)getpid());
    return subject->reader_new(subject, group);
}

/* ---- the sentences ---- */

void event_stream_contract_every_event_is_read_in_the_order_of_its_key(
    struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    say_and_tell(subject, 300);
    read_until(reader, seen, 300);
    check_all_once(seen, 0, 1, 300);
    check_nothing_more(reader, seen);
    say_and_tell(subject, 50);
    read_until(reader, seen, 350);
    check_all_once(seen, 0, 1, 350);
    end(reader);
    free(seen);
}

void event_stream_contract_the_longest_event_is_read_whole(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    put_change(subject, 0, SELECTIONS_MAX);
    say_and_tell(subject, 3);
    read_until(reader, seen, 4);
    check_all_once(seen, 0, 1, 4);
    assert_true(seen->longest > (size_t)50 * SELECTIONS_MAX);
    end(reader);
    free(seen);
}

void event_stream_contract_what_was_committed_does_not_come_again(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    say_and_tell(subject, 40);
    read_until(reader, seen, 40);
    commit(reader);
    end(reader);
    say_and_tell(subject, 20);
    reader = member(subject, "g");
    read_until(reader, seen, 60);
    check_nothing_more(reader, seen);
    check_all_once(seen, 0, 1, 60);
    end(reader);
    free(seen);
}

void event_stream_contract_what_was_not_committed_comes_again(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    say_and_tell(subject, 30);
    read_until(reader, seen, 30);
    end(reader);
    reader = member(subject, "g");
    read_until(reader, seen, 60);
    check_all_once(seen, 30, 1, 30);
    end(reader);
    free(seen);
}

void event_stream_contract_a_commit_holds_for_what_was_visited_and_no_more(
    struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    say_and_tell(subject, 40);
    while (seen->count < 7) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        (void)look(reader, seen, 1);
    }
    assert_int_equal(seen->count, 7);
    commit(reader);
    end(reader);
    reader = member(subject, "g");
    read_until(reader, seen, 40);
    check_nothing_more(reader, seen);
    check_all_once(seen, 0, 1, 40);
    end(reader);
    free(seen);
}

void event_stream_contract_an_event_that_was_refused_comes_again(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    int count = 0;
    say_and_tell(subject, 25);
    seen->refuse_at = 10;
    while (count != REFUSED) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        count = reader->ops->read(reader, 1000, WAIT_MS, on_event, seen);
        assert_true(count >= 0 || count == -ERR_ABSENT || count == REFUSED);
    }
    assert_int_equal(seen->count, 10);
    commit(reader); /* of the ten */
    read_until(reader, seen, 25);
    check_all_once(seen, 0, 1, 25);
    end(reader);
    reader = member(subject, "g");
    read_until(reader, seen, 40);
    check_nothing_more(reader, seen);
    forget_between(seen, 10, 25); /* what came again, and no other */
    check_all_once(seen, 0, 1, 25);
    end(reader);
    free(seen);
}

void event_stream_contract_every_group_reads_everything(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject), *other = seen_new(subject);
    struct event_reader *reader = member(subject, "g"), *second = member(subject, "h");
    say_and_tell(subject, 60);
    read_until(reader, seen, 60);
    commit(reader);
    read_until(second, other, 60);
    check_all_once(seen, 0, 1, 60);
    check_all_once(other, 0, 1, 60);
    end(reader);
    end(second);
    free(seen);
    free(other);
}

/* While shares are given out anew, what was read and not committed comes again: marked. */
void event_stream_contract_a_member_goes_on_where_another_one_ended(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject), *after = seen_new(subject);
    struct event_reader *reader = member(subject, "g"), *second = NULL;
    after->passes_repeats = true;
    say_and_tell(subject, 50);
    read_until(reader, seen, 50);
    commit(reader);
    second = member(subject, "g");
    uint64_t generation = second->ops->generation(second);
    for (int i = 0; i < QUIET_ROUNDS; i++) { /* both are members for a while */
        (void)look(second, after, 1000);
        (void)look(reader, seen, 1000);
    }
    end(reader);
    say_and_tell(subject, 30);
    read_until(second, after, 30);
    assert_int_not_equal(second->ops->generation(second), generation);
    check_all_once(seen, 0, 1, 50);
    check_all_once(after, 0, 51, 80);
    end(second);
    free(seen);
    free(after);
}

void event_stream_contract_a_member_that_stays_without_reading_loses_nothing(
    struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    say_and_tell(subject, 20);
    read_until(reader, seen, 20);
    say_and_tell(subject, 20);
    for (int i = 0; i < 5; i++) {
        int error = reader->ops->stay(reader, WAIT_MS);
        assert_true(error == 0 || error == -ERR_ABSENT);
    }
    assert_int_equal(seen->count, 20);
    read_until(reader, seen, 40);
    check_nothing_more(reader, seen);
    check_all_once(seen, 0, 1, 40);
    end(reader);
    free(seen);
}

void event_stream_contract_the_lag_ends_when_all_was_read(struct stream_subject *subject)
{
    struct seen *seen = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    say_and_tell(subject, 500);
    while (seen->count < 10) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        (void)look(reader, seen, 1);
    }
    assert_true(reader->ops->lag(reader) > 0);
    read_until(reader, seen, 500);
    while (reader->ops->lag(reader) > 0) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        (void)look(reader, seen, 1000);
    }
    check_all_once(seen, 0, 1, 500);
    end(reader);
    free(seen);
}

/* ---- a wire that fails ---- */

/* Events before, during and after the fault are each there once for who comes afterwards, and for
 * who reads on through it, whose share may have gone and come back: then what was not committed
 * comes again. */
static void check_through(struct stream_subject *subject, enum wire_fault fault)
{
    struct seen *seen = seen_new(subject), *later = seen_new(subject);
    struct event_reader *reader = member(subject, "g");
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    seen->passes_repeats = true;
    say_and_tell(subject, 40);
    read_until(reader, seen, 40);
    commit(reader);
    subject->disturb(subject, fault);
    say(subject, 40);
    while (!subject->was_met(subject)) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        (void)subject->tell(subject);
        (void)look(reader, seen, 1000);
    }
    subject->disturb(subject, WIRE_WORKS);
    tell(subject);
    say_and_tell(subject, 20);
    read_until(reader, seen, 100);
    check_all_once(seen, 0, 1, 100);
    end(reader);
    reader = member(subject, "h");
    read_until(reader, later, 100);
    check_nothing_more(reader, later);
    check_all_once(later, 0, 1, 100);
    end(reader);
    free(seen);
    free(later);
}

void event_stream_contract_all_is_there_once_after_a_lost_request(struct stream_subject *subject)
{
    check_through(subject, WIRE_LOSES_REQUEST);
}

void event_stream_contract_all_is_there_once_after_a_lost_answer(struct stream_subject *subject)
{
    check_through(subject, WIRE_LOSES_ANSWER);
}

void event_stream_contract_all_is_there_once_after_a_silence(struct stream_subject *subject)
{
    check_through(subject, WIRE_IS_SILENT);
}

void event_stream_contract_all_is_there_once_after_refusals(struct stream_subject *subject)
{
    check_through(subject, WIRE_REFUSES);
}
