/* redis_fleet.c - contract in redis_fleet.h.
 * Links are made and freed by the tick only: it is in no callback of theirs. A master that is known
 * no more is freed there; one whose role is another is dropped and asked for again. */
#include "adapters/redis/redis_fleet.h"

#include <stdlib.h>

#include "adapters/redis/redis_command.h"
#include "adapters/redis/redis_sentinel.h"
#include "base/assert.h"
#include "base/error.h"
#include "crypto/random.h"
#include "net/stream/net_limits.h"

#define TICK_US         INT64_C(50000)
#define ASK_US          INT64_C(1000000) /* who the masters are, when nothing is wrong */
#define ASK_AGAIN_US    INT64_C(100000)  /* and when something is */
#define CONNECTIONS_MAX (2 * REDIS_NODES_MAX + REDIS_SEEDS_MAX)

struct fleet_node {
    struct redis_link *link; /* owned; NULL: to be made */
    struct net_address address;
    bool used; /* this place of the array is taken */
    bool gone; /* nobody names it any more: to be freed */
};

struct redis_fleet {
    struct redis_fleet_options options;
    struct redis_fleet_listener listener;
    struct loop *loop;
    struct conn_pool *pool;                    /* owned */
    struct fleet_node nodes[REDIS_NODES_MAX];  /* masters */
    struct redis_link *seeds[REDIS_SEEDS_MAX]; /* owned; of sentinels, and of a cluster's nodes */
    size_t seed_next;
    struct redis_slots slots; /* node: index into nodes */
    uint32_t map;             /* changes of it */
    uint64_t epoch, answered; /* of the cluster: the highest that was heard, and the newest */
    size_t behind;            /* seeds in a row whose epoch was lower */
    bool asking, troubled;    /* an answer is due; the masters may be others */
    bool lists_nodes;         /* the newest answer had every slot */
    int64_t ask_us;
    struct timer tick;
    struct redis_link_stats stats, seed_stats;
    struct metrics_counter masters_changed, redirects, ranges_reached, maps_behind, nodes_reached;
    struct metrics_gauge up;
};

/* ---- the nodes ---- */

