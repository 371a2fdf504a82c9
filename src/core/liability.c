/* liability.c - contract in liability.h. */
#include "core/liability.h"

#include "base/assert.h"

static int64_t less(int64_t a, int64_t b)
{
    int64_t difference;
    if (!__builtin_sub_overflow(a, b, &difference))
        return difference;
    return b > 0 ? INT64_MIN : INT64_MAX;
}

static bool covers_its_market(const struct ticket *ticket)
{
    return ticket->stake_kind == STAKE_CASH && ticket->legs_count == 1 && !ticket->each_way;
}

struct liability_share liability_of_ticket(const struct ticket *ticket, int64_t return_minor)
{
    ASSERT(return_minor >= 0);
    if (covers_its_market(ticket))
        return (struct liability_share){return_minor, ticket->stake.minor};
    return (struct liability_share){liability_cost(ticket, return_minor), 0};
}

int64_t liability_cost(const struct ticket *ticket, int64_t return_minor)
{
    return ticket->stake_kind == STAKE_CASH ? return_minor - ticket->stake.minor : return_minor;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t both;
    if (!__builtin_add_overflow(a, b, &both))
        return both;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

struct liability_beside liability_beside_begin(uint32_t winners)
{
    return (struct liability_beside){.most = winners == 0 ? UINT32_MAX : winners - 1};
}

void liability_beside_put(struct liability_beside *beside, int64_t costs_minor)
{
    if (costs_minor <= 0 || beside->most == 0)
        return;
    beside->sum_minor = sum(beside->sum_minor, costs_minor);
    if (beside->most > LIABILITY_BESIDE_MAX)
        return;
    uint32_t at = beside->count;
    if (at == beside->most) { /* the cheapest makes room, itself perhaps */
        int64_t cheapest = beside->costs_minor[at - 1];
        beside->sum_minor =
            less(beside->sum_minor, costs_minor < cheapest ? costs_minor : cheapest);
        if (costs_minor <= cheapest)
            return;
        at--;
    } else {
        beside->count++;
    }
    for (; at > 0 && beside->costs_minor[at - 1] < costs_minor; at--)
        beside->costs_minor[at] = beside->costs_minor[at - 1];
    beside->costs_minor[at] = costs_minor;
}

int64_t liability_of_outcome(const struct outcome_exposure *exposure)
{
    return less(sum(exposure->returns_minor, exposure->beside_minor),
                exposure->market_stakes_minor);
}

int64_t liability_room(int64_t liability_minor_max, const struct outcome_exposure *exposure)
{
    if (liability_minor_max == LIABILITY_UNLIMITED)
        return LIABILITY_UNLIMITED;
    return less(liability_minor_max, liability_of_outcome(exposure));
}
