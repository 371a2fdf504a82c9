/* load_world.c - the run of `overround load world`: a match day, its crowd of bettors, and the
 * server between them. The prices are ours (load_feed.h), so what a bettor sees can be compared
 * with what there is, whatever the server calls its versions. Contract in load_options.h.
 *
 * Open loop: moves and acts come when the script says, and are measured from then. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/random.h"
#include "load/load_deposit.h"
#include "load/load_html.h"
#include "load/load_process.h"
#include "load/load_world_internal.h"

#define CONNECT_MS       60000
#define CONNECTS_AT_ONCE 256
#define PIPELINE         8
#define FILES_BESIDE     (WORLD_RETRY_LINKS + 32) /* open files that are no user's */
#define GRACE_MS         5000
#define IDLE_US          1000
#define SWEEP_US         (50 * US_PER_MS)
#define PROGRESS_US      US_PER_SECOND
#define ABSENT_US_MAX    US_PER_SECOND
#define BEGIN_IN_US      (200 * US_PER_MS)

int64_t world_now_us(const struct world *world)
{
    return load_process_now().us - world->begin_us;
}

bool world_counts(const struct world *world, int64_t due_us)
{
    return due_us >= world->warm_us && due_us < world->end_us;
}

static void close_second(struct world *world)
{
    struct world_second *closed = &world->seconds[world->second];
    closed->latency_p99_us = histogram_percentile(&world->second_us, 9900);
    closed->stale_p99_us = histogram_percentile(&world->second_stale_us, 9900);
    histogram_reset(&world->second_us);
    histogram_reset(&world->second_stale_us);
}

struct world_second *world_second(struct world *world, int64_t at_us)
{
    int64_t second = at_us < 0 ? 0 : at_us / US_PER_SECOND;
    int64_t last = world->options->warmup_seconds + world->options->seconds;
    if (second > last)
        second = last;
    if (second > world->second) {
        close_second(world);
        world->second = second;
    }
    return &world->seconds[world->second];
}

/* ---- prices ---- */

static void make_move(struct world *world)
{
    struct load_match_move move;
    load_match_take(world->match, &move);
    struct world_market *market = &world->markets[move.market];
    struct world_move *kept = &market->kept[market->moves++ % WORLD_MOVES_KEPT];
    kept->at_us = world_now_us(world);
    memcpy(kept->cents, move.cents, sizeof kept->cents);
    load_feed_tell(world->feed, world_prefix(world), &move);
    world->counts.moves++;
    world->counts.goals += move.suspended;
    if (move.reopened)
        load_crowd_goal(world->crowd, move.market, move.at_us);
}

/* Which move it is that this user sees now: the newest with these prices. */
static void note_sight(struct world *world, uint32_t user)
{
    struct world_user *row = &world->rows[user];
    const struct world_market *market = &world->markets[load_crowd_market(world->crowd, user)];
    int64_t now_us = world_now_us(world);
    for (uint64_t back = 0; back < WORLD_MOVES_KEPT && back < market->moves; back++) {
        uint64_t number = market->moves - 1 - back;
        const struct world_move *move = &market->kept[number % WORLD_MOVES_KEPT];
        if (memcmp(move->cents, row->view.cents, sizeof move->cents) != 0)
            continue;
        if (number + 1 > row->sight && world_counts(world, move->at_us))
            histogram_record(&world->sight_us, (uint64_t)(now_us - move->at_us));
        if (number + 1 > row->sight)
            row->sight = number + 1;
        return;
    }
}

/* ---- acts ---- */

static bool send_get(struct world *world, const struct load_act *act, const char *path)
{
    char text[LOAD_REQUEST_BYTES_MAX];
    struct buf out = buf_over(text, sizeof text);
    const struct load_wire_request request = {.method = "GET",
                                              .path = path,
                                              .host = world->options->host,
                                              .token = load_users_token(&world->users, act->user)};
    struct load_flight flight = {.due = {world->begin_us + act->at_us},
                                 .sent = load_process_now(),
                                 .words = {act->kind, act->user}};
    if (!load_pool_has_room(world->pool, act->user))
        return false;
    load_wire_request(&out, &request);
    return !out.overflow && load_pool_send(world->pool, act->user, buf_slice(&out), &flight);
}

static void get(struct world *world, const struct load_act *act, const char *path)
{
    struct monotonic due = {world->begin_us + act->at_us};
    bool sent = send_get(world, act, path);
    if (!world_counts(world, act->at_us))
        return;
    if (sent)
        load_tally_sent(&world->tallies[act->kind], due, load_process_now());
    else
        load_tally_lost(&world->tallies[act->kind], due, load_process_now(), SLICE("NOT_SENT"));
}

