/* tree_key.h - the key that signs tree heads, in DATA/keys. Thread: one user. */
#pragma once

#include "base/buf.h"
#include "crypto/sign.h"

#define TREE_KEY_NAME "ledger-ed25519.pem"

/* Loaded, or made when missing; `folder` as of key_files_open. 0, or an error with a sentence in
 * `why`. The caller ends *ret_key with sign_key_free. */
int tree_key_load(int folder, struct sign_key **ret_key, struct buf *why);
