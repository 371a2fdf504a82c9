/* batch_ledger.c - contract in batch_ledger.h: threads around batch_attempt and batch_walk, which
 * know of none. `place` is the newest batch that stands; only a writer that has an epoch moves it.
 */
#include "adapters/shared/batch_ledger.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/shared/batch_attempt.h"
#include "adapters/shared/batch_walk.h"
#include "adapters/shared/ledger_calls.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/prng.h"

#define CLOCKS_A_STALL 4

struct batch_ledger {
    struct ledger_log log;     /* first */
    struct ledger_calls calls; /* and the lock */
    struct batch_ledger_options options;
    pthread_t writer, clock;
    bool writer_started, clock_started;
    uint64_t us;      /* the writer of our batches */
    struct prng prng; /* of whoever inserts: the owner in take_epoch, else the writer */

    pthread_cond_t writer_wake, clock_wake; /* everything below under the lock */
    struct batch_ledger_stats stats;
    int64_t append_us; /* since when the append waits that is under way */
    bool asks_again;   /* an answer was lost, or was none */
    bool late;         /* none came within stall_us */
    bool moved;
};

static struct batch_ledger *ledger_of(struct ledger_log *log)
{
    return (struct batch_ledger *)log;
}

/* ---- inserting ---- */

static void tell_trouble(struct batch_ledger *ledger, bool asks_again)
{
    pthread_mutex_lock(&ledger->calls.lock);
    ledger->asks_again = asks_again;
    ledger->stats.trouble = asks_again || ledger->late;
    pthread_mutex_unlock(&ledger->calls.lock);
    ledger_calls_notify(&ledger->calls);
}

/* Writers that were refused together do not come back together. */
static bool rest_us(struct batch_ledger *ledger, struct batch_store *store, int64_t us)
{
    int64_t half = us / 2;
    int64_t jitter = half == 0 ? 0 : (int64_t)prng_below(&ledger->prng, (uint64_t)half);
    return store->ops->pause(store, us - jitter);
}

static bool has_passed(const struct batch *batch)
{
    return batch->until_us != 0 && clock_us(CLOCK_MONOTONIC) > batch->until_us;
}

static enum store_answer step_once(struct batch_store *store, uint32_t shard,
                                   const struct batch *batch, struct batch_attempt *attempt)
{
    enum batch_found found = BATCH_NONE;
    enum store_answer answer;
    bool won = false;
    if (attempt->step == BATCH_STEP_INSERT) {
        answer = has_passed(batch) ? STORE_LATE : store->ops->insert(store, shard, batch, &won);
        batch_attempt_inserted(attempt, answer, won);
    } else {
        answer = store->ops->look(store, shard, batch, &found);
        batch_attempt_looked(attempt, answer, found);
    }
    return answer;
}

/* Inserts it, however long that takes. Of the counters it adds to lost, again and away. */
static enum append_outcome insert(struct batch_ledger *ledger, struct batch_store *store,
                                  const struct batch *batch, struct batch_ledger_stats *counters)
{
    struct batch_attempt attempt = batch_attempt_begin();
    bool told = false;
    while (attempt.step != BATCH_STEP_END) {
        if (attempt.trouble && !told)
            tell_trouble(ledger, true);
        told = attempt.trouble;
        if (!rest_us(ledger, store, attempt.pause_us)) {
            attempt.outcome = APPEND_UNKNOWN;
            break;
        }
        counters->away += step_once(store, ledger->options.shard, batch, &attempt) == STORE_AWAY;
    }
    counters->lost += attempt.lost;
    counters->again += attempt.again;
    if (told)
        tell_trouble(ledger, false);
    return attempt.outcome;
}

/* ---- the writer's thread ---- */

static bool has_moved(const struct batch_ledger *ledger, const struct ledger_append *append)
{
    const struct batch_place *place = &ledger->stats.place;
    return ledger->moved || append->expected_tail != place->seq_last ||
           append->epoch != (uint64_t)place->epoch;
}

