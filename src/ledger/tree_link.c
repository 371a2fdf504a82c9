/* tree_link.c - contract in tree_link.h. */
#include "ledger/tree_link.h"

#include <string.h>

#include "base/error.h"

struct link_layout {
    char magic[8];
    uint8_t log_id[16];
    uint32_t shard;
    uint32_t kind;
    uint64_t size;
    int64_t time_us;
    struct merkle_hash root;
    uint8_t old_key[SIGN_PUBLIC_BYTES];
    uint8_t new_key[SIGN_PUBLIC_BYTES];
    uint8_t previous[SHA256_BYTES];
    uint8_t more[16]; /* 0 */
    uint8_t signature[SIGN_SIGNATURE_BYTES];
};
_Static_assert(sizeof(struct link_layout) == TREE_LINK_BYTES, "no padding");
_Static_assert(offsetof(struct link_layout, signature) == TREE_LINK_SIGNED_BYTES, "signed part");
_Static_assert(offsetof(struct link_layout, old_key) == 80, "as docs/LEDGER.md says");

int tree_link_sign(const struct tree_link *link, struct sign_key *key,
                   unsigned char ret_bytes[TREE_LINK_BYTES])
{
    struct link_layout layout = {
        .magic = TREE_LINK_MAGIC,
        .shard = link->shard,
        .kind = (uint32_t)link->kind,
        .size = link->root.size,
        .time_us = link->time_us,
        .root = link->root.hash,
    };
    memcpy(layout.log_id, link->log_id, sizeof layout.log_id);
    memcpy(layout.old_key, link->old_key, sizeof layout.old_key);
    memcpy(layout.new_key, link->new_key, sizeof layout.new_key);
    memcpy(layout.previous, link->previous, sizeof layout.previous);
    TRY(sign_message(key, slice_of(&layout, TREE_LINK_SIGNED_BYTES), layout.signature));
    memcpy(ret_bytes, &layout, sizeof layout);
    return 0;
}

int tree_link_parse(const unsigned char bytes[TREE_LINK_BYTES], struct tree_link *ret)
{
    static const uint8_t zeros[16];
    struct link_layout layout;
    memcpy(&layout, bytes, sizeof layout);
    if (memcmp(layout.magic, TREE_LINK_MAGIC, sizeof layout.magic) != 0 ||
        (layout.kind != TREE_LINK_ROTATION && layout.kind != TREE_LINK_BREAK) ||
        memcmp(layout.more, zeros, sizeof zeros) != 0 || layout.size > MERKLE_SIZE_MAX)
        return -ERR_FORMAT;
    ret->shard = layout.shard;
    ret->kind = (enum tree_link_kind)layout.kind;
    ret->time_us = layout.time_us;
    ret->root = (struct merkle_root){layout.size, layout.root};
    memcpy(ret->log_id, layout.log_id, sizeof ret->log_id);
    memcpy(ret->old_key, layout.old_key, sizeof ret->old_key);
    memcpy(ret->new_key, layout.new_key, sizeof ret->new_key);
    memcpy(ret->previous, layout.previous, sizeof ret->previous);
    return 0;
}

int tree_link_read(const unsigned char bytes[TREE_LINK_BYTES], struct tree_link *ret)
{
    struct tree_link link;
    TRY(tree_link_parse(bytes, &link));
    const uint8_t *signer = link.kind == TREE_LINK_ROTATION ? link.old_key : link.new_key;
    if (!sign_check(signer, slice_of(bytes, TREE_LINK_SIGNED_BYTES),
                    bytes + TREE_LINK_SIGNED_BYTES))
        return -ERR_CRYPTO;
    *ret = link;
    return 0;
}

const char *tree_chain_text(enum tree_chain_verdict verdict)
{
#define TREE_CHAIN_TEXT(name, text) text,
    static const char *const texts[] = {TREE_CHAIN_VERDICTS(TREE_CHAIN_TEXT)};
#undef TREE_CHAIN_TEXT
    return texts[verdict];
}

static bool same_key(const uint8_t a[SIGN_PUBLIC_BYTES], const uint8_t b[SIGN_PUBLIC_BYTES])
{
    return memcmp(a, b, SIGN_PUBLIC_BYTES) == 0;
}

static void hash_of_last(const struct tree_chain *chain, struct sha256 *sha,
                         uint8_t ret[SHA256_BYTES])
{
    memset(ret, 0, SHA256_BYTES);
    if (chain->count > 0)
        sha256_digest(sha, slice_of(chain->bytes[chain->count - 1], TREE_LINK_BYTES), ret);
}

