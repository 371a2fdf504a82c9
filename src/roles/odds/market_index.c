/* market_index.c - contract in market_index.h.
 * `joined` is one count for all lists, so that a snapshot's position means the same in each and
 * survives the removal of any market. */
#include "roles/odds/market_index.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

static int groups_new(struct market_index *index, enum group_kind kind, uint32_t max)
{
    index->groups[kind] = calloc(max, sizeof *index->groups[kind]);
    if (index->groups[kind] == NULL)
        return -ERR_MEMORY;
    TRY(slot_pool_new(&index->groups_pool[kind], max));
    return table_new(max, &index->groups_by_id[kind]);
}

int market_index_new(struct market_index *index, const struct market_index_sizes *sizes)
{
    *index = (struct market_index){.hash_key = {sizes->hash_key[0], sizes->hash_key[1]}};
    index->markets = calloc(sizes->markets_max, sizeof *index->markets);
    if (index->markets == NULL)
        return -ERR_MEMORY;
    TRY(slot_pool_new(&index->markets_pool, sizes->markets_max));
    TRY(table_new(sizes->markets_max, &index->by_id));
    for (int kind = 0; kind < GROUP_KINDS; kind++)
        TRY(groups_new(index, (enum group_kind)kind, sizes->groups_max[kind]));
    return 0;
}

void market_index_done(struct market_index *index)
{
    for (uint32_t i = 0; index->markets != NULL && i < index->markets_pool.end; i++) {
        shared_bytes_give(index->markets[i].page);
        for (int kind = 0; kind < GROUP_KINDS; kind++)
            shared_bytes_give(index->markets[i].images[kind]);
    }
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        slot_pool_done(&index->groups_pool[kind]);
        table_free(index->groups_by_id[kind]);
        free(index->groups[kind]);
    }
    slot_pool_done(&index->markets_pool);
    table_free(index->by_id);
    free(index->markets);
    *index = (struct market_index){0};
}

static struct hash128 key_of(const struct market_index *index, struct slice id)
{
    return siphash128(index->hash_key, id.at, id.bytes);
}

uint32_t market_index_find(const struct market_index *index, struct slice market_id)
{
    uint32_t slot;
    return table_find(index->by_id, key_of(index, market_id), &slot) ? slot : SLOT_NONE;
}

uint32_t market_index_find_group(const struct market_index *index, enum group_kind kind,
                                 struct slice id)
{
    uint32_t slot;
    return table_find(index->groups_by_id[kind], key_of(index, id), &slot) ? slot : SLOT_NONE;
}

uint32_t market_index_hold_group(struct market_index *index, enum group_kind kind, struct slice id)
{
    uint32_t slot = market_index_find_group(index, kind, id);
    if (slot != SLOT_NONE || id.bytes == 0 || id.bytes > MARKET_ID_BYTES_MAX)
        return slot;
    slot = slot_pool_take(&index->groups_pool[kind]);
    if (slot == SLOT_NONE)
        return SLOT_NONE;
    struct market_group *group = &index->groups[kind][slot];
    *group = (struct market_group){.key = key_of(index, id),
                                   .first = SLOT_NONE,
                                   .last = SLOT_NONE,
                                   .channel = SLOT_NONE,
                                   .id_bytes = (uint8_t)id.bytes};
    memcpy(group->id, id.at, id.bytes);
    enum table_outcome outcome = table_insert(index->groups_by_id[kind], group->key, slot);
    ASSERT(outcome == TABLE_OK); /* the table is as large as the pool */
    return slot;
}

void market_index_drop_group(struct market_index *index, enum group_kind kind, uint32_t slot)
{
    struct market_group *group = &index->groups[kind][slot];
    if (group->count > 0 || group->channel != SLOT_NONE)
        return;
    bool removed = table_remove(index->groups_by_id[kind], group->key);
    ASSERT(removed);
    slot_pool_give(&index->groups_pool[kind], slot);
}

