/* merkle.c - contract in merkle.h. */
#include "ledger/merkle.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

void merkle_leaf(struct sha256 *sha, struct slice record, struct merkle_hash *ret)
{
    sha256_begin(sha);
    sha256_add(sha, slice_of("\0", 1));
    sha256_add(sha, record);
    sha256_end(sha, ret->at);
}

void merkle_node(struct sha256 *sha, const struct merkle_hash *left,
                 const struct merkle_hash *right, struct merkle_hash *ret)
{
    char both[1 + 2 * SHA256_BYTES];
    both[0] = 1;
    memcpy(both + 1, left->at, SHA256_BYTES);
    memcpy(both + 1 + SHA256_BYTES, right->at, SHA256_BYTES);
    sha256_digest(sha, slice_of(both, sizeof both), ret->at);
}

/* ---- growing ---- */

unsigned merkle_append(struct merkle_range *range, struct sha256 *sha,
                       const struct merkle_hash *leaf, struct merkle_hash ret_made[MERKLE_LEVELS])
{
    unsigned level = 0;
    ASSERT(range->size < MERKLE_SIZE_MAX);
    ret_made[0] = *leaf;
    for (; (range->size >> level & 1) != 0; level++)
        merkle_node(sha, &range->peaks[level], &ret_made[level], &ret_made[level + 1]);
    range->peaks[level] = ret_made[level];
    range->size++;
    return level + 1;
}

void merkle_range_root(const struct merkle_range *range, struct sha256 *sha,
                       struct merkle_hash *ret)
{
    bool any = false;
    if (range->size == 0)
        sha256_digest(sha, SLICE_NONE, ret->at);
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((range->size >> level & 1) == 0)
            continue;
        if (any)
            merkle_node(sha, &range->peaks[level], ret, ret);
        else
            *ret = range->peaks[level];
        any = true;
    }
}

int merkle_range_of(const struct merkle_source *source, uint64_t size, struct merkle_range *ret)
{
    ASSERT(size <= MERKLE_SIZE_MAX);
    ret->size = size;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++)
        if ((size >> level & 1) != 0) /* the peak ends where the bits above it end */
            TRY(source->node(source->owner, level, (size >> level) - 1, &ret->peaks[level]));
    return 0;
}

/* ---- proofs ---- */

/* Leaves [begin, end), a subtree of the recursive definition. */
struct span {
    uint64_t begin, end;
};

/* The largest power of two below n, as its exponent; n > 1. */
static unsigned split_level(uint64_t n)
{
    return 63 - (unsigned)__builtin_clzll(n - 1);
}

static int span_hash(const struct merkle_source *source, struct span span, struct merkle_hash *ret)
{
    struct merkle_hash parts[MERKLE_LEVELS];
    unsigned count = 0;
    ASSERT(span.begin < span.end);
    do {
        unsigned level = 63 - (unsigned)__builtin_clzll(span.end - span.begin);
        ASSERT((span.begin & ((UINT64_C(1) << level) - 1)) == 0);
        TRY(source->node(source->owner, level, span.begin >> level, &parts[count++]));
        span.begin += UINT64_C(1) << level;
    } while (span.begin < span.end);
    *ret = parts[count - 1];
    for (unsigned i = count - 1; i > 0; i--)
        merkle_node(source->sha, &parts[i - 1], ret, ret);
    return 0;
}

static int add_span(const struct merkle_source *source, struct span span,
                    struct merkle_proof *proof)
{
    ASSERT(proof->count < MERKLE_PROOF_MAX);
    return span_hash(source, span, &proof->hashes[proof->count++]);
}

/* The recursions go from the root down, the proofs from the leaf up. */
static void reverse(struct merkle_proof *proof)
{
    for (uint32_t i = 0; i < proof->count / 2; i++) {
        struct merkle_hash kept = proof->hashes[i];
        proof->hashes[i] = proof->hashes[proof->count - 1 - i];
        proof->hashes[proof->count - 1 - i] = kept;
    }
}

