/* node_lease.c - contract in node_lease.h. The thread alone speaks to the store; what it knows is
 * behind the lock, which nobody holds while the store is waited for: so the keeper is stepped on a
 * copy, which no one else changes. */
#include "cli/node/node_lease.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "adapters/postgres/pg_lease.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"
#include "net/loop/loop.h"

static struct monotonic now(void)
{
    return (struct monotonic){clock_us(CLOCK_MONOTONIC)};
}

/* ---- waiting for one ---- */

static sigset_t ending_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

/* For sigtimedwait, as later for the loop. */
static void block_signals(void)
{
    const sigset_t set = ending_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* SIGTERM and SIGINT are waited for together with the time: no loop runs yet. */
static bool told_to_end(int64_t us)
{
    const sigset_t set = ending_signals();
    const struct timespec time = {us / US_PER_SECOND, us % US_PER_SECOND * 1000};
    return sigtimedwait(&set, NULL, &time) > 0;
}

static int wait_for_one(struct node_lease *lease, struct buf *why)
{
    bool told = false;
    while (lease->keeper.state == LEASE_WANTED) {
        int error = lease_keeper_step(&lease->keeper, now());
        if (error < 0) {
            buf_printf(why, "no lease can be taken: %s", lease->store->ops->problem(lease->store));
            return error;
        }
        if (lease->keeper.state != LEASE_WANTED)
            break;
        if (!told)
            log_info("lease", "waiting for a shard",
                     LOG_TEXT("problem", slice_text(lease->store->ops->problem(lease->store))));
        told = true;
        if (told_to_end(lease_keeper_wait_us(&lease->keeper, now())))
            return -ERR_STOPPED;
    }
    return 0;
}

/* "HOST:PID:" and 8 bytes by chance: a process that comes back is another one. */
static void put_holder(struct buf *holder)
{
    char host[32] = "";
    uint64_t chance = 0;
    (void)gethostname(host, sizeof host - 1);
    random_fill(&chance, sizeof chance);
    buf_printf(holder, "%s:%d:%016llx", host, (int)getpid(), (unsigned long long)chance);
}

/* ---- the thread ---- */

static void publish(struct node_lease *lease, const struct lease_keeper *after)
{
    pthread_mutex_lock(&lease->lock);
    bool lost = after->state == LEASE_LOST && lease->keeper.state != LEASE_LOST;
    lease->keeper = *after;
    if (lost && lease->wakeup != NULL)
        loop_wakeup_signal(lease->wakeup);
    pthread_mutex_unlock(&lease->lock);
}

/* Under the lock: until the next step is due, or the end. */
static void rest(struct node_lease *lease, int64_t us)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t left_us = us < 0 ? US_PER_SECOND : us;
    int64_t ns = until.tv_nsec + left_us % US_PER_SECOND * 1000;
    until.tv_sec += left_us / US_PER_SECOND + ns / (1000 * US_PER_SECOND);
    until.tv_nsec = ns % (1000 * US_PER_SECOND);
    (void)pthread_cond_timedwait(&lease->wake, &lease->lock, &until);
}

static void *run(void *owner)
{
    struct node_lease *lease = owner;
    pthread_mutex_lock(&lease->lock);
    while (!lease->stop) {
        struct lease_keeper keeper = lease->keeper;
        int64_t wait_us = lease_keeper_wait_us(&keeper, now());
        if (wait_us != 0) {
            rest(lease, wait_us);
            continue;
        }
        pthread_mutex_unlock(&lease->lock);
        (void)lease_keeper_step(&keeper, now());
        publish(lease, &keeper);
        pthread_mutex_lock(&lease->lock);
    }
    pthread_mutex_unlock(&lease->lock);
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct node_lease *lease)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    lease->running = pthread_create(&lease->thread, NULL, run, lease) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return lease->running ? 0 : -ERR_MEMORY;
}

static void make_lock(struct node_lease *lease)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&lease->lock, NULL);
    pthread_cond_init(&lease->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int node_lease_wait(struct node_lease *lease, const struct node_lease_options *options,
                    uint32_t *ret_shard, struct buf *why)
{
    char memory[SHARD_LEASE_HOLDER_BYTES];
    struct buf holder = buf_over(memory, sizeof memory);
    make_lock(lease);
    block_signals();
    put_holder(&holder);
    TRY(pg_lease_new(options->url, buf_slice(&holder), &lease->store));
    lease_keeper_init(&lease->keeper, lease->store, &options->asked);
    TRY(wait_for_one(lease, why));
    *ret_shard = lease->keeper.lease.shard;
    log_info("lease", "the shard was taken", LOG_U64("shard", *ret_shard),
             LOG_U64("term", lease->keeper.lease.term), LOG_TEXT("holder", buf_slice(&holder)));
    return start_thread(lease);
}

/* ---- asked by the loop ---- */

void node_lease_tell(struct node_lease *lease, struct loop_wakeup *wakeup)
{
    pthread_mutex_lock(&lease->lock);
    lease->wakeup = wakeup;
    pthread_mutex_unlock(&lease->lock);
}

bool node_lease_holds(struct node_lease *lease, struct monotonic at)
{
    pthread_mutex_lock(&lease->lock);
    bool holds = lease_keeper_holds(&lease->keeper, at);
    pthread_mutex_unlock(&lease->lock);
    return holds;
}

bool node_lease_is_lost(struct node_lease *lease)
{
    pthread_mutex_lock(&lease->lock);
    bool lost = lease->keeper.state == LEASE_LOST;
    pthread_mutex_unlock(&lease->lock);
    return lost;
}

void node_lease_end(struct node_lease *lease)
{
    if (lease->store == NULL)
        return;
    pthread_mutex_lock(&lease->lock);
    lease->stop = true;
    pthread_cond_signal(&lease->wake);
    pthread_mutex_unlock(&lease->lock);
    if (lease->running)
        (void)pthread_join(lease->thread, NULL);
    lease_keeper_give(&lease->keeper);
    lease->store->ops->free(lease->store);
    pthread_cond_destroy(&lease->wake);
    pthread_mutex_destroy(&lease->lock);
    lease->store = NULL;
}

/* ---- metrics ---- */

static void count(void *owner)
{
    struct node_lease *lease = owner;
    pthread_mutex_lock(&lease->lock);
    struct lease_keeper keeper = lease->keeper;
    pthread_mutex_unlock(&lease->lock);
    metrics_set(&lease->held, lease_keeper_holds(&keeper, now()));
    metrics_set(&lease->term, (int64_t)keeper.lease.term);
    metrics_count(&lease->renewals, keeper.renewals - lease->renewals.value);
    metrics_count(&lease->failures, keeper.failures - lease->failures.value);
}

int node_lease_register_metrics(struct node_lease *lease, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_lease_held", "1: this process has the lease of its shard", NULL, 0},
         &lease->held},
        {{"overround_lease_term", "How often the shard was taken", NULL, 0}, &lease->term},
    };
    const struct metrics_row counters[] = {
        {{"overround_lease_renewals_total", "Times that the lease was renewed", NULL, 0},
         &lease->renewals.value},
        {{"overround_lease_failures_total", "Times that it could not be asked for", NULL, 0},
         &lease->failures.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    return metrics_add_refresh(metrics, count, lease);
}
