/* relay_fixture.c - contract in relay_fixture.h. */
#include "relay_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "core/user_shard.h"

#define SHARDS (RELAY_PEERS + 1)

/* ---- pipes ---- */

static void put(struct relay_pipe *pipe, struct slice message)
{
    assert_true(pipe->count < RELAY_PIPE_MAX);
    char *copy = aligned_alloc(8, (message.bytes + 7) / 8 * 8);
    assert_non_null(copy);
    memcpy(copy, message.at, message.bytes);
    pipe->messages[(pipe->first + pipe->count++) % RELAY_PIPE_MAX] = slice_of(copy, message.bytes);
}

static struct slice take(struct relay_pipe *pipe)
{
    struct slice message = pipe->messages[pipe->first];
    pipe->first = (pipe->first + 1) % RELAY_PIPE_MAX;
    pipe->count--;
    return message;
}

static void empty(struct relay_pipe *pipe)
{
    while (pipe->count > 0)
        free((char *)take(pipe).at);
}

static bool send_to_desk(void *owner, struct slice message)
{
    put(&((struct relay_peer *)owner)->to_desk, message);
    return true;
}

static bool send_to_shard(void *owner, struct slice message)
{
    put(&((struct relay_peer *)owner)->to_shard, message);
    return true;
}

static void close_link(void *owner)
{
    ((struct relay_peer *)owner)->closed = true;
}

void relay_connect(struct relay_peer *peer)
{
    const struct carrier here = {peer, send_to_desk, close_link, NULL},
                         there = {peer, send_to_shard, close_link, NULL};
    if (peer->attached)
        return;
    peer->attached = true;
    peer->closed = false;
    peer->link = relay_teller_attach(peer->world->teller, &there);
    assert_true(peer->link >= 0);
    relay_follower_attach(peer->follower, &here);
}

void relay_cut(struct relay_peer *peer)
{
    if (!peer->attached)
        return;
    peer->attached = false;
    empty(&peer->to_desk);
    empty(&peer->to_shard);
    relay_teller_detached(peer->world->teller, peer->link);
    relay_follower_detached(peer->follower);
}

/* ---- the processes ---- */

static void as_desk(struct book_options *options)
{
    options->place = (struct shard_place){0, SHARDS};
}

static void as_first(struct book_options *options)
{
    options->place = (struct shard_place){1, SHARDS};
    options->has_desk = true;
}

static void as_second(struct book_options *options)
{
    options->place = (struct shard_place){2, SHARDS};
    options->has_desk = true;
    options->limits.windows_max = 1; /* a second one is refused */
}

static void on_word(void *owner, const struct record_view *record)
{
    relay_teller_word(((struct relay_world *)owner)->teller, record);
}

static void on_refused(void *owner, uint64_t desk_seq, uint16_t type)
{
    assert_true(desk_seq > 0 && type != 0);
    ((struct relay_peer *)owner)->refused_told++;
}

static void on_foreign(void *owner)
{
    ((struct relay_peer *)owner)->foreign_told++;
}

static void open_teller(struct relay_world *w)
{
    const struct relay_teller_options options = {.place = {0, SHARDS},
                                                 .durable_seq = book_durable_seq(w->desk.book)};
    const struct relay_teller_ports ports = {&w->desk.log.port, book_state(w->desk.book)};
    assert_int_equal(relay_teller_new(&options, &ports, &w->teller), 0);
    w->desk.on_word = on_word;
    w->desk.word_owner = w;
}

static void open_follower(struct relay_peer *peer)
{
    const struct relay_follower_events events = {peer, on_refused, on_foreign};
    assert_int_equal(relay_follower_new(peer->f.book, &events, &peer->follower), 0);
}

static void offer(struct fixture *f)
{
    fixture_market(f, MARKET_ACTIVE, 210, 180);
    fixture_turn(f, 0);
}

void relay_crash(struct relay_peer *peer)
{
    relay_cut(peer);
    relay_follower_free(peer->follower);
    fixture_restart(&peer->f);
    open_follower(peer);
    offer(&peer->f);
}

void relay_crash_desk(struct relay_world *w)
{
    for (int i = 0; i < RELAY_PEERS; i++)
        relay_cut(&w->peers[i]);
    w->desk.on_word = NULL;
    relay_teller_free(w->teller);
    fixture_restart(&w->desk);
    w->answers_count = 0;
    open_teller(w);
    offer(&w->desk);
}

