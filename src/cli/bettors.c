/* bettors.c - contract in bettors.h. */
#include "cli/bettors.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"

#define PUBLISH_US (500 * US_PER_MS)

struct bettors {
    pthread_t thread;
    struct loop *loop; /* owned; run by the thread */
    struct loop_wakeup stop;
    struct timer publish;
    struct load_bettors *crowd; /* owned; the thread's */
    struct load_bettors_options options;
    pthread_mutex_t lock; /* of sample */
    struct load_bettors_sample sample;
};

static void on_stop(void *owner)
{
    struct bettors *bettors = owner;
    loop_stop(bettors->loop);
}

static void on_publish(void *owner)
{
    struct bettors *bettors = owner;
    struct load_bettors_sample sample;
    load_bettors_sample(bettors->crowd, &sample);
    pthread_mutex_lock(&bettors->lock);
    bettors->sample = sample;
    pthread_mutex_unlock(&bettors->lock);
    loop_timer_set(bettors->loop, &bettors->publish,
                   (struct monotonic){loop_now(bettors->loop).us + PUBLISH_US});
}

static void *live(void *owner)
{
    struct bettors *bettors = owner;
    if (load_bettors_new(bettors->loop, &bettors->options, &bettors->crowd) < 0) {
        log_warn("demo", "the simulated bettors could not begin");
        return NULL;
    }
    on_publish(bettors);
    if (loop_run(bettors->loop) < 0)
        log_warn("demo", "the simulated bettors ended");
    loop_timer_cancel(bettors->loop, &bettors->publish);
    load_bettors_free(bettors->crowd);
    return NULL;
}

/* A signal is for the main loop, which waits for it by a descriptor. */
static int begin_thread(struct bettors *bettors)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return -ERR_IO;
    int failed = pthread_create(&bettors->thread, NULL, live, bettors);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* it was in force before */
    return failed == 0 ? 0 : -ERR_IO;
}

static int bettors_new(const struct net_address *address, uint64_t seed,
                       struct bettors **ret_bettors)
{
    struct bettors *bettors = calloc(1, sizeof *bettors);
    if (bettors == NULL)
        return -ERR_MEMORY;
    bettors->options = LOAD_BETTORS_OPTIONS_DEFAULT;
    bettors->options.address = *address;
    bettors->options.seed = seed;
    (void)pthread_mutex_init(&bettors->lock, NULL); /* cannot fail with defaults */
    timer_init(&bettors->publish, on_publish, bettors);
    *ret_bettors = bettors;
    return 0;
}

int bettors_begin(const struct net_address *address, uint64_t seed, struct bettors **ret_bettors)
{
    struct bettors *bettors;
    TRY(bettors_new(address, seed, &bettors));
    int result = loop_new(&bettors->loop);
    if (result == 0)
        result = loop_wakeup_open(bettors->loop, &bettors->stop, on_stop, bettors);
    if (result < 0) {
        loop_free(bettors->loop);
        free(bettors);
        return result;
    }
    result = begin_thread(bettors);
    if (result < 0) {
        loop_wakeup_close(&bettors->stop);
        loop_free(bettors->loop);
        free(bettors);
        return result;
    }
    *ret_bettors = bettors;
    return 0;
}

void bettors_stop(struct bettors *bettors)
{
    loop_wakeup_signal(&bettors->stop);
}

void bettors_end(struct bettors *bettors)
{
    if (bettors == NULL)
        return;
    bettors_stop(bettors);
    (void)pthread_join(bettors->thread, NULL);
    loop_wakeup_close(&bettors->stop);
    loop_free(bettors->loop);
    pthread_mutex_destroy(&bettors->lock);
    free(bettors);
}

void bettors_sample(struct bettors *bettors, struct load_bettors_sample *ret)
{
    pthread_mutex_lock(&bettors->lock);
    *ret = bettors->sample;
    pthread_mutex_unlock(&bettors->lock);
}