static struct batch batch_of(const struct ledger_append *append, const struct batch_place *place,
                             uint64_t writer)
{
    return (struct batch){
        .place = {place->batch_no + 1, place->epoch, place->seq_last + append->count},
        .seq_first = place->seq_last + 1,
        .writer = writer,
        .crc = crc32c(0, append->records, append->bytes),
        .records = append->records,
        .bytes = append->bytes,
        .until_us = append->until_us};
}

/* Under the lock, which is left meanwhile. */
static void serve_append(struct batch_ledger *ledger)
{
    const struct ledger_append *append = ledger->calls.append;
    struct batch_ledger_stats counters = {0};
    struct batch_store *store = ledger->options.writing;
    enum append_outcome outcome = APPEND_MOVED;
    const char *problem = NULL;
    ledger->calls.append_state = LEDGER_CALL_WORKING;
    ledger->append_us = clock_us(CLOCK_MONOTONIC);
    if (!has_moved(ledger, append)) {
        struct batch batch = batch_of(append, &ledger->stats.place, ledger->us);
        pthread_mutex_unlock(&ledger->calls.lock);
        outcome = insert(ledger, store, &batch, &counters);
        pthread_mutex_lock(&ledger->calls.lock);
        ledger->moved = outcome == APPEND_MOVED;
        if (outcome == APPEND_OK) /* L2: only now */
            ledger->stats.place = batch.place;
        if (outcome == APPEND_UNKNOWN)
            problem = store->ops->problem(store);
    }
    ledger->stats.lost += counters.lost;
    ledger->stats.again += counters.again;
    ledger->stats.away += counters.away;
    ledger->stats.appends++;
    ledger->stats.moved += outcome == APPEND_MOVED;
    ledger->stats.late += outcome == APPEND_LATE;
    ledger->stats.refused += outcome == APPEND_REFUSED;
    ledger->late = false;
    ledger->stats.trouble = ledger->asks_again;
    ledger->calls.stopped = ledger->calls.stopped || outcome == APPEND_UNKNOWN;
    ledger_calls_finish(&ledger->calls, outcome, problem);
}

static void *write_loop(void *owner)
{
    struct batch_ledger *ledger = owner;
    pthread_mutex_lock(&ledger->calls.lock);
    for (;;) {
        if (ledger->calls.append_state == LEDGER_CALL_WAITING)
            serve_append(ledger);
        else if (ledger->calls.closing)
            break;
        else
            pthread_cond_wait(&ledger->writer_wake, &ledger->calls.lock);
    }
    pthread_mutex_unlock(&ledger->calls.lock);
    return NULL;
}

static void wake_writer(void *owner)
{
    pthread_cond_signal(&((struct batch_ledger *)owner)->writer_wake);
}

/* ---- the clock's thread ---- */

/* Under the lock, which is left to tell of it. */
static void look_at_clock(struct batch_ledger *ledger)
{
    if (ledger->late || !ledger_calls_append_is_under_way(&ledger->calls) ||
        clock_us(CLOCK_MONOTONIC) - ledger->append_us < ledger->options.stall_us)
        return;
    ledger->late = ledger->stats.trouble = true;
    pthread_mutex_unlock(&ledger->calls.lock);
    ledger_calls_notify(&ledger->calls);
    pthread_mutex_lock(&ledger->calls.lock);
}

static void *clock_loop(void *owner)
{
    struct batch_ledger *ledger = owner;
    pthread_mutex_lock(&ledger->calls.lock);
    while (!ledger->calls.closing) {
        look_at_clock(ledger);
        ledger_calls_wait_us(&ledger->calls, &ledger->clock_wake,
                             ledger->options.stall_us / CLOCKS_A_STALL);
    }
    pthread_mutex_unlock(&ledger->calls.lock);
    return NULL;
}

/* ---- reading ---- */

