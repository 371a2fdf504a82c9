/* ledger_calls.c - contract in ledger_calls.h. */
#include "adapters/shared/ledger_calls.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"

void ledger_calls_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void ledger_calls_wait_us(struct ledger_calls *calls, pthread_cond_t *wake, int64_t us)
{
    struct timespec until;
    int64_t at = clock_us(CLOCK_MONOTONIC) + us;
    until.tv_sec = at / US_PER_SECOND;
    until.tv_nsec = at % US_PER_SECOND * 1000;
    (void)pthread_cond_timedwait(wake, &calls->lock, &until);
}

void ledger_calls_notify(const struct ledger_calls *calls)
{
    if (calls->log->notify != NULL)
        calls->log->notify(calls->log->notify_owner);
}

void ledger_calls_explain(char to[LEDGER_PROBLEM_BYTES], const char *text)
{
    size_t bytes = strnlen(text, LEDGER_PROBLEM_BYTES - 1);
    memmove(to, text, bytes);
    to[bytes] = '\0';
}

/* ---- the reader's thread ---- */

static void serve_read(struct ledger_calls *calls)
{
    struct ledger_calls_done done = {.read =
                                         calls->waiting[calls->waiting_out++ % LEDGER_READS_MAX]};
    char problem[LEDGER_PROBLEM_BYTES] = "";
    pthread_mutex_unlock(&calls->lock);
    done.error = calls->ops->read(calls->owner, done.read, &done.bytes, problem);
    done.has_problem = problem[0] != '\0';
    pthread_mutex_lock(&calls->lock);
    calls->done[calls->done_in++ % LEDGER_READS_MAX] = done;
    calls->reads++;
    if (done.has_problem)
        memcpy(calls->read_problem, problem, sizeof problem);
    pthread_cond_broadcast(&calls->owner_wake);
    pthread_mutex_unlock(&calls->lock);
    ledger_calls_notify(calls);
    pthread_mutex_lock(&calls->lock);
}

static void *read_loop(void *owner)
{
    struct ledger_calls *calls = owner;
    pthread_mutex_lock(&calls->lock);
    for (;;) {
        if (calls->waiting_in != calls->waiting_out)
            serve_read(calls);
        else if (calls->closing)
            break;
        else
            pthread_cond_wait(&calls->reader_wake, &calls->lock);
    }
    pthread_mutex_unlock(&calls->lock);
    return NULL;
}

/* ---- the owner's thread ---- */

int ledger_calls_append(struct ledger_calls *calls, struct ledger_append *append)
{
    int result = 0;
    ASSERT(append->on_done != NULL);
    pthread_mutex_lock(&calls->lock);
    if (calls->append_state != LEDGER_CALL_NONE)
        result = -ERR_BUSY;
    else if (calls->stopped || calls->closing)
        result = -ERR_STOPPED;
    if (result == 0) {
        calls->append = append;
        calls->append_state = LEDGER_CALL_WAITING;
        calls->ops->wake_writer(calls->owner);
    }
    pthread_mutex_unlock(&calls->lock);
    return result;
}

int ledger_calls_read(struct ledger_calls *calls, struct ledger_read *read)
{
    int result = 0;
    ASSERT(read->on_done != NULL);
    pthread_mutex_lock(&calls->lock);
    if (calls->reads_under_way == LEDGER_READS_MAX || calls->closing) {
        calls->reads_busy++;
        result = -ERR_BUSY;
    } else {
        calls->waiting[calls->waiting_in++ % LEDGER_READS_MAX] = read;
        calls->reads_under_way++;
        pthread_cond_signal(&calls->reader_wake);
    }
    pthread_mutex_unlock(&calls->lock);
    return result;
}

static void poll_append(struct ledger_calls *calls)
{
    struct ledger_append *append = NULL;
    enum append_outcome outcome = APPEND_OK;
    pthread_mutex_lock(&calls->lock);
    if (calls->append_state == LEDGER_CALL_DONE) {
        append = calls->append;
        outcome = calls->outcome;
        calls->append = NULL;
        calls->append_state = LEDGER_CALL_NONE;
    }
    if (outcome == APPEND_UNKNOWN && calls->append_problem[0] != '\0')
        memcpy(calls->problem, calls->append_problem, sizeof calls->problem);
    pthread_mutex_unlock(&calls->lock);
    if (append != NULL)
        append->on_done(append, outcome); /* may append again */
}

