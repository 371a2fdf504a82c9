/* rule4.c - contract in rule4.h. */
#include "core/rule4.h"

#include "base/assert.h"

#define PENCE_WHOLE         100u
#define PERMYRIAD_PER_PENCE (DEDUCTION_WHOLE / PENCE_WHOLE)

/* The shortest price of each band, of which the first is open to below. From longest to shortest.
 */
struct band {
    uint32_t pence;
    struct odds fractional;
    struct odds decimal;
};

static const struct band bands[] = {
    {5, {11, 1}, {11, 1}},      /* 10/1 */
    {10, {7, 1}, {7, 1}},       /* 6/1 */
    {15, {11, 2}, {550, 100}},  /* 9/2 */
    {20, {21, 5}, {420, 100}},  /* 16/5 */
    {25, {17, 5}, {340, 100}},  /* 12/5 */
    {30, {14, 5}, {280, 100}},  /* 9/5 */
    {35, {13, 5}, {260, 100}},  /* 8/5 */
    {40, {9, 4}, {225, 100}},   /* 5/4 */
    {45, {2, 1}, {200, 100}},   /* evens */
    {50, {11, 6}, {184, 100}},  /* 5/6 */
    {55, {10, 6}, {167, 100}},  /* 4/6 */
    {60, {11, 7}, {158, 100}},  /* 4/7 */
    {65, {13, 9}, {145, 100}},  /* 4/9 */
    {70, {4, 3}, {134, 100}},   /* 1/3 */
    {75, {9, 7}, {128, 100}},   /* 2/7 */
    {80, {6, 5}, {120, 100}},   /* 1/5 */
    {85, {19, 17}, {113, 100}}, /* 2/17 */
    {90, {1, 1}, {1, 1}},       /* everything shorter */
};

static const struct odds longest = {15, 1}; /* 14/1: over it nothing is taken */

bool rule4_policy_valid(struct rule4_policy policy)
{
    bool known = policy.table == RULE4_FRACTIONAL || policy.table == RULE4_DECIMAL;
    return known && policy.cap_pence > 0 && policy.cap_pence < PENCE_WHOLE &&
           policy.waive_pence < PENCE_WHOLE;
}

static struct odds shortest_of(const struct band *band, enum rule4_table table)
{
    return table == RULE4_DECIMAL ? band->decimal : band->fractional;
}

uint32_t rule4_pence(enum rule4_table table, struct odds withdrawn)
{
    ASSERT(table == RULE4_FRACTIONAL || table == RULE4_DECIMAL);
    ASSERT(odds_present(withdrawn));
    if (odds_compare(withdrawn, longest) > 0)
        return 0;
    size_t i = 0;
    while (odds_compare(withdrawn, shortest_of(&bands[i], table)) < 0)
        i++; /* a price is above 1, where the last band begins */
    return bands[i].pence;
}

uint32_t rule4_total_pence(struct rule4_policy policy, const struct odds *withdrawn, size_t count)
{
    ASSERT(rule4_policy_valid(policy));
    uint32_t total = 0;
    for (size_t i = 0; i < count && total < policy.cap_pence; i++)
        total += rule4_pence(policy.table, withdrawn[i]);
    if (total <= policy.waive_pence)
        return 0;
    return total < policy.cap_pence ? total : policy.cap_pence;
}

struct deductions rule4_deductions(uint32_t total_pence)
{
    ASSERT(total_pence < PENCE_WHOLE);
    struct deductions deductions = DEDUCTIONS_NONE;
    if (total_pence > 0) {
        bool added =
            deductions_add(&deductions, DEDUCTED_FROM_WINNINGS, total_pence * PERMYRIAD_PER_PENCE);
        ASSERT(added);
    }
    return deductions;
}
