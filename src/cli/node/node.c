/* node.c - contract in node.h.
 * One loop does everything that decides: it reads requests and prices, ends each turn by handing
 * one group to the log, and sends what the turn has made. The log's own threads write. */
#include "cli/node/node.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "app/book_copy.h"
#include "base/assert.h"
#include "base/cycles.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/demo_status_node.h"
#include "cli/node/descriptors.h"
#include "cli/node/node_internal.h"
#include "cli/node/node_ready.h"
#include "cli/version.h"

#define ADMIN_TOKENS_KEPT 256
#define USERS_TRACKED_MAX 262144
#define IN_FLIGHT_MAX     16384
#define ADMIN_CONNECTIONS 256

/* ---- what the book tells ---- */

/* What the record says of a user's own bets and money, to that user's sockets. */
static void push_own(struct node *node, const struct record_view *record)
{
    if (record->head->account == 0)
        return;
    struct slice user_id =
        shard_state_user_id(book_state(node->book), (struct account_ref){record->head->account});
    if (!node_fronts_wants(&node->fronts, user_id) && !node_links_wants(&node->links, user_id))
        return;
    struct buf object = buf_over(node->push, sizeof node->push);
    const char *op;
    if (!bet_service_push(node->bets, record, &object, &op))
        return;
    ASSERT(!object.overflow);
    node_fronts_push(&node->fronts, user_id, op, buf_slice(&object));
    node_links_push(&node->links, user_id, op, buf_slice(&object));
}

static void on_record(void *owner, const struct record_view *record)
{
    struct node *node = owner;
    if (!node->fronts.attached)
        return; /* the book starts: nobody is there yet */
    push_own(node, record);
    if (node->proofs.service != NULL)
        proof_service_on_record(node->proofs.service, record);
}

static void on_word(void *owner, const struct record_view *record)
{
    node_desk_word(&((struct node *)owner)->desk, record);
}

static void on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count)
{
    struct node *node = owner;
    node_odds_store_on_market(&node->odds_store, image, before_version, changed, changed_count);
    node_fronts_on_market(&node->fronts, image, before_version, changed, changed_count);
}

static void on_removed(void *owner, const struct odds_image *image)
{
    struct node *node = owner;
    node_odds_store_on_removed(&node->odds_store, image);
    node_fronts_on_removed(&node->fronts, image);
}

static void on_standing(void *owner, const struct odds_image *image)
{
    node_fronts_on_standing(&((struct node *)owner)->fronts, image);
}

static void on_stopped(void *owner)
{
    const struct node *node = owner;
    log_error("ledger", "no bets until a restart",
              LOG_TEXT("reason", slice_text(book_stop_reason(node->book))));
}

/* ---- the turns ---- */

static void on_turn_begin(void *owner)
{
    struct node *node = owner;
    node->counter.closed = !node_has_shard(node);
    const char *damage = node_upkeep_stop_reason(&node->upkeep);
    if (damage != NULL)
        book_stop(node->book, damage);
    book_begin_turn(node->book, loop_wall(node->loop), loop_now(node->loop));
    node_desk_turn_begin(&node->desk);
    bet_service_begin_turn(node->bets, loop_now(node->loop));
    node_fronts_turn_begin(&node->fronts);
    node_ship_turn(&node->ship);
}

