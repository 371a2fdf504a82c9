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

int64_t liability_of_outcome(const struct outcome_exposure *exposure)
{
    return less(exposure->returns_minor,
                exposure->one_winner ? exposure->market_stakes_minor : exposure->own_stakes_minor);
}

int64_t liability_room(int64_t liability_minor_max, const struct outcome_exposure *exposure)
{
    if (liability_minor_max == LIABILITY_UNLIMITED)
        return LIABILITY_UNLIMITED;
    return less(liability_minor_max, liability_of_outcome(exposure));
}
