/* log_source.c - contract in log_source.h. */
#include "cli/consumers/log_source.h"

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/odds_cursor_file.h"
#include "adapters/embedded/odds_store_memory.h"
#include "adapters/embedded/snapshot_file.h"
#include "base/error.h"
#include "crypto/random.h"

static int open_bets(struct log_source *s, const struct log_source_parts *parts)
{
    const struct snapshot_file_options files = {
        .shard = shard_state_shard(parts->state), .keep = 1, .stop = parts->stop};
    const struct ledger_cursor_log log = ledger_file_cursor_log(parts->file_log);
    TRY(ledger_cursor_file_new(&log, &s->cursor));
    TRY(snapshot_file_new(&files, parts->ledger_disk, &s->snapshots));
    const struct bet_source_ports ports = {.cursor = s->cursor,
                                           .snapshots = s->snapshots,
                                           .verdicts = parts->verdicts,
                                           .told = parts->told,
                                           .owner = parts->owner};
    s->problem = bet_source_problem;
    return bet_source_new(shard_state_limits(parts->state), &ports, &s->source);
}

static int open_odds(struct log_source *s, const struct log_source_parts *parts)
{
    uint64_t key[2];
    random_fill(key, sizeof key);
    TRY(odds_cursor_file_new(parts->odds_log, &s->odds_cursor));
    TRY(odds_store_memory_new((uint32_t)parts->markets_max, key, &s->images));
    const struct odds_source_ports ports = {
        .cursor = s->odds_cursor, .images = s->images, .shard = shard_state_shard(parts->state)};
    return odds_source_new(&ports, &s->source);
}

int log_source_open(struct log_source *source, struct slice topic,
                    const struct log_source_parts *parts)
{
    *source = (struct log_source){0};
    return slice_is(topic, TOPIC_BET_EVENTS)     ? open_bets(source, parts)
           : slice_is(topic, TOPIC_ODDS_UPDATES) ? open_odds(source, parts)
                                                 : -ERR_NOT_FOUND;
}

void log_source_close(struct log_source *source)
{
    if (source->source != NULL)
        source->source->ops->free(source->source);
    if (source->snapshots != NULL)
        source->snapshots->ops->free(source->snapshots);
    if (source->cursor != NULL)
        source->cursor->ops->free(source->cursor);
    if (source->odds_cursor != NULL)
        source->odds_cursor->ops->free(source->odds_cursor);
    if (source->images != NULL)
        source->images->ops->free(source->images);
    *source = (struct log_source){0};
}
