/* market_index.h - the markets that are shown, by id, by event and by sport, each list in the order
 * in which the markets joined it. Holds what the streams keep of a market: its version (P1), its
 * pre-encoded text, and where it stands in its channels. The prices are in the odds store.
 * Pure. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "base/table.h"
#include "net/stream/shared_bytes.h"
#include "ports/odds_store.h"
#include "roles/odds/slot_pool.h"

/* What a channel shows, and the lists that a market is in. */
enum group_kind { GROUP_MARKET = 0, GROUP_EVENT, GROUP_SPORT };
#define GROUP_KINDS 3

struct market_entry {
    struct hash128 key;
    uint64_t joined;                          /* rises from market to market; 0 is before all */
    uint64_t version;                         /* P1: newest shown */
    uint64_t have_stamp, have_version;        /* what a client said it has, in request have_stamp */
    struct shared_bytes *page;                /* of a read, with the market as JSON; NULL: to be
                                                 encoded */
    uint32_t page_head_bytes;                 /* what stands before the JSON */
    struct shared_bytes *images[GROUP_KINDS]; /* as a frame of each channel; NULL: likewise */
    struct place_terms place_terms;           /* likewise */
    int64_t bet_delay_us;                     /* of the newest version, to say only what changed */
    uint32_t group[GROUP_KINDS];              /* slot of its group; SLOT_NONE: in none */
    uint32_t next[GROUP_KINDS], previous[GROUP_KINDS]; /* in the group's list */
    uint32_t waits; /* long polls; first of a list, or SLOT_NONE */
    uint16_t selections_count;
    bool in_play, each_way_only;
    uint8_t groups_full; /* bit `kind`: it found no room in that group */
    uint8_t id_bytes;
    char id[MARKET_ID_BYTES_MAX];
};

/* A market's own group (a list of one), an event or a sport. */
struct market_group {
    struct hash128 key;
    uint32_t first, last; /* markets */
    uint32_t count;
    uint32_t channel; /* for the streams; SLOT_NONE: nobody follows it */
    uint8_t id_bytes;
    char id[MARKET_ID_BYTES_MAX];
};

struct market_index {
    uint64_t hash_key[2];
    uint64_t joined; /* the newest market's */
    struct slot_pool markets_pool;
    struct slot_pool groups_pool[GROUP_KINDS];
    struct market_entry *markets; /* owned; by slot */
    struct market_group *groups[GROUP_KINDS];
    struct table *by_id; /* market id -> slot */
    struct table *groups_by_id[GROUP_KINDS];
};

struct market_index_sizes {
    uint64_t hash_key[2]; /* secret: strangers choose the ids that are looked up */
    uint32_t markets_max;
    uint32_t groups_max[GROUP_KINDS]; /* with those that only a channel holds */
};

/* 0 or -ERR_MEMORY; market_index_done() in any case. */
int market_index_new(struct market_index *index, const struct market_index_sizes *sizes);
void market_index_done(struct market_index *index);

/* SLOT_NONE when it is not there. */
uint32_t market_index_find(const struct market_index *index, struct slice market_id);
uint32_t market_index_find_group(const struct market_index *index, enum group_kind kind,
                                 struct slice id);

/* A market that is not there yet, in the groups that the image names; an empty event or sport
 * names none. A group that is new has no channel. SLOT_NONE: markets_max. *ret_full has bit `kind`
 * set when the market is in no such group because there are too many. */
uint32_t market_index_add(struct market_index *index, const struct odds_image *image,
                          uint32_t *ret_full);
/* Its shared bytes must be given before. Groups that lose their last market are gone, unless they
 * have a channel. */
void market_index_remove(struct market_index *index, uint32_t slot);
/* Whether the market stands in the event and the sport that the image names. */
bool market_index_agrees(const struct market_index *index, uint32_t slot,
                         const struct odds_image *image);

/* The group for a channel, added when it is not there. SLOT_NONE: full. */
uint32_t market_index_hold_group(struct market_index *index, enum group_kind kind, struct slice id);
/* The channel is gone: so is the group when it has no market. */
void market_index_drop_group(struct market_index *index, enum group_kind kind, uint32_t slot);

/* The first market of the group that joined after `joined`, or SLOT_NONE. */
uint32_t market_index_after(const struct market_index *index, enum group_kind kind, uint32_t group,
                            uint64_t joined);

static inline struct slice market_entry_id(const struct market_entry *market)
{
    return (struct slice){market->id, market->id_bytes};
}
