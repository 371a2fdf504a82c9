/* node_fronts.c - contract in node_fronts.h. */
#include "cli/node/node_fronts.h"

#include <stdlib.h>

#include "app/book.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"
#include "net/stream/listener.h"

#define QUESTIONS_PER_TURN_MAX 4096 /* of one loop; the rest is asked in the next turn */

/* ---- a front on this loop: what it asks ---- */

static bool takes_bets(void *owner)
{
    return book_takes_bets(((struct node_fronts *)owner)->parts.book);
}

static int64_t silence_us(void *owner, struct slice provider)
{
    const struct book *book = ((struct node_fronts *)owner)->parts.book;
    if (book_provider_alive(book, provider))
        return ODDS_PROVIDER_ALIVE;
    for (size_t i = 0; i < book_providers_count(book); i++) {
        int64_t age_us = -1;
        if (slice_equal(book_provider_at(book, i, &age_us), provider) && age_us >= 0)
            return age_us;
    }
    return ODDS_PROVIDER_UNKNOWN;
}

static bool tell_score(void *owner, struct slice event_id, struct odds_scoreboard *ret)
{
    const struct node_fronts_parts *parts = &((struct node_fronts *)owner)->parts;
    return parts->scoreboard(parts->scoreboard_owner, event_id, ret);
}

static int open_here(struct node_fronts *fronts)
{
    const struct node_fronts_parts *parts = &fronts->parts;
    return node_front_open(&fronts->here,
                           &(struct node_front_parts){
                               .options = parts->options,
                               .loop = parts->loop,
                               .store = parts->store,
                               .bets = parts->bets,
                               .rules = parts->rules,
                               .takes_bets = takes_bets,
                               .silence_us = silence_us,
                               .scoreboard = parts->scoreboard != NULL ? tell_score : NULL,
                               .owner = fronts,
                               .share = 1,
                               .numbers = parts->numbers[0],
                           });
}

/* ---- network loops: opening ---- */

static void ask_questions(struct node_fronts *fronts);

static void on_wakeup(void *owner)
{
    ask_questions(owner);
}

static int open_side(struct node_fronts *fronts, unsigned number, const uint64_t hash_key[2],
                     struct buf *why)
{
    struct loop_side *side = &fronts->sides[number];
    const struct network_loop_parts parts = {
        .options = fronts->parts.options,
        .gate = &fronts->gate,
        .board = &fronts->board,
        .book = &fronts->wakeup,
        .hash_key = {hash_key[0], hash_key[1]},
        .number = number,
        .count = fronts->sides_count,
        .numbers = fronts->parts.numbers[number],
    };
    TRY(network_loop_open(&side->network, &parts, why));
    side->down = (struct crossing_down){.ring = side->network.link.down};
    side->own = (struct own_sender){.down = &side->down, .presence = side->network.link.presence};
    side->teller = (struct bet_teller){.port = fronts->parts.bets, .down = &side->down};
    odds_sender_init(&side->prices, &side->down, &side->network.link.level, fronts->parts.store);
    return 0;
}

/* Each on cache lines of its own. */
static int sides_new(unsigned count, struct loop_side **ret_sides)
{
    struct loop_side *sides = aligned_alloc(_Alignof(struct loop_side), count * sizeof *sides);
    if (sides == NULL)
        return -ERR_MEMORY;
    memset(sides, 0, count * sizeof *sides);
    *ret_sides = sides;
    return 0;
}

static int open_sides(struct node_fronts *fronts, struct buf *why)
{
    uint64_t hash_key[2];
    random_fill(hash_key, sizeof hash_key);
    TRY(loop_wakeup_open(fronts->parts.loop, &fronts->wakeup, on_wakeup, fronts));
    fronts->wakeup_open = true;
    TRY(sides_new(fronts->sides_count, &fronts->sides));
    for (unsigned i = 0; i < fronts->sides_count; i++)
        TRY(open_side(fronts, i, hash_key, why));
    return 0;
}

unsigned node_fronts_count(const struct node_options *options)
{
    return options->loops > 0 ? (unsigned)options->loops : 1;
}

int node_fronts_open(struct node_fronts *fronts, const struct node_fronts_parts *parts,
                     struct buf *why)
{
    fronts->parts = *parts;
    fronts->sides_count = (unsigned)parts->options->loops;
    return fronts->sides_count == 0 ? open_here(fronts) : open_sides(fronts, why);
}

/* ---- turns ---- */

