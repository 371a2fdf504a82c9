/* leases.h - which provider's prices may be bet on: the last byte received plus silence_us_max
 * (P2). Nobody has to write "suspended": the decision asks here. A producer that speaks through
 * another provider's link has a silence of its own, and its lease holds only while the link's does.
 * Pure; time is an argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "core/ids.h"
#include "ports/feed_sink.h"

#define PROVIDERS_MAX 64 /* links and their producers */
#define LEASE_NONE    SIZE_MAX

struct lease {
    char id[PROVIDER_ID_BYTES_MAX];
    uint8_t id_bytes;
    bool late;       /* the provider itself says so (Betfair status 503) */
    bool shown_lost; /* its markets are (being) shown as suspended for it */
    bool walking;    /* they are being shown so, from slot `walk` of the store on */
    size_t walk;
    size_t link;            /* index of the lease that has to hold too, or LEASE_NONE */
    int64_t silence_us_max; /* its own; 0: that of all */
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
/* The provider says something of a market. It is a byte of its as any, but what a producer behind a
 * link says of its markets does not renew its lease: for that it has to say that it lives. */
struct lease *leases_heard(struct leases *leases, struct slice provider, struct monotonic now);
/* As leases_touch, and the provider says that its prices are late, or good again. */
struct lease *leases_late(struct leases *leases, struct slice provider, struct monotonic now,
                          bool late);
/* Another process, which hears the provider, says that its lease holds so long from now on, when
 * nothing else is said; 0: it does not. NULL as leases_touch. */
struct lease *leases_follow(struct leases *leases, struct slice provider, struct monotonic now,
                            int64_t valid_for_us);
/* A producer behind a link: as leases_touch, for both the first time. silence_us_max > 0. NULL also
 * when the link is itself behind one. */
struct lease *leases_produce(struct leases *leases, const struct feed_producer *producer,
                             struct monotonic now);
bool lease_holds(const struct leases *leases, const struct lease *lease, struct monotonic now);
bool leases_alive(const struct leases *leases, struct slice provider, struct monotonic now);
/* Microseconds that the provider's lease holds on, when nothing comes; -1: it does not hold. */
int64_t leases_left_us(const struct leases *leases, struct slice provider, struct monotonic now);
/* Was the provider, or its link, lost and came back since so many breaks were counted? */
bool leases_broke_since(const struct leases *leases, struct slice provider, uint64_t breaks);
/* Microseconds until the next lease that holds now ends; -1: none. */
int64_t leases_due_us(const struct leases *leases, struct monotonic now);
