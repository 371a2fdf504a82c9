/* tree_signer.h - who signs a shard's heads, and what was signed: the kept heads, the links of the
 * keys, and the key of now (docs/LEDGER.md, "Signing keys"). Without thread or clock; tree_keeper
 * hosts it.
 *
 * No head is signed by a key that the durable links do not name, whatever crash comes when: a link
 * is durable before its new key is used, and a start takes the key that the last link names. A key
 * that is away (a token) makes no heads until it is back; everything else goes on. Thread: one at a
 * time. */
#pragma once

#include "adapters/embedded/tree_file.h"
#include "adapters/embedded/tree_heads.h"
#include "adapters/embedded/tree_links.h"

#define TREE_SIGNER_TEXT_BYTES 192

struct tree_signer {
    struct tree_heads heads;
    struct tree_links links;
    struct sha256 *sha;     /* owned */
    struct sign_key *key;   /* of now; NULL: nothing is ever signed */
    struct sign_key *owned; /* the same, when it was taken over by a rotation */
    uint8_t log_id[16];
    uint32_t shard;
    uint64_t size_max; /* no more of the tree is signed for; UINT64_MAX at first */
    bool past_checked; /* what was signed agrees with the tree */
    bool stopped;      /* a link may be durable or not: only a start can tell */
    int problem;       /* why the last head was not signed; 0: it was */
    char text[TREE_SIGNER_TEXT_BYTES];
};

/* Opens what is kept; `key` is borrowed until close, NULL: nothing is signed but by a rotation.
 * Without `changes` nothing is made or written, and nothing may be signed. 0; -ERR_CORRUPT: the
 * links, or the newest head by its key, do not fit; -ERR_CONFIG: the key is there and is not the
 * one to sign; each with signer->text. Or the disk's error. After any error it must be closed, too.
 */
int tree_signer_open(struct tree_signer *signer, struct disk *disk, uint32_t shard,
                     struct sign_key *key, bool changes);
void tree_signer_close(struct tree_signer *signer);
/* The key that must sign, by the links or else by the newest head; NULL: any may begin. */
const uint8_t *tree_signer_authorized(const struct tree_signer *signer);
/* How many records were signed for: the log may not have less. */
uint64_t tree_signer_size(const struct tree_signer *signer);

/* L8: what was signed once must still be the begin of what is signed now. 0; -ERR_BUSY: the tree is
 * not that large yet; -ERR_CORRUPT: it is another history; or the disk's error. */
int tree_signer_check_past(struct tree_signer *signer, struct tree_file *tree);
/* Signs a head of the tree, as far as size_max, and keeps it. 0; -ERR_ABSENT: there is no key to
 * sign with now (signer->problem and text say why); or as check_past. */
int tree_signer_sign(struct tree_signer *signer, struct tree_file *tree, int64_t now_us);

struct tree_handover {
    enum tree_link_kind kind;
    int64_t now_us;
    unsigned char link[TREE_LINK_BYTES]; /* written */
};

/* Hands over to `*next`, which it takes (NULL afterwards) when the answer is 0: a head of the old
 * key, the link, a head of the new one. -ERR_ABSENT: one of the keys does not sign; -ERR_CONFIG:
 * the link would not follow; -ERR_LIMIT: TREE_LINKS_MAX; each with signer->text and nothing
 * changed. Or the disk's error: signer->stopped. */
int tree_signer_rotate(struct tree_signer *signer, struct tree_file *tree, struct sign_key **next,
                       struct tree_handover *handover);
