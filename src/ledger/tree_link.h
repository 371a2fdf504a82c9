/* tree_link.h - how one signing key of tree heads hands over to the next, byte by byte
 * (docs/LEDGER.md, "Signing keys"), and the chain of these links.
 *
 * A link says: up to this many records, and this root, the old key signs; from there the new one.
 * Its time binds the new key alone: heads that a power failure took may bear a later one, when the
 * clock was set back. The old key signs that, so whoever trusts it can trust the new one. When the
 * old key is lost or somebody else has it, its word is worth nothing: then the new key signs a
 * break, which nobody follows by himself. Pure, but for the signatures. Thread: any, one user of
 * each chain. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/sha256.h"
#include "ledger/tree_head.h"

#define TREE_LINK_MAGIC        "OVRLINK1"
#define TREE_LINK_BYTES        256
#define TREE_LINK_SIGNED_BYTES 192 /* of them: what the signature covers */
#define TREE_LINK_TEXT_BYTES   344 /* of its base64 */
#define TREE_LINK_TEXT_PADDING 2   /* of them */
#define TREE_LINKS_MAX         64  /* in a chain: then no key is changed any more */

enum tree_link_kind { TREE_LINK_ROTATION = 1, TREE_LINK_BREAK = 2 };

struct tree_link {
    uint8_t log_id[16];
    uint32_t shard;
    enum tree_link_kind kind;
    struct merkle_root root; /* what the old key signed last, and the new one signs first */
    int64_t time_us;
    uint8_t old_key[SIGN_PUBLIC_BYTES], new_key[SIGN_PUBLIC_BYTES];
    uint8_t previous[SHA256_BYTES]; /* SHA-256 of the link before; 0 in the first */
};

/* Signs with the key that the kind asks for. 0, or as sign_message. */
int tree_link_sign(const struct tree_link *link, struct sign_key *key,
                   unsigned char ret_bytes[TREE_LINK_BYTES]);
/* 0, or -ERR_FORMAT: no link. The signature is not looked at. */
int tree_link_parse(const unsigned char bytes[TREE_LINK_BYTES], struct tree_link *ret);
/* 0; -ERR_FORMAT: no link; -ERR_CRYPTO: not signed by the key that its kind asks for. */
int tree_link_read(const unsigned char bytes[TREE_LINK_BYTES], struct tree_link *ret);

/* All links of a log, from the first. Begins as zeros. */
struct tree_chain {
    uint32_t count;
    struct tree_link links[TREE_LINKS_MAX];
    unsigned char bytes[TREE_LINKS_MAX][TREE_LINK_BYTES];
};

/* What speaks against a link or a head; CHAIN_OK: nothing. */
#define TREE_CHAIN_VERDICTS(X)                                                                     \
    X(CHAIN_OK, "good")                                                                            \
    X(CHAIN_NO_LINK, "it is no signed link")                                                       \
    X(CHAIN_OTHER_LOG, "it is of another log")                                                     \
    X(CHAIN_NOT_NEXT, "it does not follow the link before it")                                     \
    X(CHAIN_BACK_DATED, "it is dated before the link before it")                                   \
    X(CHAIN_KEY_AGAIN, "its new key was used before")                                              \
    X(CHAIN_FULL, "there are 64 links already")                                                    \
    X(CHAIN_FOREIGN_KEY, "no link leads to the key that signed it")                                \
    X(CHAIN_TOO_EARLY, "its key was not yet in use")                                               \
    X(CHAIN_TOO_LATE, "its key was no longer in use")                                              \
    X(CHAIN_OTHER_ROOT, "these are not the records that were handed over")

#define TREE_CHAIN_ENUM(name, text) name,
enum tree_chain_verdict { TREE_CHAIN_VERDICTS(TREE_CHAIN_ENUM) };
#undef TREE_CHAIN_ENUM

const char *tree_chain_text(enum tree_chain_verdict verdict);
/* Whether a link follows from what is there: by its keys, size, time and signature; and appends it
 * then. */
enum tree_chain_verdict tree_chain_check(const struct tree_chain *chain, struct sha256 *sha,
                                         const unsigned char bytes[TREE_LINK_BYTES]);
enum tree_chain_verdict tree_chain_add(struct tree_chain *chain, struct sha256 *sha,
                                       const unsigned char bytes[TREE_LINK_BYTES]);
/* Whether the key of this head was in use for that size, its root is that of each link of the same
 * size, and it is not dated before its key was handed over to. An empty chain knows nothing and
 * says CHAIN_OK. */
enum tree_chain_verdict tree_chain_judge(const struct tree_chain *chain,
                                         const struct tree_head *head);
/* The key that signs now, or NULL when there is no link. Valid until the chain changes. */
const uint8_t *tree_chain_key(const struct tree_chain *chain);
/* Fills in what a link behind the last one must have: `previous`, and, when there is a last one,
 * `old_key`. */
void tree_chain_next(const struct tree_chain *chain, struct sha256 *sha, struct tree_link *link);
