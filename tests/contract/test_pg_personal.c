/* test_pg_personal.c - the personal_store port on a real PostgreSQL (adapters/postgres/
 * pg_personal.h): what stands rises and never falls, on a wire that breaks, too. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "adapters/postgres/pg_personal.h"
#include "base/error.h"
#include "crypto/personal.h"
#include "fault_proxy.h"
#include "postgres_server.h"

#define SLOTS 1024
#define TRIES 1000

struct run {
    char slots[SLOTS][PERSONAL_SLOT_BYTES];
};

static struct personal_store *open_at(const char *conninfo, uint32_t shard)
{
    struct personal_store *store = NULL;
    assert_int_equal(pg_personal_new(conninfo, shard, &store), 0);
    return store;
}

/* False: there is no PostgreSQL. */
static bool begin(void)
{
    if (postgres_server() == NULL)
        return false;
    postgres_run("DROP TABLE IF EXISTS ledger_keys, personal_schema;"
                 "DROP FUNCTION IF EXISTS ledger_keys_only_rise()");
    return true;
}

static void end(struct personal_store *store)
{
    store->ops->free(store);
}

/* Sound or not is not the store's to know. */
static void fill(struct run *run, char with)
{
    memset(run, with, sizeof *run);
}

static int join(struct personal_store *store, uint64_t first, uint32_t count, struct run *run)
{
    return store->ops->join(store, first, count, run);
}

static void expect(struct personal_store *store, uint64_t place, const char *slot)
{
    char there[PERSONAL_SLOT_BYTES];
    assert_int_equal(store->ops->read(store, place, 1, there), 0);
    assert_memory_equal(there, slot, sizeof there);
}

TEST(pg_personal, keeps_slots_by_shard_and_place)
{
    if (!begin())
        skip();
    static struct run run, there;
    struct personal_store *a = open_at(postgres_server(), 0), *b = open_at(postgres_server(), 7);
    struct personal_store_count count;
    assert_int_equal(a->ops->count(a, &count), 0);
    assert_true(count.places == 0 && count.erased == 0);
    for (int i = 0; i < SLOTS; i++)
        memset(run.slots[i], 1 + i % 200, PERSONAL_SLOT_BYTES);
    there = run;
    assert_int_equal(join(a, 1, SLOTS, &there), 0);
    assert_memory_equal(&there, &run, sizeof run);
    fill(&there, 9);
    assert_int_equal(a->ops->read(a, 1, SLOTS, &there), 0);
    assert_memory_equal(&there, &run, sizeof run);
    assert_int_equal(a->ops->count(a, &count), 0);
    assert_true(count.places == SLOTS + 1 && count.erased == 0);
    fill(&run, 0);
    assert_int_equal(b->ops->read(b, 1, SLOTS, &there), 0);
    assert_memory_equal(&there, &run, sizeof run);
    assert_int_equal(join(b, 1, SLOTS, &there), 0); /* nothing is brought */
    assert_int_equal(postgres_number("SELECT count(*) FROM ledger_keys WHERE shard = 7"), 0);
    end(a), end(b);
}

TEST(pg_personal, of_two_keys_the_first_stands_and_an_erased_one_is_above_all)
{
    if (!begin())
        skip();
    static struct run first, second, erased, there;
    struct personal_store *a = open_at(postgres_server(), 0), *b = open_at(postgres_server(), 0);
    struct personal_store_count count;
    uint64_t places[2];
    uint32_t found = 0;
    fill(&first, 1);
    fill(&second, 2);
    fill(&erased, 0);
    for (int i = 0; i < 4; i++)
        personal_slot_erase(erased.slots[i]);
    there = first;
    assert_int_equal(join(a, 10, 4, &there), 0);
    there = second;
    assert_int_equal(join(b, 12, 4, &there), 0); /* two of them are there */
    for (int i = 0; i < 4; i++)
        assert_memory_equal(there.slots[i], i < 2 ? first.slots[0] : second.slots[0],
                            PERSONAL_SLOT_BYTES);
    there = erased;
    assert_int_equal(join(b, 11, 1, &there), 0);
    assert_int_equal(join(b, 20, 1, &there), 0); /* who had none */
    there = first;
    assert_int_equal(join(a, 10, 4, &there), 0); /* an old copy */
    assert_memory_equal(there.slots[1], erased.slots[0], PERSONAL_SLOT_BYTES);
    there = first;
    assert_int_equal(join(a, 20, 1, &there), 0);
    assert_memory_equal(there.slots[0], erased.slots[0], PERSONAL_SLOT_BYTES);
    assert_int_equal(a->ops->count(a, &count), 0);
    assert_true(count.places == 21 && count.erased == 2);
    assert_int_equal(a->ops->erased(a, 1, places, 1, &found), 0);
    assert_true(found == 1 && places[0] == 11);
    assert_int_equal(a->ops->erased(a, 12, places, 2, &found), 0);
    assert_true(found == 1 && places[0] == 20);
    end(a), end(b);
}