static void on_due(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

static void measure_settlement(struct node *node)
{
    bool busy = book_stats(node->book)->settle_backlog > 0;
    int64_t now_us = loop_now(node->loop).us;
    if (busy && node->settle_begun_us == 0) {
        node->settle_begun_us = now_us;
    } else if (!busy && node->settle_begun_us != 0) {
        metrics_record(&node->settlement_us, (uint64_t)(now_us - node->settle_begun_us));
        node->settle_begun_us = 0;
    }
}

static void on_turn_end(void *owner)
{
    struct node *node = owner;
    enum cycles_stage before = cycles_enter(CYCLES_COMMIT);
    book_end_turn(node->book);
    (void)cycles_enter(before);
    node_desk_turn_end(&node->desk, node_has_shard(node) && !book_stopped(node->book));
    measure_settlement(node);
    if (node_odds_store_turn(&node->odds_store))
        loop_turn_again(node->loop);
    node_fronts_turn_end(&node->fronts);
    node_links_turn_end(&node->links, book_takes_bets(node->book) && !node->counter.closed);
    node_offices_turn_end(&node->offices);
    node_streams_turn(&node->streams);
    node_handover_turn(&node->handover);
    node_projection_turn(&node->projection, &node->stores.meter.log);
    int64_t due_us = book_due_us(node->book);
    if (due_us == 0)
        loop_turn_again(node->loop);
    else if (due_us > 0)
        loop_timer_set(node->loop, &node->due_timer,
                       (struct monotonic){loop_now(node->loop).us + due_us});
    bool settled = book_idle(node->book) || book_stopped(node->book) ||
                   book_paused(node->book) != NULL || book_waits_for_space(node->book);
    if ((node->drain_begun && node->draining == 0 && settled) ||
        node_fronts_failed(&node->fronts) || node_must_leave(node))
        loop_stop(node->loop);
}

static void on_log_ready(void *owner)
{
    struct node *node = owner;
    enum cycles_stage before = cycles_enter(CYCLES_ANSWER);
    book_poll(node->book);
    (void)cycles_enter(before);
    node_volumes_tell(&node->volumes, node->stores.file_log);
    node_database_tell(&node->database);
}

static void notify_log(void *owner)
{
    loop_wakeup_signal(owner);
}

static void on_simulator_step(void *owner)
{
    struct node *node = owner;
    (void)node_orphans_step(&node->orphans);
    if (book_feed_ready(node->book)) /* else the disk is behind: the match goes on a step later */
        synthetic_feed_step(node->simulator, loop_wall(node->loop));
    loop_timer_set(node->loop, &node->simulator_timer,
                   (struct monotonic){loop_now(node->loop).us + SIMULATOR_STEP_US});
}

/* ---- the end ---- */

static void on_drained(void *owner)
{
    struct node *node = owner;
    ASSERT(node->draining > 0);
    node->draining--;
    loop_turn_again(node->loop);
}

static void begin_drain(void *owner, int64_t deadline_ms)
{
    struct node *node = owner;
    if (node->drain_begun)
        return;
    log_info("node", "draining");
    demo_status_node_stop(node->demo);
    node->drain_begun = true;
    node->draining = 2;
    node_fronts_drain(&node->fronts, deadline_ms, on_drained, node);
    http_server_drain(node->admin_server, deadline_ms, on_drained, node);
}

static void on_signal(void *owner, int signal)
{
    struct node *node = owner;
    if (++node->signals > 1)
        _exit(128 + signal);
    begin_drain(node, DRAIN_MS);
}

static void on_hangup(void *owner, int signal)
{
    (void)signal;
    struct node *node = owner;
    node_listen_reload(&node->listen);
}

/* ---- opening ---- */

static enum node_end fail(struct node *node, const char *what, int error)
{
    if (node->why->bytes == 0)
        buf_printf(node->why, "%s: %s", what, error_text(error));
    return NODE_FAILED;
}

/* Signals are blocked before any thread begins, so that only the loop sees them. */
static int open_loop(struct node *node)
{
    (void)signal(SIGPIPE, SIG_IGN);
    TRY(loop_new(&node->loop));
    TRY(loop_watch_signal(node->loop, SIGTERM, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGINT, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGHUP, on_hangup, node));
    timer_init(&node->due_timer, on_due, node);
    timer_init(&node->simulator_timer, on_simulator_step, node);
    return 0;
}

static int open_data(struct node *node)
{
    if (mkdir(node->options->data, 0700) != 0 && errno != EEXIST) {
        buf_printf(node->why, "cannot make the folder %s", node->options->data);
        return -ERR_IO;
    }
    TRY(local_keys_open(node->options->data, node->options->jwks, &node->keys, node->why));
    TRY(token_cache_new(ADMIN_TOKENS_KEPT, &node->tokens));
    node->bearer = (struct bearer){.cache = node->tokens, .rules = node->keys.rules};
    return 0;
}

static int open_book(struct node *node, const struct book_options *options)
{
    const struct book_ports ports = {
        .log = &node->stores.meter.log,
        .odds_log = node->stores.odds_log,
        .store = node->stores.store,
        .prices = node->options->follows ? node_follow_source(&node->follow) : NULL,
        .vault = node->personal.vault,
        .snapshots = node->shadow.of_book,
        .reconcile = node->shadow.reconcile,
        .verdicts = node->verdicts.store,
        .wait_checked = node_check_wait,
        .checked_owner = &node->check,
    };
    const struct book_listener listener = {.owner = node,
                                           .on_market = on_market,
                                           .on_standing = on_standing,
                                           .on_removed = on_removed,
                                           .on_record = on_record,
                                           .on_word = on_word,
                                           .on_stopped = on_stopped};
    TRY(loop_wakeup_open(node->loop, &node->log_wakeup, on_log_ready, node));
    node->log_wakeup_open = true;
    node->stores.meter.log.notify = notify_log;
    node->stores.meter.log.notify_owner = &node->log_wakeup;
    node->verdicts.store->notify = notify_log;
    node->verdicts.store->notify_owner = &node->log_wakeup;
    return book_new(options, &ports, &listener, &node->book);
}

static int open_admin_server(struct node *node)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = ADMIN_CONNECTIONS;
    limits.http_body_bytes_max = 1024 * 1024;
    limits.outbox_bytes_max = SHIP_OUTBOX_BYTES_MAX;
    limits.ws_message_bytes_max = NODE_LINK_MESSAGE_BYTES_MAX;
    return http_server_new(node->loop, &limits, &node->admin_server);
}

