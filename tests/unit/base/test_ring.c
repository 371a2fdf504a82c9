/* test_ring.c - base/ring.h: stepped by hand on one thread, then by threads of its own. */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "base/error.h"
#include "base/prng.h"
#include "base/ring.h"

struct pair {
    struct ring_gate gate;
    struct ring *ring;
};

static void open_pair(struct pair *pair, size_t bytes)
{
    memset(pair, 0, sizeof *pair);
    assert_int_equal(ring_new(bytes, &pair->gate, &pair->ring), 0);
}

static bool put(struct ring *ring, const void *content, size_t bytes)
{
    void *room = ring_begin(ring, bytes);
    if (room == NULL)
        return false;
    memcpy(room, content, bytes);
    ring_end(ring, bytes);
    return true;
}

static bool publish(struct pair *pair)
{
    bool newer = ring_offer(pair->ring);
    ring_gate_open(&pair->gate);
    return newer;
}

/* The next record, looked for anew. */
static bool take(struct ring *ring, struct slice *ret_record)
{
    (void)ring_look(ring);
    return ring_take(ring, ret_record);
}

TEST(ring, takes_only_sizes_it_can_hold)
{
    struct ring_gate gate = {0};
    struct ring *ring;
    assert_int_equal(ring_new(RING_BYTES_MIN / 2, &gate, &ring), -ERR_LIMIT);
    assert_int_equal(ring_new(RING_BYTES_MIN + 8, &gate, &ring), -ERR_LIMIT);
    assert_int_equal(ring_new(2 * RING_BYTES_MAX, &gate, &ring), -ERR_LIMIT);
}

TEST(ring, shows_a_batch_whole_or_not_at_all)
{
    struct pair pair;
    struct slice record;
    open_pair(&pair, RING_BYTES_MIN);
    assert_true(put(pair.ring, "first", 5));
    assert_false(take(pair.ring, &record));
    assert_true(put(pair.ring, "", 0));
    assert_true(ring_offer(pair.ring));
    assert_false(take(pair.ring, &record)); /* the gate is shut */
    ring_gate_open(&pair.gate);
    assert_true(take(pair.ring, &record));
    assert_true(slice_is(record, "first"));
    assert_true(take(pair.ring, &record));
    assert_int_equal(record.bytes, 0);
    assert_false(take(pair.ring, &record));
    assert_false(ring_give_back(pair.ring)); /* nobody waits for it */
    assert_false(publish(&pair));            /* an empty batch wakes nobody */
    assert_false(take(pair.ring, &record));
    ring_free(pair.ring);
}

