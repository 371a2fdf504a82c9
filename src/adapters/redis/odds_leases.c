/* odds_leases.c - contract in odds_leases.h. */
#include "adapters/redis/odds_leases.h"

#include <string.h>

static size_t find(const struct odds_leases *leases, struct slice provider)
{
    size_t i = 0;
    while (i < leases->count &&
           !slice_equal(slice_of(leases->rows[i].id, leases->rows[i].id_bytes), provider))
        i++;
    return i;
}

void odds_leases_hear(struct odds_leases *leases, struct slice provider, int64_t valid_for_us,
                      int64_t now_us)
{
    size_t at = find(leases, provider);
    if (at == leases->count) {
        if (at == ODDS_LEASES_MAX || provider.bytes == 0 || provider.bytes > PROVIDER_ID_BYTES_MAX)
            return;
        leases->rows[leases->count++] =
            (struct odds_lease){.id_bytes = (uint8_t)provider.bytes, .holds_till_us = INT64_MIN};
        memcpy(leases->rows[at].id, provider.at, provider.bytes);
    }
    leases->rows[at].heard_us = now_us;
    leases->rows[at].holds_till_us = valid_for_us > 0 ? now_us + valid_for_us : INT64_MIN;
}

const struct odds_lease *odds_leases_find(const struct odds_leases *leases, struct slice provider)
{
    size_t at = find(leases, provider);
    return at == leases->count ? NULL : &leases->rows[at];
}

bool odds_leases_alive(const struct odds_leases *leases, struct slice provider, int64_t now_us)
{
    const struct odds_lease *lease = odds_leases_find(leases, provider);
    return lease != NULL && now_us < lease->holds_till_us;
}

bool odds_leases_changed(struct odds_leases *leases, int64_t now_us)
{
    bool changed = false;
    for (size_t i = 0; i < leases->count; i++) {
        bool alive = now_us < leases->rows[i].holds_till_us;
        changed |= alive != leases->rows[i].shown_alive;
        leases->rows[i].shown_alive = alive;
    }
    return changed;
}
