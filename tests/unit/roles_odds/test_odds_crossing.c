/* test_odds_crossing.c - the book's loop and two network loops on one thread, stepped by hand: what
 * each loop shows against what the book's store holds, with rings that are full most of the time.
 */
#include "roles/odds/odds_crossing.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/embedded/odds_store_memory.h"
#include "base/prng.h"
#include "market_fixture.h"
#include "test.h"

#define LOOPS       2
#define MARKETS     40
#define MARKETS_MAX 30
#define RING_BYTES  ((size_t)16 * 1024) /* about a dozen images */

struct network {
    struct ring *ring;
    struct crossing_down down;
    struct odds_level level;
    struct odds_sender sender;
    struct odds_store *store;
    struct odds_receiver receiver;
    bool level_now;           /* in the newest turn */
    uint64_t shown[MARKETS];  /* version; 0: none */
    uint64_t changes, images; /* deltas upon what was shown, and all others */
};

struct world {
    struct ring_gate gate;
    struct odds_store *store;
    uint64_t versions;      /* given so far */
    uint64_t gone[MARKETS]; /* the version that each was last removed with */
    struct network loops[LOOPS];
};

static struct world world;

static const char *name_of(size_t market)
{
    static char name[16];
    (void)snprintf(name, sizeof name, "m%zu", market);
    return name;
}

static size_t number_of(const struct odds_image *image)
{
    char text[16] = {0};
    memcpy(text, image->market_id, image->market_id_bytes);
    size_t number = strtoul(text + 1, NULL, 10);
    assert_true(number < MARKETS);
    return number;
}

static void on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count)
{
    struct network *loop = owner;
    uint64_t *shown = &loop->shown[number_of(image)];
    assert_true(image->odds_version > *shown); /* P1 */
    if (before_version != 0 && before_version == *shown) {
        assert_int_equal(changed_count, 1);
        assert_int_equal(changed[0], 0);
        loop->changes++;
    } else {
        loop->images++;
    }
    *shown = image->odds_version;
}

static void on_removed(void *owner, const struct odds_image *image)
{
    struct network *loop = owner;
    assert_true(loop->shown[number_of(image)] != 0);
    loop->shown[number_of(image)] = 0;
}

static struct world *begin(void)
{
    static const uint64_t key[2] = {3, 4};
    struct world *w = &world;
    memset(w, 0, sizeof *w);
    assert_int_equal(odds_store_memory_new(MARKETS_MAX, key, &w->store), 0);
    for (int i = 0; i < LOOPS; i++) {
        struct network *loop = &w->loops[i];
        assert_int_equal(ring_new(RING_BYTES, &w->gate, &loop->ring), 0);
        loop->down.ring = loop->ring;
        odds_sender_init(&loop->sender, &loop->down, &loop->level, w->store);
        assert_int_equal(odds_store_memory_new(MARKETS_MAX, key, &loop->store), 0);
        assert_int_equal(
            odds_receiver_init(&loop->receiver, loop->store, &loop->level, MARKETS_MAX, key), 0);
        loop->receiver.listener = (struct odds_receiver_listener){loop, on_market, on_removed};
    }
    return w;
}

static void end(struct world *w)
{
    for (int i = 0; i < LOOPS; i++) {
        odds_receiver_done(&w->loops[i].receiver);
        w->loops[i].store->ops->free(w->loops[i].store);
        ring_free(w->loops[i].ring);
    }
    w->store->ops->free(w->store);
}

/* ---- the book's side ---- */

static void change(struct world *w, size_t market)
{
    static const uint16_t first = 0;
    struct odds_image *image = market_image(name_of(market), "e1", "football");
    const struct odds_image *held = w->store->ops->get(w->store, slice_text(name_of(market)));
    uint64_t before = held == NULL ? 0 : held->odds_version;
    image->odds_version = odds_version_make(1, (uint32_t)++w->versions);
    if (w->store->ops->put(w->store, image) != ODDS_PUT_OK)
        return; /* markets_max */
    for (int i = 0; i < LOOPS; i++)
        odds_sender_on_market(&w->loops[i].sender, image, before, &first, 1);
}

static void drop(struct world *w, size_t market)
{
    struct slice id = slice_text(name_of(market));
    const struct odds_image *image = w->store->ops->get(w->store, id);
    if (image == NULL)
        return;
    for (int i = 0; i < LOOPS; i++)
        odds_sender_on_removed(&w->loops[i].sender, image);
    w->gone[market] = image->odds_version;
    w->store->ops->remove(w->store, id);
}

static void book_turn(struct world *w)
{
    for (int i = 0; i < LOOPS; i++) {
        (void)odds_sender_turn(&w->loops[i].sender);
        (void)ring_offer(w->loops[i].ring);
    }
    ring_gate_open(&w->gate);
    for (int i = 0; i < LOOPS; i++)
        odds_sender_turn_over(&w->loops[i].sender);
}