static void poll_odds(struct world *world, const struct load_act *act)
{
    char path[96];
    struct buf text = buf_over(path, sizeof path);
    buf_put_text(&text, "/v1/odds/");
    load_feed_market(&text, world_prefix(world), load_crowd_market(world->crowd, act->user));
    buf_put_char(&text, '\0');
    get(world, act, path);
}

/* Who left is back in a moment. Who cannot come back for longer is kept out by the server, and what
 * is not sent then is its failure. */
static bool is_absent(const struct world *world, uint32_t user)
{
    const struct world_user *row = &world->rows[user];
    return row->left && world_now_us(world) - row->left_us < ABSENT_US_MAX;
}

static void act_now(struct world *world, const struct load_act *act)
{
    int64_t late_us = world_now_us(world) - act->at_us;
    if (world_counts(world, act->at_us))
        histogram_record(&world->own_late_us, late_us > 0 ? (uint64_t)late_us : 0);
    if (is_absent(world, act->user)) {
        world->counts.absent += world_counts(world, act->at_us);
        return;
    }
    world_second(world, world_now_us(world))->acts++;
    switch (act->kind) {
    case LOAD_ACT_POLL:
        poll_odds(world, act);
        return;
    case LOAD_ACT_BET:
        world_bet(world, act->user, act->at_us);
        return;
    case LOAD_ACT_BALANCE:
        get(world, act, "/v1/account");
        return;
    case LOAD_ACT_LEAVE:
        load_pool_close(world->pool, act->user);
        world->rows[act->user].left = true;
        world->rows[act->user].left_us = world_now_us(world);
        world->counts.leaves++;
        return;
    case LOAD_ACT_HURRY:
        return; /* load_crowd_take() says BET */
    }
}

/* All that is due, in its order. */
static int64_t run_due(struct world *world)
{
    struct load_act act;
    for (;;) {
        int64_t now_us = world_now_us(world), move_us = load_match_next_us(world->match);
        int64_t act_us = load_crowd_next_us(world->crowd);
        int64_t next_us = move_us < act_us ? move_us : act_us;
        if (next_us > now_us || next_us >= world->end_us)
            return next_us;
        if (move_us <= act_us) {
            make_move(world);
            continue;
        }
        load_crowd_take(world->crowd, &act);
        act_now(world, &act);
    }
}

/* For who wants to know what the server did in the same time. */
static void tell_phase(const struct world *world, const char *text)
{
    if (!world->options->world.phases)
        return;
    (void)fprintf(stderr, "%s\n", text);
    (void)fflush(stderr);
}

static void open_window(struct world *world)
{
    pid_t pid = world->options->server_pid;
    world->window_open = true;
    tell_phase(world, "measuring");
    world->window_us = load_process_now().us;
    world->own_cpu_us = load_process_thread_us();
    world->server_cpu_us = pid > 0 ? load_process_cpu_us(pid) : -1;
}

static void close_window(struct world *world)
{
    world->window_closed = true;
    world->window_us = load_process_now().us - world->window_us;
    world->own_cpu_us = load_process_thread_us() - world->own_cpu_us;
    if (world->server_cpu_us >= 0)
        world->server_cpu_us =
            load_process_cpu_us(world->options->server_pid) - world->server_cpu_us;
    tell_phase(world, "measured");
}

static void on_turn_end(void *owner)
{
    struct world *world = owner;
    if (!world->running)
        return;
    int64_t now_us = world_now_us(world);
    if (!world->window_open && now_us >= world->warm_us)
        open_window(world);
    if (!world->window_closed && now_us >= world->end_us)
        close_window(world);
    (void)run_due(world);
    if (now_us - world->swept_us >= SWEEP_US) {
        world->swept_us = now_us;
        world_bets_sweep(world, now_us);
    }
}

/* ---- answers ---- */

static void take_get(struct world *world, enum load_act_kind kind, uint32_t user,
                     const struct load_pool_answer *answer)
{
    struct world_user *row = &world->rows[user];
    bool good = answer->status >= 200 && answer->status < 300;
    if (good && kind == LOAD_ACT_POLL && load_view_read(&row->view, answer->body)) {
        row->has_view = true;
        note_sight(world, user);
    }
    if (!world_counts(world, answer->flight.due.us - world->begin_us))
        return;
    load_tally_answer(&world->tallies[kind], answer->flight.due, answer->flight.sent,
                      load_process_now());
    load_tally_code(&world->tallies[kind], answer->status,
                    good ? SLICE_NONE : load_frame_find_text(answer->body, SLICE("\"code\"")));
}

static void on_answer(void *owner, const struct load_pool_answer *answer)
{
    struct world *world = owner;
    enum load_act_kind kind = (enum load_act_kind)answer->flight.words[0];
    if (kind == LOAD_ACT_BET)
        world_bet_answer(world, (uint32_t)answer->flight.words[1], answer);
    else
        take_get(world, kind, (uint32_t)answer->flight.words[1], answer);
}

