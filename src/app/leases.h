/* leases.h - which provider's prices may be bet on: the last byte received plus silence_us_max
 * (P2). Nobody has to write "suspended": the decision asks here. Pure; time is an argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "core/ids.h"

#define PROVIDERS_MAX 16

struct lease {
    char id[PROVIDER_ID_BYTES_MAX];
    uint8_t id_bytes;
    bool late;       /* the provider itself says so (Betfair status 503) */
    bool shown_lost; /* its markets are (being) shown as suspended for it */
    bool walking;    /* they are being shown so, from slot `walk` of the store on */
    size_t walk;
    struct monotonic last_byte;
    uint64_t back; /* when it held again, in the order of all that did; 0: it never was lost */
};

struct leases {
    struct lease leases[PROVIDERS_MAX];
    size_t count;
    int64_t silence_us_max;
    uint64_t breaks; /* how often one held again */
    bool closed;     /* none holds any more, and none ever will: another process takes over */
};

/* Finds or adds; NULL when PROVIDERS_MAX or the id's length is exceeded. */
struct lease *leases_touch(struct leases *leases, struct slice provider, struct monotonic now);
/* The same, and the provider says that its prices are late, or good again. */
struct lease *leases_late(struct leases *leases, struct slice provider, struct monotonic now,
                          bool late);
bool lease_holds(const struct leases *leases, const struct lease *lease, struct monotonic now);
bool leases_alive(const struct leases *leases, struct slice provider, struct monotonic now);
/* Was the provider lost and came back since so many breaks were counted? */
bool leases_broke_since(const struct leases *leases, struct slice provider, uint64_t breaks);
/* Microseconds until the next lease that holds now ends; -1: none. */
int64_t leases_due_us(const struct leases *leases, struct monotonic now);