static bool refused(const char *statement)
{
    char text[300];
    (void)snprintf(text, sizeof text,
                   "DO $$ BEGIN %s; RAISE EXCEPTION 'done' USING ERRCODE = 'P0999';"
                   " EXCEPTION WHEN insufficient_privilege THEN NULL; END $$",
                   statement);
    postgres_run(text); /* fails the test when it was done */
    return true;
}

TEST(pg_personal, is_kept_from_everybody_by_the_table)
{
    if (!begin())
        skip();
    static struct run run;
    struct personal_store *a = open_at(postgres_server(), 0);
    fill(&run, 1);
    assert_int_equal(join(a, 0, 2, &run), 0);
    assert_true(refused("UPDATE ledger_keys SET slot = decode(repeat('02', 64), 'hex')"));
    assert_true(refused("UPDATE ledger_keys SET place = 7 WHERE place = 1"));
    assert_true(refused("DELETE FROM ledger_keys"));
    assert_true(refused("TRUNCATE ledger_keys"));
    personal_slot_erase(run.slots[0]);
    assert_int_equal(join(a, 1, 1, &run), 0);
    assert_true(refused("UPDATE ledger_keys SET slot = decode(repeat('01', 64), 'hex')"
                        " WHERE place = 1"));
    assert_true(refused("UPDATE ledger_keys SET place = 7 WHERE place = 1"));
    end(a);
}

TEST(pg_personal, needs_no_more_rights_than_its_statements)
{
    if (!begin())
        skip();
    static struct run run;
    char conninfo[300];
    struct personal_store *owner = open_at(postgres_server(), 0);
    fill(&run, 1);
    assert_int_equal(join(owner, 0, 2, &run), 0);
    end(owner);
    postgres_run("DROP ROLE IF EXISTS clerk");
    postgres_run("CREATE ROLE clerk LOGIN;"
                 "GRANT SELECT, INSERT, UPDATE ON ledger_keys TO clerk;"
                 "GRANT SELECT ON personal_schema TO clerk");
    char folder[120];
    assert_int_equal(sscanf(postgres_server(), "host=%119s", folder), 1);
    (void)snprintf(conninfo, sizeof conninfo, "host=%s user=clerk dbname=postgres", folder);
    struct personal_store *store = open_at(conninfo, 0);
    struct personal_store_count count;
    assert_int_equal(join(store, 0, SLOTS, &run), 0);
    personal_slot_erase(run.slots[0]);
    assert_int_equal(join(store, 5, 1, &run), 0);
    assert_int_equal(store->ops->count(store, &count), 0);
    assert_true(count.places == SLOTS && count.erased == 1);
    end(store);
    postgres_run("REVOKE ALL ON ledger_keys FROM clerk");
    store = open_at(conninfo, 0);
    assert_int_equal(join(store, 0, 1, &run), -ERR_IO);
    assert_non_null(strstr(store->ops->problem(store), "ledger_keys"));
    end(store);
    postgres_run("DROP OWNED BY clerk; DROP ROLE clerk");
}

TEST(pg_personal, of_a_newer_program_is_refused_by_name)
{
    if (!begin())
        skip();
    struct personal_store *store = open_at(postgres_server(), 0);
    struct personal_store_count count;
    assert_int_equal(store->ops->count(store, &count), 0);
    end(store);
    postgres_run("INSERT INTO personal_schema (version, program_least) VALUES (2, 2)");
    store = open_at(postgres_server(), 0);
    assert_int_equal(store->ops->count(store, &count), -ERR_CONFIG);
    assert_non_null(strstr(store->ops->problem(store), "newer program"));
    end(store);
}

/* ---- a wire that breaks, a server that crashes ---- */

struct wire {
    struct fault_proxy *proxy;
    char folder[64], from[96], to[160], conninfo[200];
};

static void wire_begin(struct wire *wire)
{
    char folder[120];
    assert_int_equal(sscanf(postgres_server(), "host=%119s", folder), 1);
    (void)snprintf(wire->to, sizeof wire->to, "%s/.s.PGSQL.5432", folder);
    (void)snprintf(wire->folder, sizeof wire->folder, "/tmp/overround-wire-XXXXXX");
    assert_non_null(mkdtemp(wire->folder));
    (void)snprintf(wire->from, sizeof wire->from, "%s/.s.PGSQL.5432", wire->folder);
    (void)snprintf(wire->conninfo, sizeof wire->conninfo, "host=%s user=postgres dbname=postgres",
                   wire->folder);
    wire->proxy = fault_proxy_new(wire->from, wire->to);
}

