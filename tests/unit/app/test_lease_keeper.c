/* test_lease_keeper.c - app/lease_keeper.h over a store that answers what it is told to. */
#include "app/lease_keeper.h"

#include "test.h"

#include "base/error.h"

#define TTL INT64_C(3000000)

struct fake {
    struct shard_lease_store store; /* first */
    int answer;                     /* of the next calls */
    unsigned takes, renews, gives;
};

static int fake_take(struct shard_lease_store *store, const struct shard_lease_asked *asked,
                     struct shard_lease *ret)
{
    struct fake *fake = (struct fake *)store;
    assert_int_equal(asked->shards, 4);
    fake->takes++;
    if (fake->answer == 0)
        *ret = (struct shard_lease){2, 7};
    return fake->answer;
}

static int fake_renew(struct shard_lease_store *store, const struct shard_lease *lease,
                      int64_t ttl_us)
{
    struct fake *fake = (struct fake *)store;
    assert_true(lease->shard == 2 && lease->term == 7 && ttl_us == TTL);
    fake->renews++;
    return fake->answer;
}

static int fake_give(struct shard_lease_store *store, const struct shard_lease *lease)
{
    (void)lease;
    ((struct fake *)store)->gives++;
    return 0;
}

static const struct shard_lease_store_ops fake_ops = {
    .take = fake_take, .renew = fake_renew, .give = fake_give};

static struct monotonic at(int64_t us)
{
    return (struct monotonic){us};
}

static void begin(struct lease_keeper *keeper, struct fake *fake, int answer)
{
    const struct shard_lease_asked asked = {SHARD_LEASE_ANY, 4, TTL};
    *fake = (struct fake){.store = {&fake_ops}, .answer = answer};
    lease_keeper_init(keeper, &fake->store, &asked);
}

/* Of a shard that it took at 0. */
static void begin_held(struct lease_keeper *keeper, struct fake *fake)
{
    begin(keeper, fake, 0);
    assert_int_equal(lease_keeper_step(keeper, at(0)), 0);
    assert_true(lease_keeper_holds(keeper, at(0)));
}

TEST(lease_keeper, waits_for_a_shard_and_asks_again_and_again)
{
    struct lease_keeper keeper;
    struct fake fake;
    begin(&keeper, &fake, -ERR_BUSY);
    int64_t now = 0;
    for (unsigned i = 1; i < 20; i++) {
        fake.answer = i % 3 == 0 ? -ERR_ABSENT : -ERR_BUSY;
        assert_int_equal(lease_keeper_step(&keeper, at(now)), 0);
        assert_int_equal(fake.takes, i);
        assert_false(lease_keeper_holds(&keeper, at(now)));
        int64_t wait = lease_keeper_wait_us(&keeper, at(now));
        assert_in_range(wait, 1, TTL / 4);
        assert_int_equal(lease_keeper_step(&keeper, at(now + wait - 1)), 0); /* not yet */
        assert_int_equal(fake.takes, i);
        now += wait;
    }
    fake.answer = 0;
    assert_int_equal(lease_keeper_step(&keeper, at(now)), 0);
    assert_int_equal(keeper.lease.shard, 2);
    assert_true(lease_keeper_holds(&keeper, at(now + TTL - 1)));
    assert_false(lease_keeper_holds(&keeper, at(now + TTL))); /* from when it was asked for */
}

TEST(lease_keeper, ends_where_there_will_never_be_one)
{
    struct lease_keeper keeper;
    struct fake fake;
    begin(&keeper, &fake, -ERR_CONFIG);
    assert_int_equal(lease_keeper_step(&keeper, at(0)), -ERR_CONFIG);
}

TEST(lease_keeper, renews_in_time_to_lose_an_answer)
{
    struct lease_keeper keeper;
    struct fake fake;
    begin_held(&keeper, &fake);
    int64_t now = 0;
    for (unsigned i = 0; i < 50; i++) {
        fake.answer = i % 2 == 0 ? 0 : -ERR_ABSENT;
        now += lease_keeper_wait_us(&keeper, at(now));
        assert_true(lease_keeper_holds(&keeper, at(now)));
        assert_int_equal(lease_keeper_step(&keeper, at(now)), 0);
    }
    assert_int_equal(fake.renews, 50);
    assert_int_equal(keeper.renewals, 25);
    assert_int_equal(keeper.failures, 25);
}

/* As behind a store that is away, or of a process that stood still. */
TEST(lease_keeper, does_not_hold_while_nobody_knows_and_goes_on_when_it_is_still_its_own)
{
    struct lease_keeper keeper;
    struct fake fake;
    begin_held(&keeper, &fake);
    fake.answer = -ERR_ABSENT;
    int64_t now = 0;
    while (now < 2 * TTL) {
        (void)lease_keeper_step(&keeper, at(now));
        now += lease_keeper_wait_us(&keeper, at(now));
    }
    assert_int_equal(keeper.state, LEASE_HELD);
    assert_false(lease_keeper_holds(&keeper, at(now)));
    fake.answer = 0;
    (void)lease_keeper_step(&keeper, at(now));
    assert_true(lease_keeper_holds(&keeper, at(now)));
}

TEST(lease_keeper, is_lost_for_good_where_it_is_anothers)
{
    struct lease_keeper keeper;
    struct fake fake;
    begin_held(&keeper, &fake);
    fake.answer = -ERR_STOPPED;
    (void)lease_keeper_step(&keeper, at(TTL / 2));
    assert_int_equal(keeper.state, LEASE_LOST);
    assert_false(lease_keeper_holds(&keeper, at(TTL / 2)));
    assert_int_equal(lease_keeper_wait_us(&keeper, at(9 * TTL)), -1);
    fake.answer = 0;
    (void)lease_keeper_step(&keeper, at(9 * TTL));
    assert_int_equal(fake.renews, 1);
    lease_keeper_give(&keeper);
    assert_int_equal(fake.gives, 0); /* it has none to give */
}

TEST(lease_keeper, gives_once_what_it_has)
{
    struct lease_keeper keeper;
    struct fake fake;
    begin_held(&keeper, &fake);
    lease_keeper_give(&keeper);
    lease_keeper_give(&keeper);
    assert_int_equal(fake.gives, 1);
    assert_false(lease_keeper_holds(&keeper, at(1)));
}
