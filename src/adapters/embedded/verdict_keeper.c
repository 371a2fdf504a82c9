/* verdict_keeper.c - contract in verdict_keeper.h. */
#include "adapters/embedded/verdict_keeper.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"

#define KEEPER_IDLE_US  100000  /* between looks when there was nothing to do */
#define KEEPER_RETRY_US 1000000 /* after the disk failed */
#define KEEPER_NICE     10

struct waiting {
    struct verdict_ask *ask;
    int error;
    int64_t asked_us;
};

struct keeper {
    struct verdict_store store;
    struct verdict_runs *runs; /* owns */
    struct verdict_keeper_metrics metrics;
    pthread_t finder_thread, keeper_thread;
    bool started;
    uint32_t closing; /* atomic, for the keeper */
    sem_t wanted;     /* more is wanted, or it is to end: posting it waits for nobody */

    pthread_mutex_t lock; /* what is below */
    pthread_cond_t wake;
    bool finder_closing;
    struct waiting waiting[VERDICT_ASKS_MAX], done[VERDICT_ASKS_MAX]; /* rings */
    uint64_t waiting_in, waiting_out, done_in, done_out;
    unsigned under_way; /* from ask() to the callback */
};

static struct keeper *keeper_of(const struct verdict_store *store)
{
    return (struct keeper *)(uintptr_t)store;
}

/* ---- asks ---- */

static void count_ask(struct keeper *keeper, const struct waiting *w)
{
    int64_t took_us = clock_us(CLOCK_MONOTONIC) - w->asked_us;
    metrics_record(&keeper->metrics.ask_us, took_us < 0 ? 0 : (uint64_t)took_us);
    metrics_count(w->error == 0                ? &keeper->metrics.found
                  : w->error == -ERR_NOT_FOUND ? &keeper->metrics.not_found
                                               : &keeper->metrics.errors,
                  1);
}

/* With the lock, which is let go meanwhile. */
static void serve_one(struct keeper *keeper)
{
    struct waiting w = keeper->waiting[keeper->waiting_out++ % VERDICT_ASKS_MAX];
    pthread_mutex_unlock(&keeper->lock);
    w.error = verdict_runs_find(keeper->runs, w.ask->key, &w.ask->seq, &w.ask->covered);
    count_ask(keeper, &w);
    pthread_mutex_lock(&keeper->lock);
    keeper->done[keeper->done_in++ % VERDICT_ASKS_MAX] = w;
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->store.notify != NULL)
        keeper->store.notify(keeper->store.notify_owner);
    pthread_mutex_lock(&keeper->lock);
}

static void *find_loop(void *owner)
{
    struct keeper *keeper = owner;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->finder_closing) {
        if (keeper->waiting_in != keeper->waiting_out)
            serve_one(keeper);
        else
            pthread_cond_wait(&keeper->wake, &keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

static int keeper_ask(struct verdict_store *store, struct verdict_ask *ask)
{
    struct keeper *keeper = keeper_of(store);
    int result = 0;
    ASSERT(ask->on_done != NULL);
    pthread_mutex_lock(&keeper->lock);
    if (keeper->under_way == VERDICT_ASKS_MAX) {
        result = -ERR_BUSY;
    } else {
        keeper->waiting[keeper->waiting_in++ % VERDICT_ASKS_MAX] =
            (struct waiting){ask, 0, clock_us(CLOCK_MONOTONIC)};
        keeper->under_way++;
        pthread_cond_signal(&keeper->wake);
    }
    pthread_mutex_unlock(&keeper->lock);
    if (result < 0)
        metrics_count(&keeper->metrics.busy, 1);
    return result;
}

static bool poll_one(struct keeper *keeper)
{
    struct waiting w = {0};
    pthread_mutex_lock(&keeper->lock);
    if (keeper->done_in != keeper->done_out) {
        w = keeper->done[keeper->done_out++ % VERDICT_ASKS_MAX];
        keeper->under_way--;
    }
    pthread_mutex_unlock(&keeper->lock);
    if (w.ask != NULL)
        w.ask->on_done(w.ask, w.error);
    return w.ask != NULL;
}

static void keeper_poll(struct verdict_store *store)
{
    for (unsigned i = 0; i < VERDICT_ASKS_MAX && poll_one(keeper_of(store)); i++)
        ;
}

/* ---- runs ---- */

static void count_runs(struct keeper *keeper, int result)
{
    const struct verdict_runs_stats stats = verdict_runs_stats(keeper->runs);
    struct verdict_keeper_metrics *m = &keeper->metrics;
    metrics_set(&m->runs, (int64_t)stats.runs);
    metrics_set(&m->keys, (int64_t)stats.keys);
    metrics_set(&m->bytes, (int64_t)stats.bytes);
    metrics_set(&m->covered, (int64_t)verdict_runs_covered(keeper->runs));
    metrics_set(&m->failed, result == -ERR_CORRUPT);
    metrics_count_to(&m->made, stats.made);
    metrics_count_to(&m->merged, stats.merged);
    metrics_count_to(&m->dropped, stats.dropped);
    metrics_count_to(&m->write_errors, stats.errors);
}

static int step(struct keeper *keeper)
{
    int result = verdict_runs_step(keeper->runs);
    count_runs(keeper, result);
    return result;
}

static bool told_to_stop(const struct keeper *keeper)
{
    return __atomic_load_n(&keeper->closing, __ATOMIC_ACQUIRE) != 0;
}

static void rest(struct keeper *keeper, int64_t us)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
    int64_t ns = until.tv_nsec + us % US_PER_SECOND * 1000;
    until.tv_sec += us / US_PER_SECOND + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void)sem_clockwait(&keeper->wanted, CLOCK_MONOTONIC, &until);
}

