/* sign_pkcs11.h - a signing key in a token (HSM, smart card), reached through its maker's PKCS#11
 * library, which is loaded at run time.
 *
 * The key is an Ed25519 private key that may sign with CKM_EDDSA, with its public key beside it
 * (PKCS#11 3.0 section 2.3.8). Nothing is asked of the token before the first use. When a call
 * fails the session is given up; the next use finds the token anew, logs in and checks by a
 * signature that the public key is the private one's. A PIN that was refused is never sent again.
 * Each call may block as long as the token does. Thread: as sign.h. */
#pragma once

#include "base/buf.h"
#include "crypto/sign.h"

#define SIGN_PKCS11_LABEL_BYTES_MAX 64
#define SIGN_PKCS11_PIN_BYTES_MAX   255

struct sign_pkcs11_options {
    const char *module;   /* absolute path of the library */
    const char *token;    /* label of the token: the one that is there with it */
    const char *key;      /* label of the private key: one with it may sign */
    const char *pin_file; /* a file that only we can reach; its first line is the PIN. It is read
                             at each login */
};

/* Copies the texts and loads the library. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`.
 */
int sign_pkcs11_new(const struct sign_pkcs11_options *options, struct sign_key **ret_key,
                    struct buf *why);
