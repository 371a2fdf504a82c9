/* test_shard_verdicts.c - shard_verdicts.h: the newest verdicts are in memory, what was forgotten
 * does not show in the state's hash (L5), and a snapshot has exactly those that were not. */
#include "test.h"

#include <stdio.h>

#include "base/error.h"
#include "base/hash.h"
#include "ledger/shard_snapshot.h"
#include "ledger/shard_state_internal.h"
#include "ledger/shard_verdicts.h"
#include "maker.h"

#define BLOCK SHARD_VERDICTS_BLOCK

static struct shard_limits limits_of(uint32_t verdicts_max)
{
    struct shard_limits limits = MAKER_LIMITS;
    limits.verdicts_max = verdicts_max;
    return limits;
}

static const char *key_of(uint32_t n)
{
    static char key[16];
    snprintf(key, sizeof key, "k%u", n);
    return key;
}

static const struct shard_verdict *find(const struct maker *m, uint32_t n)
{
    return shard_state_verdict(
        m->state, shard_verdict_key(shard_state_hash_key(m->state), (struct account_ref){1},
                                    OPERATION_DEPOSIT, slice_text(key_of(n))));
}

/* Record 3 opens the account; the deposit n is record 4 + n. */
#define SEQ_OF(n) (4 + (uint64_t)(n))

static void begin(struct maker *m, uint32_t verdicts_max)
{
    const struct shard_limits limits = limits_of(verdicts_max);
    maker_empty(m, &limits);
    struct parts genesis = parts_genesis(m);
    maker_accept(m, &genesis);
    struct parts opened = parts_opened(m);
    maker_accept(m, &opened);
    struct parts account = parts_account(m, "ada");
    maker_accept(m, &account);
}

static void deposit(struct maker *m, uint32_t first, uint32_t count)
{
    for (uint32_t n = first; n < first + count; n++) {
        struct parts p = parts_deposit(m, 1, 5 + n, key_of(n));
        maker_accept(m, &p);
    }
}

static void hashes_are_equal(const struct shard_state *a, const struct shard_state *b)
{
    uint8_t hash_a[32], hash_b[32];
    assert_int_equal(shard_state_hash(a, hash_a), 0);
    assert_int_equal(shard_state_hash(b, hash_b), 0);
    assert_memory_equal(hash_a, hash_b, sizeof hash_a);
}

TEST(shard_verdicts, what_is_forgotten_does_not_show_in_the_hash)
{
    struct maker all, some;
    begin(&all, 60000);
    begin(&some, 4 * BLOCK);
    for (uint32_t n = 0; n < 11 * BLOCK + 7; n += 9) {
        deposit(&all, n, 9);
        if (shard_state_verdicts_count(some.state) + 9 > 4 * BLOCK)
            assert_true(shard_state_forget_verdicts(some.state, UINT64_MAX, (1 + n % 3) * BLOCK) >
                        0);
        deposit(&some, n, 9);
        hashes_are_equal(all.state, some.state);
    }
    struct shard_verdicts_chain a = shard_state_verdicts_chain(all.state);
    struct shard_verdicts_chain b = shard_state_verdicts_chain(some.state);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(a.total, shard_state_verdicts_count(all.state));
    maker_done(&all);
    maker_done(&some);
}

TEST(shard_verdicts, the_newest_are_found_and_the_forgotten_are_not)
{
    struct maker m;
    begin(&m, 4 * BLOCK);
    deposit(&m, 0, 4 * BLOCK);
    assert_string_equal(shard_state_room(m.state), "verdicts_max");
    assert_int_equal(shard_state_verdicts_floor(m.state), 0);
    assert_int_equal(shard_state_forget_verdicts(m.state, SEQ_OF(2 * BLOCK), UINT32_MAX),
                     2 * BLOCK);
    assert_null(shard_state_room(m.state));
    assert_int_equal(shard_state_verdicts_floor(m.state), SEQ_OF(2 * BLOCK - 1));
    deposit(&m, 4 * BLOCK, 2 * BLOCK); /* round the ring's end */
    assert_string_equal(shard_state_room(m.state), "verdicts_max");
    for (uint32_t n = 0; n < 2 * BLOCK; n++)
        assert_null(find(&m, n));
    for (uint32_t n = 2 * BLOCK; n < 6 * BLOCK; n++) {
        assert_int_equal(find(&m, n)->seq, SEQ_OF(n));
        assert_int_equal(shard_state_verdicts_seq(m.state, n - 2 * BLOCK), SEQ_OF(n));
    }
    assert_int_equal(shard_state_verdicts_total(m.state), 6 * BLOCK);
    maker_done(&m);
}