static void link_market(struct market_index *index, enum group_kind kind, uint32_t slot)
{
    struct market_entry *market = &index->markets[slot];
    struct market_group *group = &index->groups[kind][market->group[kind]];
    market->next[kind] = SLOT_NONE;
    market->previous[kind] = group->last;
    if (group->last == SLOT_NONE)
        group->first = slot;
    else
        index->markets[group->last].next[kind] = slot;
    group->last = slot;
    group->count++;
}

static void unlink_market(struct market_index *index, enum group_kind kind, uint32_t slot)
{
    struct market_entry *market = &index->markets[slot];
    struct market_group *group = &index->groups[kind][market->group[kind]];
    uint32_t next = market->next[kind], previous = market->previous[kind];
    if (previous == SLOT_NONE)
        group->first = next;
    else
        index->markets[previous].next[kind] = next;
    if (next == SLOT_NONE)
        group->last = previous;
    else
        index->markets[next].previous[kind] = previous;
    ASSERT(group->count > 0);
    group->count--;
    market_index_drop_group(index, kind, market->group[kind]);
}

static struct slice group_id(enum group_kind kind, const struct odds_image *image)
{
    switch (kind) {
    case GROUP_MARKET:
        return ODDS_TEXT(image, market_id);
    case GROUP_EVENT:
        return ODDS_TEXT(image, event_id);
    case GROUP_SPORT:
        return ODDS_TEXT(image, sport);
    }
    return SLICE_NONE;
}

uint32_t market_index_add(struct market_index *index, const struct odds_image *image,
                          uint32_t *ret_full)
{
    struct slice id = ODDS_TEXT(image, market_id);
    uint32_t slot = slot_pool_take(&index->markets_pool);
    *ret_full = 0;
    if (slot == SLOT_NONE)
        return SLOT_NONE;
    struct market_entry *market = &index->markets[slot];
    *market = (struct market_entry){.waits = SLOT_NONE,
                                    .key = key_of(index, id),
                                    .joined = ++index->joined,
                                    .id_bytes = (uint8_t)id.bytes};
    memcpy(market->id, id.at, id.bytes);
    enum table_outcome outcome = table_insert(index->by_id, market->key, slot);
    ASSERT(outcome == TABLE_OK); /* asked for before */
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        struct slice name = group_id((enum group_kind)kind, image);
        market->group[kind] = market_index_hold_group(index, (enum group_kind)kind, name);
        if (market->group[kind] != SLOT_NONE)
            link_market(index, (enum group_kind)kind, slot);
        else if (name.bytes > 0)
            *ret_full |= 1u << kind;
    }
    market->groups_full = (uint8_t)*ret_full;
    return slot;
}

void market_index_remove(struct market_index *index, uint32_t slot)
{
    struct market_entry *market = &index->markets[slot];
    ASSERT(market->page == NULL);
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        ASSERT(market->images[kind] == NULL);
        if (market->group[kind] != SLOT_NONE)
            unlink_market(index, (enum group_kind)kind, slot);
    }
    bool removed = table_remove(index->by_id, market->key);
    ASSERT(removed);
    slot_pool_give(&index->markets_pool, slot);
}

bool market_index_agrees(const struct market_index *index, uint32_t slot,
                         const struct odds_image *image)
{
    const struct market_entry *market = &index->markets[slot];
    for (int kind = GROUP_EVENT; kind < GROUP_KINDS; kind++) {
        uint32_t group = market->group[kind];
        struct slice name = group_id((enum group_kind)kind, image);
        if (group == SLOT_NONE) {
            if (name.bytes > 0 && (market->groups_full >> kind & 1) == 0)
                return false; /* it was not named before */
            continue;         /* one that found no room does not go on looking */
        }
        const struct market_group *stands = &index->groups[kind][group];
        if (!slice_equal(slice_of(stands->id, stands->id_bytes), name))
            return false;
    }
    return true;
}

uint32_t market_index_after(const struct market_index *index, enum group_kind kind, uint32_t group,
                            uint64_t joined)
{
    uint32_t slot = group == SLOT_NONE ? SLOT_NONE : index->groups[kind][group].first;
    while (slot != SLOT_NONE && index->markets[slot].joined <= joined)
        slot = index->markets[slot].next[kind];
    return slot;
}