static int open_bets(struct node *node, const struct book_options *book)
{
    struct bet_service_options options = {
        .bets_per_minute_max = (uint32_t)node->options->bets_per_minute,
        .users_tracked_max = USERS_TRACKED_MAX,
        .in_flight_max = IN_FLIGHT_MAX,
        .deposit_minor_max = book->deposit_minor_max,
    };
    return bet_service_new(&options, node->book, &node->bets);
}

static const char *profile_text(enum node_profile profile)
{
    switch (profile) {
    case PROFILE_DEMO:
        return "demo";
    case PROFILE_BENCH:
        return "bench";
    case PROFILE_PRODUCTION:
        return "production";
    }
    return "";
}

static int open_backoffice(struct node *node)
{
    TRY(node_open_feeds(node));
    const struct backoffice_parts parts = {
        .ship = node_ship_serve,
        .ship_owner = &node->ship,
        .link = node_links_serve,
        .link_owner = &node->links,
        .office_link = node_offices_serve,
        .office_link_owner = &node->offices,
        .desk_link = node_desk_serve,
        .desk_link_owner = &node->desk,
        .words = {&node->desk, node_desk_wait, node_desk_shard},
        .hindered = node_is_hindered,
        .hindered_owner = node,
        .streams = node_pages_serve,
        .streams_owner = &node->pages,
        .loop = node->loop,
        .book = node->book,
        .store = node->stores.store,
        .bearer = &node->bearer,
        .metrics = &node->metrics,
        .open_now = node_fronts_open_now,
        .open_now_owner = &node->fronts,
        .results = node->options->results,
        .tree = tree_keeper_tree(node->proofs.keeper),
        .formats = node->formats,
        .formats_count = node->formats_count,
        .version = version_text,
        .profile = profile_text(node->options->profile),
        .demo_kid =
            node->options->demo && node->options->jwks == NULL ? SLICE(LOCAL_KEY_ID) : SLICE_NONE,
    };
    TRY(backoffice_new(&parts, &node->backoffice));
    node_offices_open(&node->offices,
                      &(struct office_desk){node->backoffice, backoffice_serve_carried});
    return 0;
}

