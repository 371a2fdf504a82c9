/* odds_writer.h - writes current prices through to Redis: every version of every market that there
 * is time for, at once; where the server is behind, the newest one of each (it conflates, and its
 * memory is bounded by the markets). What is offered and in which order the versions rise is
 * decided before: this is a copy, and nobody waits for it.
 *
 * Each value lives ODDS_LIFE_MS and is renewed well inside that. After a loss everything is written
 * again; an older version never takes the place of a newer one (odds_script.h, P1). Each second it
 * writes until when each provider's lease holds (P2), and says in the channel that it is alive.
 * Thread: the loop's, on which the store is. */
#pragma once

#include <stdint.h>

#include "adapters/redis/odds_providers.h"
#include "adapters/redis/redis_fleet.h"
#include "ports/odds_store.h"

struct odds_writer;

struct odds_writer_options {
    struct redis_fleet_options fleet;
    uint32_t markets_max;
    uint64_t hash_key[2];  /* a secret of this process */
    int64_t lease_us;      /* leases are told so often, and whenever one comes or goes */
    int64_t refresh_us;    /* each market is written again so often */
    uint32_t per_turn_max; /* of those that had to wait, written in one turn */
};

#define ODDS_WRITER_OPTIONS_DEFAULT                                                                \
    ((struct odds_writer_options){.fleet = {.link = REDIS_LINK_OPTIONS_DEFAULT},                   \
                                  .lease_us = 1000000,                                             \
                                  .refresh_us = 20000000,                                          \
                                  .per_turn_max = 256})

/* `store` is borrowed; what it has is written as soon as the server can be reached. 0, -ERR_MEMORY,
 * -ERR_LIMIT. */
int odds_writer_new(struct loop *loop, const struct odds_writer_options *options,
                    struct odds_store *store, const struct odds_writer_providers *providers,
                    struct odds_writer **ret_writer);
void odds_writer_free(struct odds_writer *writer); /* accepts NULL */

/* As the callbacks of struct book_listener; owner is the writer. After the store has changed. */
void odds_writer_on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                           const uint16_t *changed, size_t changed_count);
void odds_writer_on_removed(void *owner, const struct odds_image *image);
/* Goes on with what waits: at the end of each turn. True: another turn is wanted at once. */
bool odds_writer_turn(struct odds_writer *writer);

/* For how long something has waited that the servers have not taken, in microseconds, give or take
 * a tenth of a second; while a server is away, refuses, or has come back and not been told all yet,
 * since all was taken last. */
int64_t odds_writer_behind_us(const struct odds_writer *writer);
/* Everything has been taken by the server. */
bool odds_writer_is_level(const struct odds_writer *writer);
/* -ERR_LIMIT. */
int odds_writer_register_metrics(struct odds_writer *writer, struct metrics *metrics);
