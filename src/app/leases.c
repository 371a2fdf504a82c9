/* leases.c - contract in leases.h. */
#include "app/leases.h"

#include "base/assert.h"

#define NEVER_US INT64_MIN

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

static struct lease *find_or_add(struct leases *leases, struct slice provider)
{
    size_t at = find(leases, provider);
    if (at != LEASE_NONE)
        return &leases->leases[at];
    if (leases->count == PROVIDERS_MAX || provider.bytes > PROVIDER_ID_BYTES_MAX)
        return NULL;
    struct lease *lease = &leases->leases[leases->count++];
    *lease = (struct lease){
        .id_bytes = (uint8_t)provider.bytes, .link = LEASE_NONE, .last_byte = {NEVER_US}};
    memcpy(lease->id, provider.at, provider.bytes);
    return lease;
}

struct lease *leases_touch(struct leases *leases, struct slice provider, struct monotonic now)
{
    struct lease *lease = find_or_add(leases, provider);
    if (lease == NULL)
        return NULL;
    bool held = lease->last_byte.us == NEVER_US || lease_holds(leases, lease, now);
    lease->last_byte = now;
    note_return(leases, lease, held, now);
    return lease;
}

struct lease *leases_heard(struct leases *leases, struct slice provider, struct monotonic now)
{
    size_t at = find(leases, provider);
    bool behind = at != LEASE_NONE && leases->leases[at].link != LEASE_NONE;
    return behind ? &leases->leases[at] : leases_touch(leases, provider, now);
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

/* A word of a moment ago is none: `valid_for_us` begins when it is heard. */
struct lease *leases_follow(struct leases *leases, struct slice provider, struct monotonic now,
                            int64_t valid_for_us)
{
    struct lease *lease = find_or_add(leases, provider);
    if (lease == NULL)
        return NULL;
    bool held = lease->last_byte.us == NEVER_US || lease_holds(leases, lease, now);
    lease->last_byte = now;
    lease->silence_us_max = valid_for_us;
    lease->late = valid_for_us <= 0;
    note_return(leases, lease, held, now);
    return lease;
}

struct lease *leases_produce(struct leases *leases, const struct feed_producer *producer,
                             struct monotonic now)
{
    ASSERT(producer->silence_us_max > 0);
    if (find(leases, producer->link) == LEASE_NONE &&
        leases_touch(leases, producer->link, now) == NULL)
        return NULL;
    size_t link = find(leases, producer->link);
    struct lease *lease = leases_touch(leases, producer->provider, now);
    if (lease == NULL || leases->leases[link].link != LEASE_NONE || lease == &leases->leases[link])
        return NULL; /* links are not chained: whose lease holds is found in one step */
    lease->link = link;
    lease->silence_us_max = producer->silence_us_max;
    return lease;
}

static const struct lease *link_of(const struct leases *leases, const struct lease *lease)
{
    return lease->link == LEASE_NONE ? NULL : &leases->leases[lease->link];
}

bool leases_broke_since(const struct leases *leases, struct slice provider, uint64_t breaks)
{
    size_t at = find(leases, provider);
    if (at == LEASE_NONE)
        return false;
    const struct lease *link = link_of(leases, &leases->leases[at]);
    return leases->leases[at].back > breaks || (link != NULL && link->back > breaks);
}

/* Of the lease itself, whatever its link does; negative: it has ended. */
static int64_t own_left_us(const struct leases *leases, const struct lease *lease,
                           struct monotonic now)
{
    int64_t silence = lease->silence_us_max > 0 ? lease->silence_us_max : leases->silence_us_max;
    ASSERT(now.us >= lease->last_byte.us);
    return leases->closed || lease->late || lease->last_byte.us == NEVER_US
               ? -1
               : lease->last_byte.us + silence - now.us;
}

bool lease_holds(const struct leases *leases, const struct lease *lease, struct monotonic now)
{
    const struct lease *link = link_of(leases, lease);
    return own_left_us(leases, lease, now) >= 0 &&
           (link == NULL || own_left_us(leases, link, now) >= 0);
}

int64_t leases_left_us(const struct leases *leases, struct slice provider, struct monotonic now)
{
    size_t at = find(leases, provider);
    if (at == LEASE_NONE || !lease_holds(leases, &leases->leases[at], now))
        return -1;
    int64_t left = own_left_us(leases, &leases->leases[at], now);
    const struct lease *link = link_of(leases, &leases->leases[at]);
    int64_t link_left = link == NULL ? left : own_left_us(leases, link, now);
    return link_left < left ? link_left : left;
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
        int64_t left = own_left_us(leases, lease, now) + 1;
        if (due < 0 || left < due)
            due = left;
    }
    return due;
}