static void wire_end(struct wire *wire)
{
    fault_proxy_free(wire->proxy);
    rmdir(wire->folder);
}

TEST(pg_personal, does_not_care_how_often_it_was_asked)
{
    static const enum fault faults[] = {FAULT_LOSE_ANSWER, FAULT_LOSE_REQUEST};
    static struct run run, there;
    if (!begin())
        skip();
    struct wire wire;
    wire_begin(&wire);
    struct personal_store *store = open_at(wire.conninfo, 0);
    for (unsigned i = 0; i < 8; i++) {
        fill(&run, (char)(i + 1));
        if (i % 4 == 3)
            for (int s = 0; s < 100; s++)
                personal_slot_erase(run.slots[s]);
        there = run;
        fault_proxy_set(wire.proxy, faults[i % 2]);
        int error = -ERR_ABSENT;
        for (int tries = 0; tries < TRIES && error == -ERR_ABSENT; tries++)
            error = join(store, i / 4 * 100, 100, &there);
        assert_int_equal(error, 0);
        fill(&there, 0);
        assert_int_equal(store->ops->read(store, i / 4 * 100, 100, &there), 0);
        fill(&run, i < 4 ? 1 : 5); /* the first of each four */
        if (i % 4 == 3)
            personal_slot_erase(run.slots[7]);
        assert_memory_equal(there.slots[7], run.slots[7], PERSONAL_SLOT_BYTES);
    }
    assert_int_equal(fault_proxy_losses(wire.proxy), 8);
    assert_int_equal(postgres_number("SELECT count(*) FROM ledger_keys"), 200);
    fault_proxy_set(wire.proxy, FAULT_REFUSE);
    assert_int_equal(join(store, 0, 1, &run), -ERR_ABSENT);
    assert_true(store->ops->problem(store)[0] != '\0');
    end(store);
    wire_end(&wire);
}

TEST(pg_personal, has_after_a_crash_what_it_answered)
{
    static struct run run;
    if (!begin())
        skip();
    struct personal_store *store = open_at(postgres_server(), 0);
    char key[PERSONAL_SLOT_BYTES], erased[PERSONAL_SLOT_BYTES];
    fill(&run, 3);
    memcpy(key, run.slots[0], sizeof key);
    personal_slot_erase(erased);
    assert_int_equal(join(store, 0, SLOTS, &run), 0);
    memcpy(run.slots[0], erased, sizeof erased);
    assert_int_equal(join(store, 9, 1, &run), 0);
    postgres_server_restart(true);
    int error = -ERR_ABSENT;
    for (int tries = 0; tries < TRIES && error == -ERR_ABSENT; tries++)
        error = store->ops->read(store, 0, SLOTS, &run);
    assert_int_equal(error, 0);
    expect(store, 8, key);
    expect(store, 9, erased);
    expect(store, SLOTS - 1, key);
    end(store);
}

/* ---- many at once ---- */

#define RACERS 6

struct racer {
    struct personal_store *store;
    struct run run;
};

static void *race(void *owner)
{
    struct racer *racer = owner;
    int error = -ERR_ABSENT; /* also: it had to give way to others */
    for (int i = 0; i < TRIES && error == -ERR_ABSENT; i++)
        error = join(racer->store, 1, 512, &racer->run);
    return error == 0 ? racer : NULL;
}

TEST(pg_personal, says_the_same_to_all_who_race)
{
    if (!begin())
        skip();
    static struct racer racers[RACERS];
    pthread_t threads[RACERS];
    for (int i = 0; i < RACERS; i++) {
        racers[i].store = open_at(postgres_server(), 0);
        fill(&racers[i].run, (char)(i + 1));
        if (i == 0)
            personal_slot_erase(racers[i].run.slots[100]);
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        void *done = NULL;
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
    static struct run there;
    assert_int_equal(racers[0].store->ops->read(racers[0].store, 1, 512, &there), 0);
    assert_int_equal(personal_slot_state(there.slots[100]), PERSONAL_SLOT_ERASED);
    for (int i = 0; i < RACERS; i++) {
        for (int s = 0; s < 512; s++) /* it may have been erased behind that one's answer */
            if (s != 100)
                assert_memory_equal(racers[i].run.slots[s], there.slots[s], PERSONAL_SLOT_BYTES);
        end(racers[i].store);
    }
}
