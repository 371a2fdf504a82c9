/* node_odds_store.h - the odds store that other processes read: a node writes its prices through to
 * it (adapters/redis/odds_writer.h). The book goes on with its own store in memory, whatever
 * becomes of the other. Thread: the book's loop. */
#pragma once

#include <stdbool.h>

#include "adapters/redis/odds_writer.h"
#include "app/book.h"

struct node_odds_store_options {
    bool shared; /* false: prices are in memory of this process only */
    struct redis_place place;
    int64_t refresh_ms;    /* each value is written again so often */
    const char *ca, *name; /* of rediss..: tls_client.h; borrowed for ever */
};

/* Borrowed. */
struct node_odds_store_parts {
    struct loop *loop;
    struct odds_store *store;
    const struct book *book;
    int64_t markets_max;
};

/* All zero at first. */
struct node_odds_store {
    struct tls_client *tls;     /* owned; NULL: plain */
    struct odds_writer *writer; /* owned; NULL: not shared */
    struct node_odds_store_parts parts;
};

/* 0, or an error with a sentence in `why` or none; node_odds_store_close() is due all the same. */
int node_odds_store_open(struct node_odds_store *shared,
                         const struct node_odds_store_options *options,
                         const struct node_odds_store_parts *parts, struct buf *why);
void node_odds_store_close(struct node_odds_store *shared);
/* What a client of TLS needs to know of that place: NULL for a plain one. */
int node_odds_store_tls(const struct node_odds_store_options *options, struct tls_client **ret_tls,
                        struct buf *why);

/* What the book tells its listener. */
void node_odds_store_on_market(struct node_odds_store *shared, const struct odds_image *image,
                               uint64_t before_version, const uint16_t *changed,
                               size_t changed_count);
void node_odds_store_on_removed(struct node_odds_store *shared, const struct odds_image *image);
/* At the end of a turn. True: another one is wanted at once. */
bool node_odds_store_turn(struct node_odds_store *shared);

/* As odds_writer_behind_us(); 0 where the prices are not shared. */
int64_t node_odds_store_behind_us(const struct node_odds_store *shared);

/* -ERR_LIMIT. */
int node_odds_store_register_metrics(struct node_odds_store *shared, struct metrics *metrics);