/* A retired key that came back could sign again what it must not any more. */
static bool used_before(const struct tree_chain *chain, const struct tree_link *link)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (same_key(chain->links[i].old_key, link->new_key))
            return true;
    return same_key(link->old_key, link->new_key);
}

static enum tree_chain_verdict judge_next(const struct tree_chain *chain, struct sha256 *sha,
                                          const struct tree_link *link)
{
    uint8_t previous[SHA256_BYTES];
    const struct tree_link *last = chain->count == 0 ? NULL : &chain->links[chain->count - 1];
    hash_of_last(chain, sha, previous);
    if (last != NULL && (link->shard != last->shard ||
                         memcmp(link->log_id, last->log_id, sizeof link->log_id) != 0))
        return CHAIN_OTHER_LOG;
    if (memcmp(link->previous, previous, sizeof previous) != 0 ||
        (last != NULL && !same_key(link->old_key, last->new_key)))
        return CHAIN_NOT_NEXT;
    if (last != NULL && (link->root.size < last->root.size || link->time_us < last->time_us))
        return CHAIN_BACK_DATED;
    if (last != NULL && link->root.size == last->root.size &&
        !merkle_equal(&link->root.hash, &last->root.hash))
        return CHAIN_OTHER_ROOT;
    return used_before(chain, link) ? CHAIN_KEY_AGAIN : CHAIN_OK;
}

enum tree_chain_verdict tree_chain_check(const struct tree_chain *chain, struct sha256 *sha,
                                         const unsigned char bytes[TREE_LINK_BYTES])
{
    struct tree_link link;
    if (tree_link_read(bytes, &link) < 0)
        return CHAIN_NO_LINK;
    return chain->count == TREE_LINKS_MAX ? CHAIN_FULL : judge_next(chain, sha, &link);
}

enum tree_chain_verdict tree_chain_add(struct tree_chain *chain, struct sha256 *sha,
                                       const unsigned char bytes[TREE_LINK_BYTES])
{
    enum tree_chain_verdict verdict = tree_chain_check(chain, sha, bytes);
    if (verdict != CHAIN_OK)
        return verdict;
    (void)tree_link_parse(bytes, &chain->links[chain->count]); /* checked above */
    memcpy(chain->bytes[chain->count++], bytes, TREE_LINK_BYTES);
    return CHAIN_OK;
}

/* Keys are numbered: 0 is the first link's old one, n + 1 the new one of link n. */
static bool find_key(const struct tree_chain *chain, const uint8_t key[SIGN_PUBLIC_BYTES],
                     uint32_t *ret_number)
{
    for (uint32_t n = 0; n <= chain->count; n++) {
        const uint8_t *one = n == 0 ? chain->links[0].old_key : chain->links[n - 1].new_key;
        *ret_number = n;
        if (same_key(one, key))
            return true;
    }
    return false;
}

/* Two histories: a key that handed over one tree, or took it over, signed another of that size. */
static bool parts_at(const struct tree_link *link, const struct tree_head *head)
{
    return link != NULL && link->root.size == head->root.size &&
           !merkle_equal(&link->root.hash, &head->root.hash);
}

enum tree_chain_verdict tree_chain_judge(const struct tree_chain *chain,
                                         const struct tree_head *head)
{
    uint32_t n = 0;
    if (chain->count == 0)
        return CHAIN_OK;
    if (head->shard != chain->links[0].shard ||
        memcmp(head->log_id, chain->links[0].log_id, sizeof head->log_id) != 0)
        return CHAIN_OTHER_LOG;
    if (!find_key(chain, head->key, &n))
        return CHAIN_FOREIGN_KEY;
    const struct tree_link *in = n == 0 ? NULL : &chain->links[n - 1];
    const struct tree_link *out = n == chain->count ? NULL : &chain->links[n];
    if (in != NULL && (head->root.size < in->root.size || head->time_us < in->time_us))
        return CHAIN_TOO_EARLY;
    if (out != NULL && head->root.size > out->root.size) /* not by its time: whoever has the key */
        return CHAIN_TOO_LATE;                           /* writes what he likes there */
    return parts_at(in, head) || parts_at(out, head) ? CHAIN_OTHER_ROOT : CHAIN_OK;
}

const uint8_t *tree_chain_key(const struct tree_chain *chain)
{
    return chain->count == 0 ? NULL : chain->links[chain->count - 1].new_key;
}

void tree_chain_next(const struct tree_chain *chain, struct sha256 *sha, struct tree_link *link)
{
    hash_of_last(chain, sha, link->previous);
    if (chain->count > 0)
        memcpy(link->old_key, tree_chain_key(chain), SIGN_PUBLIC_BYTES);
}
