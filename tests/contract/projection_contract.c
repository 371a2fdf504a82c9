/* projection_contract.c - contract in projection_contract.h; the rules are those of
 * ports/projection.h. */
#include "projection_contract.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/error.h"
#include "projection_bench.h"

#define PREPARE_TRIES 100
#define LEAVE_US      10000
#define SHARDS        7

/* ---- one subject under way ---- */

static struct projection_subject *under_test; /* for what happens behind each record */
static struct bench_book book;
static struct projection_check_report report;

static struct projection_store *prepared(struct projection_subject *subject)
{
    struct projection_store *store = subject->store_new(subject);
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    int error = -ERR_ABSENT;
    for (int i = 0; i < PREPARE_TRIES && error == -ERR_ABSENT; i++) {
        why.bytes = 0;
        error = store->ops->prepare(store, &why);
    }
    if (error < 0)
        fail_msg("%s: %.*s", error_text(error), (int)why.bytes, why.at);
    return store;
}

static void open_follower(struct bench_follower *follower)
{
    bench_follower_open(follower, bench_book_cursor(&book), prepared(under_test), book.shard);
}

static void begin(struct projection_subject *subject)
{
    under_test = subject;
    bench_book_open(&book, 0);
}

static void verify(const struct bench_book *of)
{
    struct projection_store *store = prepared(under_test);
    bench_verify(of->log, store, of->shard, &report);
    store->ops->free(store);
}

/* All of the log is there. */
static void end(void)
{
    verify(&book);
    assert_int_equal(report.seq, EVERY_TYPE_COUNT);
    bench_book_close(&book);
}

/* ---- the sentences ---- */

void projection_contract_a_record_of_every_type_is_in_the_tables(struct projection_subject *subject)
{
    struct bench_follower follower;
    begin(subject);
    bench_book_write_every_type(&book, NULL);
    open_follower(&follower);
    bench_step_until_idle(&follower);
    assert_int_equal(projector_stats(follower.projector).seq, EVERY_TYPE_COUNT);
    assert_int_equal(projector_stats(follower.projector).steps, 1);
    bench_follower_close(&follower);
    end();
    assert_true(report.bets > 10);
}

void projection_contract_what_is_prepared_twice_is_as_it_was(struct projection_subject *subject)
{
    struct projection_place place = {.seq = 1};
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct bench_follower follower;
    begin(subject);
    open_follower(&follower);
    struct projection_store *store = follower.store;
    assert_int_equal(store->ops->place(store, 0, &place), 0);
    assert_true(place.seq == 0 && place.crc == 0 && place.bets == 0 && place.balances == 0);
    bench_book_write_every_type(&book, NULL);
    bench_step_until_idle(&follower);
    assert_int_equal(store->ops->prepare(store, &why), 0);
    assert_int_equal(store->ops->place(store, 0, &place), 0);
    assert_int_equal(place.seq, EVERY_TYPE_COUNT);
    assert_true(place.crc != 0 && place.time_us != 0);
    if (store->ops->count == NULL) /* else it counts when it is asked to */
        assert_true(place.bets > 10 && place.balances > 0);
    bench_follower_close(&follower);
    end();
}

/* Dies after every step, at another place each time. */
static void follow_and_die(void)
{
    static unsigned times;
    struct bench_follower follower;
    open_follower(&follower);
    for (unsigned i = 0; i < 2 + times % 5; i++)
        bench_step(&follower);
    times++;
    bench_follower_close(&follower);
}

void projection_contract_a_projector_that_dies_leaves_no_gap_and_no_row_twice(
    struct projection_subject *subject)
{
    struct bench_follower follower;
    begin(subject);
    bench_book_write_every_type(&book, follow_and_die);
    open_follower(&follower);
    bench_step_until_idle(&follower);
    bench_follower_close(&follower);
    end();
}

static struct bench_follower following;

static void follow_with_losses(void)
{
    static unsigned times;
    fault_proxy_set(under_test->wire, times++ % 2 == 0 ? FAULT_LOSE_ANSWER : FAULT_LOSE_REQUEST);
    bench_step_until_idle(&following);
    fault_proxy_set(under_test->wire, FAULT_NONE);
}

void projection_contract_what_was_lost_on_the_way_is_there_once(struct projection_subject *subject)
{
    begin(subject);
    open_follower(&following);
    bench_book_write_every_type(&book, follow_with_losses);
    bench_step_until_idle(&following);
    assert_true(fault_proxy_losses(subject->wire) > 20);
    assert_int_equal(projector_stats(following.projector).restarts, 0);
    bench_follower_close(&following);
    end();
}

static struct bench_follower two[2];

/* The first puts a record, and another; the second has both together, too late; then it is first.
 */
static void follow_by_two(void)
{
    static unsigned times = 2; /* so that both of some pair move the same money */
    switch (times++ % 3) {
    case 0:
        bench_step_until_idle(&two[0]);
        break;
    case 1:
        bench_step(&two[1]);
        bench_step_until_idle(&two[0]);
        bench_step_until_idle(&two[1]);
        break;
    default:
        bench_step_until_idle(&two[1]);
    }
}

