/* sim_odds_log.c - contract in sim_odds_log.h. Grows as it must: it is the world's memory, not
 * the program's. */
#include "sim/sim_odds_log.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

struct sim_odds_change {
    struct odds_log_change change; /* its slices are rebuilt from the texts when it is read */
    uint64_t position;
    int64_t at_us;
    size_t texts;      /* offset of: market id, event id, provider, then each selection's id */
    size_t selections; /* offset of the selections, 8-byte aligned */
};

static void *grown_new(void *at, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return at;
    *capacity = needed * 2 + 4096;
    at = realloc(at, *capacity * size);
    ASSERT(at != NULL);
    return at;
}

static void put(struct sim_odds_log *log, const void *from, size_t bytes)
{
    log->texts = grown_new(log->texts, &log->texts_capacity, log->texts_bytes + bytes, 1);
    if (bytes > 0)
        memcpy(log->texts + log->texts_bytes, from, bytes);
    log->texts_bytes += bytes;
}

static uint64_t odds_append(struct odds_log *port, const struct odds_log_change *change)
{
    struct sim_odds_log *log = (struct sim_odds_log *)port;
    if (log->failing)
        return 0;
    log->changes = grown_new(log->changes, &log->capacity, log->count + 1, sizeof *log->changes);
    struct sim_odds_change *kept = &log->changes[log->count++];
    log->texts_bytes = (log->texts_bytes + 7) & ~(size_t)7;
    *kept = (struct sim_odds_change){.change = *change,
                                     .position = ++log->position,
                                     .at_us = log->now_us,
                                     .selections = log->texts_bytes};
    put(log, change->selections, change->selections_count * sizeof *change->selections);
    kept->texts = log->texts_bytes;
    put(log, change->market_id.at, change->market_id.bytes);
    put(log, change->event_id.at, change->event_id.bytes);
    put(log, change->provider.at, change->provider.bytes);
    for (size_t i = 0; i < change->selections_count; i++)
        put(log, change->selections[i].id.at, change->selections[i].id.bytes);
    return log->position;
}

static int odds_take_epoch(struct odds_log *port, uint32_t *ret_epoch)
{
    *ret_epoch = ++((struct sim_odds_log *)port)->epoch;
    return 0;
}

static struct slice take(const char **at, size_t bytes)
{
    struct slice text = {*at, bytes};
    *at += bytes;
    return text;
}

/* The change with its slices, which point into the log until the next append. */
static struct odds_log_change change_at(const struct sim_odds_log *log, size_t index)
{
    const struct sim_odds_change *kept = &log->changes[index];
    struct odds_log_selection *selections = (void *)(log->texts + kept->selections);
    struct odds_log_change change = kept->change;
    const char *at = log->texts + kept->texts;
    change.market_id = take(&at, change.market_id.bytes);
    change.event_id = take(&at, change.event_id.bytes);
    change.provider = take(&at, change.provider.bytes);
    for (size_t s = 0; s < change.selections_count; s++)
        selections[s].id = take(&at, selections[s].id.bytes);
    change.selections = selections;
    return change;
}

static int odds_replay(struct odds_log *port, odds_log_visit visit, void *owner)
{
    struct sim_odds_log *log = (struct sim_odds_log *)port;
    for (size_t i = 0; i < log->count; i++) {
        struct odds_log_change change = change_at(log, i);
        TRY(visit(owner, log->changes[i].position, &change));
    }
    return 0;
}

struct odds_log_change sim_odds_log_newest(const struct sim_odds_log *log)
{
    ASSERT(log->count > 0);
    return change_at(log, log->count - 1);
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
                                            .free = odds_free};
    *log = (struct sim_odds_log){.port = {.ops = &ops}};
}

void sim_odds_log_done(struct sim_odds_log *log)
{
    free(log->changes);
    free(log->texts);
}

void sim_odds_log_crash(struct sim_odds_log *log, int64_t us)
{
    while (log->count > 0 && log->changes[log->count - 1].at_us > log->now_us - us)
        log->texts_bytes = log->changes[--log->count].selections;
    log->position += SIM_ODDS_GAP; /* never given twice, though the changes are gone */
}
