/* test_follow.c - the conflation state machine as traces, and against a client that believes what
 * it is told. */
#include <string.h>

#include "base/prng.h"
#include "roles/odds/follow.h"
#include "test.h"

struct scene {
    struct follow_debts debts;
    struct follow follow;
};

static void begin(struct scene *s, uint32_t max, uint32_t per_follower)
{
    assert_int_equal(follow_debts_new(&s->debts, max, per_follower), 0);
    follow_begin(&s->follow, 10);
}

static void end(struct scene *s)
{
    follow_end(&s->debts, &s->follow);
    assert_int_equal(s->debts.pool.count, 0);
    follow_debts_done(&s->debts);
}

static struct follow_next next_of(struct scene *s, uint64_t seq, uint64_t kept_from)
{
    return follow_next(&s->debts, &s->follow, seq, kept_from);
}

TEST(follow, is_live_until_a_message_is_held)
{
    struct scene s;
    begin(&s, 8, 4);
    assert_true(follow_is_live(&s.follow, 10));
    assert_int_equal(follow_hold(&s.debts, &s.follow, 11, 1, 1), FOLLOW_HELD);
    assert_false(follow_is_live(&s.follow, 11));
    end(&s);
}

TEST(follow, pays_with_the_messages_themselves_when_none_changed_twice)
{
    struct scene s;
    begin(&s, 8, 4);
    follow_hold(&s.debts, &s.follow, 11, 7, 1);
    follow_hold(&s.debts, &s.follow, 12, 9, 2);
    struct follow_next next = next_of(&s, 12, 5);
    assert_int_equal(next.step, FOLLOW_REPLAY);
    assert_int_equal(next.seq, 11);
    follow_replayed(&s.debts, &s.follow, 7);
    next = next_of(&s, 12, 5);
    assert_int_equal(next.step, FOLLOW_REPLAY);
    assert_int_equal(next.seq, 12);
    follow_replayed(&s.debts, &s.follow, 9);
    assert_int_equal(next_of(&s, 12, 5).step, FOLLOW_DONE);
    assert_true(follow_is_live(&s.follow, 12));
    end(&s);
}

TEST(follow, pays_with_images_when_the_messages_are_not_kept)
{
    struct scene s;
    begin(&s, 8, 4);
    follow_hold(&s.debts, &s.follow, 11, 7, 1);
    assert_int_equal(next_of(&s, 11, 12).step, FOLLOW_IMAGE);
    end(&s);
}

TEST(follow, pays_a_market_that_changed_twice_with_one_image_that_says_how_often)
{
    struct scene s;
    begin(&s, 8, 4);
    for (uint64_t n = 11; n <= 15; n++)
        follow_hold(&s.debts, &s.follow, n, 7, 1);
    follow_hold(&s.debts, &s.follow, 16, 9, 2);
    struct follow_next next = next_of(&s, 16, 1);
    assert_int_equal(next.step, FOLLOW_IMAGE);
    assert_int_equal(next.market, 7);
    assert_int_equal(next.changes, 5);
    assert_int_equal(next.seq, 10); /* another market is owed: the client is not at 16 yet */
    follow_imaged(&s.debts, &s.follow, 16);
    next = next_of(&s, 16, 1);
    assert_int_equal(next.step, FOLLOW_IMAGE);
    assert_int_equal(next.market, 9);
    assert_int_equal(next.seq, 16);
    follow_imaged(&s.debts, &s.follow, 16);
    assert_int_equal(next_of(&s, 16, 1).step, FOLLOW_DONE);
    end(&s);
}

TEST(follow, owes_a_snapshot_when_its_list_is_full)
{
    struct scene s;
    begin(&s, 8, 2);
    follow_hold(&s.debts, &s.follow, 11, 1, 1);
    follow_hold(&s.debts, &s.follow, 12, 2, 2);
    assert_int_equal(follow_hold(&s.debts, &s.follow, 13, 3, 3), FOLLOW_RESTARTED);
    assert_int_equal(s.debts.pool.count, 0);
    struct follow_next next = next_of(&s, 13, 1);
    assert_int_equal(next.step, FOLLOW_WALK);
    assert_int_equal(next.changes, 3);
    follow_walk_ended(&s.follow, 13);
    assert_true(follow_is_live(&s.follow, 13));
    end(&s);
}

TEST(follow, owes_a_snapshot_when_all_followers_together_owe_too_much)
{
    struct scene s;
    struct follow other;
    begin(&s, 1, 64);
    follow_begin(&other, 10);
    assert_int_equal(follow_hold(&s.debts, &other, 11, 1, 1), FOLLOW_HELD);
    assert_int_equal(follow_hold(&s.debts, &s.follow, 11, 1, 1), FOLLOW_RESTARTED);
    follow_end(&s.debts, &other);
    end(&s);
}

