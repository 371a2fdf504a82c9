/* pg_ledger.c - contract in pg_ledger.h: threads and callbacks around pg_batch, which knows of
 * neither. `place` is the newest batch that stands; only a writer that has an epoch moves it. */
#include "adapters/postgres/pg_ledger.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/postgres/pg_batch.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "ledger/record.h"

#define CONNINFO_BYTES_MAX 2048

enum append_state { STATE_NONE = 0, STATE_WAITING, STATE_WORKING, STATE_DONE };

struct read_done {
    struct ledger_read *read;
    int error;
    size_t bytes;
};

struct pg_ledger {
    struct ledger_log log; /* first */
    struct pg_ledger_options options;
    char conninfo[CONNINFO_BYTES_MAX];
    struct pg_link *asking, *writing, *reading; /* owned; the owner's and the threads' */
    pthread_t writer, reader;
    bool writer_started, reader_started;
    char problem[PG_PROBLEM_BYTES_MAX]; /* the owner's */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t writer_wake, reader_wake, owner_wake;
    struct pg_ledger_stats stats;
    bool moved, stopped, closing;
    enum append_state append_state;
    struct ledger_append *append;
    enum append_outcome outcome;
    struct ledger_read *waiting[LEDGER_READS_MAX];
    struct read_done done[LEDGER_READS_MAX];
    unsigned waiting_in, waiting_out, done_in, done_out, reads_under_way;
    char thread_problem[PG_PROBLEM_BYTES_MAX];
};

static struct pg_ledger *pg_of(struct ledger_log *log)
{
    return (struct pg_ledger *)log;
}

static void tell_owner(struct pg_ledger *pg)
{
    if (pg->log.notify != NULL)
        pg->log.notify(pg->log.notify_owner);
}

static void keep_problem(char to[PG_PROBLEM_BYTES_MAX], const char *text)
{
    struct buf out = buf_over(to, PG_PROBLEM_BYTES_MAX - 1);
    buf_put_text(&out, text);
    to[out.bytes] = '\0';
}

/* ---- the writer's thread ---- */

static void on_trouble(void *owner, bool trouble)
{
    struct pg_ledger *pg = owner;
    pthread_mutex_lock(&pg->lock);
    pg->stats.away = trouble;
    pthread_mutex_unlock(&pg->lock);
    tell_owner(pg);
}

static enum append_outcome insert_append(struct pg_ledger *pg, const struct ledger_append *append,
                                         struct pg_place *place, struct pg_counters *counters)
{
    struct pg_insert insert = {.link = pg->writing,
                               .shard = pg->options.shard,
                               .counters = counters,
                               .on_trouble = on_trouble,
                               .owner = pg};
    struct pg_batch batch = {
        .place = {place->batch_no + 1, place->epoch, place->seq_last + append->count},
        .seq_first = place->seq_last + 1,
        .records = append->records,
        .bytes = append->bytes};
    enum append_outcome outcome = pg_batch_insert(&insert, &batch);
    if (outcome == APPEND_OK)
        *place = batch.place;
    return outcome;
}

/* Under the lock, which is left meanwhile. */
static void serve_append(struct pg_ledger *pg)
{
    struct ledger_append *append = pg->append;
    struct pg_place place = pg->stats.place;
    struct pg_counters counters = pg->stats.counters;
    enum append_outcome outcome = APPEND_MOVED;
    pg->append_state = STATE_WORKING;
    if (!pg->moved && append->expected_tail == place.seq_last &&
        append->epoch == (uint64_t)place.epoch) {
        pthread_mutex_unlock(&pg->lock);
        outcome = insert_append(pg, append, &place, &counters);
        pthread_mutex_lock(&pg->lock);
        pg->moved = outcome == APPEND_MOVED;
        if (outcome == APPEND_UNKNOWN)
            keep_problem(pg->thread_problem, pg_link_problem(pg->writing));
    }
    pg->stats.place = place;
    pg->stats.counters = counters;
    pg->stats.appends++;
    pg->stats.moved += outcome == APPEND_MOVED;
    pg->stats.refused += outcome == APPEND_REFUSED;
    pg->stopped = pg->stopped || outcome == APPEND_UNKNOWN;
    pg->stats.away = false;
    pg->outcome = outcome;
    pg->append_state = STATE_DONE;
    pthread_cond_broadcast(&pg->owner_wake);
    pthread_mutex_unlock(&pg->lock);
    tell_owner(pg);
    pthread_mutex_lock(&pg->lock);
}