static void name_user(struct relay_peer *peer)
{
    for (int n = 1;; n++) {
        (void)snprintf(peer->user, sizeof peer->user, "user-%d", n);
        if (user_shard(slice_text(peer->user), SHARDS) == peer->shard)
            return;
    }
}

static void begin_peer(struct relay_world *w, uint32_t shard)
{
    struct relay_peer *peer = &w->peers[shard - 1];
    peer->world = w;
    peer->shard = shard;
    fixture_begin_tuned(&peer->f, shard == 1 ? as_first : as_second);
    peer->f.now.us += shard == 1 ? RELAY_CLOCK_LEADS : -1; /* clocks have nothing in common */
    name_user(peer);
    open_follower(peer);
    offer(&peer->f);
    assert_int_equal(fixture_deposit(&peer->f, peer->user, "d", 9000000), REQUEST_TAKEN);
    fixture_turn(&peer->f, 0);
}

void relay_world_begin(struct relay_world *w)
{
    memset(w, 0, sizeof *w);
    fixture_begin_tuned(&w->desk, as_desk);
    open_teller(w);
    offer(&w->desk);
    for (uint32_t shard = 1; shard < SHARDS; shard++)
        begin_peer(w, shard);
}

void relay_world_end(struct relay_world *w)
{
    fixture_check(&w->desk);
    for (int i = 0; i < RELAY_PEERS; i++) {
        struct relay_peer *peer = &w->peers[i];
        fixture_check(&peer->f);
        relay_cut(peer);
        fixture_end(&peer->f);
        relay_follower_free(peer->follower);
    }
    w->desk.on_word = NULL;
    fixture_end(&w->desk);
    relay_teller_free(w->teller);
}

/* ---- turns ---- */

static void move(struct fixture *f, int64_t us)
{
    f->wall.us += us;
    f->now.us += us;
}

static void begin_turn(struct fixture *f)
{
    struct feed_sink *sink = book_sink(f->book);
    book_begin_turn(f->book, f->wall, f->now);
    sink->ops->alive(sink, SLICE("p"));
}

static void end_turn(struct fixture *f)
{
    book_end_turn(f->book);
    for (int i = 0; i < 8; i++)
        book_poll(f->book);
}

static void take_all(struct relay_world *w, struct relay_peer *peer, bool at_desk)
{
    struct relay_pipe *pipe = at_desk ? &peer->to_desk : &peer->to_shard;
    for (uint32_t left = pipe->count; left > 0 && peer->attached && !peer->closed; left--) {
        struct slice message = take(pipe);
        if (at_desk)
            relay_teller_message(w->teller, peer->link, message);
        else
            relay_follower_message(peer->follower, message);
        free((char *)message.at);
    }
}

static void desk_turn(struct relay_world *w)
{
    begin_turn(&w->desk);
    relay_teller_turn_begin(w->teller, w->desk.now);
    for (int i = 0; i < RELAY_PEERS && !w->mute; i++)
        take_all(w, &w->peers[i], true);
    end_turn(&w->desk);
    relay_teller_turn_end(w->teller, book_durable_seq(w->desk.book),
                          !w->withholds && !book_stopped(w->desk.book));
}

static void peer_turn(struct relay_world *w, struct relay_peer *peer)
{
    begin_turn(&peer->f);
    relay_follower_turn_begin(peer->follower, peer->f.now);
    take_all(w, peer, false);
    end_turn(&peer->f);
    relay_follower_turn_end(peer->follower);
}

void relay_world_turn(struct relay_world *w, int64_t us)
{
    move(&w->desk, us);
    for (int i = 0; i < RELAY_PEERS; i++)
        move(&w->peers[i].f, us);
    desk_turn(w);
    for (int i = 0; i < RELAY_PEERS; i++) {
        struct relay_peer *peer = &w->peers[i];
        if (!peer->stopped)
            peer_turn(w, peer);
        if (peer->closed)
            relay_cut(peer);
    }
}

void relay_world_turns(struct relay_world *w, int turns, int64_t us)
{
    for (int i = 0; i < turns; i++)
        relay_world_turn(w, us);
}

/* ---- words, answers, bets ---- */

uint64_t relay_hold(struct relay_world *w, bool on)
{
    assert_int_equal(fixture_hold(&w->desk, on), REQUEST_TAKEN);
    desk_turn(w);
    return relay_teller_last(w->teller);
}

