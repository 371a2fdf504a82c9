/* ledger_mirror.c - contract in ledger_mirror.h. One append: the authority's, then the copy's with
 * the same bytes, then the owner's callback, in poll(). */
#include "adapters/mirror/ledger_mirror.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

struct ledger_mirror {
    struct ledger_log log; /* first */
    struct ledger_mirror_options options;
    struct ledger_append append; /* the one under way, as the logs below see it */
    struct ledger_append *asked; /* the owner's; NULL: none */
    bool copy_waits;             /* it stands, and the copy refused it: at the next poll again */
    bool stopped;
    struct ledger_mirror_stats stats;
};

static struct ledger_mirror *mirror_of(struct ledger_log *log)
{
    return (struct ledger_mirror *)log;
}

static struct ledger_log *authority(const struct ledger_mirror *mirror)
{
    return mirror->options.authority;
}

static struct ledger_log *copy(const struct ledger_mirror *mirror)
{
    return mirror->options.copy;
}

/* ---- an append ---- */

static void end_append(struct ledger_mirror *mirror, enum append_outcome outcome)
{
    struct ledger_append *asked = mirror->asked;
    mirror->asked = NULL;
    mirror->copy_waits = false;
    mirror->stats.behind = 0;
    mirror->stopped = mirror->stopped || outcome == APPEND_UNKNOWN;
    asked->on_done(asked, outcome); /* may append again */
}

static void on_copied(struct ledger_append *append, enum append_outcome outcome)
{
    struct ledger_mirror *mirror = append->owner;
    switch (outcome) {
    case APPEND_OK:
        end_append(mirror, APPEND_OK);
        break;
    case APPEND_REFUSED: /* it stands in the authority: it can only be waited for */
        mirror->copy_waits = true;
        mirror->stats.copy_retries++;
        break;
    case APPEND_MOVED:
    case APPEND_LATE: /* the copy was given all the time */
    case APPEND_UNKNOWN:
        end_append(mirror, APPEND_UNKNOWN);
        break;
    }
}

static void copy_group(struct ledger_mirror *mirror)
{
    mirror->copy_waits = false;
    mirror->append.on_done = on_copied;
    mirror->append.until_us = 0;
    if (copy(mirror)->ops->append(copy(mirror), &mirror->append) < 0)
        end_append(mirror, APPEND_UNKNOWN);
}

static void on_authority(struct ledger_append *append, enum append_outcome outcome)
{
    struct ledger_mirror *mirror = append->owner;
    if (outcome != APPEND_OK) {
        end_append(mirror, outcome);
        return;
    }
    mirror->stats.behind = append->count;
    copy_group(mirror);
}

static int mirror_append(struct ledger_log *log, struct ledger_append *append)
{
    struct ledger_mirror *mirror = mirror_of(log);
    ASSERT(append->on_done != NULL);
    if (mirror->asked != NULL)
        return -ERR_BUSY;
    if (mirror->stopped)
        return -ERR_STOPPED;
    mirror->append = *append;
    mirror->append.on_done = on_authority;
    mirror->append.owner = mirror;
    mirror->asked = append;
    int error = authority(mirror)->ops->append(authority(mirror), &mirror->append);
    if (error < 0)
        mirror->asked = NULL;
    return error;
}

/* ---- the rest of the port ---- */

static int mirror_read(struct ledger_log *log, struct ledger_read *read)
{
    struct ledger_log *below = copy(mirror_of(log));
    return below->ops->read(below, read);
}

static int mirror_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first,
                         ledger_visit visit, void *owner)
{
    struct ledger_log *below = copy(mirror_of(log));
    return below->ops->replay(below, shard, seq_first, visit, owner);
}

static uint64_t mirror_tail(struct ledger_log *log, uint32_t shard)
{
    struct ledger_log *below = copy(mirror_of(log));
    return below->ops->tail(below, shard);
}

static int mirror_take_epoch(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch)
{
    struct ledger_mirror *mirror = mirror_of(log);
    uint64_t epoch = 0;
    if (mirror->stopped)
        return -ERR_STOPPED;
    TRY(authority(mirror)->ops->take_epoch(authority(mirror), shard, &epoch));
    TRY(mirror->options.raise_epoch(mirror->options.owner, epoch));
    *ret_epoch = epoch;
    return 0;
}