int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                           struct merkle_proof *ret)
{
    struct span span = {0, size};
    ASSERT(index < size);
    ASSERT(size <= MERKLE_SIZE_MAX);
    ret->count = 0;
    while (span.end - span.begin > 1) {
        uint64_t middle = span.begin + (UINT64_C(1) << split_level(span.end - span.begin));
        if (index < middle) {
            TRY(add_span(source, (struct span){middle, span.end}, ret));
            span.end = middle;
        } else {
            TRY(add_span(source, (struct span){span.begin, middle}, ret));
            span.begin = middle;
        }
    }
    reverse(ret);
    return 0;
}

int merkle_prove_consistency(const struct merkle_source *source, uint64_t from, uint64_t to,
                             struct merkle_proof *ret)
{
    struct span span = {0, to};
    ASSERT(from <= to);
    ASSERT(to <= MERKLE_SIZE_MAX);
    ret->count = 0;
    if (from == 0 || from == to)
        return 0;
    while (from < span.end) { /* SUBPROOF; whoever checks has the old root when begin stays 0 */
        uint64_t middle = span.begin + (UINT64_C(1) << split_level(span.end - span.begin));
        if (from <= middle) {
            TRY(add_span(source, (struct span){middle, span.end}, ret));
            span.end = middle;
        } else {
            TRY(add_span(source, (struct span){span.begin, middle}, ret));
            span.begin = middle;
        }
    }
    if (span.begin > 0)
        TRY(add_span(source, span, ret));
    reverse(ret);
    return 0;
}

/* ---- checks ---- */

bool merkle_check_inclusion(struct sha256 *sha, const struct merkle_hash *leaf, uint64_t index,
                            const struct merkle_root *root, const struct merkle_proof *proof)
{
    struct merkle_hash hash = *leaf;
    uint64_t last = root->size - 1; /* fn and sn of the RFC are index and last */
    if (root->size == 0 || index > last || proof->count > MERKLE_PROOF_MAX)
        return false;
    for (uint32_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((index & 1) != 0 || index == last) {
            merkle_node(sha, &proof->hashes[i], &hash, &hash);
            for (; (index & 1) == 0 && index != 0; index >>= 1)
                last >>= 1;
        } else {
            merkle_node(sha, &hash, &proof->hashes[i], &hash);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && merkle_equal(&hash, &root->hash);
}

static bool check_grown(struct sha256 *sha, const struct merkle_root *from,
                        const struct merkle_root *to, const struct merkle_proof *proof)
{
    uint64_t index = from->size - 1, last = to->size - 1;
    uint32_t at = 0;
    for (; (index & 1) != 0; index >>= 1)
        last >>= 1;
    /* A complete subtree at the begin is the old root itself, which the proof leaves out. */
    bool whole = (from->size & (from->size - 1)) == 0;
    if (!whole && proof->count == 0)
        return false;
    struct merkle_hash old = whole ? from->hash : proof->hashes[at++];
    struct merkle_hash grown = old;
    for (; at < proof->count; at++) {
        if (last == 0)
            return false;
        if ((index & 1) != 0 || index == last) {
            merkle_node(sha, &proof->hashes[at], &old, &old);
            merkle_node(sha, &proof->hashes[at], &grown, &grown);
            for (; (index & 1) == 0 && index != 0; index >>= 1)
                last >>= 1;
        } else {
            merkle_node(sha, &grown, &proof->hashes[at], &grown);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && merkle_equal(&old, &from->hash) && merkle_equal(&grown, &to->hash);
}

bool merkle_check_consistency(struct sha256 *sha, const struct merkle_root *from,
                              const struct merkle_root *to, const struct merkle_proof *proof)
{
    if (from->size > to->size || proof->count > MERKLE_PROOF_MAX)
        return false;
    if (from->size == 0) {
        struct merkle_hash empty;
        sha256_digest(sha, SLICE_NONE, empty.at);
        return proof->count == 0 && merkle_equal(&empty, &from->hash);
    }
    if (from->size == to->size)
        return proof->count == 0 && merkle_equal(&from->hash, &to->hash);
    return check_grown(sha, from, to, proof);
}