static int walk(struct batch_ledger *ledger, struct batch_store *store,
                const struct batch_walk_visit *asked, char problem[LEDGER_PROBLEM_BYTES])
{
    struct batch_walk of_store = {.store = store, .shard = ledger->options.shard};
    pthread_mutex_lock(&ledger->calls.lock);
    struct batch_place end = ledger->stats.place;
    pthread_mutex_unlock(&ledger->calls.lock);
    int error = batch_walk_records(&of_store, &end, asked);
    if (error == -ERR_CORRUPT && of_store.why[0] != '\0')
        ledger_calls_explain(problem, of_store.why);
    else if (error == -ERR_CORRUPT || error == -ERR_ABSENT || error == -ERR_IO)
        ledger_calls_explain(problem, store->ops->problem(store));
    return error;
}

struct reading {
    struct ledger_read *read;
    size_t bytes;
    uint32_t taken;
};

static int take_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct reading *reading = owner;
    (void)shard;
    if (bytes > reading->read->capacity - reading->bytes)
        return -ERR_LIMIT;
    memcpy(reading->read->memory + reading->bytes, record, bytes);
    reading->bytes += bytes;
    /* The rest of the range is not fetched. */
    return ++reading->taken == reading->read->count ? -ERR_STOPPED : 0;
}

static int read_now(void *owner, struct ledger_read *read, size_t *ret_bytes,
                    char problem[LEDGER_PROBLEM_BYTES])
{
    struct batch_ledger *ledger = owner;
    struct reading reading = {.read = read};
    const struct batch_walk_visit asked = {read->seq_first, take_record, &reading};
    int error = walk(ledger, ledger->options.reading, &asked, problem);
    if (error < 0 && error != -ERR_STOPPED)
        return error == -ERR_ABSENT ? -ERR_IO : error;
    *ret_bytes = reading.bytes;
    return reading.taken == read->count ? 0 : -ERR_NOT_FOUND;
}

static const struct ledger_calls_ops calls_ops = {.wake_writer = wake_writer, .read = read_now};

/* ---- the port, on the owner's thread ---- */

static int log_append(struct ledger_log *log, struct ledger_append *append)
{
    struct batch_ledger *ledger = ledger_of(log);
    ASSERT(append->shard == ledger->options.shard);
    ASSERT(append->count > 0);
    if (ledger->options.read_only)
        return -ERR_UNSUPPORTED;
    if (append->bytes > ledger->options.append_bytes_max)
        return -ERR_LIMIT;
    return ledger_calls_append(&ledger->calls, append);
}

static int log_read(struct ledger_log *log, struct ledger_read *read)
{
    struct batch_ledger *ledger = ledger_of(log);
    ASSERT(read->shard == ledger->options.shard);
    return ledger_calls_read(&ledger->calls, read);
}

static int log_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first,
                      ledger_visit visit, void *owner)
{
    struct batch_ledger *ledger = ledger_of(log);
    const struct batch_walk_visit asked = {seq_first == 0 ? 1 : seq_first, visit, owner};
    ASSERT(shard == ledger->options.shard);
    int error = walk(ledger, ledger->options.asking, &asked, ledger->calls.problem);
    return error == -ERR_NOT_FOUND ? 0 : error; /* there is nothing from there on */
}

static uint64_t log_tail(struct ledger_log *log, uint32_t shard)
{
    struct batch_ledger *ledger = ledger_of(log);
    ASSERT(shard == ledger->options.shard);
    pthread_mutex_lock(&ledger->calls.lock);
    uint64_t tail = ledger->stats.place.seq_last;
    pthread_mutex_unlock(&ledger->calls.lock);
    return tail;
}

/* False: the log has stopped. */
static bool rest(struct batch_ledger *ledger, struct batch_place *ret_place)
{
    pthread_mutex_lock(&ledger->calls.lock);
    while (ledger_calls_append_is_under_way(&ledger->calls))
        pthread_cond_wait(&ledger->calls.owner_wake, &ledger->calls.lock);
    *ret_place = ledger->stats.place;
    bool stopped = ledger->calls.stopped || ledger->moved;
    pthread_mutex_unlock(&ledger->calls.lock);
    return !stopped;
}

