/* consumer_runner.c - contract in consumer_runner.h. */
#include "cli/consumers/consumer_runner.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define SLICE_US    10000
#define AWAY_US_MIN 100000
#define AWAY_US_MAX 2000000

static bool told_to_stop(const struct consumer_runner *runner)
{
    return __atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE) != 0;
}

static void rest(const struct consumer_runner *runner, int64_t us)
{
    const struct timespec slice = {0, SLICE_US * 1000};
    for (int64_t rested = 0; rested < us && !told_to_stop(runner); rested += SLICE_US)
        (void)nanosleep(&slice, NULL);
}

static void say_away(struct consumer_runner *runner, bool away)
{
    if (away == runner->told_away)
        return;
    runner->told_away = away;
    if (away)
        log_warn("consumer", "the stream cannot be read: tried again",
                 LOG_TEXT("why", slice_text(runner->reader->ops->problem(runner->reader))));
    else
        log_info("consumer", "the stream is read");
}

static void count(struct consumer_runner *runner)
{
    struct consumer_stats stats = event_consumer_stats(runner->consumer);
    metrics_set(&runner->lag, (int64_t)stats.lag);
    metrics_set(&runner->generation, (int64_t)stats.generation);
    metrics_set(&runner->away, stats.away);
    metrics_count(&runner->events, stats.events - runner->events.value);
    metrics_count(&runner->commits, stats.commits - runner->commits.value);
    metrics_count(&runner->failures, stats.failures - runner->failures.value);
    say_away(runner, stats.away);
}

static int settle(struct consumer_runner *runner)
{
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + CONSUMER_SETTLE_US;
    int result = 0;
    while (result >= 0 && !event_consumer_is_settled(runner->consumer) &&
           clock_us(CLOCK_MONOTONIC) < until_us)
        result = event_consumer_settle(runner->consumer);
    count(runner);
    return result;
}

/* Nothing is read before a registry has answered or failed to, nor what it says cannot be read. */
static int step(struct consumer_runner *runner)
{
    switch (schema_topic_verdict(runner->schema)) {
    case SCHEMA_ASKED:
        rest(runner, SLICE_US);
        return CONSUMER_GOES_ON;
    case SCHEMA_REFUSED:
        return -ERR_CONFIG;
    case SCHEMA_UNKNOWN:
    case SCHEMA_FITS:
        break;
    }
    int result = event_consumer_step(runner->consumer);
    count(runner);
    return result;
}

static void *run(void *owner)
{
    struct consumer_runner *runner = owner;
    int64_t away_us = AWAY_US_MIN;
    int result = CONSUMER_GOES_ON;
    while (result >= 0 && !told_to_stop(runner)) {
        result = step(runner);
        if (result != CONSUMER_AWAY) {
            away_us = AWAY_US_MIN;
            continue;
        }
        rest(runner, away_us);
        away_us = away_us * 2 < AWAY_US_MAX ? away_us * 2 : AWAY_US_MAX;
    }
    if (result >= 0)
        result = settle(runner);
    if (result >= 0)
        return NULL;
    runner->error = result;
    __atomic_store_n(&runner->ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
int consumer_runner_start(struct consumer_runner *runner, struct event_reader *reader,
                          struct event_sink *sink)
{
    sigset_t all, before;
    runner->reader = reader;
    runner->sink = sink;
    TRY(event_consumer_new(reader, sink, &runner->consumer));
    metrics_set(&runner->away, 1); /* nothing is known yet */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    runner->running = pthread_create(&runner->thread, NULL, run, runner) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return runner->running ? 0 : -ERR_MEMORY;
}

void consumer_runner_stop(struct consumer_runner *runner)
{
    __atomic_store_n(&runner->stop, 1, __ATOMIC_RELEASE);
    if (runner->running)
        (void)pthread_join(runner->thread, NULL);
    runner->running = false;
    event_consumer_free(runner->consumer);
    runner->consumer = NULL;
}

int consumer_runner_error(const struct consumer_runner *runner)
{
    return __atomic_load_n(&runner->ended, __ATOMIC_ACQUIRE) != 0 ? runner->error : 0;
}

bool consumer_runner_is_ready(const struct consumer_runner *runner)
{
    return consumer_runner_error(runner) == 0 &&
           __atomic_load_n(&runner->away.value, __ATOMIC_RELAXED) == 0;
}

int consumer_runner_register_metrics(struct consumer_runner *runner, const char *labels,
                                     struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_consumer_lag_events", "Events that this member has yet to read", labels, 0},
         &runner->lag},
        {{"overround_consumer_away", "1: the stream cannot be read now", labels, 0}, &runner->away},
        {{"overround_consumer_generation", "Times that this member's share may have changed",
          labels, 0},
         &runner->generation},
    };
    const struct metrics_row counters[] = {
        {{"overround_consumer_events_total", "Events that were taken", labels, 0},
         &runner->events.value},
        {{"overround_consumer_commits_total", "Times that what was taken was committed", labels, 0},
         &runner->commits.value},
        {{"overround_consumer_failures_total", "Times that the stream did not answer", labels, 0},
         &runner->failures.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
