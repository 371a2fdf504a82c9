/* test_odds_store_redis.c - the odds_store contract across Redis: what a writer's store holds is
 * what a follower's store gives, over one server, sentinels, a cluster, and a wire that fails. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/embedded/odds_store_memory.h"
#include "adapters/redis/odds_follower.h"
#include "adapters/redis/odds_writer.h"
#include "base/clock.h"
#include "fault_proxy.h"
#include "odds_store_contract.h"
#include "redis_servers.h"

#define END_US   (60 * US_PER_SECOND)
#define LEASE_US (60 * US_PER_SECOND)

struct redis_subject {
    struct store_subject subject;
    struct loop *loop;
    struct odds_writer *writer;
    struct odds_follower *follower;
    struct fault_proxy *proxy; /* NULL: none */
    const char *kind;
    unsigned rounds; /* all keys were read so often */
};

static struct redis_subject *redis_of(struct store_subject *subject)
{
    return (struct redis_subject *)subject;
}

static size_t one_provider(void *owner)
{
    (void)owner;
    return 1;
}

static uint64_t a_book(void *owner)
{
    (void)owner;
    return 7;
}

static struct slice provider_at(void *owner, size_t n, int64_t *ret_left_us)
{
    (void)owner, (void)n;
    *ret_left_us = LEASE_US;
    return SLICE("feed");
}

static void hear_market(void *owner, const struct odds_image *image, uint64_t before,
                        const uint16_t *changed, size_t count)
{
    (void)owner, (void)changed, (void)count;
    assert_true(image->odds_version > before); /* P1 */
}

static void hear_image(void *owner, const struct odds_image *image)
{
    (void)owner, (void)image;
}

static void count_round(void *owner)
{
    ((struct redis_subject *)owner)->rounds++;
}

static void turn(struct redis_subject *redis)
{
    bool more = odds_writer_turn(redis->writer);
    assert_int_equal(loop_run_once(redis->loop, more ? 0 : 10000), 0);
}

/* Each market of one store stands so in the other. */
static bool is_within(struct odds_store *a, struct odds_store *b)
{
    for (size_t slot = 0; slot < a->ops->slots(a); slot++) {
        const struct odds_image *here = a->ops->at(a, slot);
        const struct odds_image *there =
            here == NULL ? NULL : b->ops->get(b, ODDS_TEXT(here, market_id));
        if (here != NULL && (there == NULL || here->odds_version != there->odds_version ||
                             here->status != there->status))
            return false;
    }
    return true;
}

static void settle(struct store_subject *subject)
{
    struct redis_subject *redis = redis_of(subject);
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    while (!odds_writer_is_level(redis->writer) || !odds_follower_is_ready(redis->follower) ||
           !is_within(subject->written, subject->read) ||
           !is_within(subject->read, subject->written)) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        turn(redis);
    }
}

static void on_market(struct store_subject *subject, const struct odds_image *image)
{
    odds_writer_on_market(redis_of(subject)->writer, image, 0, NULL, 0);
}

static void on_removed(struct store_subject *subject, const struct odds_image *image)
{
    odds_writer_on_removed(redis_of(subject)->writer, image);
}

static void disturb(struct store_subject *subject, enum wire_fault fault)
{
    static const enum fault faults[] = {[WIRE_LOSES_REQUEST] = FAULT_LOSE_REQUEST,
                                        [WIRE_LOSES_ANSWER] = FAULT_LOSE_ANSWER,
                                        [WIRE_IS_SILENT] = FAULT_SILENCE,
                                        [WIRE_REFUSES] = FAULT_REFUSE,
                                        [WIRE_WORKS] = FAULT_NONE};
    struct redis_subject *redis = redis_of(subject);
    unsigned losses = fault_proxy_losses(redis->proxy);
    bool once = fault == WIRE_LOSES_REQUEST || fault == WIRE_LOSES_ANSWER;
    fault_proxy_set(redis->proxy, faults[fault]);
    if (fault == WIRE_WORKS)
        return;
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    while (once ? fault_proxy_losses(redis->proxy) == losses
                : odds_follower_is_ready(redis->follower)) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        turn(redis);
    }
}

/* Still is_level: it must have met what it is to be level with. */
static void wait_loss(struct redis_subject *redis)
{
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    while (odds_follower_is_ready(redis->follower)) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        turn(redis);
    }
    unsigned rounds = redis->rounds; /* one that runs is broken off when the channel is heard */
    while (redis->rounds == rounds) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        turn(redis);
    }
}

static void remember(struct store_subject *subject)
{
    redis_servers_remember(redis_of(subject)->kind);
}

static void fall_back(struct store_subject *subject, bool unseen)
{
    redis_servers_fall_back(redis_of(subject)->kind, !unseen);
    wait_loss(redis_of(subject));
}

static uint64_t held(struct store_subject *subject, const char *market, bool *ret_removed)
{
    return redis_servers_version(redis_of(subject)->kind, market, ret_removed);
}