TEST(shard_verdicts, only_whole_blocks_up_to_the_record_are_forgotten)
{
    struct maker m;
    begin(&m, 60000);
    deposit(&m, 0, 2 * BLOCK - 1);
    assert_int_equal(shard_state_forget_verdicts(m.state, SEQ_OF(BLOCK - 1) - 1, UINT32_MAX), 0);
    assert_int_equal(shard_state_forget_verdicts(m.state, UINT64_MAX, BLOCK - 1), 0);
    assert_int_equal(shard_state_forget_verdicts(m.state, SEQ_OF(BLOCK - 1), UINT32_MAX), BLOCK);
    assert_int_equal(shard_state_forget_verdicts(m.state, UINT64_MAX, UINT32_MAX), 0);
    deposit(&m, 2 * BLOCK - 1, 1);
    assert_int_equal(shard_state_forget_verdicts(m.state, UINT64_MAX, UINT32_MAX), BLOCK);
    assert_int_equal(shard_state_verdicts_count(m.state), 0);
    assert_int_equal(shard_state_verdicts_floor(m.state), SEQ_OF(2 * BLOCK - 1));
    maker_done(&m);
}

TEST(shard_verdicts, a_pending_bet_outlives_its_verdict)
{
    struct maker all, some;
    maker_open(&all);
    maker_open(&some);
    struct maker *both[] = {&all, &some};
    for (int i = 0; i < 2; i++) {
        struct parts bet = parts_pending(both[i], 1, 1, "k");
        maker_accept(both[i], &bet);
        deposit(both[i], 0, 2 * BLOCK);
    }
    assert_true(shard_state_forget_verdicts(some.state, UINT64_MAX, UINT32_MAX) > 0);
    for (int i = 0; i < 2; i++) {
        struct parts release = parts_release(both[i], 0, BET_PLACED);
        maker_accept(both[i], &release);
        assert_int_equal(shard_state_bet(both[i]->state, 0)->seq_verdict, release.draft.seq);
    }
    hashes_are_equal(all.state, some.state);
    maker_done(&all);
    maker_done(&some);
}

/* ---- keys ---- */

TEST(shard_verdicts, a_record_has_the_key_of_its_request)
{
    static const enum operation operations[] = {OPERATION_BET, OPERATION_DEPOSIT,
                                                OPERATION_WITHDRAWAL};
    struct maker m;
    struct hash128 of_record = {0, 0};
    maker_open(&m);
    const uint64_t *hash_key = shard_state_hash_key(m.state);
    const struct account_ref ada = {1}, bob = {2};
    for (int i = 0; i < 3; i++) {
        struct parts p = i == 0   ? parts_bet(&m, 1, 1, "key")
                         : i == 1 ? parts_deposit(&m, 1, 5, "key")
                                  : parts_withdrawal(&m, 1, 5, "key");
        maker_encode(&m, &p);
        assert_true(shard_verdict_key_of_record(hash_key, &m.view, &of_record));
        struct hash128 asked = shard_verdict_key(hash_key, ada, operations[i], SLICE("key"));
        assert_memory_equal(&of_record, &asked, sizeof asked);
        assert_true(shard_verdict_is_of(&m.view, ada, operations[i], SLICE("key")));
        assert_false(shard_verdict_is_of(&m.view, bob, operations[i], SLICE("key")));
        assert_false(shard_verdict_is_of(&m.view, ada, operations[(i + 1) % 3], SLICE("key")));
        assert_false(shard_verdict_is_of(&m.view, ada, operations[i], SLICE("kez")));
        assert_false(shard_verdict_is_of(&m.view, ada, operations[i], SLICE("ke")));
    }
    struct parts fence = parts_fence(&m, 1, MARKET_SUSPENDED_STATUS);
    maker_encode(&m, &fence);
    assert_false(shard_verdict_key_of_record(hash_key, &m.view, &of_record));
    assert_false(shard_verdict_is_of(&m.view, ada, OPERATION_BET, SLICE("")));
    maker_done(&m);
}

/* ---- snapshots ---- */

struct image {
    char bytes[65536];
    size_t size, at;
};

static int image_write(void *owner, const void *from, size_t bytes)
{
    struct image *image = owner;
    assert_true(image->size + bytes <= sizeof image->bytes);
    memcpy(image->bytes + image->size, from, bytes);
    image->size += bytes;
    return 0;
}

static int image_read(void *owner, void *to, size_t bytes)
{
    struct image *image = owner;
    if (image->size - image->at < bytes)
        return -ERR_FORMAT;
    memcpy(to, image->bytes + image->at, bytes);
    image->at += bytes;
    return 0;
}

static void encode(const struct shard_state *state, struct image *image)
{
    struct shard_snapshot_sink sink = {image_write, image};
    uint8_t hash[32];
    image->size = 0;
    assert_int_equal(shard_snapshot_encode(state, &sink, hash), 0);
}