TEST(follow, owes_nothing_for_a_market_that_the_snapshot_has_not_reached)
{
    struct scene s;
    begin(&s, 8, 4);
    follow_restart(&s.debts, &s.follow, 10);
    follow_walked(&s.follow, 100);
    assert_int_equal(follow_hold(&s.debts, &s.follow, 11, 1, 101), FOLLOW_AHEAD);
    assert_int_equal(follow_hold(&s.debts, &s.follow, 12, 2, 100), FOLLOW_HELD);
    assert_int_equal(follow_walk_seq(&s.follow, 12), 10); /* market 2 is owed */
    follow_walk_ended(&s.follow, 12);
    assert_int_equal(next_of(&s, 12, 1).step, FOLLOW_IMAGE);
    end(&s);
}

TEST(follow, walks_afresh_when_a_market_that_was_sent_is_removed)
{
    struct scene s;
    begin(&s, 8, 4);
    follow_restart(&s.debts, &s.follow, 10);
    assert_int_equal(follow_hold_removal(&s.debts, &s.follow, 11), FOLLOW_AHEAD);
    follow_walked(&s.follow, 3);
    assert_int_equal(follow_hold_removal(&s.debts, &s.follow, 12), FOLLOW_RESTARTED);
    assert_int_equal(s.follow.walked, 0);
    end(&s);
}

/* ---- a client that believes what it is told ---- */

#define MARKETS 12
#define KEPT    8

struct world {
    uint64_t version[MARKETS]; /* 0: not there; joined is its number + 1 */
    uint64_t seq;
    uint32_t message_market[KEPT];
    uint64_t message_version[KEPT];
    uint64_t shown[MARKETS]; /* by the client */
    uint64_t client_seq;
    uint64_t skipped;
};

/* Takes one step of what is owed. False: live. */
static bool pay_one(struct scene *s, struct world *w, struct prng *prng)
{
    uint64_t kept_from = w->seq >= KEPT ? w->seq - KEPT + 1 : 1;
    struct follow_next next = follow_next(&s->debts, &s->follow, w->seq, kept_from);
    uint64_t at;
    switch (next.step) {
    case FOLLOW_DONE:
        return false;
    case FOLLOW_REPLAY:
        assert_int_equal(next.seq, w->client_seq + 1); /* no hole */
        at = next.seq % KEPT;
        assert_true(w->message_version[at] > w->shown[w->message_market[at]]); /* P1 */
        w->shown[w->message_market[at]] = w->message_version[at];
        w->client_seq = next.seq;
        follow_replayed(&s->debts, &s->follow, w->message_market[at]);
        return true;
    case FOLLOW_IMAGE:
        assert_true(next.seq >= w->client_seq);
        assert_true(w->version[next.market] >= w->shown[next.market]); /* P1 */
        w->shown[next.market] = w->version[next.market];
        w->client_seq = next.seq;
        w->skipped += next.changes;
        follow_imaged(&s->debts, &s->follow, w->seq);
        return true;
    case FOLLOW_WALK:
        at = s->follow.walked;
        for (uint64_t m = at; m < MARKETS && m < at + 1 + prng_below(prng, 5); m++) {
            assert_true(w->version[m] >= w->shown[m]); /* P1 */
            w->shown[m] = w->version[m];
            if (m + 1 == MARKETS) {
                w->client_seq = follow_walk_seq(&s->follow, w->seq);
                follow_walk_ended(&s->follow, w->seq);
                return true;
            }
            follow_walked(&s->follow, m + 1);
        }
        w->client_seq = s->follow.synced;
        return true;
    }
    return false;
}

/* The client is at client_seq: whatever changed after it is the only thing that may be old. */
static void check_claim(const struct scene *s, const struct world *w, const uint64_t *last_seq)
{
    if (follow_is_walking(&s->follow))
        return; /* "more" says that it is incomplete */
    for (int m = 0; m < MARKETS; m++)
        if (last_seq[m] <= w->client_seq)
            assert_int_equal(w->shown[m], w->version[m]);
}

static void play(uint64_t seed, uint32_t per_follower)
{
    struct scene s;
    struct world w = {.seq = 10, .client_seq = 10};
    uint64_t last_seq[MARKETS] = {0};
    struct prng prng;
    prng_seed(&prng, seed);
    begin(&s, 64, per_follower);
    for (int m = 0; m < MARKETS; m++)
        w.version[m] = w.shown[m] = 1;
    for (int step = 0; step < 400; step++) {
        if (prng_below(&prng, 3) > 0) {
            uint32_t m = (uint32_t)prng_below(&prng, MARKETS);
            w.seq++;
            last_seq[m] = w.seq;
            w.message_market[w.seq % KEPT] = m;
            w.message_version[w.seq % KEPT] = ++w.version[m];
            follow_hold(&s.debts, &s.follow, w.seq, m, m + 1);
        } else {
            pay_one(&s, &w, &prng);
        }
        check_claim(&s, &w, last_seq);
    }
    while (pay_one(&s, &w, &prng))
        check_claim(&s, &w, last_seq);
    assert_memory_equal(w.shown, w.version, sizeof w.shown);
    assert_int_equal(w.client_seq, w.seq);
    end(&s);
}

TEST(follow, a_client_that_drains_has_every_newest_price_and_never_an_older_one_after_a_newer)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        play(seed, 1 + (uint32_t)(seed % 6));
}