static bool tell_score(void *owner, struct slice event_id, struct odds_scoreboard *ret)
{
    static const char *const phases[] = {
        [SYNTHETIC_BEFORE] = "before",       [SYNTHETIC_FIRST_HALF] = "first_half",
        [SYNTHETIC_HALF_TIME] = "half_time", [SYNTHETIC_SECOND_HALF] = "second_half",
        [SYNTHETIC_ENDED] = "ended",
    };
    const struct node *node = owner;
    struct synthetic_scoreboard board;
    for (size_t i = 0; node->simulator != NULL && i < SYNTHETIC_MATCHES_MAX; i++) {
        if (!synthetic_feed_scoreboard(node->simulator, i, &board) ||
            !slice_equal(board.event_id, event_id))
            continue;
        *ret = (struct odds_scoreboard){.home = board.score.home,
                                        .away = board.score.away,
                                        .reds_home = board.reds_home,
                                        .reds_away = board.reds_away,
                                        .minute = board.minute,
                                        .phase = phases[board.phase]};
        return true;
    }
    return false;
}

static int open_fronts(struct node *node)
{
    struct slice numbers[NODE_LOOPS_MAX] = {SLICE_NONE};
    for (unsigned i = 0; i < node->handover.states_count; i++)
        if (node->handover.states[i] != NULL)
            numbers[i] = shared_bytes_slice(node->handover.states[i]);
    return node_fronts_open(&node->fronts,
                            &(struct node_fronts_parts){
                                .options = node->options,
                                .loop = node->loop,
                                .book = node->book,
                                .store = node->stores.store,
                                .bets = &node->counter.port,
                                .rules = &node->keys.rules,
                                .scoreboard = tell_score,
                                .scoreboard_owner = node,
                                .numbers = numbers,
                                .tls = node->listen.tls[NODE_TLS_PUBLIC].server,
                            },
                            node->why);
}

/* Those of this book are written there, or another's are read. */
static int open_shared_prices(struct node *node)
{
    const struct node_options *options = node->options;
    const struct node_follow_parts follow = {.loop = node->loop,
                                             .book = node->book,
                                             .desk =
                                                 options->desk.count > 0 ? &node->desk.link : NULL,
                                             .markets_max = options->markets_max};
    const struct node_odds_store_parts write = {.loop = node->loop,
                                                .store = node->stores.store,
                                                .book = node->book,
                                                .markets_max = options->markets_max};
    return options->follows
               ? node_follow_open(&node->follow, &options->odds_store, &follow, node->why)
               : node_odds_store_open(&node->odds_store, &options->odds_store, &write, node->why);
}

/* Turn-end hooks run in the order of their making: first the feed's lines, then the book's turn,
 * then the fan-out of what both have changed. */
