/* vault_mirror.h - the personal_vault port over keys that stand in a store beside the ledger
 * (ports/personal_store.h), with a copy in the file of crypto/personal.h.
 *
 * The store is the truth: a key stands there before anything is sealed with it, so whoever has the
 * shard next opens what was recorded. A start brings both up to one another; a slot that is damaged
 * in the file is taken from the store. Keys are made in blocks ahead of the newest account and
 * brought to the store by a thread, so neither accounts nor bets wait for it; while it is away,
 * those ahead are used up, and accounts beyond them get no personal fields recorded until it is
 * back (stats: unready). What another process erases in the store is heard of within
 * VAULT_MIRROR_LOOK_US and is then overwritten here.
 *
 * Erasing is final, as in personal_vault_file.h, and stands in the store before it is answered: it
 * blocks, and is not for a loop. Thread: one user. */
#pragma once

#include <stdbool.h>

#include "adapters/mirror/vault_join.h"
#include "ports/personal_vault.h"

#define VAULT_MIRROR_BLOCK    512
#define VAULT_MIRROR_AHEAD    2048 /* at least so many accounts have a key before they are opened */
#define VAULT_MIRROR_AGAIN_US INT64_C(1000000)  /* until a store that failed is asked again */
#define VAULT_MIRROR_LOOK_US  INT64_C(10000000) /* from one look for what was erased to the next */

struct vault_mirror_options {
    int folder;                  /* descriptor of the key folder; borrowed for open */
    const char *name;            /* of the file in it */
    const unsigned char *master; /* PERSONAL_MASTER_BYTES; copied */
    size_t accounts_max;
    struct personal_store *store; /* taken, also by a failure */
    uint32_t block, ahead;        /* 0: as above */
    bool stepped;                 /* no thread: the caller does its work (vault_mirror_step) */
};

/* Brings store and file up to one another (vault_join.h): it reads all that stands. 0; -ERR_ABSENT
 * and the store's other errors; -ERR_CONFIG: the store's keys are of another master key, or the
 * file's are others (vault_join.h); or as personal_keys_open(). With `why` where there is more to
 * say. */
int vault_mirror_open(const struct vault_mirror_options *options, struct personal_vault **ret_vault,
                      struct vault_join_report *ret_report, struct buf *why);

struct vault_mirror_stats {
    uint64_t ready;    /* accounts that have a key, opened or not */
    uint64_t unready;  /* fields that were not sealed, for there was no key yet */
    uint64_t failures; /* of the store */
    uint64_t erased;   /* overwritten since the start */
    bool away;         /* its newest answer was a failure */
};
struct vault_mirror_stats vault_mirror_stats(struct personal_vault *vault);
/* Of a stepped vault: what the thread does when it is woken, and when its time has come. */
void vault_mirror_step(struct personal_vault *vault);
