/* personal_vault_file.h - the personal_vault port over the key file of crypto/personal.h.
 *
 * Erasing is final: afterwards make_key, seal and open answer -ERR_NOT_FOUND for that user, as
 * they do (but make_key) for one who never had a key. A field that was not sealed under the
 * user's key, or was changed, is -ERR_CRYPTO. Besides what the port names: -ERR_IO,
 * -ERR_NO_SPACE, -ERR_CORRUPT (a damaged slot). Keys are made in blocks ahead of the newest
 * account and synced by a thread of the vault's, so that make_key waits for a disk only when
 * accounts come faster than blocks are synced. After a failed sync make_key answers -ERR_IO for
 * every account beyond the last durable block until a restart. Thread: one user. */
#pragma once

#include <stdbool.h>

#include "crypto/personal.h"
#include "ports/personal_vault.h"

#define VAULT_BLOCK 512 /* keys written and synced at once */

struct personal_vault_file_options {
    int folder;       /* descriptor of the key folder (crypto/key_files.h); borrowed for open */
    const char *name; /* of the file in it, "personal.keys" */
    const unsigned char *master; /* PERSONAL_MASTER_BYTES; copied */
    size_t accounts_max;
    const struct personal_medium
        *medium;    /* taken; NULL: the file; else folder and name are unused */
    uint32_t block; /* keys written and synced at once, and kept ready; 0: VAULT_BLOCK */
    bool stepped;   /* no thread: the caller syncs (personal_vault_file_step) */
};

/* Errors as personal_keys_open(). The caller owns *ret_vault. */
int personal_vault_file_open(const struct personal_vault_file_options *options,
                             struct personal_vault **ret_vault);
/* Of a stepped vault: what the thread does. Syncs the newest block when it is not durable yet. */
void personal_vault_file_step(struct personal_vault *vault);
/* Ends a stepped vault as a crash does: nothing more is written. */
void personal_vault_file_abandon(struct personal_vault *vault);
