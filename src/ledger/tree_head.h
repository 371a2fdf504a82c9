/* tree_head.h - a signed tree head, byte by byte (docs/LEDGER.md, "Signed tree heads"): who has
 * one can later prove what the log was then.
 *
 * The bytes are what is signed, kept, published and checked; every other form is made of them.
 * Pure, but for the signature. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/sign.h"
#include "ledger/merkle.h"

#define TREE_HEAD_MAGIC        "OVRHEAD1"
#define TREE_HEAD_BYTES        192
#define TREE_HEAD_SIGNED_BYTES 128 /* of them: what the signature covers */
#define TREE_HEAD_TEXT_BYTES   256 /* of its base64 */

struct tree_head {
    uint8_t log_id[16]; /* the book's, of its GENESIS record */
    uint32_t shard;
    int64_t time_us; /* of signing */
    struct merkle_root root;
    uint8_t key[SIGN_PUBLIC_BYTES];
};

/* Signs: `head->key` is taken from the key. 0, or as sign_message. */
int tree_head_sign(struct tree_head *head, struct sign_key *key,
                   unsigned char ret_bytes[TREE_HEAD_BYTES]);
/* 0, or -ERR_FORMAT: no head. The signature is not looked at: for heads that we signed. */
int tree_head_parse(const unsigned char bytes[TREE_HEAD_BYTES], struct tree_head *ret);
/* 0; -ERR_FORMAT: no head; -ERR_CRYPTO: not signed by the key that it names. Whether that key is
 * the right one is the caller's to know. */
int tree_head_read(const unsigned char bytes[TREE_HEAD_BYTES], struct tree_head *ret);
/* The same of its base64 (TREE_HEAD_TEXT_BYTES, white space around it). */
int tree_head_read_text(struct slice text, unsigned char ret_bytes[TREE_HEAD_BYTES],
                        struct tree_head *ret);