static void begin_move(struct store_subject *subject, const char *market)
{
    redis_servers_begin_move(redis_of(subject)->kind, market);
}

static void end_move(struct store_subject *subject, const char *market)
{
    struct redis_subject *redis = redis_of(subject);
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + END_US;
    redis_servers_end_move(redis->kind, market);
    while (redis_servers_version(redis->kind, market, NULL) == 0) {
        assert_true(clock_us(CLOCK_MONOTONIC) < end_us);
        turn(redis);
    }
}

static void subject_free(struct store_subject *subject)
{
    struct redis_subject *redis = redis_of(subject);
    odds_writer_free(redis->writer);
    odds_follower_free(redis->follower);
    if (redis->proxy != NULL)
        fault_proxy_free(redis->proxy);
    subject->written->ops->free(subject->written);
    subject->read->ops->free(subject->read);
    loop_free(redis->loop);
    free(redis);
}

static void open_ends(struct redis_subject *redis, const struct redis_fleet_options *fleet)
{
    const struct odds_writer_providers providers = {NULL, one_provider, provider_at, a_book};
    const struct odds_follower_listener listener = {.owner = redis,
                                                    .on_market = hear_market,
                                                    .on_removed = hear_image,
                                                    .on_standing = hear_image,
                                                    .on_level = count_round};
    struct odds_writer_options writer = ODDS_WRITER_OPTIONS_DEFAULT;
    struct odds_follower_options follower = {
        .fleet = *fleet, .markets_max = 4 * STORE_MARKETS_MAX, .hash_key = {5, 6}};
    writer.fleet = *fleet;
    writer.lease_us = 100000;        /* its markets are active as soon as that was heard */
    writer.refresh_us = END_US * 60; /* nothing is written again because time has passed */
    writer.markets_max = STORE_MARKETS_MAX;
    assert_int_equal(
        odds_writer_new(redis->loop, &writer, redis->subject.written, &providers, &redis->writer),
        0);
    assert_int_equal(
        odds_follower_new(redis->loop, &follower, redis->subject.read, &listener, &redis->follower),
        0);
}

static struct store_subject *subject_at(const char *url, const char *kind,
                                        struct fault_proxy *proxy)
{
    const uint64_t key[2] = {1, 2};
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct redis_fleet_options fleet = {.link = REDIS_LINK_OPTIONS_DEFAULT};
    struct redis_subject *redis = calloc(1, sizeof *redis);
    assert_non_null(redis);
    redis->subject = (struct store_subject){.on_market = on_market,
                                            .on_removed = on_removed,
                                            .settle = settle,
                                            .disturb = disturb,
                                            .remember = remember,
                                            .fall_back = fall_back,
                                            .begin_move = begin_move,
                                            .end_move = end_move,
                                            .held = held,
                                            .free = subject_free};
    redis->proxy = proxy;
    redis->kind = kind;
    fleet.link.timeout_us = 300000; /* a silence need not be long */
    assert_int_equal(redis_place_parse(slice_text(url), &fleet.place, &why), 0);
    assert_int_equal(loop_new(&redis->loop), 0);
    assert_int_equal(odds_store_memory_new(STORE_MARKETS_MAX, key, &redis->subject.written), 0);
    assert_int_equal(odds_store_memory_new(4 * STORE_MARKETS_MAX, key, &redis->subject.read), 0);
    open_ends(redis, &fleet);
    return &redis->subject;
}

static struct store_subject *subject_of(const char *kind)
{
    const char *url = redis_servers(kind);
    if (url == NULL)
        return NULL;
    redis_servers_empty(kind);
    return subject_at(url, kind, NULL);
}

static struct store_subject *single_new(void)
{
    return subject_of("single");
}

static struct store_subject *sentinel_new(void)
{
    return subject_of("sentinel");
}

static struct store_subject *cluster_new(void)
{
    return subject_of("cluster");
}

static struct store_subject *behind_wire_new(void)
{
    char url[64];
    int port = 0;
    if (redis_servers("single") == NULL)
        return NULL;
    redis_servers_empty("single");
    struct fault_proxy *proxy = fault_proxy_new_tcp(redis_servers_port("single", 0), &port);
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    return subject_at(url, "single", proxy);
}

ODDS_STORE_CONTRACT(odds_store_redis, single_new)
ODDS_STORE_CONTRACT(odds_store_sentinel, sentinel_new)
ODDS_STORE_CONTRACT(odds_store_cluster, cluster_new)
ODDS_STORE_CONTRACT(odds_store_wire, behind_wire_new)
ODDS_STORE_CONTRACT_FAULTS(odds_store_wire, behind_wire_new)
ODDS_STORE_CONTRACT_COPIES(odds_store_redis, single_new)
ODDS_STORE_CONTRACT_COPIES(odds_store_cluster, cluster_new)
ODDS_STORE_CONTRACT_MOVES(odds_store_cluster, cluster_new)