void relay_result(struct relay_world *w, uint64_t version, struct leg_result a, struct leg_result b)
{
    fixture_result(&w->desk, version, a, b);
    desk_turn(w);
}

static void ignore(const struct book_answer *answer)
{
    (void)answer;
}

void relay_limits(struct relay_world *w, enum limit_scope scope, const char *id, int64_t stake_max)
{
    struct limits_request request = {
        .scope = scope, .id = slice_text(id), .limits = STAKE_LIMITS_NONE};
    const struct desk_word word = {.actor = SLICE("trader"), .reason = SLICE("because of that")};
    request.limits.stake_minor_max = stake_max;
    if (stake_max % 64 == 0)
        desk_turn(w);
    assert_int_equal(
        book_set_limits(w->desk.book, &request, &word, (struct book_reply){ignore, {NULL, {0}}}),
        REQUEST_TAKEN);
}

void relay_window(struct relay_world *w, uint64_t version, int64_t from_us)
{
    const struct feed_result window = {.provider = SLICE("p"),
                                       .market_id = SLICE("m1"),
                                       .kind = RESULT_CANCEL,
                                       .result_version = version,
                                       .void_from = {from_us},
                                       .void_until = {from_us + 10}};
    book_sink(w->desk.book)->ops->result(book_sink(w->desk.book), &window);
    desk_turn(w);
}

static void on_spread(void *owner, const struct relay_spread *spread)
{
    struct relay_told *told = owner;
    assert_false(told->told);
    assert_true(spread->away_count <= RELAY_PEERS && spread->refused_count <= RELAY_PEERS);
    assert_int_equal(spread->have_it + spread->away_count, SHARDS);
    told->told = true;
    told->have_it = spread->have_it;
    told->away_count = spread->away_count;
    told->refused_count = spread->refused_count;
    memcpy(told->away, spread->away, spread->away_count * sizeof *spread->away);
    memcpy(told->refused, spread->refused, spread->refused_count * sizeof *spread->refused);
    if (told->then != NULL)
        told->then(told->world, told);
}

struct relay_told *relay_ask(struct relay_world *w)
{
    struct relay_told *told = &w->answers[w->answers_count++ % RELAY_ANSWERS_MAX];
    uint64_t last = relay_teller_last(w->teller);
    *told = (struct relay_told){.words = {last, last}, .world = w};
    assert_true(relay_teller_wait(w->teller, &told->words, on_spread, told));
    return told;
}

enum request_outcome relay_bet(struct relay_peer *peer)
{
    static unsigned keys;
    char key[16];
    (void)snprintf(key, sizeof key, "k%u", ++keys);
    const struct fixture_ticket ticket = {.user = peer->user,
                                          .key = key,
                                          .stake = 1,
                                          .markets = {"m1"},
                                          .selections = {"a"},
                                          .odds = {210}};
    begin_turn(&peer->f);
    enum request_outcome outcome = fixture_ticket(&peer->f, &ticket);
    end_turn(&peer->f);
    return outcome;
}

/* ---- what the logs say ---- */

/* The next record of the log that is a word, or in a shard a RELAYED of one; its number at the
 * desk, 0: there is none. */
static uint64_t next_word(const struct fake_log *log, size_t *at, bool of_desk)
{
    while (*at < log->size) {
        struct record_view record;
        assert_int_equal(record_view_of(log->bytes + *at, log->size - *at, &record), 0);
        *at += record.head->bytes;
        if (of_desk && relay_is_word(&record))
            return record.head->seq;
        if (of_desk || record.head->type != RECORD_RELAYED)
            continue;
        const struct record_relayed *body = record.body;
        if (body->word != 0)
            return body->desk_seq;
    }
    return 0;
}

uint64_t relay_logged(const struct relay_peer *peer)
{
    uint64_t last = 0, next;
    size_t at = 0;
    while ((next = next_word(&peer->f.log, &at, false)) != 0)
        last = next;
    return last;
}

void relay_check_logs(const struct relay_world *w)
{
    for (int i = 0; i < RELAY_PEERS; i++) {
        size_t desk_at = 0, at = 0;
        uint64_t said;
        do {
            said = next_word(&w->desk.log, &desk_at, true);
            assert_int_equal(next_word(&w->peers[i].f.log, &at, false), said);
        } while (said != 0);
    }
}
