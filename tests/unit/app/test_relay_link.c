/* test_relay_link.c - the two ends of the desk's link (app/relay_teller.h, app/relay_follower.h) on
 * real books: what is told, when it is answered, and who may take bets meanwhile. */
#include <stdio.h>

#include "test.h"

#include "relay_fixture.h"

static struct relay_world w;

#define MS INT64_C(1000)

/* Linked, greeted and granted. */
static void begin(void)
{
    relay_world_begin(&w);
    for (int i = 0; i < RELAY_PEERS; i++)
        relay_connect(&w.peers[i]);
    relay_world_turns(&w, 4, MS);
}

static void check_bet(struct relay_peer *peer, enum bet_outcome outcome)
{
    assert_int_equal(relay_bet(peer), REQUEST_TAKEN);
    assert_int_equal(peer->f.outcome, outcome);
}

static void check_told(const struct relay_told *told, uint32_t have_it, uint32_t away)
{
    assert_true(told->told);
    assert_int_equal(told->have_it, have_it);
    assert_int_equal(told->away_count, away);
}

/* ---- grants ---- */

TEST(relay_link, without_a_link_no_bet_is_taken_and_with_it_they_are)
{
    relay_world_begin(&w);
    relay_world_turns(&w, 4, MS);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    for (int i = 0; i < RELAY_PEERS; i++)
        relay_connect(&w.peers[i]);
    relay_world_turns(&w, 4, MS);
    for (int i = 0; i < RELAY_PEERS; i++)
        check_bet(&w.peers[i], BET_PLACED);
    relay_world_end(&w);
}

TEST(relay_link, a_grant_ends_after_its_time_and_is_renewed_while_the_desk_answers)
{
    begin();
    for (int i = 0; i < 60; i++) {
        relay_world_turn(&w, 100 * MS);
        check_bet(&w.peers[0], BET_PLACED);
    }
    relay_cut(&w.peers[0]);
    relay_world_turns(&w, 12, 100 * MS);
    check_bet(&w.peers[0], BET_PLACED); /* until what was granted ends */
    relay_world_turns(&w, 10, 100 * MS);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    check_bet(&w.peers[1], BET_PLACED);
    relay_world_end(&w);
}

TEST(relay_link, a_desk_that_may_not_grants_nothing)
{
    begin();
    w.withholds = true;
    relay_world_turns(&w, 25, 100 * MS);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    assert_true(relay_teller_stats(w.teller)->not_granted > 0);
    relay_world_end(&w);
}

/* ---- answers ---- */

TEST(relay_link, a_word_is_answered_when_all_logs_have_it)
{
    begin();
    uint64_t seq = relay_hold(&w, true);
    const struct relay_told *told = relay_ask(&w);
    assert_false(told->told);
    relay_world_turns(&w, 3, MS);
    check_told(told, 3, 0);
    for (int i = 0; i < RELAY_PEERS; i++) {
        assert_int_equal(relay_logged(&w.peers[i]), seq);
        check_bet(&w.peers[i], BET_MARKET_SUSPENDED);
    }
    relay_world_end(&w);
}

TEST(relay_link, it_is_not_had_before_it_is_durable_there)
{
    begin();
    w.peers[1].f.log.hold = true;
    relay_hold(&w, true);
    const struct relay_told *told = relay_ask(&w);
    relay_world_turns(&w, 20, 10 * MS);
    assert_false(told->told);
    w.peers[1].f.log.hold = false;
    relay_world_turns(&w, 4, 10 * MS);
    check_told(told, 3, 0);
    relay_world_end(&w);
}

/* The process stands still with a grant: it is waited for as long as that may hold. */
TEST(relay_link, one_that_stands_still_is_named_away_when_its_grant_is_over)
{
    begin();
    w.peers[0].stopped = true;
    relay_hold(&w, true);
    const struct relay_told *told = relay_ask(&w);
    int64_t since_us = w.desk.now.us;
    while (!told->told)
        relay_world_turn(&w, 50 * MS);
    assert_true(w.desk.now.us - since_us >= RELAY_GRANT_US);
    assert_true(w.desk.now.us - since_us <= RELAY_AWAY_US + 100 * MS);
    check_told(told, 2, 1);
    assert_int_equal(told->away[0], 1);
    w.peers[0].stopped = false;
    w.mute = true; /* nothing is granted anew */
    relay_world_turn(&w, MS);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    w.mute = false;
    relay_world_turns(&w, 4, MS);
    check_bet(&w.peers[0], BET_MARKET_SUSPENDED);
    relay_world_end(&w);
}