static enum ledger_trouble mirror_trouble(struct ledger_log *log)
{
    struct ledger_mirror *mirror = mirror_of(log);
    enum ledger_trouble of_copy = copy(mirror)->ops->trouble(copy(mirror));
    if (mirror->copy_waits || of_copy == LEDGER_FULL)
        return LEDGER_FULL;
    enum ledger_trouble first = authority(mirror)->ops->trouble(authority(mirror));
    return first != LEDGER_WELL ? first : of_copy;
}

static void mirror_poll(struct ledger_log *log)
{
    struct ledger_mirror *mirror = mirror_of(log);
    authority(mirror)->ops->poll(authority(mirror));
    if (mirror->copy_waits)
        copy_group(mirror);
    copy(mirror)->ops->poll(copy(mirror));
}

/* The authority's end completes an append there, and gives it to the copy, whose end completes it
 * as well. */
static void mirror_free(struct ledger_log *log)
{
    struct ledger_mirror *mirror = mirror_of(log);
    authority(mirror)->ops->free(authority(mirror));
    copy(mirror)->ops->free(copy(mirror));
    if (mirror->asked != NULL) /* the copy has no space to the end: a start brings it up */
        end_append(mirror, APPEND_UNKNOWN);
    free(mirror);
}

static const struct ledger_log_ops mirror_ops = {
    .append = mirror_append,
    .read = mirror_read,
    .replay = mirror_replay,
    .tail = mirror_tail,
    .take_epoch = mirror_take_epoch,
    .trouble = mirror_trouble,
    .poll = mirror_poll,
    .free = mirror_free,
};

struct ledger_mirror_stats ledger_mirror_stats(const struct ledger_log *log)
{
    return ((const struct ledger_mirror *)log)->stats;
}

static void pass_on(void *owner)
{
    struct ledger_mirror *mirror = owner;
    if (mirror->log.notify != NULL)
        mirror->log.notify(mirror->log.notify_owner);
}

/* ---- bringing the copy up ---- */

struct catching {
    const struct ledger_mirror_options *options;
    struct ledger_mirror_report *report;
    char *records; /* owned; LEDGER_MIRROR_BYTES */
    size_t bytes;
    uint32_t count;
    uint64_t epoch;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done; /* as the next two, under the lock */
    bool notified;
    enum append_outcome outcome;
};

static void on_notified(void *owner)
{
    struct catching *c = owner;
    pthread_mutex_lock(&c->lock);
    c->notified = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

static void on_group(struct ledger_append *append, enum append_outcome outcome)
{
    struct catching *c = append->owner;
    c->done = true;
    c->outcome = outcome;
}

/* Appends to the copy what was collected, and waits for it. */
static int give_group(struct catching *c)
{
    struct ledger_log *to = c->options->copy;
    struct ledger_append append = {.shard = c->options->shard,
                                   .epoch = c->epoch,
                                   .expected_tail = to->ops->tail(to, c->options->shard),
                                   .records = c->records,
                                   .bytes = c->bytes,
                                   .count = c->count,
                                   .on_done = on_group,
                                   .owner = c};
    if (c->count == 0)
        return 0;
    c->done = false;
    TRY(to->ops->append(to, &append));
    while (!c->done) {
        pthread_mutex_lock(&c->lock);
        while (!c->notified)
            pthread_cond_wait(&c->wake, &c->lock);
        c->notified = false;
        pthread_mutex_unlock(&c->lock);
        to->ops->poll(to);
    }
    c->report->copied += c->count;
    c->bytes = c->count = 0;
    return c->outcome == APPEND_OK ? 0 : c->outcome == APPEND_REFUSED ? -ERR_NO_SPACE : -ERR_IO;
}

static int collect(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct catching *c = owner;
    (void)shard;
    if (bytes > LEDGER_MIRROR_BYTES - c->bytes)
        TRY(give_group(c));
    memcpy(c->records + c->bytes, record, bytes);
    c->bytes += bytes;
    c->count++;
    return 0;
}

static int copy_missing(struct catching *c)
{
    const struct ledger_mirror_options *options = c->options;
    struct ledger_log *from = options->authority, *to = options->copy;
    uint64_t have = to->ops->tail(to, options->shard);
    if (from->ops->tail(from, options->shard) == have)
        return 0;
    /* Whoever wrote the groups that follow had an epoch; the copy's own was that, or an older. */
    TRY(to->ops->take_epoch(to, options->shard, &c->epoch));
    TRY(from->ops->replay(from, options->shard, have + 1, collect, c));
    return give_group(c);
}

static char *records_new(void)
{
    return malloc(LEDGER_MIRROR_BYTES);
}

static int catch_up(const struct ledger_mirror_options *options,
                    struct ledger_mirror_report *report)
{
    struct catching c = {.options = options, .report = report};
    void (*notify)(void *) = options->copy->notify;
    void *notify_owner = options->copy->notify_owner;
    c.records = records_new();
    if (c.records == NULL)
        return -ERR_MEMORY;
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.wake, NULL);
    options->copy->notify = on_notified;
    options->copy->notify_owner = &c;
    int error = copy_missing(&c);
    options->copy->notify = notify;
    options->copy->notify_owner = notify_owner;
    pthread_cond_destroy(&c.wake);
    pthread_mutex_destroy(&c.lock);
    free(c.records);
    return error;
}