static void ask_of(struct loop_side *side, struct loop *loop)
{
    struct ring *up = side->network.link.up;
    struct slice record;
    side->stuck = false;
    if (!ring_look(up))
        return;
    for (int i = 0; i < QUESTIONS_PER_TURN_MAX; i++) {
        side->stuck = !bet_teller_may_take(&side->teller);
        if (side->stuck || !ring_take(up, &record)) {
            (void)ring_give_back(up);
            return;
        }
        bet_teller_take(&side->teller, record);
    }
    (void)ring_give_back(up);
    loop_turn_again(loop);
}

static void ask_questions(struct node_fronts *fronts)
{
    for (unsigned i = 0; i < fronts->sides_count; i++)
        ask_of(&fronts->sides[i], fronts->parts.loop);
}

void node_fronts_turn_begin(struct node_fronts *fronts)
{
    ask_questions(fronts);
}

static void show_board(struct node_fronts *fronts)
{
    const struct book *book = fronts->parts.book;
    int64_t now_us = loop_now(fronts->parts.loop).us;
    atomic_store_explicit(&fronts->board.takes_bets, book_takes_bets(book), memory_order_relaxed);
    for (size_t i = 0; i < book_providers_count(book); i++) {
        int64_t age_us = 0;
        struct slice provider = book_provider_at(book, i, &age_us);
        int64_t left_us = book_provider_left_us(book, provider);
        provider_board_show(&fronts->board.providers, provider, now_us - age_us,
                            left_us < 0 ? INT64_MIN : now_us + left_us);
    }
}

/* Who has found no room is woken when there is some. */
static void wait_for_room(struct loop_side *side, struct loop *loop)
{
    bool wants = side->stuck || side->prices.behind || side->own.gap;
    if (wants && !ring_wait_room(side->down.ring))
        loop_turn_again(loop);
}

/* One batch for all loops: whoever has seen it at one finds it at every other (P1). */
static void offer_all(struct node_fronts *fronts)
{
    struct loop *loop = fronts->parts.loop;
    int64_t behind = 0;
    for (unsigned i = 0; i < fronts->sides_count; i++) {
        struct loop_side *side = &fronts->sides[i];
        if (odds_sender_turn(&side->prices))
            loop_turn_again(loop);
        own_sender_turn(&side->own);
        side->newer = ring_offer(side->down.ring);
    }
    ring_gate_open(&fronts->gate);
    for (unsigned i = 0; i < fronts->sides_count; i++) {
        struct loop_side *side = &fronts->sides[i];
        odds_sender_turn_over(&side->prices);
        behind += side->prices.behind;
        wait_for_room(side, loop);
        if (side->newer)
            loop_wakeup_signal(&side->network.link.wakeup);
    }
    metrics_set(&fronts->behind, behind);
}

static bool sides_are_drained(const struct node_fronts *fronts)
{
    for (unsigned i = 0; i < fronts->sides_count; i++)
        if (!atomic_load(&fronts->sides[i].network.link.drained))
            return false;
    return true;
}

void node_fronts_turn_end(struct node_fronts *fronts)
{
    if (fronts->sides_count == 0 || !fronts->attached)
        return;
    show_board(fronts);
    offer_all(fronts);
    if (fronts->draining && sides_are_drained(fronts)) {
        fronts->draining = false;
        fronts->on_drained(fronts->owner);
    }
}

bool node_fronts_failed(const struct node_fronts *fronts)
{
    for (unsigned i = 0; i < fronts->sides_count; i++)
        if (atomic_load_explicit(&fronts->sides[i].network.link.failed, memory_order_relaxed))
            return true;
    return false;
}

/* ---- the first prices ---- */

static bool all_are_level(const struct node_fronts *fronts)
{
    for (unsigned i = 0; i < fronts->sides_count; i++)
        if (fronts->sides[i].prices.behind)
            return false;
    return true;
}

/* No loop runs yet: both sides of the rings are this thread's, and nobody is shown a part. */
void node_fronts_attach(struct node_fronts *fronts)
{
    fronts->attached = true;
    if (fronts->sides_count == 0)
        node_front_attach(&fronts->here);
    while (!all_are_level(fronts)) {
        node_fronts_turn_end(fronts);
        for (unsigned i = 0; i < fronts->sides_count; i++)
            network_loop_take(&fronts->sides[i].network);
    }
    for (unsigned i = 0; i < fronts->sides_count; i++)
        node_front_attach(&fronts->sides[i].network.front);
}

/* ---- listening ---- */

static struct node_front *front_at(struct node_fronts *fronts, unsigned index)
{
    return fronts->sides_count == 0 ? &fronts->here : &fronts->sides[index].network.front;
}

static int refuse_address(const struct net_address *address, int error, struct buf *why)
{
    buf_put_text(why, "cannot listen at ");
    net_address_write(why, address);
    return error;
}

/* Those that share an address would not find out that somebody has it. */
static int probe(const struct net_address *address, int inherited, struct buf *why)
{
    int error = inherited == 0 ? listener_probe(address) : 0;
    return error < 0 ? refuse_address(address, error, why) : 0;
}

