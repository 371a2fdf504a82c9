/* verdict_store.h - the port of old idempotency keys: which record answered them (L3).
 *
 * The fold has the newest verdicts in memory (ledger/shard_verdicts.h) and may forget one only when
 * the store covers its record. Asking has two parts: may_have() costs no I/O and says of almost
 * every new key that it is new; of the others ask() finds out, off the loop. What it finds is a
 * place to look: the record itself says whether it is the answer to this request.
 *
 * The store is derived from the log and may be lost at any time: covered() then says less, and
 * cover() makes it again before anything may be decided.
 *
 * The caller owns a struct verdict_ask until its one callback, which never runs inside ask(), only
 * inside poll(). Thread: the owner's, but for what says otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

#define VERDICT_ASKS_MAX 1024 /* under way */

struct verdict_ask {
    struct hash128 key; /* shard_verdict_key() */
    /* error: 0 and the record `seq`; -ERR_NOT_FOUND: no record up to `covered` has the key (those
     * behind it were not looked at); any other: it is not known, and nothing may be decided. */
    void (*on_done)(struct verdict_ask *ask, int error);
    void *owner;
    uint64_t seq, covered; /* written */
};

struct verdict_store;

struct verdict_store_ops {
    /* The keys of all records up to this are found. Never falls. Any thread. */
    uint64_t (*covered)(const struct verdict_store *store);
    /* Asks for as much, soon. */
    void (*want)(struct verdict_store *store, uint64_t seq);
    /* At start and offline only: returns when as much is covered, all of it durable. 0;
     * -ERR_CORRUPT (the log is damaged, or has two verdicts for a key), or the medium's error. */
    int (*cover)(struct verdict_store *store, uint64_t seq);
    /* False: no record up to covered() has the key. */
    bool (*may_have)(const struct verdict_store *store, struct hash128 key);
    /* Begins to load what may_have() will touch. */
    void (*prefetch)(const struct verdict_store *store, struct hash128 key);
    /* 0, or -ERR_BUSY when VERDICT_ASKS_MAX are under way. */
    int (*ask)(struct verdict_store *store, struct verdict_ask *ask);
    /* Runs the callbacks of what was done. Called after `notify`. */
    void (*poll)(struct verdict_store *store);
    /* Why cover() or want() gets no further, or "". Borrowed until the next call. */
    const char *(*problem)(const struct verdict_store *store);
    /* Asks under way get no callback. The log is freed after it. */
    void (*free)(struct verdict_store *store);
};

struct verdict_store {
    const struct verdict_store_ops *ops;
    /* Set by the owner before the first ask: called from any thread when poll() has work. */
    void (*notify)(void *notify_owner);
    void *notify_owner;
};