/* ---- the network's ---- */

static void network_turn(struct network *loop)
{
    struct slice record;
    odds_receiver_begin_look(&loop->receiver);
    (void)ring_look(loop->ring);
    while (ring_take(loop->ring, &record))
        odds_receiver_take(&loop->receiver, record);
    (void)ring_give_back(loop->ring);
    loop->level_now = odds_receiver_is_level(&loop->receiver);
}

static void all_turns(struct world *w, int count)
{
    for (int turn = 0; turn < count; turn++) {
        book_turn(w);
        for (int i = 0; i < LOOPS; i++)
            network_turn(&w->loops[i]);
    }
}

static uint64_t held_version(const struct world *w, size_t market)
{
    const struct odds_image *image = w->store->ops->get(w->store, slice_text(name_of(market)));
    return image == NULL ? 0 : image->odds_version;
}

static void expect_equal(const struct world *w, const struct network *loop)
{
    for (size_t market = 0; market < MARKETS; market++) {
        const struct odds_image *image =
            loop->store->ops->get(loop->store, slice_text(name_of(market)));
        assert_int_equal(loop->shown[market], held_version(w, market));
        assert_int_equal(image == NULL ? 0 : image->odds_version, loop->shown[market]);
    }
}

/* ---- tests ---- */

TEST(odds_crossing, begins_with_what_the_store_holds)
{
    struct world *w = begin();
    for (size_t market = 0; market < 20; market++) {
        struct odds_image *image = market_image(name_of(market), "e1", "football");
        assert_int_equal(w->store->ops->put(w->store, image), ODDS_PUT_OK);
    }
    for (int i = 0; i < LOOPS; i++)
        odds_sender_init(&w->loops[i].sender, &w->loops[i].down, &w->loops[i].level, w->store);
    book_turn(w);
    network_turn(&w->loops[0]);
    assert_false(w->loops[0].level_now); /* more than one ring full */
    all_turns(w, 6);
    for (int i = 0; i < LOOPS; i++) {
        assert_true(w->loops[i].level_now);
        expect_equal(w, &w->loops[i]);
    }
    end(w);
}

TEST(odds_crossing, sends_each_change_as_a_change_while_it_is_level)
{
    struct world *w = begin();
    all_turns(w, 2);
    for (int turn = 0; turn < 50; turn++) {
        change(w, (size_t)turn % 5);
        all_turns(w, 1);
        expect_equal(w, &w->loops[1]);
    }
    drop(w, 3);
    all_turns(w, 1);
    expect_equal(w, &w->loops[0]);
    assert_int_equal(w->loops[0].shown[3], 0);
    assert_int_equal(w->loops[0].changes, 45);
    assert_int_equal(w->loops[0].images, 5);
    assert_int_equal(w->loops[0].sender.left_out, 0);
    assert_true(w->loops[0].level_now);
    end(w);
}

TEST(odds_crossing, a_loop_that_did_not_look_gets_the_newest_and_loses_what_is_gone)
{
    struct world *w = begin();
    for (size_t market = 0; market < 20; market++)
        change(w, market);
    all_turns(w, 8);
    expect_equal(w, &w->loops[0]);
    uint64_t before = w->loops[1].sender.left_out;
    for (int turn = 0; turn < 100; turn++) {
        change(w, (size_t)turn % 20);
        if (turn == 60)
            drop(w, 7);
        if (turn == 90)
            for (size_t market = 10; market < 20; market++)
                drop(w, market);
        book_turn(w);
        network_turn(&w->loops[1]);
    }
    assert_true(w->loops[0].sender.left_out > before);
    assert_int_equal(w->loops[1].sender.left_out, before); /* one loop's trouble is its own */
    assert_true(w->loops[1].level_now);
    all_turns(w, 8);
    expect_equal(w, &w->loops[0]);
    assert_true(w->loops[0].level_now);
    end(w);
}

TEST(odds_crossing, a_round_names_markets_that_the_store_takes_in_meanwhile_and_all_others)
{
    struct world *w = begin();
    for (size_t market = 0; market < 20; market++)
        assert_int_equal(
            w->store->ops->put(w->store, market_image(name_of(market), "e1", "football")),
            ODDS_PUT_OK);
    w->versions = 1;
    all_turns(w, 1); /* one ring full: the round stands in the middle of the store */
    assert_true(w->loops[0].sender.cursor > 6);
    for (int i = 0; i < 30; i++)
        change(w, 0); /* the ring is full again: the round begins anew, in the middle */
    all_turns(w, 1);
    for (size_t market = 20; market < 26; market++)
        change(w, market);
    all_turns(w, 8);
    for (int i = 0; i < LOOPS; i++) {
        assert_true(w->loops[i].level_now);
        expect_equal(w, &w->loops[i]);
    }
    end(w);
}

