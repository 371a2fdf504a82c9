/* test_stream_crowd.c - many clients that come, go, read slowly or not at all, while markets move,
 * begin and end: whoever is still there ends with the truth, and nobody ever saw an older price
 * after a newer one (P1, P3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "roles/odds/odds_internal.h"
#include "stream_fixture.h"
#include "test.h"

#define PEERS   6
#define MARKETS 90

/* What a client believes. */
struct mirror {
    struct peer peer;
    bool there[MARKETS];
    unsigned long long version[MARKETS]; /* stays after the market is gone */
    unsigned long long seq;
    bool lazy; /* reads only at the end */
};

static int market_of(const char *text)
{
    int market = (int)strtol(text + strlen("\"market_id\":\"x"), NULL, 10);
    assert_in_range(market, 0, MARKETS - 1);
    return market;
}

/* Takes every market that the frame tells. */
static void take_markets(struct mirror *m, const char *frame)
{
    const char *at = frame;
    while ((at = strstr(at, "\"market_id\":\"x")) != NULL) {
        int market = market_of(at);
        unsigned long long version = frame_number(at, "odds_version");
        assert_true(version >= m->version[market]); /* P1 */
        m->version[market] = version;
        m->there[market] = true;
        at++;
    }
}

static void take(struct mirror *m, const char *frame)
{
    unsigned long long n = frame_number(frame, "seq");
    if (strncmp(frame, "{\"op\":\"snapshot\"", 16) == 0) {
        if (strstr(frame, "\"partial\":true") == NULL)
            memset(m->there, 0, sizeof m->there);
        assert_true(n >= m->seq);
        m->seq = n;
        take_markets(m, frame);
    } else if (strncmp(frame, "{\"op\":\"skipped\"", 15) == 0) {
        assert_true(n >= m->seq);
        m->seq = n;
    } else if (strncmp(frame, "{\"op\":\"removed\"", 15) == 0) {
        assert_int_equal(n, m->seq + 1);
        m->seq = n;
        m->there[market_of(strstr(frame, "\"market_id\""))] = false;
    } else {
        bool image = strncmp(frame, "{\"op\":\"image\"", 13) == 0;
        assert_true(image || strncmp(frame, "{\"op\":\"delta\"", 13) == 0);
        if (n != 0) {
            assert_int_equal(n, m->seq + 1);
            m->seq = n;
        }
        int market = market_of(strstr(frame, "\"market_id\""));
        if (!image) { /* it changes what is there, and nothing before it was left out */
            assert_true(m->there[market]);
            assert_int_equal(frame_number(frame, "odds_version"), m->version[market] + 1);
        }
        take_markets(m, frame);
    }
}

static void open_mirror(struct mirror *m, struct stream_fixture *f, struct prng *prng)
{
    char text[128];
    memset(m->there, 0, sizeof m->there);
    memset(m->version, 0, sizeof m->version);
    m->seq = 0;
    m->lazy = prng_below(prng, 2) == 0;
    peer_open(&m->peer, f);
    (void)snprintf(text, sizeof text,
                   "{\"op\":\"subscribe\",\"channels\":[\"sport:football\"],\"conflate_ms\":%d}",
                   prng_below(prng, 3) == 0 ? 3 : 0);
    peer_say(&m->peer, text);
}

/* Markets that ended come back with higher versions, as the odds-worker's epochs make sure. */
static void move_market(struct stream_fixture *f, struct prng *prng, unsigned long long *epoch)
{
    char id[16], event[16];
    uint32_t number = (uint32_t)prng_below(prng, MARKETS);
    (void)snprintf(id, sizeof id, "x%u", number);
    (void)snprintf(event, sizeof event, "e%u", number % 7);
    if (f->store->ops->get(f->store, slice_text(id)) == NULL)
        fixture_add_at(f, id, event, ++*epoch << 32);
    else if (prng_below(prng, 300) == 0)
        fixture_remove(f, id);
    else
        fixture_price_in_turn(f, id, 110 + (uint32_t)prng_below(prng, 9000));
}

static void read_some(struct mirror *m)
{
    const char *frame;
    for (int i = 0; i < 200 && (frame = peer_take(&m->peer)) != NULL; i++)
        take(m, frame);
}

static void compare(struct stream_fixture *f, const struct mirror *m)
{
    for (int i = 0; i < MARKETS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "x%d", i);
        const struct odds_image *image = f->store->ops->get(f->store, slice_text(id));
        assert_int_equal(m->there[i], image != NULL);
        if (image != NULL)
            assert_int_equal(m->version[i], image->odds_version);
    }
}

static void play(uint64_t seed)
{
    static struct mirror mirrors[PEERS];
    struct stream_fixture f;
    struct prng prng;
    unsigned long long epoch = 1;
    prng_seed(&prng, seed);
    fixture_init(&f);
    f.net.outbox_high_bytes = 4096; /* so that lag is common */
    f.options.limits.dirty_per_subscription_max = 8 + (int64_t)prng_below(&prng, 57);
    f.options.limits.history_bytes_max = 4096 << prng_below(&prng, 6);
    f.options.limits.image_bytes_max = 4096 << prng_below(&prng, 8);
    f.options.limits.paced_followers_min = 1 + (int64_t)prng_below(&prng, PEERS + 1);
    fixture_begin(&f);
    for (int i = 0; i < PEERS; i++)
        open_mirror(&mirrors[i], &f, &prng);
    for (int step = 0; step < 12000; step++) {
        move_market(&f, &prng, &epoch);
        struct mirror *m = &mirrors[prng_below(&prng, PEERS)];
        if (prng_below(&prng, 40) == 0) /* changes wait for a while, or go out in their turn */
            f.service->pace.due_us = prng_below(&prng, 2) == 0 ? 0 : INT64_MAX / 2;
        if (step % 20 == 0)
            fixture_turns(&f, 1);
        if (step % 16 == 0 && !m->lazy)
            read_some(m);
        if (prng_below(&prng, 2000) == 0) {
            peer_end(&m->peer);
            open_mirror(m, &f, &prng);
        }
    }
    f.service->pace.due_us = 0;
    for (int i = 0; i < PEERS; i++) {
        const char *frame;
        while ((frame = peer_next(&mirrors[i].peer)) != NULL)
            take(&mirrors[i], frame);
        compare(&f, &mirrors[i]);
    }
    const struct odds_service_stats *stats = odds_service_stats(f.service);
    assert_int_equal(stats->dirty.value, 0);
    assert_int_equal(stats->lagging.value, 0);
    assert_int_equal(stats->subscriptions.value, PEERS);
    assert_true(stats->image_bytes.value <= f.options.limits.image_bytes_max);
    for (int i = 0; i < PEERS; i++)
        peer_end(&mirrors[i].peer);
    assert_int_equal(stats->subscriptions.value, 0);
    assert_int_equal(stats->websockets.value, 0);
    fixture_end(&f);
}

TEST(stream_crowd, whoever_is_there_ends_with_the_truth)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        play(seed);
}
