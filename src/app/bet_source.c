/* bet_source.c - contract in bet_source.h. */
#include "app/bet_source.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "ledger/bet_events.h"
#include "ledger/shard_verdicts.h"

#define PROBLEM_BYTES 256

struct bet_source {
    struct event_source source;
    struct shard_limits limits;
    struct bet_source_ports ports;
    struct shard_state *state; /* owned; NULL before the first seek */
    uint64_t behind;           /* what is visited stands behind this record */
    uint64_t seen;             /* the last record of the cursor's view */
    bool joined;               /* the snapshot's last record was met in the log */
    bool foreign;              /* and it was another one */
    event_visit visit;         /* of the step under way */
    void *owner;
    char problem[PROBLEM_BYTES];
    char value[EVENT_VALUE_BYTES_MAX];
};

static struct bet_source *source_of(struct event_source *source)
{
    return (struct bet_source *)source;
}

static int fail(struct bet_source *s, int error, const char *what)
{
    struct buf text = buf_over(s->problem, sizeof s->problem - 1);
    buf_put_text(&text, what);
    s->problem[text.bytes] = '\0';
    return error;
}

/* ---- the begin ---- */

/* The newest sound snapshot at or below seq_max, or an empty state. The cursor stands so that the
 * first record met is the state's last, or record 1. */
static int load(struct bet_source *s, uint64_t seq_max)
{
    struct snapshot_found found;
    struct snapshot_store *snapshots = s->ports.snapshots;
    shard_state_free(s->state);
    s->state = NULL;
    int error = snapshots == NULL
                    ? shard_state_new(&s->limits, &s->state)
                    : snapshots->ops->load(snapshots, seq_max, &s->limits, &s->state, &found);
    if (error < 0)
        return fail(s, error, "no state to begin with");
    uint64_t seq = shard_state_seq(s->state);
    s->joined = seq == 0;
    s->foreign = false;
    s->ports.cursor->ops->seek(s->ports.cursor, seq == 0 ? 1 : seq);
    return 0;
}

static int source_seek(struct event_source *source, uint64_t position)
{
    struct bet_source *s = source_of(source);
    s->seen = s->ports.cursor->ops->look(s->ports.cursor);
    s->behind = position;
    s->problem[0] = '\0';
    if (position > s->seen)
        return fail(s, -ERR_CORRUPT, "the stream is ahead of this log: it is not the one it tells");
    return load(s, position);
}

/* ---- folding ---- */

static int check_joint(struct bet_source *s, const struct record_view *record)
{
    s->joined = true;
    s->foreign = record->head->seq != shard_state_seq(s->state) ||
                 record->head->crc != shard_state_record_crc(s->state);
    return s->foreign ? -ERR_CORRUPT : 0;
}

/* The live state has as much room and is ahead, so the store covers what this one forgets. */
static void forget_verdicts(struct bet_source *s)
{
    const struct verdict_store *store = s->ports.verdicts;
    uint32_t max = s->limits.verdicts_max;
    if (store != NULL && shard_state_verdicts_count(s->state) >= max)
        (void)shard_state_forget_verdicts(s->state, store->ops->covered(store),
                                          max / 4 + SHARD_VERDICTS_BLOCK);
}

static int visit_events(struct bet_source *s, const struct record_view *record)
{
    char memory[EVENT_SEQ_BYTES_MAX];
    struct buf seq = buf_over(memory, sizeof memory);
    struct bet_events events;
    bet_events_of(s->state, record, &events);
    if (events.count > 0)
        bet_events_seq(&events, &seq);
    for (uint32_t n = 0; n < events.count; n++) {
        struct buf value = buf_over(s->value, sizeof s->value);
        bet_events_write(&events, n, &value);
        ASSERT(!value.overflow);
        const struct event event = {.key = bet_events_key(&events, n),
                                    .value = buf_slice(&value),
                                    .seq = buf_slice(&seq),
                                    .position = record->head->seq,
                                    .time_us = record->head->time_us};
        TRY(s->visit(s->owner, &event));
    }
    return 0;
}

static int on_record(void *owner, uint32_t shard, const char *at, size_t bytes)
{
    struct bet_source *s = owner;
    struct record_view record;
    (void)shard;
    int error = record_view_of(at, bytes, &record);
    if (error < 0)
        return fail(s, error, "a record's own shape or checksum is broken");
    if (!s->joined)
        return check_joint(s, &record);
    forget_verdicts(s);
    error = shard_state_apply(s->state, &record);
    if (error < 0)
        return fail(s, error,
                    error == -ERR_CORRUPT ? shard_state_reason(s->state)
                                          : "the log holds more than the limits allow");
    return record.head->seq > s->behind ? visit_events(s, &record) : 0;
}

/* Steps stay within the view, which is taken anew only when all of it was told and visited: a log
 * that grows all the time is always some records ahead of what was told. */
static int source_step(struct event_source *source, size_t bytes_max, event_visit visit,
                       void *owner, uint64_t *ret_position)
{
    struct bet_source *s = source_of(source);
    struct ledger_cursor *cursor = s->ports.cursor;
    ASSERT(s->state != NULL);
    s->visit = visit;
    s->owner = owner;
    if (shard_state_seq(s->state) == s->seen)
        s->seen = cursor->ops->look(cursor);
    int more = 0;
    if (s->seen <= s->ports.told(s->ports.owner))
        more = cursor->ops->step(cursor, bytes_max, on_record, s);
    if (more < 0 && s->foreign) { /* a snapshot that the log contradicts: the one before it */
        TRY(load(s, shard_state_seq(s->state) - 1));
        more = 1;
    }
    if (more < 0)
        return s->problem[0] == '\0' ? fail(s, more, "the log could not be read") : more;
    uint64_t seq = shard_state_seq(s->state);
    *ret_position = seq > s->behind ? seq : s->behind;
    return more;
}

static uint64_t source_lag(const struct event_source *source)
{
    const struct bet_source *s = (const struct bet_source *)source;
    uint64_t told = s->ports.told(s->ports.owner);
    uint64_t at = s->state == NULL ? 0 : shard_state_seq(s->state);
    at = at > s->behind ? at : s->behind;
    return told > at ? told - at : 0;
}

static void source_free(struct event_source *source)
{
    struct bet_source *s = source_of(source);
    shard_state_free(s->state);
    free(s);
}

static const struct event_source_ops source_ops = {source_seek, source_step, source_lag,
                                                   source_free};

int bet_source_new(const struct shard_limits *limits, const struct bet_source_ports *ports,
                   struct event_source **ret_source)
{
    struct bet_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ERR_MEMORY;
    s->source.ops = &source_ops;
    s->limits = shard_limits_whole(limits);
    s->ports = *ports;
    *ret_source = &s->source;
    return 0;
}

const char *bet_source_problem(const struct event_source *source)
{
    return ((const struct bet_source *)source)->problem;
}