/* It listens and asks, but its disk does not: no grant once it owes for so long. */
TEST(relay_link, one_that_does_not_record_is_granted_nothing)
{
    begin();
    w.peers[0].f.log.hold = true;
    relay_hold(&w, true);
    const struct relay_told *told = relay_ask(&w);
    int64_t since_us = w.desk.now.us;
    while (!told->told)
        relay_world_turn(&w, 50 * MS);
    assert_true(w.desk.now.us - since_us <= RELAY_OWES_US + RELAY_AWAY_US + 150 * MS);
    check_told(told, 2, 1);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    w.peers[0].f.log.hold = false;
    relay_world_turns(&w, 20, 50 * MS);
    check_bet(&w.peers[0], BET_MARKET_SUSPENDED);
    relay_world_end(&w);
}

/* Who was granted by the process before is not known. */
TEST(relay_link, a_desk_that_starts_waits_for_all_that_may_have_a_grant)
{
    begin();
    relay_crash_desk(&w);
    relay_hold(&w, true);
    const struct relay_told *told = relay_ask(&w);
    relay_world_turns(&w, 24, 100 * MS);
    assert_false(told->told);
    relay_world_turns(&w, 2, 100 * MS);
    check_told(told, 1, 2);
    relay_world_end(&w);
}

TEST(relay_link, a_word_without_a_change_is_answered_at_once)
{
    begin();
    relay_hold(&w, true);
    relay_world_turns(&w, 4, MS);
    relay_crash_desk(&w);
    for (int i = 0; i < RELAY_PEERS; i++)
        relay_connect(&w.peers[i]);
    relay_world_turns(&w, 8, MS);
    const struct relay_told *told = relay_ask(&w); /* of records that none of them is told of */
    relay_world_turns(&w, 2, MS);
    check_told(told, 3, 0);
    relay_world_end(&w);
}

TEST(relay_link, as_many_wait_as_may)
{
    static struct relay_told told;
    relay_world_begin(&w);
    for (int i = 0; i < RELAY_WAITS_MAX; i++)
        relay_ask(&w)->told = false;
    assert_false(relay_teller_wait(w.teller, &told.words, NULL, NULL));
    assert_int_equal(relay_teller_stats(w.teller)->waits_reached, 1);
    relay_world_end(&w);
}

TEST(relay_link, a_refused_word_is_named)
{
    begin();
    relay_window(&w, 1, 1000);
    relay_window(&w, 2, 2000);
    const struct relay_told *told = relay_ask(&w);
    relay_world_turns(&w, 4, MS);
    check_told(told, 3, 0);
    assert_int_equal(told->refused_count, 1);
    assert_int_equal(told->refused[0], 2);
    assert_int_equal(w.peers[1].refused_told, 1);
    assert_int_equal(relay_teller_stats(w.teller)->refused, 1);
    relay_check_logs(&w);
    relay_cut(&w.peers[1]); /* told again over each link, and counted once */
    relay_connect(&w.peers[1]);
    relay_world_turns(&w, 4, MS);
    assert_int_equal(relay_teller_stats(w.teller)->refused, 1);
    relay_world_end(&w);
}

/* ---- who comes back ---- */

TEST(relay_link, who_was_away_has_all_words_before_its_next_bet)
{
    begin();
    relay_cut(&w.peers[0]);
    relay_world_turns(&w, 30, 100 * MS);
    for (int i = 0; i < 21; i++)
        relay_hold(&w, i % 2 == 0);
    w.peers[0].f.log.hold = true; /* it takes them, and is not yet done with them */
    relay_connect(&w.peers[0]);
    relay_world_turns(&w, 8, MS);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    w.peers[0].f.log.hold = false;
    relay_world_turns(&w, 12, 100 * MS);
    check_bet(&w.peers[0], BET_MARKET_SUSPENDED);
    relay_check_logs(&w);
    relay_world_end(&w);
}

static const char *user_of_desk(void)
{
    static char name[16];
    for (int n = 1;; n++) {
        (void)snprintf(name, sizeof name, "desk-%d", n);
        if (book_has_user(w.desk.book, slice_text(name)))
            return name;
    }
}

/* More than the memory holds, and than may be under way: the log is read, in pieces. */
TEST(relay_link, words_that_were_forgotten_are_read_from_the_log)
{
    begin();
    relay_cut(&w.peers[0]);
    const char *user = user_of_desk();
    assert_int_equal(fixture_deposit(&w.desk, user, "d", 100), REQUEST_TAKEN);
    for (int i = 0; i < 3000; i++) /* some pieces of the log have no word */
        relay_limits(&w, LIMIT_OF_PLAYER, user, 1000 + i);
    for (int i = 0; i < 9000; i++)
        relay_limits(&w, LIMIT_OF_EVENT, "e1", 1000 + i);
    relay_world_turns(&w, 30, 100 * MS);
    assert_true(relay_teller_forgotten(w.teller) > 0);
    relay_connect(&w.peers[0]);
    for (int i = 0; i < 200 && relay_logged(&w.peers[0]) < relay_teller_last(w.teller); i++) {
        assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY); /* whatever it has so far */
        relay_world_turn(&w, MS);
    }
    relay_world_turns(&w, 2, MS);
    relay_check_logs(&w);
    assert_true(relay_teller_stats(w.teller)->words_read > 0);
    assert_int_equal(relay_teller_shard(w.teller, 1).lag_records, 0);
    relay_world_turns(&w, 10, 100 * MS);
    check_bet(&w.peers[0], BET_PLACED);
    relay_world_end(&w);
}

