/* ladder.c - contract in ladder.h.
 * Blocks are 8, 16, .. 512 points. A free block holds the offset of the next free one of its
 * class in its first point; blocks are never split or merged, so the pool may hold unused
 * blocks of one class while another class is out of them: it is sized for that. */
#include "feeds/betfair_stream/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "feeds/betfair_stream/mcm_message.h"

#define CAPACITY_MIN 8u
#define CAPACITY_MAX 512u
#define CLASSES      7
#define NO_BLOCK     UINT32_MAX

_Static_assert(CAPACITY_MIN << (CLASSES - 1) == CAPACITY_MAX, "one class per power of two");
_Static_assert(LADDER_DEPTH_MAX <= CAPACITY_MAX, "the deepest ladder fits one block");

struct ladder_pool {
    struct ladder_point *points; /* owned */
    uint32_t points_max;
    uint32_t points_used; /* beyond it nothing was ever given out */
    uint32_t free_first[CLASSES];
};

int ladder_pool_new(uint32_t points_max, struct ladder_pool **ret)
{
    struct ladder_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return -ERR_MEMORY;
    pool->points = calloc(points_max == 0 ? 1 : points_max, sizeof *pool->points);
    if (pool->points == NULL) {
        free(pool);
        return -ERR_MEMORY;
    }
    pool->points_max = points_max;
    for (int i = 0; i < CLASSES; i++)
        pool->free_first[i] = NO_BLOCK;
    *ret = pool;
    return 0;
}

void ladder_pool_free(struct ladder_pool *pool)
{
    if (pool == NULL)
        return;
    free(pool->points);
    free(pool);
}

static int class_of(uint32_t capacity)
{
    ASSERT(capacity >= CAPACITY_MIN);
    ASSERT(capacity <= CAPACITY_MAX);
    return __builtin_ctz(capacity / CAPACITY_MIN);
}

static uint32_t take_block(struct ladder_pool *pool, uint32_t capacity)
{
    uint32_t *first = &pool->free_first[class_of(capacity)];
    uint32_t block = *first;
    if (block != NO_BLOCK) {
        *first = pool->points[block].size_cents;
        return block;
    }
    if (pool->points_max - pool->points_used < capacity)
        return NO_BLOCK;
    block = pool->points_used;
    pool->points_used += capacity;
    return block;
}

static void give_block(struct ladder_pool *pool, struct ladder *ladder)
{
    uint32_t *first = &pool->free_first[class_of(ladder->capacity)];
    pool->points[ladder->block].size_cents = *first;
    *first = ladder->block;
    ladder->capacity = 0;
}

void ladder_clear(struct ladder_pool *pool, struct ladder *ladder)
{
    if (ladder->capacity > 0)
        give_block(pool, ladder);
    ladder->count = 0;
}

/* Makes room for one more point. False at the pool's end. */
static bool grow(struct ladder_pool *pool, struct ladder *ladder)
{
    uint32_t capacity = ladder->capacity == 0 ? CAPACITY_MIN : ladder->capacity * 2u;
    uint32_t block = take_block(pool, capacity);
    if (block == NO_BLOCK)
        return false;
    if (ladder->capacity > 0) {
        memcpy(&pool->points[block], &pool->points[ladder->block],
               ladder->count * sizeof *pool->points);
        give_block(pool, ladder);
    }
    ladder->block = block;
    ladder->capacity = (uint16_t)capacity;
    return true;
}

static bool worse(enum ladder_order order, int32_t a, int32_t b)
{
    return order == LADDER_HIGHEST_BEST ? a < b : a > b;
}

/* The place of the first point that is not worse than the price, searched from the best end:
 * that is where changes happen. */
static uint32_t place_of(const struct ladder_point *points, uint32_t count, enum ladder_order order,
                         int32_t price_milli)
{
    uint32_t place = count;
    while (place > 0 && !worse(order, points[place - 1].price_milli, price_milli))
        place--;
    return place;
}

static void remove_point(struct ladder *ladder, struct ladder_point *points, uint32_t place)
{
    memmove(&points[place], &points[place + 1], (ladder->count - place - 1) * sizeof *points);
    ladder->count--;
}

static void insert_point(struct ladder *ladder, struct ladder_point *points, uint32_t place,
                         struct ladder_point point)
{
    memmove(&points[place + 1], &points[place], (ladder->count - place) * sizeof *points);
    points[place] = point;
    ladder->count++;
}

