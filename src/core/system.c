/* system.c - contract in system.h. */
#include "core/system.h"

#include <stddef.h>

#include "base/assert.h"

/* Sizes from..to, both counted. */
#define SIZES(from, to) ((uint32_t)((UINT64_C(1) << (to)) - (UINT64_C(1) << ((from)-1))))

static const struct named_system systems[] = {
    {"TRIXIE", 3, {SIZES(2, 3)}},      {"PATENT", 3, {SIZES(1, 3)}},
    {"YANKEE", 4, {SIZES(2, 4)}},      {"LUCKY_15", 4, {SIZES(1, 4)}},
    {"CANADIAN", 5, {SIZES(2, 5)}},    {"LUCKY_31", 5, {SIZES(1, 5)}},
    {"HEINZ", 6, {SIZES(2, 6)}},       {"LUCKY_63", 6, {SIZES(1, 6)}},
    {"SUPER_HEINZ", 7, {SIZES(2, 7)}}, {"GOLIATH", 8, {SIZES(2, 8)}},
};

#define SYSTEMS_COUNT (sizeof systems / sizeof *systems)

const struct named_system *system_by_name(struct slice name)
{
    for (size_t i = 0; i < SYSTEMS_COUNT; i++)
        if (slice_is(name, systems[i].name))
            return &systems[i];
    return NULL;
}

const struct named_system *system_by_sizes(uint32_t legs, struct system_sizes sizes)
{
    for (size_t i = 0; i < SYSTEMS_COUNT; i++)
        if (systems[i].legs == legs && systems[i].sizes.mask == sizes.mask)
            return &systems[i];
    return NULL;
}

struct system_sizes system_of_size(uint32_t size)
{
    ASSERT(size > 0);
    ASSERT(size <= SYSTEM_LEGS_MAX);
    return (struct system_sizes){UINT32_C(1) << (size - 1)};
}

bool system_valid(uint32_t legs, struct system_sizes sizes)
{
    if (legs > SYSTEM_LEGS_MAX)
        return false;
    if (legs == 0)
        return sizes.mask == 0;
    return sizes.mask > 0 && (uint64_t)sizes.mask < UINT64_C(1) << legs;
}

uint64_t system_lines(uint32_t legs, struct system_sizes sizes)
{
    ASSERT(system_valid(legs, sizes));
    if (legs == 0)
        return 1;
    uint64_t lines = 0;
    uint64_t binomial = 1;
    for (uint32_t size = 1; size <= legs; size++) {
        binomial = binomial * (legs - size + 1) / size; /* exact: again a binomial */
        if (system_has_size(sizes, size))
            lines += binomial;
    }
    return lines;
}

bool system_split(int64_t total_minor, uint64_t lines, int64_t *ret_unit, int64_t *ret_unstaked)
{
    ASSERT(total_minor >= 0);
    ASSERT(lines > 0);
    if ((uint64_t)total_minor < lines)
        return false;
    *ret_unit = (int64_t)((uint64_t)total_minor / lines);
    *ret_unstaked = (int64_t)((uint64_t)total_minor % lines);
    return true;
}
