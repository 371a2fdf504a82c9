/* network_loop.c - contract in network_loop.h. */
#include "cli/node/network_loop.h"

#include <stdio.h>

#include "adapters/embedded/odds_store_memory.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"

#define UP_BYTES   ((size_t)4 << 20)
#define DOWN_BYTES ((size_t)16 << 20)
#define QUESTIONS  16384 /* under way, over all loops: as the bet service has at most */

_Static_assert(QUESTIONS *BET_CROSSING_OWED <= DOWN_BYTES / 2,
               "short answers for all leave room for prices");
_Static_assert(BET_QUESTION_BYTES_MAX < UP_BYTES / 2 && BET_ANSWER_BYTES_MAX < DOWN_BYTES / 2,
               "the longest records fit");

/* ---- from the book ---- */

static void take_record(struct network_loop *network, struct slice record)
{
    switch ((enum crossing_kind)crossing_kind_of(record)) {
    case CROSSING_ANSWER:
        bet_asker_take(network->asker, record);
        return;
    case CROSSING_MARKET:
    case CROSSING_REMOVED:
    case CROSSING_ROUND_END:
        odds_receiver_take(&network->receiver, record);
        return;
    case CROSSING_OWN:
    case CROSSING_OWN_GAP:
        own_receiver_take(network->front.odds, record);
        return;
    case CROSSING_QUESTION:
        break;
    }
    ASSERT(false); /* nobody asks us */
}

static void wake_book(struct network_loop *network)
{
    metrics_count(&network->wakeups, 1);
    loop_wakeup_signal(network->link.book);
}

static void take_all(struct network_loop *network)
{
    struct ring *down = network->link.down;
    struct slice record;
    if (!ring_look(down))
        return;
    while (ring_take(down, &record))
        take_record(network, record);
    if (ring_give_back(down))
        wake_book(network);
}

/* P1: before a socket is read, and again behind each read. What a client asks for may have been
 * shown to it by another loop since this turn began. */
static void look(void *owner)
{
    struct network_loop *network = owner;
    odds_receiver_begin_look(&network->receiver);
    take_all(network);
    odds_service_hold(network->front.odds, !odds_receiver_is_level(&network->receiver));
}

void network_loop_take(struct network_loop *network)
{
    look(network);
}

/* ---- orders ---- */

static void on_drained(void *owner)
{
    struct network_loop *network = owner;
    atomic_store(&network->link.drained, true);
    wake_book(network);
}

static void send_away(struct network_loop *network)
{
    odds_service_send_away(network->front.odds);
    if (odds_service_hand_over(network->front.odds, &network->numbers) < 0)
        log_warn("handover", "no memory for the numbers of the streams");
}

static void obey(struct network_loop *network)
{
    unsigned orders = atomic_load(&network->link.orders);
    unsigned fresh = orders & ~network->obeyed;
    if (fresh == 0)
        return;
    network->obeyed = orders;
    if ((fresh & LOOP_ORDER_LEAVE) != 0) {
        http_server_stop_listening(network->front.server);
        odds_service_leave(network->front.odds);
    }
    if ((fresh & LOOP_ORDER_SEND_AWAY) != 0)
        send_away(network);
    if ((fresh & LOOP_ORDER_DRAIN) != 0)
        node_front_drain(&network->front, atomic_load(&network->link.drain_ms), on_drained,
                         network);
    if ((fresh & LOOP_ORDER_STOP) != 0)
        loop_stop(network->loop);
}

/* ---- turns ---- */

static void on_turn_begin(void *owner)
{
    look(owner);
    obey(owner);
}

/* Before the fan-out of the turn, which takes longer. */
static void on_turn_end(void *owner)
{
    struct network_loop *network = owner;
    struct loop_link *link = &network->link;
    if (ring_offer(link->up)) {
        ring_gate_open(&link->up_gate);
        wake_book(network);
    }
    if ((network->obeyed & LOOP_ORDER_LEAVE) != 0)
        atomic_store(&link->answered, odds_service_is_answered(network->front.odds));
}

static void *run(void *owner)
{
    struct network_loop *network = owner;
    if (loop_run(network->loop) < 0) {
        log_error("network", "a loop has ended: the kernel refuses to wait");
        atomic_store(&network->link.failed, true);
        on_drained(network);
    }
    return NULL;
}

/* ---- what the front asks ---- */

static bool takes_bets(void *owner)
{
    const struct network_loop *network = owner;
    return atomic_load_explicit(&network->link.board->takes_bets, memory_order_relaxed);
}

static int64_t silence_us(void *owner, struct slice provider)
{
    const struct network_loop *network = owner;
    return provider_board_silence_us(&network->link.board->providers, provider,
                                     loop_now(network->loop).us);
}