TEST(ring, opens_one_gate_for_all_rings_at_once)
{
    struct ring_gate gate = {0};
    struct ring *rings[2];
    struct slice record;
    for (int i = 0; i < 2; i++)
        assert_int_equal(ring_new(RING_BYTES_MIN, &gate, &rings[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(put(rings[i], "price", 5));
        (void)ring_offer(rings[i]);
        assert_false(take(rings[0], &record));
        assert_false(take(rings[1], &record));
    }
    ring_gate_open(&gate);
    assert_true(take(rings[1], &record));
    assert_true(take(rings[0], &record));
    for (int i = 0; i < 2; i++)
        ring_free(rings[i]);
}

TEST(ring, says_when_it_is_full_and_has_room_again_after_the_consumer)
{
    struct pair pair;
    struct slice record;
    char content[500] = {0};
    size_t count = 0;
    open_pair(&pair, RING_BYTES_MIN);
    while (put(pair.ring, content, sizeof content))
        count++;
    assert_int_equal(count, RING_BYTES_MIN / 512);
    assert_true(publish(&pair));
    for (size_t i = 0; i < count; i++)
        assert_true(take(pair.ring, &record));
    assert_false(put(pair.ring, content, 1)); /* taken, but not given back */
    (void)ring_give_back(pair.ring);
    assert_true(put(pair.ring, content, 1));
    ring_free(pair.ring);
}

TEST(ring, takes_what_was_there_when_it_was_looked_into)
{
    struct pair pair;
    struct slice record;
    open_pair(&pair, RING_BYTES_MIN);
    assert_false(ring_look(pair.ring));
    assert_true(put(pair.ring, "first", 5));
    (void)publish(&pair);
    assert_true(ring_look(pair.ring));
    assert_true(put(pair.ring, "next", 4));
    (void)publish(&pair);
    assert_true(ring_take(pair.ring, &record));
    assert_false(ring_take(pair.ring, &record));
    assert_true(ring_look(pair.ring));
    assert_true(ring_take(pair.ring, &record));
    assert_true(slice_is(record, "next"));
    ring_free(pair.ring);
}

static void fill(struct pair *pair)
{
    static const char content[500];
    while (put(pair->ring, content, sizeof content))
        continue;
    (void)publish(pair);
}

TEST(ring, tells_the_consumer_once_that_the_producer_waits_for_room)
{
    struct pair pair;
    struct slice record;
    open_pair(&pair, RING_BYTES_MIN);
    fill(&pair);
    assert_true(ring_wait_room(pair.ring));
    assert_true(take(pair.ring, &record));
    assert_true(ring_give_back(pair.ring));
    assert_true(take(pair.ring, &record));
    assert_false(ring_give_back(pair.ring));
    ring_free(pair.ring);
}

TEST(ring, lets_no_producer_wait_for_room_that_is_there_already)
{
    struct pair pair;
    struct slice record;
    open_pair(&pair, RING_BYTES_MIN);
    fill(&pair);
    assert_true(take(pair.ring, &record));
    assert_false(ring_give_back(pair.ring));
    assert_false(ring_wait_room(pair.ring)); /* it came between the look and the wish */
    assert_true(put(pair.ring, "room", 4));
    assert_true(take(pair.ring, &record));
    assert_false(ring_give_back(pair.ring)); /* the wish was taken back */
    ring_free(pair.ring);
}

TEST(ring, keeps_the_room_that_is_reserved)
{
    struct pair pair;
    open_pair(&pair, RING_BYTES_MIN);
    assert_true(ring_has_room(pair.ring, 1000, 3000));
    assert_false(ring_has_room(pair.ring, 1000, 3200));
    ring_free(pair.ring);
}

TEST(ring, holds_the_longest_record_wherever_it_begins)
{
    struct pair pair;
    struct slice record;
    static char content[RING_BYTES_MIN];
    open_pair(&pair, RING_BYTES_MIN);
    size_t longest = ring_record_bytes_max(pair.ring);
    for (size_t step = 0; step < 2000; step++) {
        size_t shorter = step * 8 % 600;
        assert_true(put(pair.ring, content, shorter));
        (void)publish(&pair);
        assert_true(take(pair.ring, &record));
        (void)ring_give_back(pair.ring);
        memset(content, (int)(step & 127), longest);
        assert_true(put(pair.ring, content, longest));
        (void)publish(&pair);
        assert_true(take(pair.ring, &record));
        assert_int_equal(record.bytes, longest);
        assert_memory_equal(record.at, content, longest);
        (void)ring_give_back(pair.ring);
    }
    ring_free(pair.ring);
}

TEST(ring, gives_back_what_was_put_for_any_sizes_and_batches)
{
    struct pair pair;
    struct prng prng;
    struct slice record;
    uint64_t put_next = 0, take_next = 0;
    prng_seed(&prng, 5);
    open_pair(&pair, RING_BYTES_MIN);
    for (int step = 0; step < 20000; step++) {
        for (uint64_t i = prng_below(&prng, 9); i > 0; i--) {
            size_t bytes = 8 + (size_t)prng_below(&prng, 700);
            char *room = ring_begin(pair.ring, bytes);
            if (room == NULL)
                break;
            memset(room, (int)(put_next & 127), bytes);
            memcpy(room, &put_next, 8);
            ring_end(pair.ring, bytes);
            put_next++;
        }
        (void)publish(&pair);
        uint64_t takes = prng_below(&prng, 9);
        while (takes-- > 0 && take(pair.ring, &record)) {
            uint64_t value;
            memcpy(&value, record.at, 8);
            assert_int_equal(value, take_next);
            for (size_t i = 8; i < record.bytes; i++)
                assert_int_equal(record.at[i], (char)(take_next & 127));
            take_next++;
        }
        if (prng_below(&prng, 2) == 0)
            (void)ring_give_back(pair.ring);
    }
    assert_true(take_next > 1000);
    ring_free(pair.ring);
}

/* ---- threads: what makes the order hold is what this shows, most of all under TSan ---- */

#define TURNS 20000

/* One producer of two rings; each consumer tells the other what it has seen. */
struct relay {
    struct ring_gate gate;
    struct ring *rings[2];
    _Atomic uint64_t told[2]; /* by consumer i: the newest that it has taken */
    _Atomic unsigned older;   /* times that the other one found an older one afterwards */
};

struct consumer {
    struct relay *relay;
    int own;
};

static void *produce(void *owner)
{
    struct relay *relay = owner;
    for (uint64_t value = 1; value <= TURNS; value++) {
        for (int i = 0; i < 2; i++) {
            while (!put(relay->rings[i], &value, sizeof value))
                sched_yield();
            (void)ring_offer(relay->rings[i]);
        }
        ring_gate_open(&relay->gate);
    }
    return NULL;
}

static void *consume(void *owner)
{
    const struct consumer *consumer = owner;
    struct relay *relay = consumer->relay;
    uint64_t seen = 0;
    while (seen < TURNS) {
        struct slice record;
        /* As a client that has read there and comes here: first it knows, then we look. */
        uint64_t known =
            atomic_load_explicit(&relay->told[1 - consumer->own], memory_order_acquire);
        (void)ring_look(relay->rings[consumer->own]);
        while (ring_take(relay->rings[consumer->own], &record))
            memcpy(&seen, record.at, sizeof seen);
        if (seen < known)
            atomic_fetch_add(&relay->older, 1);
        (void)ring_give_back(relay->rings[consumer->own]);
        atomic_store_explicit(&relay->told[consumer->own], seen, memory_order_release);
        sched_yield();
    }
    return NULL;
}

TEST(ring, never_shows_one_thread_less_than_another_has_told_it)
{
    static struct relay relay;
    struct consumer consumers[2] = {{&relay, 0}, {&relay, 1}};
    pthread_t threads[3];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ring_new(RING_BYTES_MIN, &relay.gate, &relay.rings[i]), 0);
    assert_int_equal(pthread_create(&threads[0], NULL, produce, &relay), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[1 + i], NULL, consume, &consumers[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&relay.older), 0);
    for (int i = 0; i < 2; i++)
        ring_free(relay.rings[i]);
}

/* A producer that sleeps whenever there is no room, and a consumer that sleeps whenever there is
 * nothing: a wake-up that is lost leaves both asleep, and the test without an end. */
struct sleepers {
    struct pair pair;
    sem_t room, records;
};

static void *produce_asleep(void *owner)
{
    struct sleepers *sleepers = owner;
    static const char content[1000];
    for (int i = 0; i < TURNS; i++) {
        while (!put(sleepers->pair.ring, content, sizeof content)) {
            if (!ring_wait_room(sleepers->pair.ring))
                continue;
            while (sem_wait(&sleepers->room) != 0)
                continue;
        }
        (void)publish(&sleepers->pair);
        (void)sem_post(&sleepers->records);
    }
    return NULL;
}

TEST(ring, loses_no_wish_for_room_between_two_threads)
{
    static struct sleepers sleepers;
    pthread_t thread;
    struct slice record;
    open_pair(&sleepers.pair, RING_BYTES_MIN);
    assert_int_equal(sem_init(&sleepers.room, 0, 0), 0);
    assert_int_equal(sem_init(&sleepers.records, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, produce_asleep, &sleepers), 0);
    for (int taken = 0; taken < TURNS;) {
        while (sem_wait(&sleepers.records) != 0)
            continue;
        (void)ring_look(sleepers.pair.ring);
        while (ring_take(sleepers.pair.ring, &record))
            taken++;
        if (ring_give_back(sleepers.pair.ring))
            (void)sem_post(&sleepers.room);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)sem_destroy(&sleepers.room);
    (void)sem_destroy(&sleepers.records);
    ring_free(sleepers.pair.ring);
}
