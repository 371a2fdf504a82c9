/* test_outbox.c - net/stream/outbox.h against a plain byte queue. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "net/stream/outbox.h"

#define MODEL_BYTES (4 * 1024 * 1024)

static char model[MODEL_BYTES];
static size_t model_begin, model_end;

static void fill(struct prng *prng, char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)prng_next(prng);
}

static void put_random(struct prng *prng, struct outbox_pool *pool, struct outbox *outbox,
                       struct shared_bytes **shared)
{
    static char bytes[40000];
    if (prng_below(prng, 3) == 0) {
        struct shared_bytes *one = shared[prng_below(prng, 4)];
        memcpy(model + model_end, one->at, one->bytes);
        model_end += one->bytes;
        assert_true(outbox_put_shared(pool, outbox, one));
        return;
    }
    size_t count = prng_below(prng, UINT64_C(1) << prng_below(prng, 16));
    fill(prng, bytes, count);
    memcpy(model + model_end, bytes, count);
    model_end += count;
    assert_true(outbox_put(pool, outbox, slice_of(bytes, count)));
}

static void send_random(struct prng *prng, struct outbox_pool *pool, struct outbox *outbox)
{
    struct iovec pieces[8];
    size_t count = outbox_pieces(outbox, pieces, 8), bytes = 0;
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(pieces[i].iov_base, model + model_begin + bytes, pieces[i].iov_len);
        bytes += pieces[i].iov_len;
    }
    assert_true(count == 8 || bytes == outbox->bytes);
    size_t taken = prng_below(prng, bytes + 1);
    model_begin += taken;
    if (taken > 0)
        outbox_sent(pool, outbox, taken);
}

TEST(outbox, gives_back_every_byte_in_order_whatever_the_writes_take)
{
    static const size_t sizes[4] = {10, OUTBOX_COPY_BYTES_MAX, OUTBOX_COPY_BYTES_MAX + 1, 30000};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct net_stats stats = {0};
        struct outbox_pool pool;
        struct outbox outbox = {0};
        struct shared_bytes *shared[4];
        struct prng prng;
        prng_seed(&prng, seed);
        model_begin = model_end = 0;
        outbox_pool_init(&pool, SIZE_MAX, &stats);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(shared_bytes_new(sizes[i], &shared[i]), 0);
            fill(&prng, shared[i]->at, sizes[i]);
        }
        while (model_end < MODEL_BYTES - 100000) {
            put_random(&prng, &pool, &outbox, shared);
            if (prng_below(&prng, 2) == 0)
                send_random(&prng, &pool, &outbox);
            assert_int_equal(outbox.bytes, model_end - model_begin);
            assert_int_equal(stats.outbox_bytes, outbox.bytes);
        }
        outbox_clear(&pool, &outbox);
        assert_int_equal(stats.outbox_bytes, 0);
        assert_int_equal(pool.held_bytes, 0);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(shared[i]->references, 1);
            shared_bytes_give(shared[i]);
        }
        outbox_pool_done(&pool);
    }
}

TEST(outbox, refuses_above_the_pools_limit_and_counts_it)
{
    static char bytes[20000];
    struct net_stats stats = {0};
    struct outbox_pool pool;
    struct outbox outbox = {0};
    outbox_pool_init(&pool, 2 * OUTBOX_BLOCK_BYTES, &stats);
    assert_true(outbox_put(&pool, &outbox, slice_of(bytes, 6000)));
    assert_false(outbox_put(&pool, &outbox, slice_of(bytes, 6000)));
    assert_false(outbox_put(&pool, &outbox, slice_of(bytes, sizeof bytes)));
    assert_int_equal(stats.limit_reached[NET_LIMIT_outbox_total_bytes_max], 2);
    outbox_clear(&pool, &outbox);
    assert_int_equal(pool.held_bytes, 0);
    outbox_pool_done(&pool);
}

TEST(outbox, a_shared_piece_that_is_alone_takes_no_block_and_goes_before_what_comes_to_it)
{
    static const size_t sizes[] = {200, 3000};
    for (size_t i = 0; i < 2; i++) {
        struct net_stats stats = {0};
        struct outbox_pool pool;
        struct outbox outbox = {0};
        struct shared_bytes *shared;
        struct iovec pieces[4];
        outbox_pool_init(&pool, 100000, &stats);
        assert_int_equal(shared_bytes_new(sizes[i], &shared), 0);
        memset(shared->at, 'a', sizes[i]);
        assert_true(outbox_put_shared(&pool, &outbox, shared));
        assert_int_equal(pool.held_bytes, sizes[i]);
        assert_int_equal(outbox_pieces(&outbox, pieces, 4), 1);
        assert_ptr_equal(pieces[0].iov_base, shared->at); /* not copied */
        outbox_sent(&pool, &outbox, 50);
        assert_true(outbox_put(&pool, &outbox, SLICE("b")));
        assert_true(outbox_put_shared(&pool, &outbox, shared));
        size_t count = outbox_pieces(&outbox, pieces, 4), bytes = 0;
        for (size_t k = 0; k < count; k++)
            bytes += pieces[k].iov_len;
        assert_int_equal(bytes, sizes[i] - 50 + 1 + sizes[i]);
        assert_int_equal(((const char *)pieces[0].iov_base)[sizes[i] - 51], 'a');
        assert_int_equal(stats.outbox_bytes, bytes);
        outbox_sent(&pool, &outbox, bytes);
        assert_int_equal(pool.held_bytes, 0);
        assert_true(outbox_put_shared(&pool, &outbox, shared));
        outbox_clear(&pool, &outbox);
        assert_int_equal(pool.held_bytes, 0);
        assert_int_equal(stats.outbox_bytes, 0);
        assert_int_equal(shared->references, 1);
        shared_bytes_give(shared);
        outbox_pool_done(&pool);
    }
}

TEST(outbox, a_shared_piece_above_the_bound_is_refused_alone_too)
{
    struct net_stats stats = {0};
    struct outbox_pool pool;
    struct outbox outbox = {0};
    struct shared_bytes *shared;
    outbox_pool_init(&pool, 100, &stats);
    assert_int_equal(shared_bytes_new(101, &shared), 0);
    assert_false(outbox_put_shared(&pool, &outbox, shared));
    assert_int_equal(shared->references, 1);
    shared_bytes_give(shared);
    outbox_pool_done(&pool);
}
