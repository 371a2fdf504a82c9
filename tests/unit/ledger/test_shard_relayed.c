/* test_shard_relayed.c - how far a shard has come with the desk's words (shard_apply_relayed.c). */
#include "test.h"

#include "base/error.h"
#include "maker.h"

static void accept_limits(struct maker *m)
{
    struct parts limits = parts_limits(m, LIMIT_OF_EVENT, 0, "e1");
    maker_accept(m, &limits);
}

TEST(shard_relayed, a_word_of_the_desk_is_checked_whole)
{
    struct maker m;
    maker_open(&m);
    accept_limits(&m);
    struct parts good = parts_relayed(&m, RECORD_LIMITS);
    REFUSES(&m, good, "a word of the desk is no account's", p.draft.account = 1);
    REFUSES(&m, good, "no such word of the desk", p.body.relayed.word = RECORD_BET);
    REFUSES(&m, good, "no such word of the desk", p.body.relayed.word = 99);
    REFUSES(&m, good, "what is refused is a word", p.body.relayed.refused = 2);
    REFUSES(&m, good, "what is refused is a word", p.body.relayed.refused = 1;
            p.body.relayed.word = 0; p.body.relayed.word_seq = 0);
    REFUSES(&m, good, "a word's own record stands before", p.body.relayed.word_seq--);
    REFUSES(&m, good, "a word's own record stands before", p.body.relayed.word_seq++);
    REFUSES(&m, good, "a word's own record stands before", p.body.relayed.refused = 1);
    REFUSES(&m, good, "a word's own record stands before", p.body.relayed.word = 0);
    REFUSES(&m, good, "L7: a word of the desk is taken once", p.body.relayed.desk_seq = 0);
    REFUSES(&m, good, "words are relayed from another log",
            memcpy(p.body.relayed.desk_book_id, shard_state_book_id(m.state), 16));
    assert_int_equal(shard_state_desk(m.state)->seq, 0);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_desk(m.state)->seq, 10);
    maker_done(&m);
}

TEST(shard_relayed, words_come_from_one_log_and_in_its_order)
{
    struct maker m;
    maker_open(&m);
    struct parts first = parts_relayed(&m, 0);
    maker_accept(&m, &first);
    struct parts good = parts_relayed(&m, 0);
    REFUSES(&m, good, "L7: a word of the desk is taken once",
            p.body.relayed.desk_seq = first.body.relayed.desk_seq);
    REFUSES(&m, good, "a shard has one desk", p.body.relayed.desk_shard = 1);
    REFUSES(&m, good, "a shard has one desk", p.body.relayed.desk_book_id[3]++);
    good.body.relayed.word = RECORD_RESULT; /* it cannot be here, or says nothing new */
    good.body.relayed.refused = 1;
    maker_accept(&m, &good);
    assert_int_equal(shard_state_desk(m.state)->seq, good.body.relayed.desk_seq);
    maker_done(&m);
}

TEST(shard_relayed, its_place_is_in_the_hash_of_the_state)
{
    uint8_t hash[2][32];
    for (int i = 0; i < 2; i++) {
        struct maker m;
        maker_open(&m);
        struct parts parts = parts_relayed(&m, 0);
        parts.body.relayed.desk_seq += (uint64_t)i;
        maker_accept(&m, &parts);
        assert_int_equal(shard_state_hash(m.state, hash[i]), 0);
        assert_int_equal(shard_state_check(m.state), 0);
        maker_done(&m);
    }
    assert_memory_not_equal(hash[0], hash[1], 32);
}