static void on_lost(void *owner, const struct load_flight *flight)
{
    struct world *world = owner;
    enum load_act_kind kind = (enum load_act_kind)flight->words[0];
    if (kind == LOAD_ACT_BET)
        world_bet_lost(world, (uint32_t)flight->words[1]);
    else if (world_counts(world, flight->due.us - world->begin_us))
        load_tally_lost(&world->tallies[kind], flight->due, load_process_now(), SLICE("NO_ANSWER"));
}

static void on_text(void *owner, uint32_t connection, struct slice text)
{
    struct world *world = owner;
    struct world_user *row = &world->rows[connection];
    if (!load_view_message(&row->view, text))
        return;
    row->has_view = true;
    note_sight(world, connection);
}

static void on_open(void *owner, uint32_t connection)
{
    struct world *world = owner;
    char channel_text[96], text[256];
    struct buf channel = buf_over(channel_text, sizeof channel_text);
    struct buf out = buf_over(text, sizeof text);
    world->rows[connection].left = false;
    if (!world->options->world.streams)
        return;
    buf_put_text(&channel, "market:");
    load_feed_market(&channel, world_prefix(world), load_crowd_market(world->crowd, connection));
    load_wire_subscribe(&out, buf_slice(&channel), world->options->conflate_ms);
    (void)load_pool_say(world->pool, connection, buf_slice(&out));
}

static const struct load_pool_callbacks user_calls = {on_answer, on_lost, on_text, on_open};
static const struct load_pool_callbacks again_calls = {on_answer, on_lost, NULL, NULL};

/* ---- the run ---- */

static struct slice token_of(void *owner, uint32_t connection)
{
    return load_users_token(&((struct world *)owner)->users, connection);
}

static int make_script(struct world *world)
{
    const struct load_world_options *options = &world->options->world;
    const struct load_match_options match = {.seed = world->options->seed,
                                             .markets = options->markets,
                                             .calm_us = options->calm_ms * US_PER_MS,
                                             .volatile_us = options->volatile_ms * US_PER_MS,
                                             .goal_us = options->goal_ms * US_PER_MS,
                                             .suspended_us = options->suspended_ms * US_PER_MS};
    const struct load_crowd_options crowd = {
        .seed = world->options->seed,
        .users = world->options->users,
        .markets = options->markets,
        .burst = options->burst,
        .each_us = {[LOAD_ACT_POLL] = options->streams ? 0 : options->poll_ms * US_PER_MS,
                    [LOAD_ACT_BET] = options->bet_ms * US_PER_MS,
                    [LOAD_ACT_BALANCE] = options->streams ? 0 : options->balance_ms * US_PER_MS,
                    [LOAD_ACT_LEAVE] = options->leave_ms * US_PER_MS}};
    TRY(load_match_new(&match, &world->match));
    return load_crowd_new(&crowd, &world->crowd);
}

static int memory_new(struct world *world)
{
    uint32_t seconds = world->options->warmup_seconds + world->options->seconds + 1;
    world->markets = calloc(world->options->world.markets, sizeof *world->markets);
    world->rows = calloc(world->options->users, sizeof *world->rows);
    world->seconds = calloc(seconds, sizeof *world->seconds);
    if (world->markets == NULL || world->rows == NULL || world->seconds == NULL)
        return -ERR_MEMORY;
    return world_bets_new(world);
}

static bool connect_all(struct world *world)
{
    int64_t until_us = load_process_now().us + CONNECT_MS * US_PER_MS;
    while (load_pool_stats(world->pool)->open < world->options->users)
        if (load_process_now().us >= until_us || loop_run_once(world->loop, 10 * US_PER_MS) < 0)
            return false;
    return true;
}

/* All markets are there before anybody asks for one. */
static void tell_images(struct world *world)
{
    world->begin_us = load_process_now().us;
    for (uint32_t i = 0; i < world->options->world.markets; i++)
        make_move(world);
}