static void *write_loop(void *owner)
{
    struct pg_ledger *pg = owner;
    pthread_mutex_lock(&pg->lock);
    for (;;) {
        if (pg->append_state == STATE_WAITING)
            serve_append(pg);
        else if (pg->closing)
            break;
        else
            pthread_cond_wait(&pg->writer_wake, &pg->lock);
    }
    pthread_mutex_unlock(&pg->lock);
    return NULL;
}

/* ---- records of batches ---- */

/* Gives the records of a batch one by one; those that are asked for, and in their order. */
struct records_walk {
    uint32_t shard;
    uint64_t seq_first, seq_last;
    ledger_visit visit;
    void *owner;
    const char *problem;
};

static int visit_records(void *owner, const struct pg_batch *batch)
{
    struct records_walk *walk = owner;
    uint64_t seq = batch->seq_first;
    struct record_head head;
    for (size_t at = 0; at < batch->bytes; at += head.bytes, seq++) {
        if (batch->bytes - at < sizeof head)
            break;
        memcpy(&head, batch->records + at, sizeof head);
        if (head.bytes < sizeof head || head.bytes % 8 != 0 || head.bytes > batch->bytes - at ||
            head.seq != seq)
            break;
        if (seq >= walk->seq_first && seq <= walk->seq_last)
            TRY(walk->visit(walk->owner, walk->shard, batch->records + at, head.bytes));
    }
    if (seq == batch->place.seq_last + 1)
        return 0;
    walk->problem = "the records of a batch are not those that it says";
    return -ERR_CORRUPT;
}

static int walk_records(struct pg_ledger *pg, struct pg_link *link, struct records_walk *walk,
                        char problem[PG_PROBLEM_BYTES_MAX])
{
    const char *why = "";
    pthread_mutex_lock(&pg->lock);
    struct pg_range range = {pg->options.shard, walk->seq_first, pg->stats.place};
    pthread_mutex_unlock(&pg->lock);
    walk->shard = range.shard;
    walk->problem = "";
    int error = pg_batch_walk(link, &range, visit_records, walk, &why);
    if (error == -ERR_CORRUPT)
        keep_problem(problem, walk->problem[0] != '\0' ? walk->problem : why);
    else if (error == -ERR_ABSENT || error == -ERR_IO)
        keep_problem(problem, pg_link_problem(link));
    return error;
}

/* ---- the reader's thread ---- */

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

static int read_now(struct pg_ledger *pg, struct ledger_read *read, size_t *ret_bytes,
                    char problem[PG_PROBLEM_BYTES_MAX])
{
    struct reading reading = {.read = read};
    struct records_walk walk = {.seq_first = read->seq_first,
                                .seq_last = UINT64_MAX,
                                .visit = take_record,
                                .owner = &reading};
    int error = walk_records(pg, pg->reading, &walk, problem);
    if (error < 0 && error != -ERR_STOPPED)
        return error == -ERR_ABSENT ? -ERR_IO : error;
    *ret_bytes = reading.bytes;
    return reading.taken == read->count ? 0 : -ERR_NOT_FOUND;
}

static void serve_read(struct pg_ledger *pg)
{
    struct ledger_read *read = pg->waiting[pg->waiting_out++ % LEDGER_READS_MAX];
    char problem[PG_PROBLEM_BYTES_MAX] = "";
    size_t bytes = 0;
    pthread_mutex_unlock(&pg->lock);
    int error = read_now(pg, read, &bytes, problem);
    pthread_mutex_lock(&pg->lock);
    pg->done[pg->done_in++ % LEDGER_READS_MAX] = (struct read_done){read, error, bytes};
    pg->stats.reads++;
    if (problem[0] != '\0')
        memcpy(pg->thread_problem, problem, sizeof problem);
    pthread_cond_broadcast(&pg->owner_wake);
    pthread_mutex_unlock(&pg->lock);
    tell_owner(pg);
    pthread_mutex_lock(&pg->lock);
}

