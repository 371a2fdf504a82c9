/* test_pg_lease.c - the shard_lease_store port on a real PostgreSQL (adapters/postgres/pg_lease.h):
 * of many who want a shard one has it, and its time is the server's. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "adapters/postgres/pg_lease.h"
#include "base/error.h"
#include "postgres_server.h"

#define LONG  INT64_C(600000000)
#define SHORT INT64_C(1000)

static const struct shard_lease_asked any_of_two = {SHARD_LEASE_ANY, 2, LONG};

static struct shard_lease_store *open_store(const char *holder)
{
    struct shard_lease_store *store = NULL;
    assert_int_equal(pg_lease_new(postgres_server(), slice_text(holder), &store), 0);
    return store;
}

/* False: there is no PostgreSQL. */
static bool begin(void)
{
    if (postgres_server() == NULL)
        return false;
    postgres_run("DROP TABLE IF EXISTS ledger_leases; DROP TABLE IF EXISTS lease_schema");
    return true;
}

static void end(struct shard_lease_store *store)
{
    store->ops->free(store);
}

TEST(pg_lease, gives_each_shard_to_one)
{
    if (!begin())
        skip();
    struct shard_lease_store *a = open_store("a"), *b = open_store("b"), *c = open_store("c");
    struct shard_lease first, second, none;
    assert_int_equal(a->ops->take(a, &any_of_two, &first), 0);
    assert_int_equal(b->ops->take(b, &any_of_two, &second), 0);
    assert_int_equal(first.shard + second.shard, 1);
    assert_int_equal(c->ops->take(c, &any_of_two, &none), -ERR_BUSY);
    const struct shard_lease_asked zero = {first.shard, 2, LONG};
    assert_int_equal(c->ops->take(c, &zero, &none), -ERR_BUSY);
    assert_int_equal(a->ops->give(a, &first), 0);
    assert_int_equal(c->ops->take(c, &zero, &none), 0);
    assert_int_equal(none.shard, first.shard);
    assert_int_equal(none.term, first.term + 1);
    end(a), end(b), end(c);
}

TEST(pg_lease, is_anothers_when_its_time_is_over_and_then_not_renewed)
{
    if (!begin())
        skip();
    struct shard_lease_store *a = open_store("a"), *b = open_store("b");
    const struct shard_lease_asked for_short = {1, 2, SHORT}, for_long = {1, 2, LONG};
    struct shard_lease of_a, of_b;
    assert_int_equal(a->ops->take(a, &for_short, &of_a), 0);
    (void)usleep(2 * (useconds_t)SHORT);                 /* the server's clock has gone on as far */
    assert_int_equal(a->ops->renew(a, &of_a, SHORT), 0); /* nobody has taken it */
    (void)usleep(2 * (useconds_t)SHORT);
    assert_int_equal(b->ops->take(b, &for_long, &of_b), 0);
    assert_int_equal(of_b.term, of_a.term + 1);
    assert_int_equal(a->ops->renew(a, &of_a, LONG), -ERR_STOPPED);
    assert_int_equal(a->ops->give(a, &of_a), 0); /* and gives nothing away */
    assert_int_equal(b->ops->renew(b, &of_b, LONG), 0);
    end(a), end(b);
}

/* An answer may be lost behind a taking that counts. */
TEST(pg_lease, is_taken_again_by_who_has_it)
{
    if (!begin())
        skip();
    struct shard_lease_store *a = open_store("a");
    struct shard_lease first, again;
    assert_int_equal(a->ops->take(a, &any_of_two, &first), 0);
    assert_int_equal(a->ops->take(a, &any_of_two, &again), 0);
    assert_int_equal(again.shard, first.shard);
    assert_int_equal(a->ops->renew(a, &again, LONG), 0);
    end(a);
}

TEST(pg_lease, of_another_number_of_shards_is_refused_by_name)
{
    if (!begin())
        skip();
    struct shard_lease_store *a = open_store("a"), *b = open_store("b");
    const struct shard_lease_asked of_three = {SHARD_LEASE_ANY, 3, LONG};
    struct shard_lease lease;
    assert_int_equal(a->ops->take(a, &any_of_two, &lease), 0);
    assert_int_equal(b->ops->take(b, &of_three, &lease), -ERR_CONFIG);
    assert_non_null(strstr(b->ops->problem(b), "--shards"));
    assert_int_equal(postgres_number("SELECT count(*) FROM ledger_leases"), 2);
    struct shard_lease_store *c = open_store("c"); /* the others go on */
    assert_int_equal(c->ops->take(c, &any_of_two, &lease), 0);
    end(c);
    end(a), end(b);
}

/* docs/decisions/0021: its row is the one behind the shards', made when it asks. */
TEST(pg_lease, of_a_desk_apart_is_its_own_and_nobody_elses)
{
    if (!begin())
        skip();
    struct shard_lease_store *a = open_store("a"), *b = open_store("b"), *c = open_store("c");
    const struct shard_lease_asked desk = {2, 2, LONG};
    struct shard_lease lease, none;
    assert_int_equal(a->ops->take(a, &desk, &lease), 0);
    assert_int_equal(lease.shard, 2);
    assert_int_equal(b->ops->take(b, &desk, &none), -ERR_BUSY);
    assert_int_equal(a->ops->give(a, &lease), 0); /* it is free now */
    assert_int_equal(b->ops->take(b, &any_of_two, &lease), 0);
    assert_true(lease.shard < 2);
    assert_int_equal(c->ops->take(c, &any_of_two, &lease), 0);
    assert_true(lease.shard < 2);
    assert_int_equal(a->ops->take(a, &any_of_two, &none), -ERR_BUSY);
    assert_int_equal(a->ops->take(a, &desk, &lease), 0);
    end(a), end(b), end(c);
}

TEST(pg_lease, is_waited_for_while_the_server_is_away)
{
    if (!begin())
        skip();
    struct shard_lease_store *a = open_store("a");
    struct shard_lease lease;
    assert_int_equal(a->ops->take(a, &any_of_two, &lease), 0);
    postgres_server_restart(true);
    int error = -ERR_ABSENT; /* the connection has ended */
    for (int i = 0; i < 100 && error == -ERR_ABSENT; i++)
        error = a->ops->renew(a, &lease, LONG);
    assert_int_equal(error, 0);
    end(a);
}

#define RACERS 8

static void *race(void *owner)
{
    struct shard_lease_store *store = owner;
    struct shard_lease lease;
    const struct shard_lease_asked asked = {SHARD_LEASE_ANY, 4, LONG};
    int error = -ERR_ABSENT; /* also: it had to give way to others */
    for (int i = 0; i < 1000 && error == -ERR_ABSENT; i++)
        error = store->ops->take(store, &asked, &lease);
    return error == 0 ? (void *)(uintptr_t)(lease.shard + 1) : NULL;
}

TEST(pg_lease, of_many_who_race_for_four_shards_four_have_one_each)
{
    if (!begin())
        skip();
    struct shard_lease_store *stores[RACERS];
    pthread_t threads[RACERS];
    char name[2] = {0};
    unsigned taken[5] = {0};
    for (int i = 0; i < RACERS; i++) {
        name[0] = (char)('a' + i);
        stores[i] = open_store(name);
        assert_int_equal(pthread_create(&threads[i], NULL, race, stores[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        void *won = NULL;
        assert_int_equal(pthread_join(threads[i], &won), 0);
        taken[(uintptr_t)won]++;
        end(stores[i]);
    }
    assert_int_equal(taken[0], RACERS - 4);
    for (int i = 1; i <= 4; i++)
        assert_int_equal(taken[i], 1);
}
