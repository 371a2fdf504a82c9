/* odds_store_memory.c - contract in odds_store_memory.h and ports/odds_store.h.
 * An index from id to slot, and per slot an image that is allocated for the selections it has
 * (and again only when more come, which is rare). */
#include "adapters/embedded/odds_store_memory.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/table.h"

struct slot {
    struct odds_image *image; /* owned; NULL: free */
    uint16_t capacity;        /* selections that fit */
    uint32_t next_free;
};

#define NO_SLOT UINT32_MAX

struct store {
    struct odds_store port;
    struct table *by_id; /* owns */
    struct slot *slots;  /* owns */
    uint32_t markets_max;
    uint32_t used; /* slots that were ever used */
    uint32_t free_first;
    uint32_t count;
    uint64_t key[2];
};

static struct store *store_of(struct odds_store *port)
{
    return (struct store *)port;
}

static uint32_t find_slot(const struct store *store, struct slice id, struct hash128 *ret_hash)
{
    uint32_t slot;
    *ret_hash = siphash128(store->key, id.at, id.bytes);
    return table_find(store->by_id, *ret_hash, &slot) ? slot : NO_SLOT;
}

/* Memory for so many selections; keeps the old one's content. */
static struct odds_image *image_new(struct odds_image *old, uint16_t selections)
{
    return realloc(old, odds_image_bytes(selections));
}

static bool make_room(struct slot *slot, uint16_t selections)
{
    if (slot->image != NULL && slot->capacity >= selections)
        return true;
    struct odds_image *image = image_new(slot->image, selections);
    if (image == NULL)
        return false;
    slot->image = image;
    slot->capacity = selections;
    return true;
}

static uint32_t take_slot(struct store *store)
{
    uint32_t slot = store->free_first;
    if (slot != NO_SLOT) {
        store->free_first = store->slots[slot].next_free;
        return slot;
    }
    return store->used < store->markets_max ? store->used++ : NO_SLOT;
}

static enum odds_put store_add(struct store *store, const struct odds_image *image,
                               struct hash128 hash)
{
    uint32_t at = take_slot(store);
    if (at == NO_SLOT)
        return ODDS_PUT_FULL;
    if (!make_room(&store->slots[at], image->selections_count) ||
        table_insert(store->by_id, hash, at) != TABLE_OK) {
        store->slots[at].next_free = store->free_first;
        store->free_first = at;
        return ODDS_PUT_FULL;
    }
    memcpy(store->slots[at].image, image, odds_image_bytes(image->selections_count));
    store->count++;
    return ODDS_PUT_OK;
}

static enum odds_put store_put(struct odds_store *port, const struct odds_image *image)
{
    struct store *store = store_of(port);
    struct hash128 hash;
    uint32_t at = find_slot(store, ODDS_TEXT(image, market_id), &hash);
    if (at == NO_SLOT)
        return store_add(store, image, hash);
    struct slot *slot = &store->slots[at];
    if (slot->image->odds_version >= image->odds_version)
        return ODDS_PUT_OLDER; /* P1 */
    if (!make_room(slot, image->selections_count))
        return ODDS_PUT_FULL;
    memcpy(slot->image, image, odds_image_bytes(image->selections_count));
    return ODDS_PUT_OK;
}

static const struct odds_image *store_get(struct odds_store *port, struct slice market_id)
{
    struct store *store = store_of(port);
    struct hash128 hash;
    uint32_t at = find_slot(store, market_id, &hash);
    return at == NO_SLOT ? NULL : store->slots[at].image;
}

static void store_remove(struct odds_store *port, struct slice market_id)
{
    struct store *store = store_of(port);
    struct hash128 hash;
    uint32_t at = find_slot(store, market_id, &hash);
    if (at == NO_SLOT)
        return;
    bool removed = table_remove(store->by_id, hash);
    ASSERT(removed);
    free(store->slots[at].image);
    store->slots[at] = (struct slot){.next_free = store->free_first};
    store->free_first = at;
    store->count--;
}

static size_t store_slots(struct odds_store *port)
{
    return store_of(port)->used;
}

static const struct odds_image *store_at(struct odds_store *port, size_t slot)
{
    return slot < store_of(port)->used ? store_of(port)->slots[slot].image : NULL;
}

static size_t store_count(struct odds_store *port)
{
    return store_of(port)->count;
}

static void store_free(struct odds_store *port)
{
    struct store *store = store_of(port);
    for (uint32_t i = 0; store->slots != NULL && i < store->used; i++)
        free(store->slots[i].image);
    table_free(store->by_id);
    free(store->slots);
    free(store);
}

int odds_store_memory_new(uint32_t markets_max, const uint64_t key[2], struct odds_store **ret)
{
    static const struct odds_store_ops ops = {store_put, store_get,   store_remove, store_slots,
                                              store_at,  store_count, store_free};
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ERR_MEMORY;
    store->port.ops = &ops;
    store->markets_max = markets_max;
    store->free_first = NO_SLOT;
    store->key[0] = key[0];
    store->key[1] = key[1];
    store->slots = calloc(markets_max, sizeof *store->slots);
    if (store->slots == NULL || table_new(markets_max, &store->by_id) < 0) {
        store_free(&store->port);
        return -ERR_MEMORY;
    }
    *ret = &store->port;
    return 0;
}