static int probe_all(const struct node_fronts *fronts, const struct node_fronts_sockets *inherited,
                     struct buf *why)
{
    const struct node_listen_options *listen = &fronts->parts.options->listen;
    if (listen->plain)
        TRY(probe(&fronts->plain, inherited->plain[0], why));
    return listen->tls ? probe(&fronts->tls, inherited->tls[0], why) : 0;
}

static int take_socket(int *socket)
{
    int fd = *socket;
    *socket = 0;
    return fd;
}

static int listen_one(struct node_fronts *fronts, unsigned index,
                      const struct node_fronts_sockets *inherited, struct buf *why)
{
    struct node_front_listening listening = {
        .options = &fronts->parts.options->listen,
        .plain = fronts->plain,
        .tls = fronts->tls,
        .tls_server = fronts->parts.tls,
        .plain_inherited = take_socket(&inherited->plain[index]),
        .tls_inherited = take_socket(&inherited->tls[index]),
        .shares = fronts->sides_count > 0,
    };
    const struct net_address *refused;
    int error = node_front_listen(front_at(fronts, index), &listening, &refused);
    if (error < 0)
        return refuse_address(refused, error, why);
    fronts->plain = listening.plain; /* port 0: the first has chosen for all */
    fronts->tls = listening.tls;
    return 0;
}

int node_fronts_listen(struct node_fronts *fronts, const struct node_fronts_sockets *inherited,
                       struct buf *why)
{
    fronts->plain = fronts->parts.options->public_address;
    fronts->tls = fronts->parts.options->listen.tls_address;
    if (fronts->sides_count > 0)
        TRY(probe_all(fronts, inherited, why));
    for (unsigned i = 0; i < node_fronts_count(fronts->parts.options); i++)
        TRY(listen_one(fronts, i, inherited, why));
    for (unsigned i = 0; i < fronts->sides_count; i++)
        TRY(network_loop_start(&fronts->sides[i].network));
    return 0;
}

/* ---- what the book tells ---- */

void node_fronts_on_market(struct node_fronts *fronts, const struct odds_image *image,
                           uint64_t before_version, const uint16_t *changed, size_t changed_count)
{
    if (fronts->here.odds != NULL)
        odds_service_on_market(fronts->here.odds, image, before_version, changed, changed_count);
    for (unsigned i = 0; fronts->attached && i < fronts->sides_count; i++)
        odds_sender_on_market(&fronts->sides[i].prices, image, before_version, changed,
                              changed_count);
}

void node_fronts_on_standing(struct node_fronts *fronts, const struct odds_image *image)
{
    ASSERT(fronts->sides == NULL); /* options: --roles bet-service is without --loops */
    if (fronts->attached)
        odds_service_on_standing(fronts->here.odds, image);
}

void node_fronts_on_removed(struct node_fronts *fronts, const struct odds_image *image)
{
    if (fronts->here.odds != NULL)
        odds_service_on_removed(fronts->here.odds, image);
    for (unsigned i = 0; fronts->attached && i < fronts->sides_count; i++)
        odds_sender_on_removed(&fronts->sides[i].prices, image);
}

bool node_fronts_wants(struct node_fronts *fronts, struct slice user_id)
{
    if (fronts->here.odds != NULL && odds_service_has_user(fronts->here.odds, user_id))
        return true;
    for (unsigned i = 0; i < fronts->sides_count; i++)
        if (own_presence_has(fronts->sides[i].network.link.presence, user_id))
            return true;
    return false;
}

void node_fronts_push(struct node_fronts *fronts, struct slice user_id, const char *op,
                      struct slice object)
{
    if (fronts->here.odds != NULL)
        odds_service_push(fronts->here.odds, user_id, op, object);
    for (unsigned i = 0; i < fronts->sides_count; i++)
        if (own_sender_wants(&fronts->sides[i].own, user_id))
            own_sender_push(&fronts->sides[i].own, user_id, op, object);
}

void node_fronts_open_now(void *owner, uint64_t *ret_connections, uint64_t *ret_websockets)
{
    struct node_fronts *fronts = owner;
    *ret_connections = *ret_websockets = 0;
    for (unsigned i = 0; i < node_fronts_count(fronts->parts.options); i++) {
        const struct net_stats *stats = http_server_stats(front_at(fronts, i)->server);
        *ret_connections += __atomic_load_n(&stats->connections, __ATOMIC_RELAXED);
        *ret_websockets += __atomic_load_n(&stats->ws_open, __ATOMIC_RELAXED);
    }
}

/* ---- the end ---- */

