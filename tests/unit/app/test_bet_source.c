/* test_bet_source.c - app/bet_source.h and ledger/bet_events.h on the log of a book: which records
 * are messages, what they say, and that they are the same from whatever position one begins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/snapshot_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/bet_source.h"
#include "base/error.h"
#include "book_fixture.h"
#include "fake_cursor.h"

#define EVENTS_MAX 64
#define TEXT_BYTES 2048

static const struct shard_limits limits = {.accounts_max = 1000,
                                           .markets_max = 100,
                                           .selections_max = 4000,
                                           .bets_max = 20000,
                                           .verdicts_max = 20000};

static struct fixture f;
static struct fake_cursor cursor;
static struct event_source *source;
static uint64_t told;

static struct {
    char key[32], seq[32], value[TEXT_BYTES];
    uint64_t position;
} events[EVENTS_MAX];
static size_t count;

static uint64_t how_far(void *owner)
{
    (void)owner;
    return told;
}

static int on_event(void *owner, const struct event *event)
{
    (void)owner;
    assert_true(count < EVENTS_MAX && event->value.bytes < TEXT_BYTES);
    (void)snprintf(events[count].key, sizeof events->key, "%.*s", SLICE_ARG(event->key));
    (void)snprintf(events[count].seq, sizeof events->seq, "%.*s", SLICE_ARG(event->seq));
    (void)snprintf(events[count].value, sizeof events->value, "%.*s", SLICE_ARG(event->value));
    events[count++].position = event->position;
    return 0;
}

static void open_source(struct snapshot_store *snapshots)
{
    const struct bet_source_ports ports = {
        .cursor = &cursor.port, .snapshots = snapshots, .told = how_far};
    fake_cursor_init(&cursor, &f.log);
    assert_int_equal(bet_source_new(&limits, &ports, &source), 0);
}

/* All that there is behind the position; how far it went. */
static uint64_t read_from(uint64_t position)
{
    uint64_t at = 0;
    int more = source->ops->seek(source, position);
    assert_int_equal(more, 0);
    count = 0;
    for (int i = 0; i < 1000; i++) {
        more = source->ops->step(source, 4096, on_event, NULL, &at);
        assert_true(more >= 0);
    }
    return at;
}

static void begin(void)
{
    fixture_begin(&f);
    open_source(NULL);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(&f, "ann", "d1", 1000000);
    fixture_turn(&f, 1000);
}

static void end(void)
{
    source->ops->free(source);
    fixture_end(&f);
}

static void place(const char *key, int64_t stake)
{
    assert_int_equal(fixture_bet(&f, key, "a", 210, stake), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
}

static void settle(uint64_t version, bool a_wins)
{
    const struct leg_result won = LEG_WON, lost = LEG_LOST;
    fixture_result(&f, version, a_wins ? won : lost, a_wins ? lost : won);
    for (int i = 0; i < 10; i++)
        fixture_turn(&f, 1000);
}

static bool says(size_t n, const char *text)
{
    return strstr(events[n].value, text) != NULL;
}

static void check(size_t n, const char *type, const char *more)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "\"type\":\"%s\"", type);
    if (n >= count || !says(n, expected) || !says(n, more))
        fail_msg("event %zu of %zu is no %s with %s: %s", n, count, type, more,
                 n < count ? events[n].value : "-");
}

TEST(bet_source, tells_what_happens_to_a_bet)
{
    begin();
    place("k1", 500);
    settle(1, true);
    settle(2, false);
    told = f.log.tail;
    assert_int_equal(read_from(0), told);
    assert_int_equal(count, 4);
    check(0, "placed", "\"user_id\":\"ann\",\"currency\":\"GBP\",\"stake\":5.00,");
    check(0, "placed", "\"market_id\":\"m1\",\"selection_id\":\"a\",\"odds\":2.1");
    check(1, "settled", "\"outcome\":\"WON\",\"payout\":10.50,\"delta\":10.50,\"settlement\":1");
    check(2, "reversed", "\"payout\":0.00,\"delta\":-10.50");
    check(3, "settled", "\"outcome\":\"LOST\",\"payout\":0.00,\"delta\":0.00,\"settlement\":2");
    for (size_t i = 0; i < count; i++) {
        char seq[32];
        (void)snprintf(seq, sizeof seq, "0-%llu", (unsigned long long)events[i].position);
        assert_string_equal(events[i].seq, seq);
        assert_string_equal(events[i].key, "e1");
    }
    end();
}

TEST(bet_source, tells_nothing_of_a_refusal)
{
    begin();
    (void)fixture_bet(&f, "k1", "a", 900, 500); /* a price that is not there */
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_ODDS_CHANGED);
    told = f.log.tail;
    assert_int_equal(read_from(0), told);
    assert_int_equal(count, 0);
    end();
}