static int end_epoch(struct batch_ledger *ledger, enum append_outcome outcome)
{
    struct batch_store *store = ledger->options.asking;
    switch (outcome) {
    case APPEND_OK:
        return 0;
    case APPEND_MOVED:
        ledger_calls_explain(ledger->calls.problem,
                             "another writer has appended since the log was opened");
        return -ERR_STOPPED;
    case APPEND_LATE: /* an epoch has all the time */
    case APPEND_REFUSED:
    case APPEND_UNKNOWN:
        break;
    }
    ledger_calls_explain(ledger->calls.problem, store->ops->problem(store));
    return outcome == APPEND_REFUSED ? -ERR_NO_SPACE : -ERR_STOPPED;
}

static int log_take_epoch(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch)
{
    struct batch_ledger *ledger = ledger_of(log);
    struct batch_ledger_stats counters = {0};
    struct batch_place place;
    ASSERT(shard == ledger->options.shard);
    if (ledger->options.read_only)
        return -ERR_UNSUPPORTED;
    if (!rest(ledger, &place))
        return -ERR_STOPPED;
    struct batch batch = {.place = {place.batch_no + 1, place.epoch + 1, place.seq_last},
                          .seq_first = place.seq_last + 1,
                          .writer = ledger->us,
                          .crc = crc32c(0, "", 0),
                          .records = ""};
    enum append_outcome outcome = insert(ledger, ledger->options.asking, &batch, &counters);
    pthread_mutex_lock(&ledger->calls.lock);
    ledger->moved = outcome == APPEND_MOVED;
    ledger->calls.stopped = outcome == APPEND_UNKNOWN;
    if (outcome == APPEND_OK)
        ledger->stats.place = batch.place;
    pthread_mutex_unlock(&ledger->calls.lock);
    TRY(end_epoch(ledger, outcome));
    *ret_epoch = (uint64_t)batch.place.epoch;
    return 0;
}

static enum ledger_trouble log_trouble(struct ledger_log *log)
{
    struct batch_ledger *ledger = ledger_of(log);
    pthread_mutex_lock(&ledger->calls.lock);
    bool trouble = ledger->stats.trouble;
    pthread_mutex_unlock(&ledger->calls.lock);
    return trouble ? LEDGER_STALLED : LEDGER_WELL;
}

static void log_poll(struct ledger_log *log)
{
    ledger_calls_poll(&ledger_of(log)->calls);
}

/* ---- end ---- */

static void leave(void *owner)
{
    struct batch_ledger *ledger = owner;
    ledger->options.writing->ops->leave(ledger->options.writing);
    ledger->options.reading->ops->leave(ledger->options.reading);
}

/* What is under way is served; a store that does not answer in its time is left. */
static void end_threads(struct batch_ledger *ledger)
{
    pthread_mutex_lock(&ledger->calls.lock);
    ledger->calls.closing = true;
    pthread_cond_signal(&ledger->writer_wake);
    pthread_cond_signal(&ledger->clock_wake);
    pthread_mutex_unlock(&ledger->calls.lock);
    ledger_calls_run_down(&ledger->calls, ledger->options.close_us_max, leave);
    if (ledger->writer_started)
        pthread_join(ledger->writer, NULL);
    if (ledger->clock_started)
        pthread_join(ledger->clock, NULL);
    ledger_calls_join(&ledger->calls);
}

static void free_stores(const struct batch_ledger_options *options)
{
    struct batch_store *const stores[] = {options->asking, options->writing, options->reading};
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
        stores[i]->ops->free(stores[i]);
}

static void destroy(struct batch_ledger *ledger)
{
    free_stores(&ledger->options);
    pthread_cond_destroy(&ledger->writer_wake);
    pthread_cond_destroy(&ledger->clock_wake);
    ledger_calls_destroy(&ledger->calls);
    free(ledger);
}

