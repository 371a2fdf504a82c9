/* odds_leases.h - until when each provider's lease holds, as a writer says it (P2): so many
 * microseconds from when that was heard, which needs no clock that two machines share. Pure.
 * Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/ids.h"

#define ODDS_LEASES_MAX                                                                            \
    64 /* as many providers as a book has; a further one is never alive here                       \
        */

struct odds_lease {
    char id[PROVIDER_ID_BYTES_MAX];
    uint8_t id_bytes;
    bool shown_alive; /* the markets were shown so */
    int64_t heard_us, holds_till_us;
};

struct odds_leases {
    size_t count;
    struct odds_lease rows[ODDS_LEASES_MAX];
};

void odds_leases_hear(struct odds_leases *leases, struct slice provider, int64_t valid_for_us,
                      int64_t now_us);
/* NULL: it was never heard of. */
const struct odds_lease *odds_leases_find(const struct odds_leases *leases, struct slice provider);
bool odds_leases_alive(const struct odds_leases *leases, struct slice provider, int64_t now_us);
/* A lease that came or went since it was asked last: its markets are to be looked at. */
bool odds_leases_changed(struct odds_leases *leases, int64_t now_us);
