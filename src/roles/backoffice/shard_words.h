/* shard_words.h - an answer of the desk that waits until every shard has its words, or takes no
 * bets without them (docs/decisions/0016). Thread: the book's loop. */
#pragma once

#include "app/relay_teller.h"
#include "base/json_write.h"

/* Who knows of the other shards; all zero: nobody, the book has one. */
struct shard_words {
    void *owner;
    /* As relay_teller_wait(); last_seq 0: all words so far. False: there are no other shards. */
    bool (*wait)(void *owner, const struct relay_wait_for *words, relay_spread_fn told,
                 void *told_owner);
    /* The n-th of the others, by number. False: there are no more. */
    bool (*shard)(void *owner, uint32_t n, uint32_t *ret_shard, struct relay_shard_view *ret_view);
};

/* Of all shards' numbers, in `away` and in `refused`. */
#define SHARD_WORDS_JSON_BYTES_MAX (2 * SHARDS_MAX * 5 + 64)

bool shard_words_wait(const struct shard_words *words, const struct relay_wait_for *what,
                      relay_spread_fn told, void *told_owner);
/* "shards": {"have_it": 3, "away": [], "refused": [2]}, the last only where one did. */
void shard_words_put(struct json_writer *writer, const struct relay_spread *spread);