static void *read_loop(void *owner)
{
    struct pg_ledger *pg = owner;
    pthread_mutex_lock(&pg->lock);
    for (;;) {
        if (pg->waiting_in != pg->waiting_out)
            serve_read(pg);
        else if (pg->closing)
            break;
        else
            pthread_cond_wait(&pg->reader_wake, &pg->lock);
    }
    pthread_mutex_unlock(&pg->lock);
    return NULL;
}

/* ---- the port, on the owner's thread ---- */

static int pg_append(struct ledger_log *log, struct ledger_append *append)
{
    struct pg_ledger *pg = pg_of(log);
    int result = 0;
    ASSERT(append->shard == pg->options.shard);
    ASSERT(append->on_done != NULL);
    ASSERT(append->count > 0);
    if (append->bytes > LEDGER_APPEND_BYTES_MAX)
        return -ERR_LIMIT;
    pthread_mutex_lock(&pg->lock);
    if (pg->append_state != STATE_NONE)
        result = -ERR_BUSY;
    else if (pg->stopped || pg->closing)
        result = -ERR_STOPPED;
    if (result == 0) {
        pg->append = append;
        pg->append_state = STATE_WAITING;
        pthread_cond_signal(&pg->writer_wake);
    }
    pthread_mutex_unlock(&pg->lock);
    return result;
}

static int pg_read(struct ledger_log *log, struct ledger_read *read)
{
    struct pg_ledger *pg = pg_of(log);
    int result = 0;
    ASSERT(read->shard == pg->options.shard);
    ASSERT(read->on_done != NULL);
    pthread_mutex_lock(&pg->lock);
    if (pg->reads_under_way == LEDGER_READS_MAX || pg->closing) {
        pg->stats.reads_busy++;
        result = -ERR_BUSY;
    } else {
        pg->waiting[pg->waiting_in++ % LEDGER_READS_MAX] = read;
        pg->reads_under_way++;
        pthread_cond_signal(&pg->reader_wake);
    }
    pthread_mutex_unlock(&pg->lock);
    return result;
}

static int pg_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first, ledger_visit visit,
                     void *owner)
{
    struct pg_ledger *pg = pg_of(log);
    struct records_walk walk = {.seq_first = seq_first == 0 ? 1 : seq_first,
                                .seq_last = UINT64_MAX,
                                .visit = visit,
                                .owner = owner};
    ASSERT(shard == pg->options.shard);
    int error = walk_records(pg, pg->asking, &walk, pg->problem);
    return error == -ERR_NOT_FOUND ? 0 : error; /* there is nothing from there on */
}

static uint64_t pg_tail(struct ledger_log *log, uint32_t shard)
{
    struct pg_ledger *pg = pg_of(log);
    ASSERT(shard == pg->options.shard);
    pthread_mutex_lock(&pg->lock);
    uint64_t tail = pg->stats.place.seq_last;
    pthread_mutex_unlock(&pg->lock);
    return tail;
}

static int pg_take_epoch(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch)
{
    struct pg_ledger *pg = pg_of(log);
    struct pg_counters counters = {0};
    struct pg_insert insert = {.link = pg->asking, .shard = shard, .counters = &counters};
    ASSERT(shard == pg->options.shard);
    pthread_mutex_lock(&pg->lock);
    while (pg->append_state == STATE_WAITING || pg->append_state == STATE_WORKING)
        pthread_cond_wait(&pg->owner_wake, &pg->lock);
    struct pg_place place = pg->stats.place;
    bool stopped = pg->stopped || pg->moved;
    pthread_mutex_unlock(&pg->lock);
    if (stopped)
        return -ERR_STOPPED;
    struct pg_batch batch = {.place = {place.batch_no + 1, place.epoch + 1, place.seq_last},
                             .seq_first = place.seq_last + 1,
                             .records = ""};
    enum append_outcome outcome = pg_batch_insert(&insert, &batch);
    pthread_mutex_lock(&pg->lock);
    pg->moved = outcome == APPEND_MOVED;
    pg->stopped = outcome == APPEND_UNKNOWN;
    if (outcome == APPEND_OK)
        pg->stats.place = batch.place;
    pthread_mutex_unlock(&pg->lock);
    if (outcome == APPEND_MOVED)
        keep_problem(pg->problem, "another writer has appended since the log was opened");
    else if (outcome != APPEND_OK)
        keep_problem(pg->problem, pg_link_problem(pg->asking));
    if (outcome == APPEND_OK)
        *ret_epoch = (uint64_t)batch.place.epoch;
    return outcome == APPEND_OK ? 0 : outcome == APPEND_REFUSED ? -ERR_NO_SPACE : -ERR_STOPPED;
}

