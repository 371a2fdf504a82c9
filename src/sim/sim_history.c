/* sim_history.c - contract in sim_history.h. The definitions of RFC 6962 section 2.1, walked from
 * the top; ledger/merkle.c goes the other way, from the leaf. */
#include "sim/sim_history.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "crypto/sha256.h"

int sim_history_init(struct sim_history *history, size_t records_max)
{
    *history = (struct sim_history){.records_max = records_max};
    for (int l = 0; l < SIM_HISTORY_LEVELS && records_max >> l > 0; l++) {
        history->levels[l] = reserve_new(records_max >> l, sizeof(struct sim_hash));
        if (history->levels[l] == NULL)
            return -ERR_MEMORY;
    }
    return sha256_new(&history->sha);
}

void sim_history_done(struct sim_history *history)
{
    for (int l = 0; l < SIM_HISTORY_LEVELS && history->records_max >> l > 0; l++)
        reserve_free(history->levels[l], history->records_max >> l, sizeof(struct sim_hash));
    sha256_free(history->sha);
}

static struct sim_hash joined(struct sim_history *history, struct sim_hash left,
                              struct sim_hash right)
{
    struct sim_hash both;
    sha256_begin(history->sha);
    sha256_add(history->sha, SLICE("\x01"));
    sha256_add(history->sha, slice_of(left.at, sizeof left.at));
    sha256_add(history->sha, slice_of(right.at, sizeof right.at));
    sha256_end(history->sha, both.at);
    return both;
}

void sim_history_add(struct sim_history *history, struct slice record)
{
    uint64_t index = history->size++;
    ASSERT(history->size <= history->records_max);
    sha256_begin(history->sha);
    sha256_add(history->sha, slice_of("\x00", 1));
    sha256_add(history->sha, record);
    sha256_end(history->sha, history->levels[0][index].at);
    for (int l = 0; index % 2 == 1; l++, index /= 2)
        history->levels[l + 1][index / 2] =
            joined(history, history->levels[l][index - 1], history->levels[l][index]);
}

/* MTH(D[from : from + size]), where `from` is a multiple of a power of two that is not below size.
 */
static struct sim_hash range_root(struct sim_history *history, uint64_t from, uint64_t size)
{
    struct sim_hash root = {{0}};
    uint64_t at = from + size;
    bool any = false;
    ASSERT(size > 0);
    ASSERT(at <= history->size);
    for (int l = 0; l < SIM_HISTORY_LEVELS; l++) {
        if ((size >> l & 1) == 0)
            continue;
        at -= UINT64_C(1) << l;
        struct sim_hash left = history->levels[l][at >> l];
        root = any ? joined(history, left, root) : left;
        any = true;
    }
    return root;
}

struct sim_hash sim_history_root(struct sim_history *history, uint64_t size)
{
    return range_root(history, 0, size);
}

/* The largest power of two below n. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static void reverse(struct sim_hash *hashes, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct sim_hash other = hashes[i];
        hashes[i] = hashes[count - 1 - i];
        hashes[count - 1 - i] = other;
    }
}

size_t sim_history_path(struct sim_history *history, uint64_t index, uint64_t size,
                        struct sim_hash *ret)
{
    uint64_t from = 0;
    size_t count = 0;
    while (size > 1) {
        uint64_t k = split(size);
        bool left = index - from < k;
        ret[count++] =
            left ? range_root(history, from + k, size - k) : range_root(history, from, k);
        from = left ? from : from + k;
        size = left ? k : size - k;
    }
    reverse(ret, count);
    return count;
}

size_t sim_history_consistency(struct sim_history *history, uint64_t from, uint64_t to,
                               struct sim_hash *ret)
{
    uint64_t begin = 0;
    size_t count = 0;
    bool whole = true; /* what is left of `from` is all of it: its root is known */
    if (from == 0 || from == to)
        return 0;
    while (from != to) {
        uint64_t k = split(to);
        if (from <= k) {
            ret[count++] = range_root(history, begin + k, to - k);
            to = k;
            continue;
        }
        ret[count++] = range_root(history, begin, k);
        whole = false;
        begin += k;
        from -= k;
        to -= k;
    }
    if (!whole)
        ret[count++] = range_root(history, begin, to);
    reverse(ret, count);
    return count;
}
