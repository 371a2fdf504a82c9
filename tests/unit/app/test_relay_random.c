/* test_relay_random.c - the desk's link in any order: links that are cut, processes that crash or
 * stand still, disks that do, at any point between turns. What must hold at every instant:
 *   - a bet is placed only under a grant, and never on what was answered as stopped;
 *   - "have it" is answered only where the word stands durably in that log, and of whoever is named
 *     away none takes bets, now or when it goes on.
 * And at the end, with everything whole again: each log has every word, once, in order (L7). */
#include "test.h"

#include "base/prng.h"
#include "relay_fixture.h"

#define MS    INT64_C(1000)
#define STEPS 1500

struct random_run {
    struct relay_world w;
    struct prng prng;
    bool held;    /* what the desk said last */
    bool stopped; /* an answer said so, and nothing else was said since */
    uint64_t bets, answers, answers_away;
};

static struct random_run run;

static uint64_t below(uint64_t n)
{
    return prng_below(&run.prng, n);
}

static bool is_away(const struct relay_told *told, uint32_t shard)
{
    for (uint32_t i = 0; i < told->away_count; i++)
        if (told->away[i] == shard)
            return true;
    return false;
}

static void on_told(struct relay_world *w, struct relay_told *told)
{
    run.answers++;
    run.answers_away += told->away_count > 0;
    for (int i = 0; i < RELAY_PEERS; i++) {
        struct relay_peer *peer = &w->peers[i];
        if (!is_away(told, peer->shard)) {
            assert_true(relay_logged(peer) >= told->words.last_seq);
        } else if (!peer->stopped) {
            book_begin_turn(peer->f.book, peer->f.wall, peer->f.now); /* its clock is read now */
            assert_true(book_desk_away(peer->f.book));
        }
    }
    if (run.held && told->words.last_seq == relay_teller_last(w->teller))
        run.stopped = true;
}

static void say(void)
{
    run.stopped = false;
    run.held = !run.held;
    (void)relay_hold(&run.w, run.held);
    relay_ask(&run.w)->then = on_told;
}

/* Its time goes on while it stands still: the first turn shows it. */
static void bet(struct relay_peer *peer)
{
    if (peer->stopped)
        return;
    bool away = book_desk_away(peer->f.book);
    enum request_outcome outcome = relay_bet(peer);
    assert_int_equal(outcome == REQUEST_DESK_AWAY, away);
    if (outcome != REQUEST_TAKEN || peer->f.log.hold || peer->f.outcome != BET_PLACED)
        return;
    run.bets++;
    assert_false(run.stopped);
    assert_true(relay_teller_shard(run.w.teller, peer->shard).granted);
}

static void disturb(void)
{
    struct relay_peer *peer = &run.w.peers[below(RELAY_PEERS)];
    switch (below(16)) {
    case 0:
        relay_crash(peer);
        break;
    case 1:
        relay_crash_desk(&run.w);
        break;
    case 2:
    case 3:
        relay_cut(peer);
        break;
    case 4:
    case 5:
        peer->stopped = !peer->stopped;
        break;
    case 6:
    case 7:
        peer->f.log.hold = !peer->f.log.hold;
        break;
    default:
        relay_connect(peer);
        break;
    }
}

static void heal(void)
{
    for (int i = 0; i < RELAY_PEERS; i++) {
        run.w.peers[i].stopped = false;
        run.w.peers[i].f.log.hold = false;
    }
    for (int i = 0; i < 60; i++) {
        relay_connect(&run.w.peers[0]);
        relay_connect(&run.w.peers[1]);
        relay_world_turn(&run.w, 100 * MS);
    }
}

static void step(void)
{
    if (below(5) == 0)
        disturb();
    if (below(6) == 0)
        say();
    relay_world_turn(&run.w, (int64_t)below(300) * MS);
    bet(&run.w.peers[below(RELAY_PEERS)]);
}

static void run_seed(uint64_t seed)
{
    memset(&run, 0, sizeof run);
    prng_seed(&run.prng, seed);
    relay_world_begin(&run.w);
    for (int i = 0; i < STEPS; i++)
        step();
    heal();
    relay_check_logs(&run.w);
    for (int i = 0; i < RELAY_PEERS; i++) {
        assert_int_equal(relay_bet(&run.w.peers[i]), REQUEST_TAKEN);
        assert_int_equal(run.w.peers[i].f.outcome, run.held ? BET_MARKET_SUSPENDED : BET_PLACED);
    }
    assert_true(run.bets > 0 && run.answers > 0 && run.answers_away > 0);
    relay_world_end(&run.w);
}

TEST(relay_random, nothing_is_lost_nothing_comes_twice_and_no_bet_slips_past_an_answer)
{
    for (uint64_t seed = 1; seed <= 12; seed++)
        run_seed(seed);
}