static enum ledger_trouble pg_trouble(struct ledger_log *log)
{
    struct pg_ledger *pg = pg_of(log);
    pthread_mutex_lock(&pg->lock);
    bool away = pg->stats.away;
    pthread_mutex_unlock(&pg->lock);
    return away ? LEDGER_STALLED : LEDGER_WELL;
}

static void poll_append(struct pg_ledger *pg)
{
    struct ledger_append *append = NULL;
    enum append_outcome outcome = APPEND_OK;
    pthread_mutex_lock(&pg->lock);
    if (pg->append_state == STATE_DONE) {
        append = pg->append;
        outcome = pg->outcome;
        pg->append = NULL;
        pg->append_state = STATE_NONE;
    }
    if (outcome == APPEND_UNKNOWN)
        memcpy(pg->problem, pg->thread_problem, sizeof pg->problem);
    pthread_mutex_unlock(&pg->lock);
    if (append != NULL)
        append->on_done(append, outcome); /* may append again */
}

static bool poll_read(struct pg_ledger *pg)
{
    struct read_done done = {0};
    pthread_mutex_lock(&pg->lock);
    if (pg->done_in != pg->done_out) {
        done = pg->done[pg->done_out++ % LEDGER_READS_MAX];
        pg->reads_under_way--;
    }
    if (done.error == -ERR_CORRUPT || done.error == -ERR_IO)
        memcpy(pg->problem, pg->thread_problem, sizeof pg->problem);
    pthread_mutex_unlock(&pg->lock);
    if (done.read != NULL)
        done.read->on_done(done.read, done.error, done.bytes);
    return done.read != NULL;
}

static void pg_poll(struct ledger_log *log)
{
    struct pg_ledger *pg = pg_of(log);
    poll_append(pg);
    for (unsigned i = 0; i < LEDGER_READS_MAX && poll_read(pg); i++)
        ;
}

/* ---- end ---- */

static bool has_callbacks(const struct pg_ledger *pg)
{
    return pg->append_state == STATE_DONE || pg->done_in != pg->done_out;
}

static bool is_idle(const struct pg_ledger *pg)
{
    return pg->append_state == STATE_NONE && pg->reads_under_way == 0;
}

/* Serves what is under way; a server that does not answer in close_us_max is left. */
static void run_down(struct pg_ledger *pg)
{
    struct timespec until;
    bool idle = false;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += pg->options.close_us_max / US_PER_SECOND + 1;
    while (!idle) {
        int late = 0;
        pg_poll(&pg->log);
        pthread_mutex_lock(&pg->lock);
        while (!is_idle(pg) && !has_callbacks(pg) && late == 0)
            late = pthread_cond_timedwait(&pg->owner_wake, &pg->lock, &until);
        idle = is_idle(pg);
        pthread_mutex_unlock(&pg->lock);
        if (late != 0) { /* each answers soon now */
            pg_link_leave(pg->writing);
            pg_link_leave(pg->reading);
            until.tv_sec += PG_CONNECT_US_MAX / US_PER_SECOND;
        }
    }
}

static void end_threads(struct pg_ledger *pg)
{
    pthread_mutex_lock(&pg->lock);
    pg->closing = true;
    pthread_cond_signal(&pg->writer_wake);
    pthread_cond_signal(&pg->reader_wake);
    pthread_mutex_unlock(&pg->lock);
    run_down(pg);
    if (pg->writer_started)
        pthread_join(pg->writer, NULL);
    if (pg->reader_started)
        pthread_join(pg->reader, NULL);
}

