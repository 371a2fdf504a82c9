/* personal_vault.h - personal fields leave memory only as ciphertext under a key per user that
 * is kept outside the ledger; erasing a user is destroying that key (DESIGN part 5). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/ids.h"

#define PERSONAL_PLAIN_BYTES_MAX  256
#define PERSONAL_SEALED_BYTES_MAX (PERSONAL_PLAIN_BYTES_MAX + 28) /* nonce 12, tag 16 */

struct personal_vault;

struct personal_vault_ops {
    /* Makes the user's key, durable before the answer; 0 also when there is one already. */
    int (*make_key)(struct personal_vault *vault, struct account_ref account);
    /* 0 and the sealed bytes; -ERR_NOT_FOUND (no key, or erased); -ERR_LIMIT; -ERR_CRYPTO. */
    int (*seal)(struct personal_vault *vault, struct account_ref account, struct slice plain,
                char ret_sealed[PERSONAL_SEALED_BYTES_MAX], size_t *ret_bytes);
    int (*open)(struct personal_vault *vault, struct account_ref account, struct slice sealed,
                char ret_plain[PERSONAL_PLAIN_BYTES_MAX], size_t *ret_bytes);
    int (*erase)(struct personal_vault *vault, struct account_ref account);
    void (*free)(struct personal_vault *vault);
};

struct personal_vault {
    const struct personal_vault_ops *ops;
};
