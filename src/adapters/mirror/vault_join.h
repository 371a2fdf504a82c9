/* vault_join.h - the start of vault_mirror.h: the file of keys and the store are brought up to one
 * another, before anything is used. Each learns from the other what it has not; an erased slot goes
 * over a key on either side. Blocks. Thread: the owner's. */
#pragma once

#include "base/buf.h"
#include "crypto/personal.h"
#include "ports/personal_store.h"

#define VAULT_ASIDE_SUFFIX ".aside"

struct vault_join_report {
    uint64_t slots;   /* users that have one now */
    uint64_t brought; /* to the store */
    uint64_t fetched; /* from it: the file had none, an older one, or a damaged one */
    uint64_t damaged; /* in the file, and not in the store: these users get new keys */
    /* Keys of the file other than those that stand: it was made elsewhere than the store's. The
     * file as it was is kept as NAME.aside, and its keys are used by nobody. */
    uint64_t aside;
};

struct vault_join_options {
    int folder;
    const char *name;
    const unsigned char *master;
    size_t accounts_max;
    struct personal_store *store; /* borrowed */
};

/* Opens the file and joins; the keys are the caller's. All users of report->slots have one, and
 * what the file has is durable. 0; the store's errors; as personal_keys_open(); -ERR_CONFIG also:
 * the store has another master key's, or there is a NAME.aside already. `why` says more where there
 * is more to say. */
int vault_join(const struct vault_join_options *options, struct personal_keys **ret_keys,
               struct vault_join_report *ret_report, struct buf *why);