static void on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count)
{
    struct network_loop *network = owner;
    odds_service_on_market(network->front.odds, image, before_version, changed, changed_count);
}

static void on_removed(void *owner, const struct odds_image *image)
{
    struct network_loop *network = owner;
    odds_service_on_removed(network->front.odds, image);
}

/* ---- opening ---- */

static int open_link(struct network_loop *network, const struct network_loop_parts *parts)
{
    struct loop_link *link = &network->link;
    link->board = parts->board;
    link->book = parts->book;
    TRY(ring_new(UP_BYTES, &link->up_gate, &link->up));
    TRY(ring_new(DOWN_BYTES, parts->gate, &link->down));
    TRY(own_presence_new(parts->hash_key, &link->presence));
    TRY(loop_wakeup_open(network->loop, &link->wakeup, look, network));
    link->wakeup_open = true;
    return 0;
}

static int open_crossings(struct network_loop *network, const struct network_loop_parts *parts)
{
    uint32_t markets = (uint32_t)parts->options->markets_max;
    TRY(odds_store_memory_new(markets, parts->hash_key, &network->store));
    TRY(odds_receiver_init(&network->receiver, network->store, &network->link.level, markets,
                           parts->hash_key));
    network->receiver_open = true;
    network->receiver.listener = (struct odds_receiver_listener){network, on_market, on_removed};
    return bet_asker_new(QUESTIONS / parts->count, network->link.up, &network->asker);
}

/* Our hooks come before the front's: questions go before the fan-out. */
int network_loop_open(struct network_loop *network, const struct network_loop_parts *parts,
                      struct buf *why)
{
    const struct node_options *options = parts->options;
    network->number = parts->number;
    network->keys.folder = -1;
    TRY(loop_new(&network->loop));
    TRY(local_keys_open(options->data, options->jwks, &network->keys, why));
    TRY(open_link(network, parts));
    TRY(open_crossings(network, parts));
    loop_at_turn_begin(network->loop, on_turn_begin, network);
    TRY(loop_at_turn_end(network->loop, LOOP_STAGE_WORK, on_turn_end, network));
    TRY(node_front_open(&network->front, &(struct node_front_parts){
                                             .options = options,
                                             .loop = network->loop,
                                             .store = network->store,
                                             .presence = network->link.presence,
                                             .bets = bet_asker_port(network->asker),
                                             .rules = &network->keys.rules,
                                             .takes_bets = takes_bets,
                                             .silence_us = silence_us,
                                             .owner = network,
                                             .share = parts->count,
                                             .numbers = parts->numbers,
                                         }));
    http_server_at_receive(network->front.server, look, network);
    return 0;
}

int network_loop_start(struct network_loop *network)
{
    char name[16];
    if (pthread_create(&network->thread, NULL, run, network) != 0)
        return -ERR_MEMORY;
    network->running = true;
    (void)snprintf(name, sizeof name, "network-%u", network->number);
    (void)pthread_setname_np(network->thread, name); /* only for those who look */
    return 0;
}

/* ---- the end ---- */

void network_loop_order(struct network_loop *network, enum loop_order order)
{
    (void)atomic_fetch_or(&network->link.orders, (unsigned)order);
    loop_wakeup_signal(&network->link.wakeup);
}

void network_loop_stop(struct network_loop *network)
{
    if (!network->running)
        return;
    network_loop_order(network, LOOP_ORDER_STOP);
    (void)pthread_join(network->thread, NULL);
    network->running = false;
}

void network_loop_close(struct network_loop *network)
{
    if (network->loop == NULL)
        return;
    node_front_close(&network->front);
    loop_at_turn_begin(network->loop, NULL, NULL);
    loop_remove_hook(network->loop, on_turn_end, network);
    bet_asker_free(network->asker);
    if (network->receiver_open)
        odds_receiver_done(&network->receiver);
    if (network->store != NULL)
        network->store->ops->free(network->store);
    if (network->link.wakeup_open)
        loop_wakeup_close(&network->link.wakeup);
    own_presence_free(network->link.presence);
    ring_free(network->link.up);
    ring_free(network->link.down);
    local_keys_close(&network->keys);
    shared_bytes_give(network->numbers);
    loop_free(network->loop);
    network->loop = NULL;
}

int network_loop_register_metrics(struct network_loop *network, struct metrics *metrics)
{
    metrics_begin_part(metrics);
    TRY(node_front_register_metrics(&network->front, metrics));
    TRY(bet_asker_register_metrics(network->asker, metrics));
    TRY(odds_receiver_register_metrics(&network->receiver, metrics));
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_loops_wakeups_total",
                                                     "Times a network loop woke the book's", NULL,
                                                     0},
                               &network->wakeups);
}
