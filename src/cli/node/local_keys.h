/* local_keys.h - which tokens are accepted: the keys of a local set-up in DATA/keys, or a JWK set.
 *
 * Thread: one user. */
#pragma once

#include "base/buf.h"
#include "crypto/jwt.h"

#define LOCAL_KEY_ID "local-hs256" /* of the key that local tokens are signed with */

struct local_keys {
    struct jws_keys *keys; /* owned */
    struct jwt_rules rules;
    int folder; /* descriptor of DATA/keys, or -1 */
};

/* `data` must exist. `jwks` is a file with a JWK set, which switches local tokens off, or NULL.
 * The folder of the keys is made in any case: the vault's keys are there too. 0, or an error with a
 * sentence in `why`. */
int local_keys_open(const char *data, const char *jwks, struct local_keys *ret, struct buf *why);
void local_keys_close(struct local_keys *keys);
