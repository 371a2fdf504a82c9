/* ladder.h - price ladders of one runner: small arrays, the best offer last.
 *
 * A ladder by price (atb, atl) is sorted so that its best point stands at the end, where almost
 * all changes happen; a ladder by level (batb, ...) is indexed by its level. The points of all
 * ladders come from one pool of fixed size, taken when the source is made; blocks are powers of
 * two and go back to the pool when a ladder is empty. Thread: one loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one ladder by price. The CLASSIC price table has 350 prices; beyond this depth the worst
 * points are dropped and counted: the best price stays right. */
#define LADDER_DEPTH_MAX 400

struct ladder_point {
    int32_t price_milli;
    uint32_t size_cents; /* > 0; in a ladder by level 0 = the level is empty */
};

struct ladder_pool;

struct ladder {
    uint32_t block; /* of the pool; meaningful when capacity > 0 */
    uint16_t capacity;
    uint16_t count; /* points with a size */
};

enum ladder_order { LADDER_HIGHEST_BEST = 1, LADDER_LOWEST_BEST };

enum ladder_set {
    LADDER_SET = 0,
    LADDER_DROPPED, /* the depth limit or the pool's end: the worst point, or this one, is gone */
};

/* Takes all its memory now (8 bytes a point, touched as needed). 0 or -ERR_MEMORY. */
int ladder_pool_new(uint32_t points_max, struct ladder_pool **ret);
void ladder_pool_free(struct ladder_pool *pool); /* accepts NULL */

/* Sets or, with size_cents 0, removes the point at a price; removing what is not there does
 * nothing. */
enum ladder_set ladder_set_price(struct ladder_pool *pool, struct ladder *ladder,
                                 enum ladder_order order, struct ladder_point point);
/* Sets or removes the point of a level, below LADDER_LEVELS_MAX of mcm_message.h. */
enum ladder_set ladder_set_level(struct ladder_pool *pool, struct ladder *ladder, uint8_t level,
                                 struct ladder_point point);

/* The best price with at least size_cents_min behind it (0 as 1). False when there is none. */
bool ladder_best_price(const struct ladder_pool *pool, const struct ladder *ladder,
                       uint32_t size_cents_min, int32_t *ret_milli);
bool ladder_best_level(const struct ladder_pool *pool, const struct ladder *ladder,
                       uint32_t size_cents_min, int32_t *ret_milli);

/* Empties the ladder and gives its block back. */
void ladder_clear(struct ladder_pool *pool, struct ladder *ladder);

/* Aborts when a ladder by price is not strictly sorted, holds an empty point, or is over its
 * limits. For ASSERT_SLOW and the fuzzer. */
void ladder_check(const struct ladder_pool *pool, const struct ladder *ladder,
                  enum ladder_order order);
