/* lease_keeper.c - contract in lease_keeper.h. */
#include "app/lease_keeper.h"

#include "base/error.h"

/* Of the time that a lease holds: renewed after a third, so that one answer may be lost; asked
 * again after a failure, and by who waits for one, after a sixteenth. */
#define RENEW_PART 3
#define AGAIN_PART 16
#define AGAIN_MIN  INT64_C(20000)
#define AGAIN_MAX  INT64_C(250000)

void lease_keeper_init(struct lease_keeper *keeper, struct shard_lease_store *store,
                       const struct shard_lease_asked *asked)
{
    *keeper = (struct lease_keeper){.store = store, .asked = *asked};
}

static int64_t again_us(const struct lease_keeper *keeper)
{
    int64_t us = keeper->asked.ttl_us / AGAIN_PART;
    return us < AGAIN_MIN ? AGAIN_MIN : us > AGAIN_MAX ? AGAIN_MAX : us;
}

static void hold(struct lease_keeper *keeper)
{
    keeper->state = LEASE_HELD;
    keeper->until_us = keeper->began_us + keeper->asked.ttl_us;
    keeper->next_us = keeper->began_us + keeper->asked.ttl_us / RENEW_PART;
}

static int take(struct lease_keeper *keeper)
{
    int error = keeper->store->ops->take(keeper->store, &keeper->asked, &keeper->lease);
    keeper->next_us = keeper->began_us + again_us(keeper);
    if (error == 0)
        hold(keeper);
    else if (error != -ERR_BUSY)
        keeper->failures++;
    return error == -ERR_CONFIG ? error : 0;
}

static void renew(struct lease_keeper *keeper)
{
    int error = keeper->store->ops->renew(keeper->store, &keeper->lease, keeper->asked.ttl_us);
    keeper->next_us = keeper->began_us + again_us(keeper);
    if (error == 0) {
        keeper->renewals++;
        hold(keeper);
    } else if (error == -ERR_STOPPED) {
        keeper->state = LEASE_LOST;
    } else {
        keeper->failures++;
    }
}

int lease_keeper_step(struct lease_keeper *keeper, struct monotonic now)
{
    if (lease_keeper_wait_us(keeper, now) != 0)
        return 0;
    keeper->began_us = now.us;
    if (keeper->state == LEASE_WANTED)
        return take(keeper);
    renew(keeper);
    return 0;
}

int64_t lease_keeper_wait_us(const struct lease_keeper *keeper, struct monotonic now)
{
    if (keeper->state == LEASE_LOST)
        return -1;
    return keeper->next_us > now.us ? keeper->next_us - now.us : 0;
}

bool lease_keeper_holds(const struct lease_keeper *keeper, struct monotonic now)
{
    return keeper->state == LEASE_HELD && now.us < keeper->until_us;
}

void lease_keeper_give(struct lease_keeper *keeper)
{
    if (keeper->state == LEASE_HELD)
        (void)keeper->store->ops->give(keeper->store, &keeper->lease);
    keeper->state = LEASE_LOST;
}