static bool poll_read(struct ledger_calls *calls)
{
    struct ledger_calls_done done = {0};
    pthread_mutex_lock(&calls->lock);
    if (calls->done_in != calls->done_out) {
        done = calls->done[calls->done_out++ % LEDGER_READS_MAX];
        calls->reads_under_way--;
    }
    if (done.has_problem)
        memcpy(calls->problem, calls->read_problem, sizeof calls->problem);
    pthread_mutex_unlock(&calls->lock);
    if (done.read != NULL)
        done.read->on_done(done.read, done.error, done.bytes);
    return done.read != NULL;
}

void ledger_calls_poll(struct ledger_calls *calls)
{
    poll_append(calls);
    for (unsigned i = 0; i < LEDGER_READS_MAX && poll_read(calls); i++)
        ;
}

static bool is_idle(const struct ledger_calls *calls)
{
    return calls->append_state == LEDGER_CALL_NONE && calls->reads_under_way == 0;
}

static bool has_callbacks(const struct ledger_calls *calls)
{
    return calls->append_state == LEDGER_CALL_DONE || calls->done_in != calls->done_out;
}

void ledger_calls_run_down(struct ledger_calls *calls, int64_t us_max, void (*give_up)(void *owner))
{
    int64_t until_us = us_max == 0 ? INT64_MAX : clock_us(CLOCK_MONOTONIC) + us_max;
    bool idle = false;
    while (!idle) {
        bool late = false;
        ledger_calls_poll(calls);
        pthread_mutex_lock(&calls->lock);
        while (!is_idle(calls) && !has_callbacks(calls) && !late) {
            if (us_max == 0)
                pthread_cond_wait(&calls->owner_wake, &calls->lock);
            else
                ledger_calls_wait_us(calls, &calls->owner_wake,
                                     until_us - clock_us(CLOCK_MONOTONIC));
            late = us_max != 0 && clock_us(CLOCK_MONOTONIC) >= until_us;
        }
        idle = is_idle(calls);
        pthread_mutex_unlock(&calls->lock);
        if (late) { /* each answers soon now */
            give_up(calls->owner);
            until_us += us_max;
        }
    }
}

/* ---- the writer's ---- */

void ledger_calls_finish(struct ledger_calls *calls, enum append_outcome outcome,
                         const char *problem)
{
    ASSERT(ledger_calls_append_is_under_way(calls));
    ledger_calls_explain(calls->append_problem, problem != NULL ? problem : "");
    calls->outcome = outcome;
    calls->append_state = LEDGER_CALL_DONE;
    pthread_cond_broadcast(&calls->owner_wake);
    pthread_mutex_unlock(&calls->lock);
    ledger_calls_notify(calls);
    pthread_mutex_lock(&calls->lock);
}

/* ---- begin and end ---- */

void ledger_calls_init(struct ledger_calls *calls, const struct ledger_calls_ops *ops,
                       struct ledger_log *log, void *owner)
{
    *calls = (struct ledger_calls){.ops = ops, .log = log, .owner = owner};
    pthread_mutex_init(&calls->lock, NULL);
    ledger_calls_cond_init(&calls->owner_wake);
    ledger_calls_cond_init(&calls->reader_wake);
}

int ledger_calls_start(struct ledger_calls *calls)
{
    calls->reader_started = pthread_create(&calls->reader, NULL, read_loop, calls) == 0;
    return calls->reader_started ? 0 : -ERR_MEMORY;
}

void ledger_calls_join(struct ledger_calls *calls)
{
    if (!calls->reader_started)
        return;
    pthread_mutex_lock(&calls->lock);
    pthread_cond_signal(&calls->reader_wake);
    pthread_mutex_unlock(&calls->lock);
    pthread_join(calls->reader, NULL);
    calls->reader_started = false;
}

void ledger_calls_destroy(struct ledger_calls *calls)
{
    pthread_cond_destroy(&calls->reader_wake);
    pthread_cond_destroy(&calls->owner_wake);
    pthread_mutex_destroy(&calls->lock);
}
