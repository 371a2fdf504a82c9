/* odds_entries.h - what a writer keeps of each market: which version is due, where it stands in the
 * queue of those that wait for its master, and what has not been taken yet (odds_unsaid.h).
 *
 * A market that was taken out keeps its entry as a tombstone: a server that falls back to an older
 * copy, or starts from an older dump, has the value again that was there before, as long as its
 * life goes on. That ends ODDS_LIFE_MS after it was last written, by the server's own clock, in
 * every copy; a tombstone is kept twice as long behind the moment at which it was first taken, for
 * clocks that differ. So each market costs an entry, and for two minutes one more where it was
 * taken out. Beyond the room that is there the oldest tombstone goes early, which is counted, and
 * `early_until_us` says until when its value could come back. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/redis/odds_script.h"
#include "adapters/redis/odds_unsaid.h"
#include "adapters/redis/redis_slots.h"
#include "base/metrics.h"
#include "base/table.h"
#include "ports/odds_store.h"

#define ODDS_NO_ENTRY     UINT32_MAX
#define ODDS_QUEUES       (REDIS_NODES_MAX + 1) /* one for each master, the last for nobody's */
#define ODDS_TOMBSTONE_US (INT64_C(2000) * ODDS_LIFE_MS)

enum odds_list { ODDS_LIST_UNSAID = 0, ODDS_LIST_TOMBSTONES, ODDS_LISTS };

struct odds_entry {
    char id[MARKET_ID_BYTES_MAX];
    char event_id[EVENT_ID_BYTES_MAX];
    uint8_t id_bytes, event_id_bytes;
    uint8_t queue; /* in which it waits */
    uint16_t slot;
    bool used, queued;
    bool gone;     /* taken out: a tombstone */
    bool over;     /* and kept for long enough */
    bool told;     /* its newest version has a number in the channel, or needs none */
    bool renew;    /* its life is to begin anew: ODDS_LIFE_MS */
    uint32_t next; /* of the queue, or of the free ones */
    struct {
        bool in;
        uint32_t next, before;
    } lists[ODDS_LISTS]; /* UNSAID: not all of it was taken */
    struct odds_unsaid unsaid;
    uint64_t gone_version;
    int64_t taken_us; /* a tombstone: when it was, first */
};

struct odds_entries {
    struct odds_entry *rows; /* owned, as the table */
    struct table *by_id;
    uint64_t hash_key[2];
    uint32_t rows_max, used, free_first;
    uint32_t live; /* markets that were not taken out */
    struct {
        uint32_t first, last;
    } queues[ODDS_QUEUES], lists[ODDS_LISTS];
    int64_t early_until_us; /* 0: no tombstone has gone early */
    struct metrics_gauge queued, tombstones;
    struct metrics_counter full, early;
};

/* For that many markets, and as many tombstones. 0, -ERR_MEMORY; odds_entries_done() is due all the
 * same. */
int odds_entries_init(struct odds_entries *entries, uint32_t markets_max,
                      const uint64_t hash_key[2]);
void odds_entries_done(struct odds_entries *entries);

static inline struct slice odds_entry_id(const struct odds_entry *entry)
{
    return slice_of(entry->id, entry->id_bytes);
}

/* ODDS_NO_ENTRY: it has none. */
uint32_t odds_entries_find(const struct odds_entries *entries, struct slice id);
/* The one that it has, or a new one. ODDS_NO_ENTRY, counted: there is no room, and no tombstone
 * that was taken. */
uint32_t odds_entries_add(struct odds_entries *entries, const struct odds_image *image);

/* At the end of that queue, unless it stands in one already. */
void odds_entries_enqueue(struct odds_entries *entries, size_t queue, uint32_t at);
/* The first of a queue that is not empty. */
uint32_t odds_entries_dequeue(struct odds_entries *entries, size_t queue);

/* At the end of a list, or out of it; where it is so already, nothing. */
void odds_entries_list(struct odds_entries *entries, enum odds_list list, uint32_t at);
void odds_entries_unlist(struct odds_entries *entries, enum odds_list list, uint32_t at);

/* The market was taken out, in that version; or is there (again). */
void odds_entries_bury(struct odds_entries *entries, uint32_t at, uint64_t version);
void odds_entries_revive(struct odds_entries *entries, uint32_t at);
/* A tombstone of which nothing waits and nothing is under way was taken: it is kept, or freed where
 * it was kept for long enough. */
void odds_entries_rest(struct odds_entries *entries, uint32_t at, int64_t now_us);
/* Frees the tombstones that were kept for long enough; those that are being said go behind that. */
void odds_entries_tend(struct odds_entries *entries, int64_t now_us);