void projection_contract_of_two_projectors_each_row_is_one_s(struct projection_subject *subject)
{
    begin(subject);
    open_follower(&two[0]);
    open_follower(&two[1]);
    bench_book_write_every_type(&book, follow_by_two);
    bench_step_until_idle(&two[0]);
    bench_step_until_idle(&two[1]);
    assert_true(projector_stats(two[1].projector).retries > 5);
    bench_follower_close(&two[0]);
    bench_follower_close(&two[1]);
    end();
}

void projection_contract_shards_stand_beside_each_other(struct projection_subject *subject)
{
    static const uint32_t numbers[] = {0, 2, SHARDS - 1};
    enum { COUNT = sizeof numbers / sizeof *numbers };
    struct bench_book books[COUNT];
    under_test = subject;
    for (unsigned i = 0; i < COUNT; i++) {
        struct bench_follower follower;
        bench_book_open(&books[i], numbers[i]);
        bench_book_write_bets(&books[i], SHARDS, 3 + i);
        bench_follower_open(&follower, bench_book_cursor(&books[i]), prepared(subject), numbers[i]);
        bench_step_until_idle(&follower);
        bench_follower_close(&follower);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        verify(&books[i]);
        assert_int_equal(report.bets, 3 + i);
        bench_book_close(&books[i]);
    }
}

void projection_contract_a_step_from_another_place_does_nothing(struct projection_subject *subject)
{
    struct projection_place place = {.seq = 0};
    struct bench_follower follower;
    begin(subject);
    open_follower(&follower);
    struct projection_store *store = follower.store;
    struct projection_step step = {.before = {.seq = 7, .crc = 7, .time_us = 7},
                                   .after = {.seq = 9, .crc = 9, .time_us = 9}};
    assert_int_equal(store->ops->put(store, &step), -ERR_BUSY);
    bench_book_write_every_type(&book, NULL);
    bench_step_until_idle(&follower);
    assert_int_equal(store->ops->put(store, &step), -ERR_BUSY);
    step.before = (struct projection_place){.seq = 0};
    assert_int_equal(store->ops->put(store, &step), -ERR_BUSY);
    assert_int_equal(store->ops->place(store, 0, &place), 0);
    assert_int_equal(place.seq, EVERY_TYPE_COUNT);
    bench_follower_close(&follower);
    end();
}

void projection_contract_a_store_that_is_away_says_so_and_comes_back(
    struct projection_subject *subject)
{
    struct projection_place place;
    struct bench_follower follower;
    begin(subject);
    bench_book_write_every_type(&book, NULL);
    open_follower(&follower);
    struct projection_store *store = follower.store;
    fault_proxy_set(subject->wire, FAULT_REFUSE);
    assert_int_equal(store->ops->place(store, 0, &place), -ERR_ABSENT);
    assert_true(store->ops->problem(store)[0] != '\0');
    const struct projection_step step = {.after = {.seq = 9, .crc = 9, .time_us = 9}};
    assert_int_equal(store->ops->put(store, &step), -ERR_ABSENT);
    assert_int_equal(projector_step(follower.projector), PROJECTOR_WAITS);
    fault_proxy_set(subject->wire, FAULT_NONE);
    bench_step_until_idle(&follower);
    bench_follower_close(&follower);
    end();
}

struct leaver {
    struct projection_store *store;
    atomic_bool left;
};

static void *leave_until_left(void *owner)
{
    struct leaver *leaver = owner;
    while (!atomic_load(&leaver->left)) {
        usleep(LEAVE_US);
        leaver->store->ops->leave(leaver->store);
    }
    return NULL;
}

void projection_contract_who_waits_for_a_silent_store_can_leave(struct projection_subject *subject)
{
    struct projection_place place;
    pthread_t thread;
    struct leaver leaver = {.store = prepared(subject)};
    fault_proxy_set(subject->wire, FAULT_SILENCE);
    assert_int_equal(pthread_create(&thread, NULL, leave_until_left, &leaver), 0);
    assert_int_equal(leaver.store->ops->place(leaver.store, 0, &place), -ERR_ABSENT);
    atomic_store(&leaver.left, true);
    pthread_join(thread, NULL);
    leaver.store->ops->free(leaver.store);
}

/* What it had before may be gone with it, but only whole steps from the end on. */
void projection_contract_a_store_that_crashes_is_waited_for(struct projection_subject *subject)
{
    struct bench_follower follower;
    begin(subject);
    bench_book_write_every_type(&book, NULL);
    open_follower(&follower);
    bench_step(&follower);
    subject->crash(subject);
    bench_step_until_idle(&follower);
    bench_follower_close(&follower);
    open_follower(&follower);
    bench_step_until_idle(&follower);
    bench_follower_close(&follower);
    end();
}
