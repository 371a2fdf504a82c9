/* sim_odds_log.c - contract in sim_odds_log.h. What is remembered grows as it must: it is the
 * world's memory, not the program's. */
#include "sim/sim_odds_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/instant.h"

#define STEP_US US_PER_SECOND

static struct sim_odds_log *log_of(struct odds_log *port)
{
    return (struct sim_odds_log *)port;
}

static void *grown_new(void *at, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return at;
    *capacity = needed * 2 + 256;
    at = realloc(at, *capacity * size);
    ASSERT(at != NULL);
    return at;
}

/* ---- what the world remembers ---- */

static uint32_t crc_text(uint32_t crc, struct slice text)
{
    uint64_t bytes = text.bytes;
    return crc32c(crc32c(crc, &bytes, sizeof bytes), text.at, text.bytes);
}

uint64_t sim_odds_hash(const struct odds_log_change *change)
{
    const uint64_t fixed[] = {change->status, change->odds_version, (uint64_t)change->received.us,
                              (uint64_t)change->feed_time.us, change->selections_count};
    uint32_t low = crc_text(0, change->market_id), high = crc32c(1, fixed, sizeof fixed);
    low = crc_text(low, change->event_id);
    low = crc_text(low, change->provider);
    for (size_t i = 0; i < change->selections_count; i++) {
        const struct odds_log_selection *s = &change->selections[i];
        const uint32_t rest[] = {s->status, s->odds.numerator, s->odds.denominator};
        low = crc_text(low, s->id);
        high = crc32c(high, rest, sizeof rest);
    }
    return (uint64_t)high << 32 | low;
}

static struct slice keep_text(struct sim_odds_log *log, struct slice text)
{
    char *at = log->texts + log->texts_bytes;
    if (text.bytes > 0)
        memcpy(at, text.at, text.bytes);
    log->texts_bytes += text.bytes;
    return slice_of(at, text.bytes);
}

static void keep_newest(struct sim_odds_log *log, const struct odds_log_change *change)
{
    size_t bytes = change->market_id.bytes + change->event_id.bytes + change->provider.bytes;
    for (size_t i = 0; i < change->selections_count; i++)
        bytes += change->selections[i].id.bytes;
    log->texts = grown_new(log->texts, &log->texts_capacity, bytes, 1);
    log->selections = grown_new(log->selections, &log->selections_capacity,
                                change->selections_count, sizeof *log->selections);
    log->texts_bytes = 0;
    log->newest = *change;
    log->newest.market_id = keep_text(log, change->market_id);
    log->newest.event_id = keep_text(log, change->event_id);
    log->newest.provider = keep_text(log, change->provider);
    log->newest.selections = log->selections;
    for (size_t i = 0; i < change->selections_count; i++) {
        log->selections[i] = change->selections[i];
        log->selections[i].id = keep_text(log, change->selections[i].id);
    }
}

const struct odds_log_change *sim_odds_log_newest(const struct sim_odds_log *log)
{
    ASSERT(log->count > 0);
    return &log->newest;
}

void sim_odds_log_crashed(struct sim_odds_log *log, size_t op)
{
    log->synced = 0;
    for (size_t i = 0; i < log->count; i++) {
        bool sure = log->changes[i].sure <= op;
        log->changes[i].sure = sure ? 0 : SIZE_MAX; /* the operations are counted anew */
        log->synced += sure;
    }
}

/* ---- the port ---- */

static uint64_t odds_append(struct odds_log *port, const struct odds_log_change *change)
{
    struct sim_odds_log *log = log_of(port);
    uint64_t position = log->failing ? 0 : log->file->ops->append(log->file, change);
    if (position == 0)
        return 0;
    ASSERT(log->count == 0 || position > log->changes[log->count - 1].position);
    if (log->synced == log->count)
        log->due_us = log->now_us + STEP_US;
    log->changes = grown_new(log->changes, &log->capacity, log->count + 1, sizeof *log->changes);
    log->changes[log->count++] =
        (struct sim_odds_change){position, sim_odds_hash(change), SIZE_MAX};
    keep_newest(log, change);
    return position;
}

static int odds_take_epoch(struct odds_log *port, uint32_t least, uint32_t *ret_epoch)
{
    struct sim_odds_log *log = log_of(port);
    TRY(log->file->ops->take_epoch(log->file, least, ret_epoch));
    ASSERT(*ret_epoch > log->epoch_shown); /* P1 */
    log->epoch = *ret_epoch;
    return 0;
}

static int odds_replay(struct odds_log *port, odds_log_visit visit, void *owner)
{
    return log_of(port)->file->ops->replay(log_of(port)->file, visit, owner);
}

static int odds_kept_from(struct odds_log *port, uint64_t *ret_position)
{
    return log_of(port)->file->ops->kept_from(log_of(port)->file, ret_position);
}

static void odds_free(struct odds_log *port)
{
    (void)port;
}

void sim_odds_log_init(struct sim_odds_log *log)
{
    static const struct odds_log_ops ops = {.append = odds_append,
                                            .take_epoch = odds_take_epoch,
                                            .replay = odds_replay,
                                            .free = odds_free,
                                            .kept_from = odds_kept_from};
    *log = (struct sim_odds_log){.port = {.ops = &ops}};
}

void sim_odds_log_done(struct sim_odds_log *log)
{
    free(log->changes);
    free(log->selections);
    free(log->texts);
}
