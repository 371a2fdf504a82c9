/* bet.c - contract in bet.h. */
#include "core/bet.h"

#include <stddef.h>

#include "base/assert.h"

static bool leg_valid(const struct bet_leg *leg, bool each_way)
{
    if (!odds_present(leg->odds) || !leg_part_valid(&leg->win))
        return false;
    return !each_way || (place_terms_valid(leg->terms) && leg_part_valid(&leg->place));
}

static uint32_t chosen_count(const struct bet *bet)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        count += !bet->legs[i].banker;
    return count;
}

bool bet_valid(const struct bet *bet)
{
    if (bet->legs_count == 0 || bet->legs_count > BET_LEGS_MAX)
        return false;
    if (bet->stake.minor < 0 || bet->stake.minor > MONEY_MINOR_MAX)
        return false;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        if (!leg_valid(&bet->legs[i], bet->each_way))
            return false;
    return system_valid(chosen_count(bet), bet->sizes);
}

uint64_t bet_lines(const struct bet *bet)
{
    uint64_t lines = system_lines(chosen_count(bet), bet->sizes);
    return bet->each_way ? 2 * lines : lines;
}

bool bet_open(const struct bet *bet)
{
    for (uint32_t i = 0; i < bet->legs_count; i++)
        if (bet->legs[i].win.open != NULL || (bet->each_way && bet->legs[i].place.open != NULL))
            return true;
    return false;
}
