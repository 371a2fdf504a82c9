/* tree_head.c - contract in tree_head.h. */
#include "ledger/tree_head.h"

#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/error.h"

struct head_layout {
    char magic[8];
    uint8_t log_id[16];
    uint32_t shard;
    uint32_t reserved; /* 0 */
    uint64_t size;
    int64_t time_us;
    struct merkle_hash root;
    uint8_t key[SIGN_PUBLIC_BYTES];
    uint8_t more[16]; /* 0: room for the head of a book of many shards */
    uint8_t signature[SIGN_SIGNATURE_BYTES];
};
_Static_assert(sizeof(struct head_layout) == TREE_HEAD_BYTES, "no padding");
_Static_assert(offsetof(struct head_layout, signature) == TREE_HEAD_SIGNED_BYTES, "signed part");
_Static_assert(offsetof(struct head_layout, root) == 48, "as docs/LEDGER.md says");

int tree_head_sign(struct tree_head *head, struct sign_key *key,
                   unsigned char ret_bytes[TREE_HEAD_BYTES])
{
    struct head_layout layout = {
        .magic = TREE_HEAD_MAGIC,
        .shard = head->shard,
        .size = head->root.size,
        .time_us = head->time_us,
        .root = head->root.hash,
    };
    TRY(sign_key_public(key, head->key));
    memcpy(layout.log_id, head->log_id, sizeof layout.log_id);
    memcpy(layout.key, head->key, sizeof layout.key);
    TRY(sign_message(key, slice_of(&layout, TREE_HEAD_SIGNED_BYTES), layout.signature));
    memcpy(ret_bytes, &layout, sizeof layout);
    return 0;
}

int tree_head_parse(const unsigned char bytes[TREE_HEAD_BYTES], struct tree_head *ret)
{
    static const uint8_t zeros[16];
    struct head_layout layout;
    memcpy(&layout, bytes, sizeof layout);
    if (memcmp(layout.magic, TREE_HEAD_MAGIC, sizeof layout.magic) != 0 || layout.reserved != 0 ||
        memcmp(layout.more, zeros, sizeof zeros) != 0 || layout.size > MERKLE_SIZE_MAX)
        return -ERR_FORMAT;
    ret->shard = layout.shard;
    ret->time_us = layout.time_us;
    ret->root = (struct merkle_root){layout.size, layout.root};
    memcpy(ret->log_id, layout.log_id, sizeof ret->log_id);
    memcpy(ret->key, layout.key, sizeof ret->key);
    return 0;
}

int tree_head_read(const unsigned char bytes[TREE_HEAD_BYTES], struct tree_head *ret)
{
    TRY(tree_head_parse(bytes, ret));
    return sign_check(ret->key, slice_of(bytes, TREE_HEAD_SIGNED_BYTES),
                      bytes + TREE_HEAD_SIGNED_BYTES)
               ? 0
               : -ERR_CRYPTO;
}

static struct slice trimmed(struct slice text)
{
    while (text.bytes > 0 && (unsigned char)text.at[0] <= ' ')
        text = slice_skip(text, 1);
    while (text.bytes > 0 && (unsigned char)text.at[text.bytes - 1] <= ' ')
        text.bytes--;
    return text;
}

int tree_head_read_text(struct slice text, unsigned char ret_bytes[TREE_HEAD_BYTES],
                        struct tree_head *ret)
{
    struct buf out = buf_over(ret_bytes, TREE_HEAD_BYTES);
    text = trimmed(text);
    if (text.bytes != TREE_HEAD_TEXT_BYTES || base64_read_bare(text, &out) < 0 ||
        out.bytes != TREE_HEAD_BYTES) /* 192 bytes need no padding */
        return -ERR_FORMAT;
    return tree_head_read(ret_bytes, ret);
}
