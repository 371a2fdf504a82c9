/* odds_entries.c - contract in odds_entries.h. */
#include "adapters/redis/odds_entries.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

#define EARLY_LOOK_MAX 64 /* tombstones that are looked at for one that may go */

int odds_entries_init(struct odds_entries *entries, uint32_t markets_max,
                      const uint64_t hash_key[2])
{
    *entries = (struct odds_entries){.rows_max = 2 * markets_max, .free_first = ODDS_NO_ENTRY};
    memcpy(entries->hash_key, hash_key, sizeof entries->hash_key);
    for (size_t i = 0; i < ODDS_QUEUES; i++)
        entries->queues[i].first = entries->queues[i].last = ODDS_NO_ENTRY;
    for (size_t i = 0; i < ODDS_LISTS; i++)
        entries->lists[i].first = entries->lists[i].last = ODDS_NO_ENTRY;
    entries->rows = reserve_new(entries->rows_max, sizeof *entries->rows);
    return entries->rows == NULL ? -ERR_MEMORY : table_new(entries->rows_max, &entries->by_id);
}

void odds_entries_done(struct odds_entries *entries)
{
    table_free(entries->by_id);
    reserve_free(entries->rows, entries->rows_max, sizeof *entries->rows);
}

/* ---- places ---- */

static struct hash128 key_of(const struct odds_entries *entries, struct slice id)
{
    return siphash128(entries->hash_key, id.at, id.bytes);
}

uint32_t odds_entries_find(const struct odds_entries *entries, struct slice id)
{
    uint32_t at;
    return table_find(entries->by_id, key_of(entries, id), &at) ? at : ODDS_NO_ENTRY;
}

static void free_entry(struct odds_entries *entries, uint32_t at)
{
    struct odds_entry *e = &entries->rows[at];
    ASSERT(e->gone && !e->queued && !e->lists[ODDS_LIST_UNSAID].in);
    odds_entries_unlist(entries, ODDS_LIST_TOMBSTONES, at);
    (void)table_remove(entries->by_id, key_of(entries, odds_entry_id(e)));
    *e = (struct odds_entry){.next = entries->free_first};
    entries->free_first = at;
}

/* The oldest tombstone that nothing is under way of, for a market that has no place. */
static void let_one_go(struct odds_entries *entries)
{
    uint32_t at = entries->lists[ODDS_LIST_TOMBSTONES].first;
    for (int i = 0; i < EARLY_LOOK_MAX && at != ODDS_NO_ENTRY; i++) {
        const struct odds_entry *e = &entries->rows[at];
        if (!e->queued && !e->lists[ODDS_LIST_UNSAID].in) {
            if (e->taken_us + ODDS_TOMBSTONE_US > entries->early_until_us)
                entries->early_until_us = e->taken_us + ODDS_TOMBSTONE_US;
            metrics_count(&entries->early, 1);
            free_entry(entries, at);
            return;
        }
        at = e->lists[ODDS_LIST_TOMBSTONES].next;
    }
}

static uint32_t take_place(struct odds_entries *entries)
{
    if (entries->free_first == ODDS_NO_ENTRY && entries->used == entries->rows_max)
        let_one_go(entries);
    uint32_t at = entries->free_first;
    if (at != ODDS_NO_ENTRY)
        entries->free_first = entries->rows[at].next;
    else if (entries->used < entries->rows_max)
        at = entries->used++;
    return at;
}

static uint16_t slot_of(struct slice id)
{
    char memory[MARKET_ID_BYTES_MAX + 8];
    struct buf key = buf_over(memory, sizeof memory);
    buf_put_slice(&key, ODDS_KEY_PREFIX);
    buf_put_slice(&key, id);
    return redis_slot_of(buf_slice(&key));
}

uint32_t odds_entries_add(struct odds_entries *entries, const struct odds_image *image)
{
    struct slice id = ODDS_TEXT(image, market_id);
    uint32_t at = odds_entries_find(entries, id);
    if (at != ODDS_NO_ENTRY)
        return at;
    at = take_place(entries);
    if (at == ODDS_NO_ENTRY) {
        metrics_count(&entries->full, 1);
        return ODDS_NO_ENTRY;
    }
    struct odds_entry *e = &entries->rows[at];
    *e = (struct odds_entry){.used = true, .told = true, .renew = true, .next = ODDS_NO_ENTRY};
    memcpy(e->id, image->market_id, image->market_id_bytes);
    e->id_bytes = image->market_id_bytes;
    memcpy(e->event_id, image->event_id, image->event_id_bytes);
    e->event_id_bytes = image->event_id_bytes;
    e->slot = slot_of(id);
    entries->live++;
    enum table_outcome outcome = table_insert(entries->by_id, key_of(entries, id), at);
    ASSERT(outcome == TABLE_OK);
    return at;
}