static void destroy(struct pg_ledger *pg)
{
    pg_link_free(pg->asking);
    pg_link_free(pg->writing);
    pg_link_free(pg->reading);
    pthread_cond_destroy(&pg->writer_wake);
    pthread_cond_destroy(&pg->reader_wake);
    pthread_cond_destroy(&pg->owner_wake);
    pthread_mutex_destroy(&pg->lock);
    explicit_bzero(pg->conninfo, sizeof pg->conninfo); /* it may hold a password */
    free(pg);
}

static void pg_free(struct ledger_log *log)
{
    struct pg_ledger *pg = pg_of(log);
    end_threads(pg);
    destroy(pg);
}

static const struct ledger_log_ops pg_ops = {
    .append = pg_append,
    .read = pg_read,
    .replay = pg_replay,
    .tail = pg_tail,
    .take_epoch = pg_take_epoch,
    .trouble = pg_trouble,
    .poll = pg_poll,
    .free = pg_free,
};

void pg_ledger_stats(struct ledger_log *log, struct pg_ledger_stats *ret_stats)
{
    struct pg_ledger *pg = pg_of(log);
    pthread_mutex_lock(&pg->lock);
    *ret_stats = pg->stats;
    pthread_mutex_unlock(&pg->lock);
}

const char *pg_ledger_problem(struct ledger_log *log)
{
    return pg_of(log)->problem;
}

/* ---- begin ---- */

static int make_links(struct pg_ledger *pg)
{
    TRY(pg_link_new(pg->conninfo, &pg->asking));
    TRY(pg_link_new(pg->conninfo, &pg->writing));
    return pg_link_new(pg->conninfo, &pg->reading);
}

static int find_end(struct pg_ledger *pg, struct buf *why)
{
    const char *text = "";
    int error = pg_batch_prepare(pg->asking, &text);
    if (error == 0)
        error = pg_batch_newest(pg->asking, pg->options.shard, &pg->stats.place);
    if (error < 0)
        buf_put_text(why, text[0] != '\0' ? text : pg_link_problem(pg->asking));
    return error;
}

/* Signals are the role's business: none may be delivered to these threads. */
static int start_threads(struct pg_ledger *pg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pg->writer_started = pthread_create(&pg->writer, NULL, write_loop, pg) == 0;
    pg->reader_started = pthread_create(&pg->reader, NULL, read_loop, pg) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pg->writer_started && pg->reader_started ? 0 : -ERR_MEMORY;
}

static struct pg_ledger *ledger_new(const struct pg_ledger_options *options)
{
    struct pg_ledger *pg = calloc(1, sizeof *pg);
    if (pg == NULL)
        return NULL;
    pg->log.ops = &pg_ops;
    pg->options = *options;
    memcpy(pg->conninfo, options->conninfo, strlen(options->conninfo) + 1);
    pg->options.conninfo = pg->conninfo;
    pthread_mutex_init(&pg->lock, NULL);
    pthread_cond_init(&pg->writer_wake, NULL);
    pthread_cond_init(&pg->reader_wake, NULL);
    pthread_cond_init(&pg->owner_wake, NULL);
    return pg;
}

int pg_ledger_open(const struct pg_ledger_options *options, struct ledger_log **ret_log,
                   struct buf *why)
{
    if (strlen(options->conninfo) >= CONNINFO_BYTES_MAX) {
        buf_put_text(why, "the connection's text is too long");
        return -ERR_CONFIG;
    }
    struct pg_ledger *pg = ledger_new(options);
    if (pg == NULL)
        return -ERR_MEMORY;
    int error = make_links(pg);
    if (error == -ERR_CONFIG)
        buf_put_text(why, "the connection's text cannot be read");
    if (error == 0)
        error = find_end(pg, why);
    if (error < 0) {
        destroy(pg);
        return error;
    }
    error = start_threads(pg);
    if (error < 0) {
        pg_free(&pg->log);
        return error;
    }
    *ret_log = &pg->log;
    return 0;
}