/* ---- are they one log? ---- */

struct glance {
    uint32_t crc;
    size_t bytes;
    bool there;
};

/* -ERR_STOPPED: seen, no more. */
static int look(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct glance *glance = owner;
    (void)shard;
    *glance = (struct glance){crc32c(0, record, bytes), bytes, true};
    return -ERR_STOPPED;
}

static int look_at(struct ledger_log *log, uint32_t shard, uint64_t seq, struct glance *ret)
{
    *ret = (struct glance){.there = false};
    int error = log->ops->replay(log, shard, seq, look, ret);
    return error == -ERR_STOPPED ? 0 : error;
}

static int compare(const struct ledger_mirror_options *options, uint64_t seq, struct buf *why)
{
    struct glance there, here;
    TRY(look_at(options->authority, options->shard, seq, &there));
    TRY(look_at(options->copy, options->shard, seq, &here));
    if (there.there && here.there && there.crc == here.crc && there.bytes == here.bytes)
        return 0;
    buf_printf(why, "record %llu of the copy in files is another one in the database",
               (unsigned long long)seq);
    return -ERR_CORRUPT;
}

/* A record says which one it was written behind (ledger/record.h), so the last speaks for all; the
 * first makes an empty comparison of two short logs no accident. */
static int check_begin(const struct ledger_mirror_options *options, struct buf *why)
{
    uint64_t there = options->authority->ops->tail(options->authority, options->shard);
    uint64_t here = options->copy->ops->tail(options->copy, options->shard);
    if (here > there) {
        buf_printf(why, "the copy in files has %llu records, the database %llu: it is not its copy",
                   (unsigned long long)here, (unsigned long long)there);
        return -ERR_CORRUPT;
    }
    if (here == 0)
        return 0;
    TRY(compare(options, 1, why));
    return compare(options, here, why);
}

static struct ledger_mirror *mirror_new(const struct ledger_mirror_options *options)
{
    struct ledger_mirror *mirror = calloc(1, sizeof *mirror);
    if (mirror == NULL)
        return NULL;
    mirror->log.ops = &mirror_ops;
    mirror->log.append_bytes_max = options->authority->append_bytes_max; /* files take any */
    mirror->options = *options;
    return mirror;
}

int ledger_mirror_open(const struct ledger_mirror_options *options, struct ledger_log **ret_log,
                       struct ledger_mirror_report *ret_report, struct buf *why)
{
    struct ledger_mirror *mirror = mirror_new(options);
    *ret_report = (struct ledger_mirror_report){.copied = 0};
    if (mirror == NULL)
        return -ERR_MEMORY;
    int error = check_begin(options, why);
    if (error == 0)
        error = catch_up(options, ret_report);
    if (error < 0) {
        free(mirror);
        return error;
    }
    options->authority->notify = options->copy->notify = pass_on;
    options->authority->notify_owner = options->copy->notify_owner = mirror;
    ret_report->seq_tail = options->copy->ops->tail(options->copy, options->shard);
    *ret_log = &mirror->log;
    return 0;
}