/* The state, or NULL and why. */
static struct shard_state *decode(struct image *image, uint32_t verdicts_max,
                                  const char **ret_reason)
{
    struct shard_snapshot_source source = {image_read, image, NULL};
    const struct shard_limits limits = limits_of(verdicts_max);
    struct shard_state *state;
    assert_int_equal(shard_state_new(&limits, &state), 0);
    image->at = 0;
    if (shard_snapshot_decode(&source, state) == 0)
        return state;
    *ret_reason = shard_state_reason(state);
    shard_state_free(state);
    return NULL;
}

static void with_forgotten(struct maker *m)
{
    begin(m, 6 * BLOCK);
    deposit(m, 0, 6 * BLOCK);
    assert_int_equal(shard_state_forget_verdicts(m->state, UINT64_MAX, 3 * BLOCK), 3 * BLOCK);
    deposit(m, 6 * BLOCK, BLOCK + 5); /* round the ring's end */
}

TEST(shard_verdicts, a_snapshot_has_those_that_were_not_forgotten)
{
    static struct image image, again;
    const char *reason = "";
    struct maker m;
    with_forgotten(&m);
    encode(m.state, &image);
    struct shard_state *written = m.state;
    struct shard_state *read = decode(&image, 60000, &reason);
    assert_non_null(read);
    hashes_are_equal(read, written);
    assert_int_equal(shard_state_verdicts_count(read), 4 * BLOCK + 5);
    assert_int_equal(shard_state_verdicts_floor(read), SEQ_OF(3 * BLOCK - 1));
    m.state = read;
    assert_null(find(&m, 3 * BLOCK - 1));
    assert_int_equal(find(&m, 3 * BLOCK)->seq, SEQ_OF(3 * BLOCK));
    assert_int_equal(find(&m, 7 * BLOCK + 4)->seq, SEQ_OF(7 * BLOCK + 4));
    encode(read, &again);
    assert_int_equal(again.size, image.size);
    assert_memory_equal(again.bytes, image.bytes, image.size);
    /* Both go on alike, and forget alike. */
    deposit(&m, 7 * BLOCK + 5, 1);
    assert_int_equal(shard_state_apply(written, &m.view), 0);
    assert_int_equal(shard_state_forget_verdicts(read, UINT64_MAX, BLOCK), BLOCK);
    hashes_are_equal(read, written);
    shard_state_free(written);
    maker_done(&m);
}

TEST(shard_verdicts, a_smaller_memory_takes_the_newest_of_a_snapshot)
{
    static struct image image;
    const char *reason = "";
    struct maker m;
    with_forgotten(&m);
    encode(m.state, &image);
    struct shard_state *read = decode(&image, 2 * BLOCK, &reason);
    assert_non_null(read);
    hashes_are_equal(read, m.state);
    assert_int_equal(shard_state_verdicts_count(read), BLOCK + 5);
    assert_int_equal(shard_state_verdicts_floor(read), SEQ_OF(6 * BLOCK - 1));
    shard_state_free(read);
    assert_null(decode(&image, BLOCK - 1, &reason)); /* not one block */
    assert_string_equal(reason, "the snapshot holds more than the limits allow");
    maker_done(&m);
}

TEST(shard_verdicts, a_snapshot_without_any_knows_that_all_are_forgotten)
{
    static struct image image;
    const char *reason = "";
    struct maker m;
    begin(&m, 6 * BLOCK);
    deposit(&m, 0, BLOCK);
    struct parts account = parts_account(&m, "bob");
    maker_accept(&m, &account);
    assert_int_equal(shard_state_forget_verdicts(m.state, UINT64_MAX, BLOCK), BLOCK);
    encode(m.state, &image);
    struct shard_state *read = decode(&image, 6 * BLOCK, &reason);
    assert_non_null(read);
    assert_int_equal(shard_state_verdicts_count(read), 0);
    assert_int_equal(shard_state_verdicts_floor(read), shard_state_seq(m.state));
    hashes_are_equal(read, m.state);
    shard_state_free(read);
    maker_done(&m);
}

/* The state hash has the chain only: it is taken again over what the snapshot brings. */
TEST(shard_verdicts, a_verdict_that_was_not_the_one_decided_is_found_by_the_chain)
{
    static struct image image;
    struct maker m;
    with_forgotten(&m);
    struct verdict_ring *ring = &m.state->verdicts;
    for (uint64_t n = ring->first; n < ring->first + BLOCK; n++) {
        const char *reason = "";
        ring->at[n % ring->slots].request_hash[0] ^= 1;
        encode(m.state, &image);
        ring->at[n % ring->slots].request_hash[0] ^= 1;
        assert_null(decode(&image, 60000, &reason));
        assert_string_equal(reason, "L5: the state is not the one that was written");
    }
    const char *reason = "";
    ring->links[ring->first % ring->slots / BLOCK].hash[31] ^= 1;
    encode(m.state, &image);
    assert_null(decode(&image, 60000, &reason));
    assert_string_equal(reason, "L5: the state is not the one that was written");
    maker_done(&m);
}