static int prepare(struct world *world, const char **ret_why)
{
    const struct load_options *options = world->options;
    struct load_pool_options pool = {.target = options->target,
                                     .transport = options->world.streams ? LOAD_TRANSPORT_WS
                                                                         : LOAD_TRANSPORT_HTTP,
                                     .connections = options->users,
                                     .pipeline = PIPELINE,
                                     .connects_max = CONNECTS_AT_ONCE,
                                     .token = token_of,
                                     .token_owner = world};
    const struct load_pool_options again = {.target = options->target,
                                            .transport = LOAD_TRANSPORT_HTTP,
                                            .connections = WORLD_RETRY_LINKS,
                                            .pipeline = 1};
    *ret_why = "each user has a connection, and so many files may not be open (ulimit -n)";
    if (options->users + FILES_BESIDE > load_process_files_max())
        return -ERR_LIMIT;
    *ret_why = "out of memory";
    TRY(make_script(world));
    TRY(memory_new(world));
    *ret_why = "cannot make the users' tokens";
    TRY(load_users_new(options->users, options->user_prefix, options->token, options->token_owner,
                       &world->users));
    *ret_why = "cannot make the event loop";
    TRY(loop_new(&world->loop));
    *ret_why = "the deposits failed";
    if (options->deposit_minor > 0)
        TRY(load_deposit_run(world->loop, options, &world->users));
    *ret_why = "the feed was refused";
    TRY(load_feed_new(world->loop, &options->world.feed, options->world.feed_token, &world->feed));
    tell_images(world);
    *ret_why = "cannot connect";
    TRY(load_pool_new(world->loop, &pool, &user_calls, world, &world->pool));
    TRY(load_pool_new(world->loop, &again, &again_calls, world, &world->again));
    TRY(loop_at_turn_end(world->loop, LOOP_STAGE_WORK, on_turn_end, world));
    return connect_all(world) ? 0 : -ERR_NETWORK;
}

static void show_progress(const struct world *world, int64_t now_us)
{
    if (!isatty(STDERR_FILENO))
        return;
    const struct load_tally *bets = &world->tallies[LOAD_ACT_BET];
    (void)fprintf(stderr,
                  "\r%3" PRIi64 " of %" PRIi64 " s | %" PRIu64 " polls | %" PRIu64 " bets, %" PRIu64
                  " placed, %" PRIu64 " lost | p99 %.1f ms  ",
                  now_us / US_PER_SECOND, world->end_us / US_PER_SECOND,
                  world->tallies[LOAD_ACT_POLL].answered, bets->answered, bets->succeeded,
                  bets->lost, (double)histogram_percentile(&bets->latency_us, 9900) / 1000);
}

static bool is_over(const struct world *world, int64_t now_us)
{
    uint64_t under_way =
        load_pool_stats(world->pool)->in_flight + load_pool_stats(world->again)->in_flight;
    return now_us >= world->end_us + GRACE_MS * US_PER_MS ||
           (world->window_closed && under_way == 0);
}

static int run(struct world *world)
{
    const struct load_options *options = world->options;
    int64_t shown_us = 0;
    world->begin_us = load_process_now().us + BEGIN_IN_US;
    world->warm_us = options->warmup_seconds * US_PER_SECOND;
    world->end_us = world->warm_us + options->seconds * US_PER_SECOND;
    world->running = true;
    load_process_precise_timers();
    for (int64_t now_us = world_now_us(world); !is_over(world, now_us);
         now_us = world_now_us(world)) {
        int64_t next_us = load_crowd_next_us(world->crowd);
        int64_t wait_us = next_us > now_us ? next_us - now_us : 0;
        if (load_feed_failed(world->feed))
            return -ERR_NETWORK;
        TRY(loop_run_once(world->loop, wait_us < IDLE_US ? wait_us : IDLE_US));
        if (now_us - shown_us < PROGRESS_US)
            continue;
        shown_us = now_us;
        show_progress(world, now_us);
    }
    return 0;
}

static void stop(struct world *world)
{
    world->running = false;
    if (world->loop != NULL)
        loop_remove_hook(world->loop, on_turn_end, world);
    load_pool_free(world->pool);
    load_pool_free(world->again);
    load_feed_free(world->feed);
    world_bets_end(world);
}

static void release(struct world *world)
{
    loop_free(world->loop);
    load_users_done(&world->users);
    load_match_free(world->match);
    load_crowd_free(world->crowd);
    free(world->markets);
    free(world->rows);
    free(world->seconds);
    free(world->bets);
    free(world->order);
    free(world);
}

/* NULL: out of memory. */
static struct world *world_new(const struct load_options *options)
{
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        return NULL;
    world->options = options;
    random_fill(&world->nonce, sizeof world->nonce);
    struct buf prefix = buf_over(world->prefix, sizeof world->prefix);
    buf_printf(&prefix, "world-%08" PRIx64, world->nonce >> 32);
    world->prefix_bytes = (uint32_t)prefix.bytes;
    return world;
}

int load_world_run(const struct load_options *options, struct buf *ret_report, const char **ret_why)
{
    struct world *world = world_new(options);
    *ret_why = "out of memory";
    if (world == NULL)
        return -ERR_MEMORY;
    int error = prepare(world, ret_why);
    if (error == 0) {
        *ret_why = "the feed ended, or the event loop failed";
        error = run(world);
    }
    stop(world);
    if (error == 0) {
        close_second(world);
        world_report(world, ret_report);
        *ret_why = "the report for people cannot be written";
        if (options->world.html != NULL)
            error = load_html_write(options->world.html, buf_slice(ret_report));
    }
    release(world);
    return error;
}
