/* ship_keys.h - the secrets that a primary and its standby must have alike, so that tokens,
 * personal fields and the key of tree heads stay valid after a takeover (docs/OPERATIONS.md).
 * Thread: any. */
#pragma once

#include "adapters/ship/ship_sender.h"
#include "cli/node/local_keys.h"
#include "crypto/personal_copy.h"
#include "crypto/sign.h"

#define PERSONAL_KEYS_NAME   "personal.keys"
#define PERSONAL_MASTER_NAME "personal-master.key"

/* Which secrets a data folder has: of the local tokens (not with a JWK set) and of the personal
 * keys. ret->head_key is left as it is. 0, or an error with a sentence in `why`. */
int ship_keys_secrets(const struct local_keys *keys, bool jwks, struct ship_keys_id *ret,
                      struct buf *why);
/* The key of heads, by its public bytes (SIGN_PUBLIC_BYTES). 0, -ERR_MEMORY or -ERR_CRYPTO. */
int ship_keys_head(const uint8_t *public_key, struct ship_keys_id *ret);

/* The file of personal keys, to be read by a sender; opened when it is there. `owner` of the source
 * is the struct, which stays at its address. */
struct ship_keys_file {
    int folder; /* borrowed */
    struct personal_copy copy;
};
void ship_keys_file_init(struct ship_keys_file *file, int folder);
void ship_keys_file_close(struct ship_keys_file *file);
struct ship_keys_source ship_keys_file_source(struct ship_keys_file *file);
