/* test_verdict_keeper.c - adapters/embedded/verdict_keeper.h: the threads do what was asked of
 * them, each ask is answered once, and an end in the middle leaves nothing behind. */
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/verdict_keeper.h"
#include "base/error.h"
#include "verdict_fixture.h"

static sem_t told;

static void notify(void *owner)
{
    (void)owner;
    sem_post(&told);
}

struct asked {
    struct verdict_ask ask;
    int error, answers;
};

static void on_done(struct verdict_ask *ask, int error)
{
    struct asked *asked = ask->owner;
    asked->error = error;
    asked->answers++;
}

static struct verdict_store *keeper_on(struct verdict_fixture *f)
{
    const struct verdict_runs_options options = {0, 64, 4096};
    struct verdict_store *store = NULL;
    assert_int_equal(sem_init(&told, 0, 0), 0);
    assert_int_equal(
        verdict_keeper_open(&options, faulty_disk_of(f->disk), f->cursor, &f->report, &store), 0);
    store->notify = notify;
    return store;
}

static void ask(struct verdict_fixture *f, struct verdict_store *store, struct asked *asked,
                uint32_t n)
{
    *asked = (struct asked){.error = 1};
    asked->ask =
        (struct verdict_ask){.key = verdict_fixture_key(f, n), .on_done = on_done, .owner = asked};
    assert_int_equal(store->ops->ask(store, &asked->ask), 0);
}

/* Waits for the store's threads, as long as it takes. */
static void cover(struct verdict_store *store, uint64_t seq)
{
    store->ops->want(store, seq);
    while (store->ops->covered(store) < seq)
        sched_yield();
}

TEST(verdict_keeper, its_threads_cover_and_answer)
{
    static struct verdict_fixture f;
    static struct asked asked[VERDICT_ASKS_MAX];
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 500);
    struct verdict_store *store = keeper_on(&f);
    assert_int_equal(verdict_keeper_start(store), 0);
    cover(store, f.seqs[499]);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < VERDICT_ASKS_MAX; i++)
            ask(&f, store, &asked[i], i % 600);
        struct asked more = {.ask = {.on_done = on_done}};
        assert_int_equal(store->ops->ask(store, &more.ask), -ERR_BUSY);
        for (uint32_t i = 0; i < VERDICT_ASKS_MAX; i++) {
            while (sem_wait(&told) != 0)
                ;
            store->ops->poll(store);
        }
        for (uint32_t i = 0; i < VERDICT_ASKS_MAX; i++) {
            assert_int_equal(asked[i].answers, 1);
            assert_int_equal(asked[i].error, i % 600 < 500 ? 0 : -ERR_NOT_FOUND);
            if (asked[i].error == 0)
                assert_int_equal(asked[i].ask.seq, f.seqs[i % 600]);
        }
    }
    const struct verdict_keeper_metrics *m = verdict_keeper_metrics(store);
    assert_int_equal(m->busy.value, 3);
    assert_int_equal(m->found.value + m->not_found.value, 3 * VERDICT_ASKS_MAX);
    assert_int_equal(m->errors.value, 0);
    assert_true(m->keys.value > 400);
    store->ops->free(store);
    sem_destroy(&told);
    verdict_fixture_end(&f);
}

/* The log grows, runs are made and merged, and each key is asked for meanwhile. */
TEST(verdict_keeper, answers_while_runs_are_made_and_merged)
{
    static struct verdict_fixture f;
    struct asked asked;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 3000);
    struct verdict_store *store = keeper_on(&f);
    assert_int_equal(verdict_keeper_start(store), 0);
    for (uint32_t n = 0; n < 3000; n += 3) {
        store->ops->want(store, f.seqs[n]);
        uint64_t covered = store->ops->covered(store);
        ask(&f, store, &asked, n / 2);
        while (asked.answers == 0) {
            while (sem_wait(&told) != 0)
                ;
            store->ops->poll(store);
        }
        assert_true(asked.error == 0 || asked.error == -ERR_NOT_FOUND);
        if (f.seqs[n / 2] <= covered) {
            assert_int_equal(asked.error, 0);
            assert_true(store->ops->may_have(store, asked.ask.key));
        }
        if (asked.error == 0)
            assert_int_equal(asked.ask.seq, f.seqs[n / 2]);
        else
            assert_true(asked.ask.covered < f.seqs[n / 2]);
    }
    cover(store, f.seqs[2999]);
    store->ops->free(store);
    sem_destroy(&told);
    verdict_fixture_end(&f);
}

TEST(verdict_keeper, may_end_in_the_middle_of_anything)
{
    for (unsigned i = 0; i < 20; i++) {
        static struct verdict_fixture f;
        static struct asked asked[64];
        verdict_fixture_begin(&f);
        verdict_fixture_deposit(&f, 1500);
        struct verdict_store *store = keeper_on(&f);
        if (i % 4 != 0)
            assert_int_equal(verdict_keeper_start(store), 0);
        store->ops->want(store, f.seqs[1499]);
        for (uint32_t n = 0; n < i * 3; n++)
            ask(&f, store, &asked[n], n);
        store->ops->free(store);
        sem_destroy(&told);
        verdict_fixture_open(&f, 64, 4096);
        assert_int_equal(f.report.dropped, 0);
        assert_null(verdict_fixture_wrong(&f));
        verdict_fixture_end(&f);
    }
}

/* At a start, before there are threads. */
TEST(verdict_keeper, covers_at_once_or_says_why_not)
{
    static struct verdict_fixture f;
    verdict_fixture_begin(&f);
    verdict_fixture_deposit(&f, 300);
    struct verdict_store *store = keeper_on(&f);
    faulty_disk_limit(f.disk, 6000);
    assert_int_equal(store->ops->cover(store, f.seqs[299]), -ERR_NO_SPACE);
    faulty_disk_limit(f.disk, 0);
    assert_int_equal(store->ops->cover(store, f.seqs[299]), 0);
    assert_int_equal(store->ops->cover(store, f.store->place.seq + 1), -ERR_NOT_FOUND);
    assert_string_equal(store->ops->problem(store), "");
    assert_int_equal(verdict_keeper_metrics(store)->write_errors.value, 1);
    store->ops->free(store);
    sem_destroy(&told);
    verdict_fixture_end(&f);
}
