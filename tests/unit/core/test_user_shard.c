/* test_user_shard.c - which shard a user belongs to (core/user_shard.h): the vectors of
 * docs/LEDGER.md, computed by another implementation of SipHash. */
#include "test.h"

#include "base/buf.h"
#include "core/user_shard.h"

TEST(user_shard, is_what_the_published_vectors_say)
{
    static const struct {
        const char *user_id;
        uint32_t of_2, of_3, of_16, of_1024;
    } vectors[] = {
        {"a", 0, 1, 8, 424},
        {"ann", 1, 1, 13, 749},
        {"bob", 0, 1, 2, 658},
        {"u1", 1, 0, 1, 97},
        {"user-12345", 1, 0, 5, 805},
        {"8c5f8f2e-51e3-4d2b-9d0e-7b8f2f8f0a11", 0, 0, 8, 952},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0, 1, 10, 74},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct slice user = slice_text(vectors[i].user_id);
        assert_int_equal(user_shard(user, 1), 0);
        assert_int_equal(user_shard(user, 2), vectors[i].of_2);
        assert_int_equal(user_shard(user, 3), vectors[i].of_3);
        assert_int_equal(user_shard(user, 16), vectors[i].of_16);
        assert_int_equal(user_shard(user, 1024), vectors[i].of_1024);
    }
}

TEST(user_shard, spreads_users_evenly)
{
    uint32_t counts[16] = {0};
    for (int i = 0; i < 16000; i++) {
        char memory[32];
        struct buf id = buf_over(memory, sizeof memory);
        buf_printf(&id, "user-%d", i);
        counts[user_shard(buf_slice(&id), 16)]++;
    }
    for (size_t i = 0; i < 16; i++) /* six deviations of a binomial */
        assert_in_range(counts[i], 1000 - 184, 1000 + 184);
}
