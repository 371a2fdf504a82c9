/* odds_gone.c - contract in odds_gone.h. */
#include "adapters/redis/odds_gone.h"

#include "adapters/redis/odds_entries.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

#define NO_ROW UINT32_MAX

int odds_gone_init(struct odds_gone *gone, uint32_t rows_max)
{
    *gone = (struct odds_gone){
        .rows_max = rows_max, .free_first = NO_ROW, .first = NO_ROW, .last = NO_ROW};
    gone->rows = reserve_new(rows_max, sizeof *gone->rows);
    return gone->rows == NULL ? -ERR_MEMORY : table_new(rows_max, &gone->by_key);
}

void odds_gone_done(struct odds_gone *gone)
{
    table_free(gone->by_key);
    reserve_free(gone->rows, gone->rows_max, sizeof *gone->rows);
}

static void unlink_row(struct odds_gone *gone, uint32_t at)
{
    const struct odds_gone_row *row = &gone->rows[at];
    if (row->next == NO_ROW)
        gone->last = row->before;
    else
        gone->rows[row->next].before = row->before;
    if (row->before == NO_ROW)
        gone->first = row->next;
    else
        gone->rows[row->before].next = row->next;
}

static void free_row(struct odds_gone *gone, uint32_t at)
{
    unlink_row(gone, at);
    bool was_there = table_remove(gone->by_key, gone->rows[at].key);
    ASSERT(was_there);
    gone->rows[at].next = gone->free_first;
    gone->free_first = at;
    metrics_change(&gone->count, -1);
}

static uint32_t take_row(struct odds_gone *gone, int64_t now_us)
{
    if (gone->free_first == NO_ROW && gone->used == gone->rows_max) {
        gone->early_us = now_us;
        metrics_count(&gone->early, 1);
        free_row(gone, gone->first);
    }
    uint32_t at = gone->free_first;
    if (at == NO_ROW)
        return gone->used++;
    gone->free_first = gone->rows[at].next;
    return at;
}

void odds_gone_note(struct odds_gone *gone, struct hash128 key, uint64_t version, int64_t now_us)
{
    uint64_t before = odds_gone_version(gone, key);
    if (before >= version)
        return; /* as a round says again and again */
    odds_gone_forget(gone, key);
    uint32_t at = take_row(gone, now_us);
    gone->rows[at] = (struct odds_gone_row){
        .key = key, .version = version, .since_us = now_us, .next = NO_ROW, .before = gone->last};
    if (gone->last == NO_ROW)
        gone->first = at;
    else
        gone->rows[gone->last].next = at;
    gone->last = at;
    enum table_outcome outcome = table_insert(gone->by_key, key, at);
    ASSERT(outcome == TABLE_OK);
    metrics_change(&gone->count, 1);
}

uint64_t odds_gone_version(const struct odds_gone *gone, struct hash128 key)
{
    uint32_t at;
    return table_find(gone->by_key, key, &at) ? gone->rows[at].version : 0;
}

void odds_gone_forget(struct odds_gone *gone, struct hash128 key)
{
    uint32_t at;
    if (table_find(gone->by_key, key, &at))
        free_row(gone, at);
}

void odds_gone_tend(struct odds_gone *gone, int64_t now_us)
{
    while (gone->first != NO_ROW && now_us - gone->rows[gone->first].since_us >= ODDS_TOMBSTONE_US)
        free_row(gone, gone->first);
}