static void order_all(struct node_fronts *fronts, enum loop_order order)
{
    for (unsigned i = 0; i < fronts->sides_count; i++)
        network_loop_order(&fronts->sides[i].network, order);
}

void node_fronts_leave(struct node_fronts *fronts)
{
    order_all(fronts, LOOP_ORDER_LEAVE);
    if (fronts->here.odds == NULL)
        return;
    http_server_stop_listening(fronts->here.server);
    odds_service_leave(fronts->here.odds);
}

/* What the book has shown last must have come to the loops as well. */
bool node_fronts_is_answered(const struct node_fronts *fronts)
{
    if (fronts->here.odds != NULL)
        return odds_service_is_answered(fronts->here.odds);
    for (unsigned i = 0; i < fronts->sides_count; i++)
        if (!atomic_load(&fronts->sides[i].network.link.answered))
            return false;
    return all_are_level(fronts);
}

void node_fronts_send_away(struct node_fronts *fronts)
{
    order_all(fronts, LOOP_ORDER_SEND_AWAY);
    if (fronts->here.odds == NULL)
        return;
    odds_service_send_away(fronts->here.odds);
    if (odds_service_hand_over(fronts->here.odds, &fronts->numbers) < 0)
        log_warn("handover", "no memory for the numbers of the streams");
}

void node_fronts_drain(struct node_fronts *fronts, int64_t deadline_ms,
                       void (*on_drained)(void *owner), void *owner)
{
    if (fronts->here.odds != NULL) {
        node_front_drain(&fronts->here, deadline_ms, on_drained, owner);
        return;
    }
    fronts->on_drained = on_drained;
    fronts->owner = owner;
    fronts->draining = true;
    for (unsigned i = 0; i < fronts->sides_count; i++)
        atomic_store(&fronts->sides[i].network.link.drain_ms, deadline_ms);
    order_all(fronts, LOOP_ORDER_DRAIN);
}

void node_fronts_stop(struct node_fronts *fronts)
{
    for (unsigned i = 0; fronts->sides != NULL && i < fronts->sides_count; i++)
        network_loop_stop(&fronts->sides[i].network);
}

struct shared_bytes *node_fronts_numbers(struct node_fronts *fronts, unsigned index)
{
    return fronts->sides_count == 0 ? fronts->numbers : fronts->sides[index].network.numbers;
}

void node_fronts_listening(const struct node_fronts *fronts, unsigned index, int *ret_plain,
                           int *ret_tls)
{
    const struct node_listen_options *listen = &fronts->parts.options->listen;
    const struct http_server *server = front_at((struct node_fronts *)fronts, index)->server;
    int next = 0; /* in the order of their opening */
    *ret_plain = listen->plain ? http_server_listening_fd(server, next++) : -1;
    *ret_tls = listen->tls ? http_server_listening_fd(server, next) : -1;
}

void node_fronts_close(struct node_fronts *fronts)
{
    node_front_close(&fronts->here);
    shared_bytes_give(fronts->numbers);
    for (unsigned i = 0; fronts->sides != NULL && i < fronts->sides_count; i++)
        network_loop_close(&fronts->sides[i].network);
    free(fronts->sides);
    if (fronts->wakeup_open)
        loop_wakeup_close(&fronts->wakeup);
    *fronts = (struct node_fronts){.sides = NULL};
}

/* ---- what is counted ---- */

static int register_side(const struct loop_side *side, struct metrics *metrics)
{
    const struct metrics_row rows[] = {
        {{"overround_loops_prices_left_out_total", "Price changes without room in a loop's ring",
          NULL, 0},
         &side->prices.left_out},
        {{"overround_loops_prices_named_total", "Markets sent anew to a loop that was behind", NULL,
          0},
         &side->prices.named},
        {{"overround_loops_own_left_out_total", "Own messages without room in a loop's ring", NULL,
          0},
         &side->own.left_out},
        {{"overround_loops_own_gaps_total", "Times a loop's users were sent away for them", NULL,
          0},
         &side->own.gaps},
        {{"overround_loops_answers_delayed_total", "Answers without room, replaced by 503", NULL,
          0},
         &side->teller.delayed},
    };
    return metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows);
}

int node_fronts_register_metrics(struct node_fronts *fronts, struct metrics *metrics)
{
    if (fronts->sides_count == 0)
        return node_front_register_metrics(&fronts->here, metrics);
    for (unsigned i = 0; i < fronts->sides_count; i++) {
        TRY(network_loop_register_metrics(&fronts->sides[i].network, metrics));
        TRY(register_side(&fronts->sides[i], metrics));
    }
    return metrics_add_gauge(metrics,
                             (struct metrics_name){"overround_loops_behind",
                                                   "Network loops whose prices are not level", NULL,
                                                   0},
                             &fronts->behind);
}
