/* late_releases.h - what bets were before the RELEASE that placed them, as long as that record is
 * not durable: it may be late, and the bet then waits on (late_group.c). A ring in the order of the
 * records. Thread: the book's loop; allocates at _new only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger/shard_amend.h"

#define LATE_RELEASES_MAX 4096

/* One of them. */
struct late_release {
    uint64_t seq;    /* its RELEASE */
    uint64_t breaks; /* struct pending's */
    struct shard_waiting waiting;
};

struct late_releases {
    struct late_release *rows; /* owned; LATE_RELEASES_MAX */
    uint32_t first, count;
};

/* 0, -ERR_MEMORY. Memory is taken as rows are used. */
int late_releases_new(struct late_releases *releases);
void late_releases_free(struct late_releases *releases);

bool late_releases_full(const struct late_releases *releases);
/* Room for the release that is recorded next, as `seq`; there is some (ASSERT). */
struct late_release *late_releases_add(struct late_releases *releases, uint64_t seq);
/* NULL: it is none of them. */
const struct late_release *late_releases_find(const struct late_releases *releases, uint64_t seq);
/* Those up to that record are durable. */
void late_releases_forget(struct late_releases *releases, uint64_t seq);