static int open_roles(struct node *node, const struct book_options *book)
{
    TRY(open_admin_server(node));
    TRY(open_bets(node, book));
    TRY(open_backoffice(node));
    TRY(node_uof_open(&node->uof_link, &node->options->uof,
                      &(struct node_uof_parts){node->loop, node->book, node->uof}, node->why));
    TRY(loop_at_turn_end(node->loop, LOOP_STAGE_WORK, on_turn_end, node));
    TRY(node_open_proofs(node));
    TRY(open_shared_prices(node));
    bet_counter_init(&node->counter, node->options->shard, node->bets, node->proofs.service);
    node_links_open(&node->links, &node->counter.port, node->options->shard);
    TRY(open_fronts(node));
    metrics_init(&node->metrics, node->metrics_items, METRICS_ITEMS_MAX);
    metrics_histogram_init(&node->settlement_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    return node_register_metrics(node);
}

static void say_started(const struct node *node)
{
    const struct book_restart *restart = book_restart(node->book);
    if (restart->snapshots_passed > 0)
        log_warn("book", "a snapshot was passed over; it may be deleted",
                 LOG_U64("passed", restart->snapshots_passed),
                 LOG_TEXT("problem", slice_text(restart->text)));
    log_info("book", "started", LOG_U64("records", shard_state_seq(book_state(node->book))),
             LOG_U64("snapshot", restart->snapshot_seq), LOG_U64("checked", node->check.seq),
             LOG_U64("accounts", shard_state_accounts_count(book_state(node->book))),
             LOG_U64("bets", shard_state_bets_count(book_state(node->book))));
}

static enum node_end start_book(struct node *node)
{
    const char *reason = "";
    struct node_takeover *takeover = node->options->takeover;
    if (takeover != NULL && takeover->state != NULL)
        book_adopt(node->book, &takeover->state);
    int error = book_start(node->book, loop_wall(node->loop), loop_now(node->loop), &reason);
    if (error == 0) {
        node_check_end(&node->check);
        loop_at_turn_begin(node->loop, on_turn_begin, node);
        node_fronts_attach(&node->fronts);
        node_ship_start(&node->ship, node->book);
        say_started(node);
        return NODE_ENDED;
    }
    buf_printf(node->why, "the book cannot be started: %s", error_text(error));
    if (reason != NULL && reason[0] != '\0')
        buf_printf(node->why, ": %s", reason);
    const char *problem = ledger_file_problem(node->stores.file_log);
    if (problem[0] == '\0')
        problem = node_database_problem(&node->database);
    if (problem[0] != '\0')
        buf_printf(node->why, "; %s", problem);
    return error == -ERR_CORRUPT ? NODE_DAMAGED : error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
}

static enum node_end start_shadow(struct node *node, const struct book_options *book)
{
    node->shadow.notify = notify_log;
    node->shadow.notify_owner = &node->log_wakeup;
    node->shadow.verdicts = node->verdicts.store;
    int error = node_shadow_start(&node->shadow, &node->options->shadow, &book->limits,
                                  node->stores.file_log);
    if (error == 0)
        error = node_verdicts_start(&node->verdicts);
    return error < 0 ? fail(node, "cannot fold the ledger a second time", error) : NODE_ENDED;
}

static enum node_end start_projection(struct node *node, const struct book_options *book)
{
    int error = node_projection_start(&node->projection, &book->limits, node->stores.file_log);
    return error < 0 ? fail(node, "cannot project the ledger", error) : NODE_ENDED;
}

static enum node_end start_upkeep(struct node *node)
{
    node->upkeep.notify = notify_log;
    node->upkeep.notify_owner = &node->log_wakeup;
    int error = node_upkeep_start(&node->upkeep, &node->options->upkeep,
                                  &(struct node_upkeep_stores){.log = node->stores.file_log,
                                                               .disk = node->stores.ledger_disk,
                                                               .archive = node->stores.archive_disk,
                                                               .odds = node->stores.odds_disk,
                                                               .tree = node->stores.tree_disk,
                                                               .keeper = node->proofs.keeper,
                                                               .keys = node->verdicts.store,
                                                               .verdicts = node->verdicts.disk});
    return error < 0 ? fail(node, "cannot look after the ledger's files", error) : NODE_ENDED;
}

static int open_simulator(struct node *node)
{
    struct synthetic_options options;
    struct buf prefix = buf_over(node->simulator_prefix, sizeof node->simulator_prefix);
    int64_t wall_us = loop_wall(node->loop).us;
    synthetic_options_init(&options);
    /* A prefix that no earlier run had, so that a match of this run is never one of that run. */
    buf_printf(&prefix, "%llx", (unsigned long long)(wall_us / US_PER_MS));
    options.id_prefix = buf_slice(&prefix);
    options.seed = node->options->seed != 0 ? (uint64_t)node->options->seed : (uint64_t)wall_us;
    options.start = loop_wall(node->loop);
    options.speed_permille = (uint32_t)node->options->speed_permille;
    options.margin_permyriad = (uint32_t)node->options->trading.margin_permyriad;
    TRY(synthetic_feed_new(&options, book_sink(node->book), &node->simulator));
    node_orphans_begin(&node->orphans, node->book);
    loop_timer_set(node->loop, &node->simulator_timer, loop_now(node->loop));
    return 0;
}

static int listen_admin(struct node *node)
{
    const struct http_handlers handlers = backoffice_handlers(node->backoffice);
    const struct http_listening admin = {.address = node->options->admin_address,
                                         .inherited = node->handover.inherited[HANDOVER_ADMIN][0],
                                         .tls = node->listen.tls[NODE_TLS_ADMIN].server};
    node->handover.inherited[HANDOVER_ADMIN][0] = 0;
    int error = http_server_listen_as(node->admin_server, &admin, &handlers, &node->admin_bound);
    if (error < 0) {
        buf_put_text(node->why, "cannot listen at ");
        net_address_write(node->why, &admin.address);
    }
    return error;
}

static enum node_end open_listeners(struct node *node)
{
    const struct node_fronts_sockets inherited = {
        .plain = node->handover.inherited[HANDOVER_PLAIN],
        .tls = node->handover.inherited[HANDOVER_TLS],
    };
    int error = node_fronts_listen(&node->fronts, &inherited, node->why);
    if (error == 0)
        error = listen_admin(node);
    return error < 0 ? fail(node, "cannot listen", error) : NODE_ENDED;
}

/* Before any file of the book is touched: the running process has them. */
static enum node_end take_from_running(struct node *node)
{
    const struct node_options *options = node->options;
    const struct node_handover_wanted wanted = {
        .addresses = {[HANDOVER_PLAIN] = options->listen.plain ? &options->public_address : NULL,
                      [HANDOVER_TLS] = options->listen.tls ? &options->listen.tls_address : NULL,
                      [HANDOVER_ADMIN] = &options->admin_address},
        .fronts = node_fronts_count(options),
    };
    if (!options->from_running)
        return NODE_ENDED;
    int error = node_handover_ask(&node->handover, options->data, &wanted, node->why);
    if (error == 0)
        error = node_handover_go(&node->handover, node->why);
    return error == 0 ? NODE_ENDED : error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
}

/* Without it the program serves as well; only an upgrade then needs an end and a start. */
static void open_handover(struct node *node)
{
    const struct node_handover_parts parts = {.data = node->options->data,
                                              .loop = node->loop,
                                              .admin_server = node->admin_server,
                                              .fronts = &node->fronts,
                                              .fronts_count = node_fronts_count(node->options),
                                              .book = node->book,
                                              .backoffice = node->backoffice,
                                              .uof = &node->uof_link,
                                              .drain = begin_drain,
                                              .owner = node};
    if (node->options->simulate) /* the matches live in their process */
        return;
    if (node_handover_open(&node->handover, &parts) < 0)
        log_warn("handover", "handover.sock cannot be made: no process can take over");
}

static enum node_end open_all(struct node *node)
{
    int error = open_loop(node);
    if (error == 0)
        error = node_listen_open(&node->listen, node->loop, &node->options->listen, node->why);
    if (error == 0)
        error = open_data(node);
    if (error < 0)
        return fail(node, "cannot begin", error);
    enum node_end end = take_from_running(node);
    if (end == NODE_ENDED)
        end = node_open_stores(node);
    if (end != NODE_ENDED)
        return end;
    struct book_options book = node_book_options(node->options);
    error = open_book(node, &book);
    if (error == 0)
        error = open_roles(node, &book);
    if (error < 0)
        return fail(node, "cannot make the book", error);
    end = start_book(node);
    if (end == NODE_ENDED)
        end = start_shadow(node, &book);
    if (end == NODE_ENDED)
        end = start_projection(node, &book);
    if (end == NODE_ENDED)
        end = start_upkeep(node);
    if (end == NODE_ENDED)
        end = node_start_streams(node);
    const struct node_desk_parts desk = node_desk_parts(node);
    if (end == NODE_ENDED && (error = node_desk_open(&node->desk, &desk, node->why)) < 0)
        end = fail(node, "cannot reach for the desk", error);
    if (end == NODE_ENDED)
        end = open_listeners(node);
    if (end == NODE_ENDED && node->options->takeover != NULL)
        node_fence_begin(&node->fence, node->loop, &node->options->takeover->fence);
    if (end == NODE_ENDED && node->options->simulate && (error = open_simulator(node)) < 0)
        return fail(node, "cannot make the simulator", error);
    if (end == NODE_ENDED)
        open_handover(node);
    return end;
}

/* The log is ended first: its free() completes what is under way, and the book then tells those
 * who wait for it; so the servers come after, and the roles after them. */
static void close_all(struct node *node)
{
    if (node->loop == NULL)
        return;
    if (node->options->lease != NULL)
        node_lease_tell(node->options->lease, NULL);
    demo_status_node_end(node->demo);
    node_fronts_stop(&node->fronts);
    node_handover_take_numbers(&node->handover);
    node_handover_close(&node->handover);
    loop_at_turn_begin(node->loop, NULL, NULL);
    loop_timer_cancel(node->loop, &node->due_timer);
    loop_timer_cancel(node->loop, &node->simulator_timer);
    synthetic_feed_free(node->simulator);
    node_desk_end(&node->desk);
    node_check_end(&node->check);
    node_ship_stop(&node->ship);
    node_fence_end(&node->fence);
    node_shadow_stop(&node->shadow);
    node_pages_close(&node->pages);
    node_streams_stop(&node->streams);
    node_projection_stop(&node->projection);
    node_upkeep_stop(&node->upkeep);
    node_verdicts_close(&node->verdicts);
    node_detach_tree(node);
    if (node->stores.file_log != NULL)
        node_volumes_leave(&node->volumes, node->stores.file_log);
    if (node->ship.sender != NULL) /* its log ends the file's */
        node->stores.meter.log.ops->free(&node->stores.meter.log);
    else if (node->stores.file_log != NULL)
        node->stores.file_log->ops->free(node->stores.file_log);
    node_close_proofs(node);
    node_fronts_close(&node->fronts);
    http_server_free(node->admin_server);
    node_listen_close(&node->listen);
    backoffice_free(node->backoffice);
    node_offices_close(&node->offices);
    loop_remove_hook(node->loop, on_turn_end, node);
    bet_service_free(node->bets);
    node_links_close(&node->links);
    if (node->json != NULL)
        node->json->ops->free(node->json);
    if (node->uof != NULL)
        node->uof->ops->free(node->uof);
    if (node->betfair != NULL)
        node->betfair->ops->free(node->betfair);
    node_uof_close(&node->uof_link);
    node_odds_store_close(&node->odds_store);
    node_follow_close(&node->follow);
    if (node->book != NULL)
        book_free(node->book);
    node_desk_close(&node->desk);
    node_ship_close(&node->ship);
    node_shadow_close(&node->shadow);
    node_close_stores(node);
    if (node->log_wakeup_open)
        loop_wakeup_close(&node->log_wakeup);
    token_cache_free(node->tokens);
    local_keys_close(&node->keys);
    loop_free(node->loop);
}

static void say_ready(const struct node *node, node_ready_fn ready)
{
    const struct node_listen_options *listen = &node->options->listen;
    const struct node_addresses bound = {
        .plain = node->fronts.plain,
        .tls = node->fronts.tls,
        .admin = node->admin_bound,
        .has_plain = listen->plain,
        .has_tls = listen->tls,
        .admin_is_tls = listen->admin_files.certificates != NULL,
    };
    ready(&bound);
}

/* A demo without its crowd is one, too: a person may bet. */
static void begin_demo(struct node *node)
{
    if (node->options->demo && demo_status_node_begin(node, &node->demo) < 0)
        log_warn("node", "no simulated bettors and no status line");
}

enum node_end node_run(const struct node_options *options, node_ready_fn ready, struct buf *why)
{
    static struct node node; /* one a process; too large for the stack */
    node = (struct node){.options = options, .why = why, .keys = {.folder = -1}};
    descriptors_raise();
    enum node_end end = open_all(&node);
    if (end == NODE_ENDED) {
        if (options->lease != NULL)
            node_lease_tell(options->lease, &node.log_wakeup);
        say_ready(&node, ready);
        begin_demo(&node);
        if (options->profile == PROFILE_BENCH)
            cycles_begin(&node.cycles);
        int error = loop_run(node.loop);
        cycles_begin(NULL);
        if (error < 0)
            end = fail(&node, "the loop ended", error);
        if (end == NODE_ENDED && node_fronts_failed(&node.fronts))
            end = fail(&node, "a network loop ended", -ERR_IO);
        if (end == NODE_ENDED && book_stopped(node.book))
            end = fail(&node, book_stop_reason(node.book), -ERR_STOPPED);
        if (node_has_moved(&node))
            end = NODE_MOVED;
    }
    close_all(&node);
    node_handover_end(&node.handover);
    return end;
}