/* A copy of its log that lacks the newest took over: what it had is not what it has. */
TEST(relay_link, a_log_that_comes_back_shorter_is_told_the_rest_again)
{
    begin();
    struct relay_peer *peer = &w.peers[0];
    size_t size = peer->f.log.size;
    uint64_t tail = peer->f.log.tail;
    relay_hold(&w, true);
    relay_world_turns(&w, 4, MS);
    peer->f.log.size = size;
    peer->f.log.tail = tail;
    relay_crash(peer);
    relay_connect(peer);
    peer->stopped = true; /* its HELLO is under way */
    relay_world_turn(&w, MS);
    const struct relay_told *told = relay_ask(&w);
    relay_world_turns(&w, 3, MS);
    assert_false(told->told);
    peer->stopped = false;
    relay_world_turns(&w, 3, MS);
    check_told(told, 3, 0);
    relay_check_logs(&w);
    relay_world_end(&w);
}

/* A word for which the log has no room now waits, and is not passed over. */
TEST(relay_link, a_word_without_room_is_taken_later)
{
    begin();
    struct relay_peer *peer = &w.peers[0];
    peer->f.log.hold = true;
    for (int i = 0; i < 20000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "full-%d", i);
        if (fixture_deposit(&peer->f, peer->user, key, 1) != REQUEST_TAKEN)
            break;
    }
    uint64_t seq = relay_hold(&w, true);
    relay_hold(&w, false);
    relay_world_turns(&w, 3, MS);
    assert_true(relay_follower_stats(peer->follower)->later > 0);
    assert_int_equal(relay_logged(peer), 0);
    peer->f.log.hold = false;
    relay_world_turns(&w, 6, MS);
    assert_true(relay_logged(peer) > seq);
    relay_check_logs(&w);
    relay_world_end(&w);
}

TEST(relay_link, a_shard_that_never_was_there_gets_what_an_earlier_process_said)
{
    relay_world_begin(&w);
    for (int i = 0; i < 7; i++)
        relay_hold(&w, i % 2 == 0);
    relay_crash_desk(&w);
    for (int i = 0; i < RELAY_PEERS; i++)
        relay_connect(&w.peers[i]);
    relay_world_turns(&w, 12, 100 * MS);
    relay_check_logs(&w);
    assert_int_equal(relay_teller_stats(w.teller)->words_read, 2 * 7);
    check_bet(&w.peers[1], BET_MARKET_SUSPENDED);
    relay_world_end(&w);
}

TEST(relay_link, long_without_a_word_is_said_so_that_it_is_not_read_again)
{
    begin();
    const struct shard_state *folded = book_state(w.peers[0].f.book);
    uint64_t before = shard_state_desk(folded)->seq;
    const char *user = user_of_desk();
    assert_int_equal(fixture_deposit(&w.desk, user, "d", 100), REQUEST_TAKEN);
    for (uint32_t i = 0; i <= RELAY_PASSED_RECORDS; i++) /* a customer's are no word for others */
        relay_limits(&w, LIMIT_OF_PLAYER, user, 1000 + i);
    relay_world_turns(&w, 4, MS);
    uint64_t passed = shard_state_desk(folded)->seq;
    assert_true(passed >= before + RELAY_PASSED_RECORDS);
    assert_int_equal(relay_logged(&w.peers[0]), 0); /* it was no word */
    relay_hold(&w, true);
    relay_world_turns(&w, 4, MS);
    relay_check_logs(&w);
    relay_world_end(&w);
}

/* ---- who is not what it says ---- */

static void new_desk(void)
{
    for (int i = 0; i < RELAY_PEERS; i++)
        relay_cut(&w.peers[i]);
    void (*tune)(struct book_options * options) = w.desk.tune;
    w.desk.on_word = NULL;
    fixture_end(&w.desk);
    fixture_begin_tuned(&w.desk, tune);
    w.desk.now.us += 100 * US_PER_SECOND;
    relay_crash_desk(&w);
}