TEST(odds_crossing, a_store_that_is_full_of_what_is_gone_is_emptied_and_asked_again)
{
    struct world *w = begin();
    for (size_t market = 0; market < MARKETS_MAX; market++)
        change(w, market);
    all_turns(w, 10);
    expect_equal(w, &w->loops[0]);
    for (int i = 0; i < 20; i++)
        change(w, 0); /* the ring is full: what follows is left out */
    for (size_t market = 1; market < 11; market++)
        drop(w, market);
    for (size_t market = MARKETS_MAX; market < MARKETS; market++)
        change(w, market);
    all_turns(w, 30);
    assert_true(w->loops[0].receiver.refused.value > 0);
    for (int i = 0; i < LOOPS; i++)
        expect_equal(w, &w->loops[i]);
    end(w);
}

/* As a client that has read on one loop and comes to the other, at any moment. */
static void compare_loops(const struct world *w, const struct network *before,
                          const struct network *after)
{
    if (!after->level_now)
        return;
    for (size_t market = 0; market < MARKETS; market++)
        if (after->shown[market] != 0)
            assert_true(after->shown[market] >= before->shown[market]);
        else /* it may be back by now, but not as what the other one shows */
            assert_true(before->shown[market] <= w->gone[market]);
}

TEST(odds_crossing, no_loop_that_is_level_shows_less_than_another_has_shown)
{
    struct prng prng;
    uint64_t compared = 0;
    prng_seed(&prng, 17);
    for (int round = 0; round < 20; round++) {
        struct world *w = begin();
        uint64_t load = 1 + (uint64_t)round % 9; /* from hardly any to more than can be sent */
        for (int step = 0; step < 3000; step++) {
            size_t one = (size_t)prng_below(&prng, LOOPS);
            uint64_t what = prng_below(&prng, 16);
            if (what < load)
                change(w, (size_t)prng_below(&prng, MARKETS));
            else if (what < load + 1)
                drop(w, (size_t)prng_below(&prng, MARKETS));
            else if (what < 13)
                book_turn(w);
            else if (what < 15)
                network_turn(&w->loops[one]);
            else {
                network_turn(&w->loops[1 - one]);
                compare_loops(w, &w->loops[one], &w->loops[1 - one]);
                compared += w->loops[1 - one].level_now;
            }
        }
        all_turns(w, 60);
        for (int i = 0; i < LOOPS; i++) {
            expect_equal(w, &w->loops[i]);
            assert_true(w->loops[i].level_now);
        }
        end(w);
    }
    if (compared <= 1000)
        fail_msg("compared only %llu times", (unsigned long long)compared);
}

/* ---- threads ---- */

#define THREAD_TURNS 3000

struct relay {
    struct world *world;
    _Atomic uint64_t told[LOOPS]; /* the version of market 0 that loop i has shown to newcomers */
    atomic_bool done;
    _Atomic unsigned older;
};

struct relay_loop {
    struct relay *relay;
    int own;
};

static void *run_network(void *owner)
{
    const struct relay_loop *one = owner;
    struct relay *relay = one->relay;
    struct network *loop = &relay->world->loops[one->own];
    bool last = false;
    while (!last || !loop->level_now) {
        last = atomic_load_explicit(&relay->done, memory_order_acquire);
        uint64_t known = atomic_load_explicit(&relay->told[1 - one->own], memory_order_acquire);
        network_turn(loop);
        if (loop->level_now && loop->shown[0] < known)
            atomic_fetch_add(&relay->older, 1);
        atomic_store_explicit(&relay->told[one->own], loop->shown[0], memory_order_release);
        sched_yield();
    }
    return NULL;
}

TEST(odds_crossing, holds_with_loops_on_threads_of_their_own)
{
    static struct relay relay;
    struct relay_loop loops[LOOPS];
    pthread_t threads[LOOPS];
    struct world *w = begin();
    relay.world = w;
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = (struct relay_loop){&relay, i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_network, &loops[i]), 0);
    }
    for (int turn = 0; turn < THREAD_TURNS; turn++) {
        for (size_t i = 0; i < 4; i++)
            change(w, i * (size_t)(turn % 7));
        if (turn % 5 == 0)
            drop(w, 1 + (size_t)turn % 20);
        book_turn(w);
        sched_yield();
    }
    for (int turn = 0; w->loops[0].sender.behind || w->loops[1].sender.behind || turn < 3; turn++) {
        book_turn(w);
        sched_yield();
    }
    atomic_store_explicit(&relay.done, true, memory_order_release);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&relay.older), 0);
    for (int i = 0; i < LOOPS; i++)
        expect_equal(w, &w->loops[i]);
    end(w);
}
