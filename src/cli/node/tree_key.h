/* tree_key.h - which key signs tree heads: one in a token, or files in DATA/keys. Thread: one user.
 *
 * The first key file is `ledger-ed25519.pem`; the one made for the link number N is
 * `ledger-ed25519-(N+1).pem`, so a crash between file and link leaves a file that the next attempt
 * takes. Which of them signs is never noted: it is the one that the links name. */
#pragma once

#include "adapters/embedded/disk.h"
#include "base/buf.h"
#include "crypto/sign_pkcs11.h"
#include "ports/ledger_tree.h"

#define TREE_KEY_NAME "ledger-ed25519.pem"

struct tree_keys {
    int folder;                       /* of key_files_open; borrowed */
    struct sign_pkcs11_options token; /* texts are borrowed; .module NULL: no token */
};

/* The key that must sign by what the tree's folder says; in a folder where nothing is signed yet
 * the token's, or the first file, which is made. A token that is away is taken for the right one
 * unless a file is: the keeper looks again when it is there. 0, or an error with a sentence in
 * `why`: -ERR_NOT_FOUND: nobody has that key; -ERR_CONFIG; -ERR_CORRUPT; ... The caller ends
 * *ret_key with sign_key_free. */
int tree_key_load(const struct tree_keys *keys, struct disk *tree, struct sign_key **ret_key,
                  struct buf *why);
/* For tree_keeper_options.next_key; `owner` is a struct tree_keys. A file is made, or the token's
 * key opened. */
int tree_key_next(void *owner, const struct tree_rotate *rotate, uint32_t links,
                  struct sign_key **ret_key, struct buf *why);