TEST(relay_link, another_desk_than_before_is_refused_by_name)
{
    begin();
    relay_hold(&w, true);
    relay_world_turns(&w, 4, MS);
    new_desk();
    for (int i = 0; i < 20; i++)
        relay_hold(&w, i % 2 == 0); /* it has more records than the shard knows of */
    relay_connect(&w.peers[0]);
    relay_world_turns(&w, 30, 100 * MS);
    assert_false(w.peers[0].attached);
    assert_int_equal(relay_teller_stats(w.teller)->foreign, 1);
    assert_int_equal(relay_bet(&w.peers[0]), REQUEST_DESK_AWAY);
    relay_world_end(&w);
}

static void give_desk(struct relay_peer *peer, struct relay_message *message)
{
    _Alignas(8) char memory[RELAY_SHORT_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    assert_true(relay_wire_put(&out, message));
    relay_teller_message(w.teller, peer->link, buf_slice(&out));
}

static void give_shard(struct relay_peer *peer, struct relay_message *message)
{
    _Alignas(8) char memory[RELAY_SHORT_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    assert_true(relay_wire_put(&out, message));
    relay_follower_message(peer->follower, buf_slice(&out));
}

TEST(relay_link, a_message_that_is_missing_ends_the_link)
{
    begin();
    give_desk(&w.peers[0], &(struct relay_message){.type = RELAY_ASK, .number = 99, .ask = {1, 0}});
    assert_int_equal(relay_teller_stats(w.teller)->bad_messages, 1);
    give_shard(&w.peers[1],
               &(struct relay_message){.type = RELAY_GRANT, .number = 99, .grant = {1}});
    assert_int_equal(relay_follower_stats(w.peers[1].follower)->bad_messages, 1);
    relay_world_turn(&w, MS);
    for (int i = 0; i < RELAY_PEERS; i++)
        assert_false(w.peers[i].attached);
    relay_world_end(&w);
}

TEST(relay_link, nobody_is_granted_what_was_not_asked)
{
    begin();
    struct relay_peer *peer = &w.peers[0];
    uint64_t number = 1 /* WELCOME */ + relay_follower_stats(peer->follower)->granted + 1;
    give_shard(peer, &(struct relay_message){
                         .type = RELAY_GRANT, .number = number, .grant = {peer->f.now.us + 1}});
    assert_int_equal(relay_follower_stats(peer->follower)->bad_messages, 1);
    relay_world_turns(&w, 1, 3000 * MS);
    assert_int_equal(relay_bet(peer), REQUEST_DESK_AWAY);
    relay_world_end(&w);
}

TEST(relay_link, what_was_not_said_is_not_had)
{
    begin();
    struct relay_peer *peer = &w.peers[0];
    uint64_t number = 2 + relay_follower_stats(peer->follower)->asked;
    give_desk(peer, &(struct relay_message){
                        .type = RELAY_HAVE, .number = number, .have = {UINT64_C(1) << 40, 0, 0}});
    assert_int_equal(relay_teller_stats(w.teller)->bad_messages, 1);
    assert_int_equal(relay_teller_shard(w.teller, 1).have_seq, 0);
    relay_world_end(&w);
}

static bool closed;

static bool swallow(void *owner, struct slice message)
{
    (void)owner, (void)message;
    return true;
}

static void note_closed(void *owner)
{
    (void)owner;
    closed = true;
}

/* The process was replaced, and its old link was not yet found to be dead. */
TEST(relay_link, a_shard_that_comes_again_replaces_its_link)
{
    const struct carrier before = {NULL, swallow, note_closed, NULL};
    relay_world_begin(&w);
    struct relay_peer *peer = &w.peers[0];
    int link = relay_teller_attach(w.teller, &before);
    relay_connect(peer);
    relay_teller_message(w.teller, link, peer->to_desk.messages[peer->to_desk.first]);
    assert_true(relay_teller_shard(w.teller, 1).attached);
    closed = false;
    relay_world_turns(&w, 2, MS);
    assert_true(closed);
    assert_int_equal(relay_teller_stats(w.teller)->replaced, 1);
    relay_teller_detached(w.teller, link);
    assert_true(relay_teller_shard(w.teller, 1).attached);
    check_bet(peer, BET_PLACED);
    relay_world_end(&w);
}

TEST(relay_link, as_many_links_are_taken_as_may)
{
    const struct carrier carrier = {NULL, NULL, NULL, NULL};
    relay_world_begin(&w);
    for (int i = 0; i < 3 + RELAY_SPARE_LINKS; i++)
        assert_int_equal(relay_teller_attach(w.teller, &carrier), i);
    assert_true(relay_teller_attach(w.teller, &carrier) < 0);
    assert_int_equal(relay_teller_stats(w.teller)->links_reached, 1);
    relay_world_end(&w);
}