/* The ladder is full: the worst point makes room, unless the new one is worse. */
static enum ladder_set replace_worst(struct ladder *ladder, struct ladder_point *points,
                                     uint32_t place, struct ladder_point point)
{
    if (place > 0) {
        memmove(points, points + 1, (place - 1) * sizeof *points);
        points[place - 1] = point;
    }
    ASSERT(ladder->count == LADDER_DEPTH_MAX);
    return LADDER_DROPPED;
}

enum ladder_set ladder_set_price(struct ladder_pool *pool, struct ladder *ladder,
                                 enum ladder_order order, struct ladder_point point)
{
    struct ladder_point *points = &pool->points[ladder->capacity > 0 ? ladder->block : 0];
    uint32_t place = place_of(points, ladder->count, order, point.price_milli);
    bool found = place < ladder->count && points[place].price_milli == point.price_milli;
    if (point.size_cents == 0) {
        if (found)
            remove_point(ladder, points, place);
        if (ladder->count == 0)
            ladder_clear(pool, ladder); /* a closed market keeps no blocks */
        return LADDER_SET;
    }
    if (found) {
        points[place] = point;
        return LADDER_SET;
    }
    if (ladder->count == LADDER_DEPTH_MAX)
        return replace_worst(ladder, points, place, point);
    if (ladder->count == ladder->capacity && !grow(pool, ladder))
        return LADDER_DROPPED;
    insert_point(ladder, &pool->points[ladder->block], place, point);
    return LADDER_SET;
}

/* A ladder by level has all its levels from its first use on. */
static bool take_levels(struct ladder_pool *pool, struct ladder *ladder)
{
    uint32_t block = take_block(pool, LADDER_LEVELS_MAX);
    if (block == NO_BLOCK)
        return false;
    memset(&pool->points[block], 0, LADDER_LEVELS_MAX * sizeof *pool->points);
    ladder->block = block;
    ladder->capacity = LADDER_LEVELS_MAX;
    return true;
}

enum ladder_set ladder_set_level(struct ladder_pool *pool, struct ladder *ladder, uint8_t level,
                                 struct ladder_point point)
{
    ASSERT(level < LADDER_LEVELS_MAX);
    if (ladder->capacity == 0) {
        if (point.size_cents == 0)
            return LADDER_SET;
        if (!take_levels(pool, ladder))
            return LADDER_DROPPED;
    }
    struct ladder_point *at = &pool->points[ladder->block + level];
    int change = (point.size_cents > 0) - (at->size_cents > 0);
    ladder->count = (uint16_t)(ladder->count + change);
    *at = point;
    if (ladder->count == 0)
        ladder_clear(pool, ladder);
    return LADDER_SET;
}

bool ladder_best_price(const struct ladder_pool *pool, const struct ladder *ladder,
                       uint32_t size_cents_min, int32_t *ret_milli)
{
    for (uint32_t i = ladder->count; i > 0; i--) {
        const struct ladder_point *point = &pool->points[ladder->block + i - 1];
        if (point->size_cents >= size_cents_min) {
            *ret_milli = point->price_milli;
            return true;
        }
    }
    return false;
}

bool ladder_best_level(const struct ladder_pool *pool, const struct ladder *ladder,
                       uint32_t size_cents_min, int32_t *ret_milli)
{
    if (ladder->count == 0)
        return false;
    for (uint32_t i = 0; i < LADDER_LEVELS_MAX; i++) {
        const struct ladder_point *point = &pool->points[ladder->block + i];
        if (point->size_cents > 0 && point->size_cents >= size_cents_min) {
            *ret_milli = point->price_milli;
            return true;
        }
    }
    return false;
}

void ladder_check(const struct ladder_pool *pool, const struct ladder *ladder,
                  enum ladder_order order)
{
    ASSERT(ladder->count <= LADDER_DEPTH_MAX);
    ASSERT(ladder->count <= ladder->capacity);
    for (uint32_t i = 0; i < ladder->count; i++) {
        const struct ladder_point *point = &pool->points[ladder->block + i];
        ASSERT(point->size_cents > 0);
        if (i > 0)
            ASSERT(worse(order, point[-1].price_milli, point->price_milli));
    }
}
