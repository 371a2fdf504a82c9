/* test_ladder.c - ladders and the id table against simple models, under random changes from a
 * fixed seed. */
#include "feeds/betfair_stream/ladder.h"

#include "base/prng.h"
#include "feeds/betfair_stream/id_table.h"
#include "feeds/betfair_stream/mcm_message.h"
#include "test.h"

#define PRICES 600

struct model {
    uint32_t sizes[PRICES]; /* by price, in thousandths */
    unsigned count;
};

static bool model_best(const struct model *model, enum ladder_order order, uint32_t min,
                       int32_t *ret)
{
    for (int32_t i = 0; i < PRICES; i++) {
        int32_t price = order == LADDER_HIGHEST_BEST ? PRICES - 1 - i : i;
        if (model->sizes[price] > 0 && model->sizes[price] >= min) {
            *ret = price;
            return true;
        }
    }
    return false;
}

/* As the rule of the depth limit says: the worst point goes. */
static void model_set(struct model *model, enum ladder_order order, struct ladder_point point)
{
    uint32_t *at = &model->sizes[point.price_milli];
    model->count += (point.size_cents > 0) - (unsigned)(*at > 0);
    *at = point.size_cents;
    for (int32_t i = 0; model->count > LADDER_DEPTH_MAX; i++) {
        int32_t price = order == LADDER_HIGHEST_BEST ? i : PRICES - 1 - i;
        model->count -= model->sizes[price] > 0;
        model->sizes[price] = 0;
    }
}

static void compare(const struct ladder_pool *pool, const struct ladder *ladder,
                    const struct model *model, enum ladder_order order)
{
    int32_t got = 0;
    int32_t expected = 0;
    ladder_check(pool, ladder, order);
    assert_int_equal(ladder->count, model->count);
    for (uint32_t min = 0; min <= 4; min += 2) {
        bool has = ladder_best_price(pool, ladder, min, &got);
        assert_int_equal(has, model_best(model, order, min, &expected));
        if (has)
            assert_int_equal(got, expected);
    }
}

static void run(enum ladder_order order, uint64_t seed, uint64_t removals)
{
    struct ladder_pool *pool;
    struct ladder ladder = {0};
    struct model model = {.count = 0};
    struct prng prng;
    prng_seed(&prng, seed);
    assert_int_equal(ladder_pool_new(4096, &pool), 0);
    for (int i = 0; i < 20000; i++) {
        struct ladder_point point = {(int32_t)prng_below(&prng, PRICES),
                                     (uint32_t)prng_below(&prng, 5)};
        if (prng_below(&prng, 100) < removals)
            point.size_cents = 0;
        (void)ladder_set_price(pool, &ladder, order, point);
        model_set(&model, order, point);
        compare(pool, &ladder, &model, order);
    }
    ladder_clear(pool, &ladder);
    assert_int_equal(ladder.count, 0);
    ladder_pool_free(pool);
}

TEST(ladder, agrees_with_a_model_and_keeps_the_best_when_full)
{
    run(LADDER_HIGHEST_BEST, 1, 0); /* 4 of 5 prices have a size: over the depth limit */
    run(LADDER_LOWEST_BEST, 2, 0);
    run(LADDER_HIGHEST_BEST, 3, 60);
    run(LADDER_LOWEST_BEST, 4, 95); /* often empty */
}

TEST(ladder, gives_its_blocks_back)
{
    struct ladder_pool *pool;
    struct ladder ladder = {0};
    assert_int_equal(ladder_pool_new(8 + 16 + 32, &pool), 0);
    for (int turn = 0; turn < 100; turn++) {
        for (int32_t price = 0; price < 32; price++)
            assert_int_equal(ladder_set_price(pool, &ladder, LADDER_HIGHEST_BEST,
                                              (struct ladder_point){price, 1}),
                             LADDER_SET);
        assert_int_equal(
            ladder_set_price(pool, &ladder, LADDER_HIGHEST_BEST, (struct ladder_point){99, 1}),
            LADDER_DROPPED); /* the pool's end */
        for (int32_t price = 0; price < 32; price++)
            assert_int_equal(ladder_set_price(pool, &ladder, LADDER_HIGHEST_BEST,
                                              (struct ladder_point){price, 0}),
                             LADDER_SET);
        assert_int_equal(ladder.capacity, 0);
    }
    ladder_pool_free(pool);
}

TEST(ladder, levels_are_set_in_place)
{
    struct ladder_pool *pool;
    struct ladder ladder = {0};
    int32_t best = 0;
    assert_int_equal(ladder_pool_new(16, &pool), 0);
    for (uint8_t level = 0; level < 10; level++)
        assert_int_equal(ladder_set_level(pool, &ladder, level, (struct ladder_point){0, 0}),
                         LADDER_SET);
    assert_int_equal(ladder.capacity, 0); /* clearing what is not there takes nothing */
    assert_int_equal(ladder_set_level(pool, &ladder, 3, (struct ladder_point){1800, 7}),
                     LADDER_SET);
    assert_int_equal(ladder_set_level(pool, &ladder, 0, (struct ladder_point){2000, 1}),
                     LADDER_SET);
    assert_true(ladder_best_level(pool, &ladder, 0, &best));
    assert_int_equal(best, 2000);
    assert_true(ladder_best_level(pool, &ladder, 2, &best));
    assert_int_equal(best, 1800);
    assert_int_equal(ladder_set_level(pool, &ladder, 0, (struct ladder_point){0, 0}), LADDER_SET);
    assert_true(ladder_best_level(pool, &ladder, 0, &best));
    assert_int_equal(best, 1800);
    assert_int_equal(ladder_set_level(pool, &ladder, 3, (struct ladder_point){0, 0}), LADDER_SET);
    assert_false(ladder_best_level(pool, &ladder, 0, &best));
    ladder_pool_free(pool);
}

#define NUMBERS 64

TEST(id_table, finds_what_was_added_and_not_removed)
{
    struct id_table *table;
    struct prng prng;
    bool in[NUMBERS] = {false};
    prng_seed(&prng, 5);
    assert_int_equal(id_table_new(NUMBERS, &table), 0);
    for (int i = 0; i < 50000; i++) {
        uint32_t number = (uint32_t)prng_below(&prng, NUMBERS);
        uint64_t hash = number / 4 * UINT64_C(0x4000000000000021); /* runs and equal hashes */
        if (in[number])
            id_table_remove(table, hash, number);
        else
            id_table_add(table, hash, number);
        in[number] = !in[number];
        uint32_t look = (uint32_t)prng_below(&prng, NUMBERS);
        struct id_probe probe = id_table_probe(look / 4 * UINT64_C(0x4000000000000021));
        bool found = false;
        uint32_t at;
        while ((at = id_table_next(table, &probe)) != ID_TABLE_NONE)
            found = found || at == look;
        assert_int_equal(found, in[look]);
    }
    id_table_free(table);
}