static void log_free(struct ledger_log *log)
{
    struct batch_ledger *ledger = ledger_of(log);
    end_threads(ledger);
    destroy(ledger);
}

static const struct ledger_log_ops ledger_ops = {
    .append = log_append,
    .read = log_read,
    .replay = log_replay,
    .tail = log_tail,
    .take_epoch = log_take_epoch,
    .trouble = log_trouble,
    .poll = log_poll,
    .free = log_free,
};

void batch_ledger_stats(struct ledger_log *log, struct batch_ledger_stats *ret_stats)
{
    struct batch_ledger *ledger = ledger_of(log);
    pthread_mutex_lock(&ledger->calls.lock);
    *ret_stats = ledger->stats;
    ret_stats->reads = ledger->calls.reads;
    ret_stats->reads_busy = ledger->calls.reads_busy;
    pthread_mutex_unlock(&ledger->calls.lock);
}

const char *batch_ledger_problem(struct ledger_log *log)
{
    return ledger_of(log)->calls.problem;
}

const char *batch_ledger_stopped_by(struct ledger_log *log)
{
    struct batch_ledger *ledger = ledger_of(log);
    pthread_mutex_lock(&ledger->calls.lock);
    bool stopped = ledger->calls.stopped; /* there is no other append behind that */
    pthread_mutex_unlock(&ledger->calls.lock);
    return stopped ? ledger->calls.append_problem : "";
}

/* ---- begin ---- */

static int find_end(struct batch_ledger *ledger, struct buf *why)
{
    struct batch_store *store = ledger->options.asking;
    const char *text = "";
    int error = ledger->options.read_only ? 0 : store->ops->prepare(store, &text);
    if (error == 0)
        error = store->ops->newest(store, ledger->options.shard, &ledger->stats.place);
    if (error < 0)
        buf_put_text(why, text[0] != '\0' ? text : store->ops->problem(store));
    return error;
}

/* Signals are the role's business: none may be delivered to these threads. */
static int start_threads(struct batch_ledger *ledger)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ledger->writer_started = pthread_create(&ledger->writer, NULL, write_loop, ledger) == 0;
    ledger->clock_started = ledger->options.stall_us > 0 &&
                            pthread_create(&ledger->clock, NULL, clock_loop, ledger) == 0;
    bool started =
        ledger->writer_started && ledger->clock_started == (ledger->options.stall_us > 0);
    int error = started ? ledger_calls_start(&ledger->calls) : -ERR_MEMORY;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static struct batch_ledger *ledger_new(const struct batch_ledger_options *options)
{
    struct batch_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return NULL;
    ledger->log.ops = &ledger_ops;
    ledger->log.append_bytes_max = options->append_bytes_max;
    ledger->options = *options;
    ledger_calls_init(&ledger->calls, &calls_ops, &ledger->log, ledger);
    ledger_calls_cond_init(&ledger->writer_wake);
    ledger_calls_cond_init(&ledger->clock_wake);
    if (getrandom(&ledger->us, sizeof ledger->us, 0) != sizeof ledger->us)
        ledger->us = (uint64_t)clock_us(CLOCK_REALTIME); /* the kernel is that of another age */
    prng_seed(&ledger->prng, ledger->us);
    ledger->us >>= 5;
    return ledger;
}

int batch_ledger_open(const struct batch_ledger_options *options, struct ledger_log **ret_log,
                      struct buf *why)
{
    struct batch_ledger *ledger = ledger_new(options);
    if (ledger == NULL) {
        free_stores(options);
        return -ERR_MEMORY;
    }
    int error = find_end(ledger, why);
    if (error < 0) {
        destroy(ledger);
        return error;
    }
    error = start_threads(ledger);
    if (error < 0) {
        log_free(&ledger->log);
        return error;
    }
    *ret_log = &ledger->log;
    return 0;
}