static void *keep_loop(void *owner)
{
    struct keeper *keeper = owner;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), KEEPER_NICE); /* of this thread, on Linux */
    while (!told_to_stop(keeper)) {
        int result = step(keeper);
        if (result != VERDICT_MORE)
            rest(keeper, result < 0 ? KEEPER_RETRY_US : KEEPER_IDLE_US);
    }
    return NULL;
}

static uint64_t keeper_covered(const struct verdict_store *store)
{
    return verdict_runs_covered(keeper_of(store)->runs);
}

static void wake_keeper(struct keeper *keeper)
{
    int pending = 0;
    if (sem_getvalue(&keeper->wanted, &pending) == 0 && pending == 0)
        (void)sem_post(&keeper->wanted);
}

static void keeper_want(struct verdict_store *store, uint64_t seq)
{
    struct keeper *keeper = keeper_of(store);
    verdict_runs_want(keeper->runs, seq);
    wake_keeper(keeper);
}

static int keeper_cover(struct verdict_store *store, uint64_t seq)
{
    struct keeper *keeper = keeper_of(store);
    ASSERT(!keeper->started);
    verdict_runs_want(keeper->runs, seq);
    while (verdict_runs_covered(keeper->runs) < seq) {
        int result = step(keeper);
        if (result < 0)
            return result;
        if (result == VERDICT_IDLE && verdict_runs_covered(keeper->runs) < seq)
            return -ERR_NOT_FOUND; /* the log does not go so far */
    }
    return 0;
}

static bool keeper_may_have(const struct verdict_store *store, struct hash128 key)
{
    return verdict_runs_may_have(keeper_of(store)->runs, key);
}

static void keeper_prefetch(const struct verdict_store *store, struct hash128 key)
{
    verdict_runs_prefetch(keeper_of(store)->runs, key);
}

static const char *keeper_problem(const struct verdict_store *store)
{
    return verdict_runs_text(keeper_of(store)->runs);
}

void verdict_keeper_distrust(struct verdict_store *store, uint64_t serial)
{
    struct keeper *keeper = keeper_of(store);
    verdict_runs_distrust(keeper->runs, serial);
    wake_keeper(keeper);
}

bool verdict_keeper_turn(struct verdict_store *store, unsigned steps)
{
    struct keeper *keeper = keeper_of(store);
    int more = VERDICT_MORE;
    ASSERT(!keeper->started);
    pthread_mutex_lock(&keeper->lock);
    while (keeper->waiting_in != keeper->waiting_out)
        serve_one(keeper);
    pthread_mutex_unlock(&keeper->lock);
    for (unsigned i = 0; i < steps && more == VERDICT_MORE; i++)
        more = step(keeper);
    return more == VERDICT_MORE;
}

/* ---- life ---- */

static void keeper_free(struct verdict_store *store)
{
    struct keeper *keeper = keeper_of(store);
    pthread_mutex_lock(&keeper->lock);
    keeper->finder_closing = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    __atomic_store_n(&keeper->closing, 1, __ATOMIC_RELEASE);
    (void)sem_post(&keeper->wanted);
    if (keeper->started) {
        pthread_join(keeper->finder_thread, NULL);
        pthread_join(keeper->keeper_thread, NULL);
    }
    verdict_runs_free(keeper->runs);
    pthread_mutex_destroy(&keeper->lock);
    pthread_cond_destroy(&keeper->wake);
    sem_destroy(&keeper->wanted);
    free(keeper);
}

static const struct verdict_store_ops keeper_ops = {
    .covered = keeper_covered,
    .want = keeper_want,
    .cover = keeper_cover,
    .may_have = keeper_may_have,
    .prefetch = keeper_prefetch,
    .ask = keeper_ask,
    .poll = keeper_poll,
    .problem = keeper_problem,
    .free = keeper_free,
};

static struct keeper *keeper_new(void)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return NULL;
    keeper->store.ops = &keeper_ops;
    metrics_histogram_init(&keeper->metrics.ask_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    return keeper;
}

int verdict_keeper_open(const struct verdict_runs_options *options, struct disk *disk,
                        struct ledger_cursor *cursor, struct verdict_runs_report *ret_report,
                        struct verdict_store **ret_store)
{
    struct keeper *keeper = keeper_new();
    if (keeper == NULL)
        return -ERR_MEMORY;
    int error = verdict_runs_open(options, disk, cursor, ret_report, &keeper->runs);
    if (error < 0) {
        free(keeper);
        return error;
    }
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->wake, NULL);
    (void)sem_init(&keeper->wanted, 0, 0); /* cannot fail: 0 is a value */
    count_runs(keeper, 0);
    *ret_store = &keeper->store;
    return 0;
}

static int create_threads(struct keeper *keeper)
{
    if (pthread_create(&keeper->finder_thread, NULL, find_loop, keeper) != 0)
        return -ERR_MEMORY;
    if (pthread_create(&keeper->keeper_thread, NULL, keep_loop, keeper) == 0)
        return 0;
    pthread_mutex_lock(&keeper->lock);
    keeper->finder_closing = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->finder_thread, NULL);
    return -ERR_MEMORY;
}

/* Signals are the role's business: none may be delivered to these threads. */
int verdict_keeper_start(struct verdict_store *store)
{
    struct keeper *keeper = keeper_of(store);
    sigset_t all, before;
    ASSERT(!keeper->started);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = create_threads(keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    keeper->started = result == 0;
    return result;
}

const struct verdict_keeper_metrics *verdict_keeper_metrics(const struct verdict_store *store)
{
    return &keeper_of(store)->metrics;
}
