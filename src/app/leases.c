/* leases.c - contract in leases.h. */
#include "app/leases.h"

#include "base/assert.h"

#define LEASE_NONE SIZE_MAX
#define NEVER_US   INT64_MIN

static size_t find(const struct leases *leases, struct slice provider)
{
    for (size_t i = 0; i < leases->count; i++)
        if (slice_equal(slice_of(leases->leases[i].id, leases->leases[i].id_bytes), provider))
            return i;
    return LEASE_NONE;
}

static void note_return(struct leases *leases, struct lease *lease, bool held, struct monotonic now)
{
    if (!held && lease_holds(leases, lease, now))
        lease->back = ++leases->breaks;
}

struct lease *leases_touch(struct leases *leases, struct slice provider, struct monotonic now)
{
    size_t at = find(leases, provider);
    struct lease *lease = at == LEASE_NONE ? NULL : &leases->leases[at];
    if (lease == NULL) {
        if (leases->count == PROVIDERS_MAX || provider.bytes > PROVIDER_ID_BYTES_MAX)
            return NULL;
        lease = &leases->leases[leases->count++];
        *lease = (struct lease){.id_bytes = (uint8_t)provider.bytes, .last_byte = {NEVER_US}};
        memcpy(lease->id, provider.at, provider.bytes);
    }
    bool held = lease->last_byte.us == NEVER_US || lease_holds(leases, lease, now);
    lease->last_byte = now;
    note_return(leases, lease, held, now);
    return lease;
}

struct lease *leases_late(struct leases *leases, struct slice provider, struct monotonic now,
                          bool late)
{
    struct lease *lease = leases_touch(leases, provider, now);
    if (lease == NULL)
        return NULL;
    bool held = lease_holds(leases, lease, now);
    lease->late = late;
    note_return(leases, lease, held, now);
    return lease;
}

bool leases_broke_since(const struct leases *leases, struct slice provider, uint64_t breaks)
{
    size_t at = find(leases, provider);
    return at != LEASE_NONE && leases->leases[at].back > breaks;
}

bool lease_holds(const struct leases *leases, const struct lease *lease, struct monotonic now)
{
    ASSERT(now.us >= lease->last_byte.us);
    return !leases->closed && !lease->late &&
           now.us - lease->last_byte.us <= leases->silence_us_max;
}

bool leases_alive(const struct leases *leases, struct slice provider, struct monotonic now)
{
    size_t at = find(leases, provider);
    return at != LEASE_NONE && lease_holds(leases, &leases->leases[at], now);
}

int64_t leases_due_us(const struct leases *leases, struct monotonic now)
{
    int64_t due = -1;
    for (size_t i = 0; i < leases->count; i++) {
        const struct lease *lease = &leases->leases[i];
        if (lease->shown_lost || !lease_holds(leases, lease, now))
            continue;
        int64_t left = lease->last_byte.us + leases->silence_us_max + 1 - now.us;
        if (due < 0 || left < due)
            due = left;
    }
    return due;
}