/* ---- queues and lists ---- */

void odds_entries_enqueue(struct odds_entries *entries, size_t queue, uint32_t at)
{
    struct odds_entry *e = &entries->rows[at];
    if (e->queued)
        return;
    e->queued = true;
    e->queue = (uint8_t)queue;
    e->next = ODDS_NO_ENTRY;
    if (entries->queues[queue].first == ODDS_NO_ENTRY)
        entries->queues[queue].first = at;
    else
        entries->rows[entries->queues[queue].last].next = at;
    entries->queues[queue].last = at;
    metrics_change(&entries->queued, 1);
}

uint32_t odds_entries_dequeue(struct odds_entries *entries, size_t queue)
{
    uint32_t at = entries->queues[queue].first;
    ASSERT(at != ODDS_NO_ENTRY);
    entries->queues[queue].first = entries->rows[at].next;
    entries->rows[at].queued = false;
    metrics_change(&entries->queued, -1);
    return at;
}

void odds_entries_list(struct odds_entries *entries, enum odds_list list, uint32_t at)
{
    struct odds_entry *e = &entries->rows[at];
    if (e->lists[list].in)
        return;
    e->lists[list].in = true;
    e->lists[list].next = ODDS_NO_ENTRY;
    e->lists[list].before = entries->lists[list].last;
    if (e->lists[list].before == ODDS_NO_ENTRY)
        entries->lists[list].first = at;
    else
        entries->rows[e->lists[list].before].lists[list].next = at;
    entries->lists[list].last = at;
    metrics_change(&entries->tombstones, list == ODDS_LIST_TOMBSTONES ? 1 : 0);
}

void odds_entries_unlist(struct odds_entries *entries, enum odds_list list, uint32_t at)
{
    struct odds_entry *e = &entries->rows[at];
    if (!e->lists[list].in)
        return;
    e->lists[list].in = false;
    uint32_t next = e->lists[list].next, before = e->lists[list].before;
    if (next == ODDS_NO_ENTRY)
        entries->lists[list].last = before;
    else
        entries->rows[next].lists[list].before = before;
    if (before == ODDS_NO_ENTRY)
        entries->lists[list].first = next;
    else
        entries->rows[before].lists[list].next = next;
    metrics_change(&entries->tombstones, list == ODDS_LIST_TOMBSTONES ? -1 : 0);
}

/* ---- tombstones ---- */

void odds_entries_bury(struct odds_entries *entries, uint32_t at, uint64_t version)
{
    struct odds_entry *e = &entries->rows[at];
    entries->live -= e->gone ? 0 : 1;
    odds_entries_unlist(entries, ODDS_LIST_TOMBSTONES, at);
    e->gone = true;
    e->over = false;
    e->gone_version = version;
}

void odds_entries_revive(struct odds_entries *entries, uint32_t at)
{
    struct odds_entry *e = &entries->rows[at];
    entries->live += e->gone ? 1 : 0;
    odds_entries_unlist(entries, ODDS_LIST_TOMBSTONES, at);
    e->gone = e->over = false;
}

void odds_entries_rest(struct odds_entries *entries, uint32_t at, int64_t now_us)
{
    struct odds_entry *e = &entries->rows[at];
    if (e->over) {
        free_entry(entries, at);
        return;
    }
    if (!e->lists[ODDS_LIST_TOMBSTONES].in)
        e->taken_us = now_us;
    odds_entries_list(entries, ODDS_LIST_TOMBSTONES, at);
}

void odds_entries_tend(struct odds_entries *entries, int64_t now_us)
{
    uint32_t at;
    while ((at = entries->lists[ODDS_LIST_TOMBSTONES].first) != ODDS_NO_ENTRY &&
           now_us - entries->rows[at].taken_us >= ODDS_TOMBSTONE_US) {
        struct odds_entry *e = &entries->rows[at];
        odds_entries_unlist(entries, ODDS_LIST_TOMBSTONES, at);
        e->over = true;
        if (!e->queued && !e->lists[ODDS_LIST_UNSAID].in)
            free_entry(entries, at);
    }
}