static bool is_same(const struct net_address *a, const struct net_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static uint8_t find_node(const struct redis_fleet *fleet, const struct net_address *address)
{
    for (uint8_t i = 0; i < REDIS_NODES_MAX; i++)
        if (fleet->nodes[i].used && is_same(&fleet->nodes[i].address, address))
            return i;
    return REDIS_NODE_NONE;
}

/* The tick makes the link. */
static uint8_t add_node(struct redis_fleet *fleet, const struct net_address *address)
{
    uint8_t node = find_node(fleet, address);
    if (node != REDIS_NODE_NONE) {
        fleet->nodes[node].gone = false;
        return node;
    }
    for (uint8_t i = 0; i < REDIS_NODES_MAX; i++)
        if (!fleet->nodes[i].used) {
            fleet->nodes[i] = (struct fleet_node){.address = *address, .used = true};
            metrics_count(&fleet->masters_changed, 1);
            return i;
        }
    metrics_count(&fleet->nodes_reached, 1);
    return REDIS_NODE_NONE;
}

static bool serves(const struct fleet_node *node)
{
    return node->used && !node->gone && node->link != NULL && redis_link_is_up(node->link);
}

static void on_node_up(void *owner, struct redis_link *link)
{
    struct redis_fleet *fleet = owner;
    if (!slice_is(redis_link_role(link), "master")) {
        redis_link_drop(link);
        fleet->troubled = true;
        return;
    }
    metrics_change(&fleet->up, 1);
    fleet->listener.on_up(fleet->listener.owner, link);
}

static void on_node_down(void *owner, struct redis_link *link)
{
    struct redis_fleet *fleet = owner;
    fleet->troubled = true;
    if (!slice_is(redis_link_role(link), "master"))
        return;
    metrics_change(&fleet->up, -1);
    if (fleet->listener.on_down != NULL)
        fleet->listener.on_down(fleet->listener.owner, link);
}

/* ---- who the masters are ---- */

/* Those that were not named are freed by the tick. */
static void begin_naming(struct redis_fleet *fleet)
{
    for (size_t i = 0; i < REDIS_NODES_MAX; i++)
        fleet->nodes[i].gone = fleet->nodes[i].used;
}

static void on_sentinel(void *owner, uint64_t word, const redisReply *reply)
{
    struct redis_fleet *fleet = owner;
    struct net_address master;
    (void)word;
    fleet->asking = false;
    if (!redis_sentinel_master(reply, &master)) {
        fleet->troubled = true; /* the next sentinel may know */
        return;
    }
    begin_naming(fleet);
    (void)add_node(fleet, &master);
    fleet->lists_nodes = true;
}

static void set_slot(struct redis_fleet *fleet, size_t slot, uint8_t node)
{
    fleet->map += fleet->slots.node[slot] != node;
    fleet->slots.node[slot] = node;
}

static void take_slots(struct redis_fleet *fleet, const struct redis_slots *fresh)
{
    uint8_t places[REDIS_NODES_MAX] = {0};
    begin_naming(fleet);
    metrics_count(&fleet->nodes_reached, fresh->unplaced);
    for (size_t i = 0; i < fresh->nodes_count; i++)
        places[i] = add_node(fleet, &fresh->nodes[i]);
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        set_slot(fleet, i,
                 fresh->node[i] == REDIS_NODE_NONE ? REDIS_NODE_NONE : places[fresh->node[i]]);
    fleet->lists_nodes = redis_slots_served(&fleet->slots) == REDIS_SLOTS;
}

static void on_info(void *owner, uint64_t word, const redisReply *reply)
{
    struct redis_fleet *fleet = owner;
    (void)word;
    fleet->answered = redis_cluster_epoch(redis_text(reply));
}

/* A node that is cut off from the others has the map of before it was: each failover among them has
 * raised their epoch, and its own is lower. Only where all seeds say so it is another cluster. */
static bool is_behind(struct redis_fleet *fleet)
{
    bool behind = fleet->answered < fleet->epoch;
    fleet->behind = behind ? fleet->behind + 1 : 0;
    if (behind && fleet->behind < fleet->options.place.seeds_count) {
        metrics_count(&fleet->maps_behind, 1);
        return true;
    }
    fleet->epoch = fleet->answered;
    return false;
}

static void on_slots(void *owner, uint64_t word, const redisReply *reply)
{
    struct redis_fleet *fleet = owner;
    struct redis_slots fresh;
    const struct redis_link *asked = fleet->seeds[word];
    fleet->asking = false;
    redis_slots_init(&fresh);
    if (asked == NULL || redis_slots_read(&fresh, reply, redis_link_address(asked)) < 0 ||
        fresh.nodes_count == 0 || is_behind(fleet)) {
        fleet->troubled = true;
        return;
    }
    take_slots(fleet, &fresh);
}

static bool ask_seed(struct redis_fleet *fleet, size_t seed)
{
    char memory[256];
    struct buf out = buf_over(memory, sizeof memory);
    struct redis_link *link = fleet->seeds[seed];
    if (link == NULL || !redis_link_is_up(link))
        return false;
    if (fleet->options.place.kind == REDIS_CLUSTER) {
        (void)redis_link_send(link, SLICE("*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n"), on_info, fleet,
                              seed);
        redis_put_command(&out, 2);
        redis_put(&out, SLICE("CLUSTER"));
        redis_put(&out, SLICE("SLOTS"));
        return redis_link_send(link, buf_slice(&out), on_slots, fleet, seed);
    }
    redis_sentinel_put_question(
        &out, slice_of(fleet->options.place.name, fleet->options.place.name_bytes));
    return redis_link_send(link, buf_slice(&out), on_sentinel, fleet, seed);
}

/* Another one each time: one that is cut off from the others knows old things for long. */
static void ask(struct redis_fleet *fleet, int64_t now_us)
{
    size_t count = fleet->options.place.seeds_count;
    int64_t pause_us = fleet->troubled ? ASK_AGAIN_US : ASK_US;
    if (fleet->options.place.kind == REDIS_SINGLE || fleet->asking ||
        now_us - fleet->ask_us < pause_us)
        return;
    fleet->ask_us = now_us;
    fleet->troubled = false;
    for (size_t i = 0; i < count && !fleet->asking; i++)
        fleet->asking = ask_seed(fleet, fleet->seed_next++ % count);
    fleet->troubled |= !fleet->asking;
}

/* ---- the tick ---- */

static int make_link(struct redis_fleet *fleet, const struct net_address *address,
                     const struct redis_link_listener *listener, bool is_seed,
                     struct redis_link **ret_link)
{
    const struct redis_place *place = &fleet->options.place;
    struct redis_link_options options = fleet->options.link;
    options.pool = fleet->pool;
    options.tls = fleet->options.tls;
    const struct redis_auth *auth =
        is_seed && place->kind == REDIS_SENTINEL ? &place->sentinel_auth : &place->auth;
    options.user = slice_of(auth->user, auth->user_bytes);
    options.password = slice_of(auth->password, auth->password_bytes);
    if (is_seed)
        options.in_flight_max = 16;
    random_fill(&options.seed, sizeof options.seed);
    return redis_link_new(&options, address, listener, is_seed ? &fleet->seed_stats : &fleet->stats,
                          ret_link);
}

static void free_node(struct redis_fleet *fleet, struct fleet_node *node)
{
    if (node->link != NULL && redis_link_is_up(node->link))
        on_node_down(fleet, node->link);
    redis_link_free(node->link);
    *node = (struct fleet_node){.used = false};
}

static void tend_nodes(struct redis_fleet *fleet)
{
    const struct redis_link_listener listener = {fleet, on_node_up, on_node_down};
    for (size_t i = 0; i < REDIS_NODES_MAX; i++) {
        struct fleet_node *node = &fleet->nodes[i];
        if (node->gone)
            free_node(fleet, node);
        if (node->used && node->link == NULL)
            (void)make_link(fleet, &node->address, &listener, false, &node->link); /* or later */
    }
}

static void on_tick(void *owner)
{
    struct redis_fleet *fleet = owner;
    int64_t now_us = loop_now(fleet->loop).us;
    ask(fleet, now_us);
    tend_nodes(fleet);
    loop_timer_set(fleet->loop, &fleet->tick, (struct monotonic){now_us + TICK_US});
}

/* ---- life ---- */

static int open_seeds(struct redis_fleet *fleet)
{
    const struct redis_place *place = &fleet->options.place;
    const struct redis_link_listener listener = {.owner = fleet};
    if (place->kind == REDIS_SINGLE) {
        (void)add_node(fleet, &place->seeds[0]);
        fleet->lists_nodes = true;
        return 0;
    }
    for (size_t i = 0; i < place->seeds_count; i++)
        TRY(make_link(fleet, &place->seeds[i], &listener, true, &fleet->seeds[i]));
    return 0;
}

int redis_fleet_new(struct loop *loop, const struct redis_fleet_options *options,
                    const struct redis_fleet_listener *listener, struct redis_fleet **ret_fleet)
{
    struct redis_fleet *fleet = calloc(1, sizeof *fleet);
    struct net_limits limits = net_limits_default();
    if (fleet == NULL)
        return -ERR_MEMORY;
    fleet->options = *options;
    fleet->listener = *listener;
    fleet->loop = loop;
    fleet->ask_us = INT64_MIN / 2;
    redis_slots_init(&fleet->slots);
    timer_init(&fleet->tick, on_tick, fleet);
    limits.connections_max = CONNECTIONS_MAX;
    int error = conn_pool_new(loop, &limits, &fleet->pool);
    if (error == 0)
        error = open_seeds(fleet);
    if (error < 0) {
        redis_fleet_free(fleet);
        return error;
    }
    loop_timer_set(loop, &fleet->tick, loop_now(loop));
    *ret_fleet = fleet;
    return 0;
}

void redis_fleet_free(struct redis_fleet *fleet)
{
    if (fleet == NULL)
        return;
    loop_timer_cancel(fleet->loop, &fleet->tick);
    for (size_t i = 0; i < REDIS_NODES_MAX; i++)
        redis_link_free(fleet->nodes[i].link);
    for (size_t i = 0; i < REDIS_SEEDS_MAX; i++)
        redis_link_free(fleet->seeds[i]);
    conn_pool_free(fleet->pool);
    free(fleet);
}

/* ---- for its user ---- */

size_t redis_fleet_count(const struct redis_fleet *fleet)
{
    size_t count = 0;
    for (size_t i = 0; i < REDIS_NODES_MAX; i++)
        if (fleet->nodes[i].used)
            count = i + 1;
    return count;
}

struct redis_link *redis_fleet_at(struct redis_fleet *fleet, size_t n)
{
    return n < REDIS_NODES_MAX && serves(&fleet->nodes[n]) ? fleet->nodes[n].link : NULL;
}

size_t redis_fleet_find(struct redis_fleet *fleet, struct slice key)
{
    bool cluster = fleet->options.place.kind == REDIS_CLUSTER;
    return redis_fleet_serves(fleet, cluster ? redis_slot_of(key) : 0);
}

size_t redis_fleet_serves(struct redis_fleet *fleet, uint16_t slot)
{
    if (fleet->options.place.kind == REDIS_CLUSTER)
        return fleet->slots.node[slot];
    for (size_t i = 0; i < REDIS_NODES_MAX; i++)
        if (serves(&fleet->nodes[i]))
            return i;
    return REDIS_NODE_NONE;
}

uint32_t redis_fleet_map(const struct redis_fleet *fleet)
{
    return fleet->map;
}

size_t redis_fleet_ranges(struct redis_fleet *fleet, size_t n, struct redis_range *ret, size_t most)
{
    size_t count = 0;
    if (fleet->options.place.kind != REDIS_CLUSTER) {
        ret[0] = (struct redis_range){0, REDIS_SLOTS - 1};
        return redis_fleet_serves(fleet, 0) == n ? 1 : 0;
    }
    for (uint16_t slot = 0; slot < REDIS_SLOTS; slot++) {
        if (fleet->slots.node[slot] != n)
            continue;
        if (count > 0 && ret[count - 1].last + 1 == slot) {
            ret[count - 1].last = slot;
            continue;
        }
        if (count == most) {
            metrics_count(&fleet->ranges_reached, 1);
            break;
        }
        ret[count++] = (struct redis_range){slot, slot};
    }
    return count;
}

bool redis_fleet_is_whole(const struct redis_fleet *fleet)
{
    bool any = false;
    for (size_t i = 0; i < REDIS_NODES_MAX; i++) {
        const struct fleet_node *node = &fleet->nodes[i];
        if (node->used && !node->gone && !serves(node))
            return false;
        any |= node->used && !node->gone;
    }
    return any && fleet->lists_nodes;
}

int redis_fleet_connect(struct redis_fleet *fleet, const struct net_address *address,
                        const struct redis_link_listener *listener, struct redis_link **ret_link)
{
    return make_link(fleet, address, listener, false, ret_link);
}

enum redis_redirect redis_fleet_note_error(struct redis_fleet *fleet, size_t n,
                                           const redisReply *reply, size_t *ret_ask)
{
    uint16_t slot;
    struct net_address address;
    struct slice text = redis_text(reply);
    if (n >= REDIS_NODES_MAX || !fleet->nodes[n].used)
        return REDIS_STAYS;
    if (slice_begins(text, SLICE("READONLY")))
        redis_link_drop(fleet->nodes[n].link); /* it was the master: who is it now? */
    if (fleet->options.place.kind != REDIS_CLUSTER)
        return REDIS_STAYS;
    enum redis_redirect redirect =
        redis_redirect_read(text, &fleet->nodes[n].address, &slot, &address);
    if (redirect == REDIS_STAYS)
        return redirect;
    metrics_count(&fleet->redirects, 1);
    uint8_t node = add_node(fleet, &address);
    *ret_ask = node;
    if (redirect == REDIS_MOVED) {
        set_slot(fleet, slot, node);
        fleet->troubled = true;
    }
    return redirect;
}

int redis_fleet_register_metrics(struct redis_fleet *fleet, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_redis_masters_up", "Masters of the odds store that can be used", NULL, 0},
         &fleet->up},
        {{"overround_redis_queue", "Commands without an answer, of one connection", NULL, 0},
         &fleet->stats.queued},
    };
    const struct metrics_row counters[] = {
        {{"overround_redis_connects_total", "Attempts to connect to the odds store", NULL, 0},
         &fleet->stats.connects.value},
        {{"overround_redis_losses_total", "Connections to the odds store that broke", NULL, 0},
         &fleet->stats.losses.value},
        {{"overround_redis_timeouts_total", "Connections ended as an answer was late", NULL, 0},
         &fleet->stats.timeouts.value},
        {{"overround_redis_masters_changed_total", "Masters that were not known before", NULL, 0},
         &fleet->masters_changed.value},
        {{"overround_redis_redirects_total", "MOVED and ASK", NULL, 0}, &fleet->redirects.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"redis_queue_max\"", 0},
         &fleet->stats.full.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"odds_claim_ranges_max\"", 0},
         &fleet->ranges_reached.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"redis_nodes_max\"", 0},
         &fleet->nodes_reached.value},
        {{"overround_redis_maps_behind_total",
          "Maps of a cluster that were older than one before, passed over", NULL, 0},
         &fleet->maps_behind.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