TEST(bet_source, tells_a_bet_that_waits_and_then_is_placed)
{
    begin();
    fixture_market_in_play(&f, 210, 300, 5000);
    place("k1", 500);
    for (int i = 0; i < 10; i++)
        fixture_turn(&f, 1000);
    told = f.log.tail;
    (void)read_from(0);
    assert_int_equal(count, 2);
    check(0, "pending", "\"potential_return\":10.50");
    check(1, "placed", "\"potential_return\":10.50");
    end();
}

TEST(bet_source, tells_a_bet_to_each_of_its_events)
{
    begin();
    fixture_offer(&f, &(struct fixture_offer){.market = "m2", .event = "e2", .a = 200, .b = 200});
    fixture_offer(&f, &(struct fixture_offer){.market = "m3", .event = "e3", .a = 300, .b = 150});
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_ticket(&f, &(struct fixture_ticket){.key = "k1",
                                                                 .stake = 100,
                                                                 .markets = {"m1", "m2", "m3"},
                                                                 .selections = {"a", "a", "b"},
                                                                 .odds = {210, 200, 150}}),
                     REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    told = f.log.tail;
    (void)read_from(0);
    assert_int_equal(count, 3);
    assert_string_equal(events[0].key, "e1");
    assert_string_equal(events[1].key, "e2");
    assert_string_equal(events[2].key, "e3");
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(events[i].seq, events[0].seq);
    check(2, "placed", "\"event_no\":3,\"events_count\":3,\"legs_count\":3,\"market_id\":\"m3\"");
    check(2, "placed", "\"legs\":[{\"leg_no\":3,\"market_id\":\"m3\",\"selection_id\":\"b\"");
    end();
}

TEST(bet_source, waits_for_what_was_not_told)
{
    begin();
    place("k1", 100);
    told = f.log.tail - 1;
    (void)read_from(0);
    assert_int_equal(count, 0);
    told++;
    uint64_t at = 0;
    while (source->ops->step(source, 4096, on_event, NULL, &at) > 0)
        ;
    assert_int_equal(at, f.log.tail);
    assert_int_equal(count, 1);
    assert_int_equal(source->ops->lag(source), 0);
    end();
}

/* The shadow's snapshots are the source's too. */
TEST(bet_source, says_the_same_from_wherever_it_begins)
{
    struct snapshot_file_options options = {.keep = 20};
    struct snapshot_store *snapshots = NULL;
    struct faulty_disk *disk = faulty_disk_new();
    struct shard_state *fold = NULL;
    begin();
    for (int i = 0; i < 6; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        place(key, 100 + i);
    }
    settle(1, true);
    settle(2, false);
    told = f.log.tail;
    (void)read_from(0);
    static char whole[EVENTS_MAX][TEXT_BYTES];
    uint64_t positions[EVENTS_MAX];
    size_t all = count;
    assert_true(all > 15);
    for (size_t i = 0; i < all; i++) {
        memcpy(whole[i], events[i].value, TEXT_BYTES);
        positions[i] = events[i].position;
    }
    source->ops->free(source);
    assert_int_equal(snapshot_file_new(&options, faulty_disk_of(disk), &snapshots), 0);
    assert_int_equal(shard_state_new(&limits, &fold), 0);
    for (size_t at = 0; at < f.log.size;) { /* snapshots of every third record */
        const struct record_head *head = (const void *)(f.log.bytes + at);
        struct record_view view;
        assert_int_equal(record_view_of(head, head->bytes, &view), 0);
        assert_int_equal(shard_state_apply(fold, &view), 0);
        if (head->seq % 3 == 0)
            assert_int_equal(snapshots->ops->save(snapshots, fold), 0);
        at += head->bytes;
    }
    shard_state_free(fold);
    open_source(snapshots);
    for (uint64_t position = 0; position <= told; position++) {
        assert_int_equal(read_from(position), told);
        size_t skipped = 0;
        while (skipped < all && positions[skipped] <= position)
            skipped++;
        assert_int_equal(count, all - skipped);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(events[i].value, whole[skipped + i]);
    }
    end();
    snapshots->ops->free(snapshots);
    faulty_disk_free(disk);
}

TEST(bet_source, refuses_a_position_that_the_log_has_not)
{
    begin();
    told = f.log.tail;
    assert_int_equal(source->ops->seek(source, told + 1), -ERR_CORRUPT);
    assert_true(strstr(bet_source_problem(source), "is ahead of this log") != NULL);
    end();
}
