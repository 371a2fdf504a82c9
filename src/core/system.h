/* system.h - which lines a multiple has: sets of sizes k of n, their names, how many lines they
 * are, and how a total is split over them. Source: BETTING-RULES 4.5.
 *
 * A set of sizes is a mask, bit k - 1 for "every k of them". Bankers stand in every line and are
 * not counted: two bankers and "2 of 4" are six lines of four legs. A round robin "by twos" is the
 * American name of a system of the size 2. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Legs that are chosen from; bankers come on top. At most 2^32 - 1 lines. */
#define SYSTEM_LEGS_MAX 32u

struct system_sizes {
    uint32_t mask;
};

#define SYSTEM_NO_SIZES ((struct system_sizes){0})

struct named_system {
    const char *name; /* "LUCKY_15" */
    uint8_t legs;
    struct system_sizes sizes;
};

/* Trixie to Goliath. NULL for a name that is none, or for sizes that have none. */
const struct named_system *system_by_name(struct slice name);
const struct named_system *system_by_sizes(uint32_t legs, struct system_sizes sizes);

/* Every `size` of them, 1 .. SYSTEM_LEGS_MAX. */
struct system_sizes system_of_size(uint32_t size);
static inline bool system_has_size(struct system_sizes sizes, uint32_t size)
{
    return size > 0 && size <= SYSTEM_LEGS_MAX && (sizes.mask >> (size - 1) & 1) > 0;
}
/* The largest of them; 0 for none. */
static inline uint32_t system_largest(struct system_sizes sizes)
{
    return sizes.mask == 0 ? 0 : SYSTEM_LEGS_MAX - (uint32_t)__builtin_clz(sizes.mask);
}
static inline struct system_sizes system_join(struct system_sizes a, struct system_sizes b)
{
    return (struct system_sizes){a.mask | b.mask};
}
/* Can that be chosen from so many legs? No leg goes with no size, otherwise there is at least one
 * size and none above the legs. */
bool system_valid(uint32_t legs, struct system_sizes sizes);
/* How many lines: the sum of the binomials; 1 for no legs (the bankers alone). Valid ones only. */
uint64_t system_lines(uint32_t legs, struct system_sizes sizes);

/* A total that a customer wants on all lines together: the same whole number of minor units on
 * each, and what cannot be split so is not staked (it stays where it is; never on some lines and
 * not on others, which would make two equal lines pay differently). total >= 0, lines > 0. False
 * when there is not one minor unit for each line. */
bool system_split(int64_t total_minor, uint64_t lines, int64_t *ret_unit, int64_t *ret_unstaked);
