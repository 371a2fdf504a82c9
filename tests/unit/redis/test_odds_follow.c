/* test_odds_follow.c - what a follower hears: messages, gaps between them, and leases. */
#include "adapters/redis/odds_gaps.h"
#include "adapters/redis/odds_leases.h"
#include "adapters/redis/odds_message.h"
#include "base/error.h"
#include "test.h"

TEST(odds_message, each_kind_is_taken_apart)
{
    struct odds_message m;
    assert_int_equal(odds_message_read(SLICE("00000000000000af 7 12 {\"a\":1}"), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_VALUE);
    assert_int_equal(m.session, 0xaf);
    assert_int_equal(m.number, 7);
    assert_true(slice_is(m.value, "{\"a\":1}"));
    assert_int_equal(odds_message_read(SLICE("- 0 0 {}"), &m), 0);
    assert_int_equal(m.number, 0);
    assert_int_equal(odds_message_read(SLICE("00000000000000af 8 12 "), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_VALUE);
    assert_int_equal(m.value.bytes, 0);
    assert_int_equal(odds_message_read(SLICE("00000000000000af 9 alive "), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_ALIVE);
    assert_int_equal(odds_message_read(SLICE("00000000000000af 9 later what"), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_ALIVE);
    assert_int_equal(odds_message_read(SLICE("00000000000000af 10 lease {\"provider\":\"betfair\","
                                             "\"epoch\":3,\"valid_for_us\":4500000}"),
                                       &m),
                     0);
    assert_int_equal(m.kind, ODDS_MESSAGE_LEASE);
    assert_true(slice_is(slice_of(m.provider, m.provider_bytes), "betfair"));
    assert_int_equal(m.valid_for_us, 4500000);
}

TEST(odds_message, a_value_says_itself_who_sent_it)
{
    static const char said[] = "{\"odds_version\":12,\"said\":\"00000000000000af 7\",\"a\":1}";
    static const char unsaid[] = "{\"odds_version\":9007199254740991,\"market_id\":\"1\"}";
    struct odds_message m;
    assert_int_equal(odds_message_read(SLICE(said), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_VALUE);
    assert_int_equal(m.session, 0xaf);
    assert_int_equal(m.number, 7);
    assert_true(slice_is(m.value, said));
    assert_int_equal(odds_message_read(SLICE(unsaid), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_VALUE);
    assert_int_equal(m.number, 0);
    assert_true(slice_is(m.value, unsaid));
}

TEST(odds_message, a_claim_comes_back_as_it_was_written)
{
    char memory[ODDS_CLAIM_BYTES_MAX + 32];
    struct odds_message m;
    struct odds_claim claim = {
        .book = INT64_MAX, .epoch = UINT32_MAX, .sent_us = INT64_MAX, .behind_us = INT64_MAX};
    for (unsigned i = 0; i < ODDS_CLAIM_RANGES_MAX; i++)
        claim.ranges[claim.ranges_count++] = (struct redis_range){(uint16_t)(16383 - i), 16383};
    struct buf out = buf_over(memory, sizeof memory);
    buf_put_text(&out, "00000000000000af 9 alive ");
    odds_claim_write(&out, &claim);
    assert_false(out.overflow);
    assert_true(out.bytes - 25 <= ODDS_CLAIM_BYTES_MAX);
    assert_int_equal(odds_message_read(buf_slice(&out), &m), 0);
    assert_int_equal(m.kind, ODDS_MESSAGE_ALIVE);
    assert_int_equal(m.claim.book, INT64_MAX);
    assert_int_equal(m.claim.epoch, UINT32_MAX);
    assert_int_equal(m.claim.sent_us, INT64_MAX);
    assert_int_equal(m.claim.behind_us, INT64_MAX);
    assert_int_equal(m.claim.ranges_count, ODDS_CLAIM_RANGES_MAX);
    assert_memory_equal(m.claim.ranges, claim.ranges, sizeof claim.ranges);
}

TEST(odds_message, what_is_none_is_refused)
{
    static const char *const bad[] = {
        "",
        "x",
        "- 1 0 {}",
        "00000000000000af",
        "00000000000000af 7",
        "00000000000000af x 0 {}",
        "00000000000000AF 7 0 {}",
        "af 7 0 {}",
        "00000000000000af 0 0 {}",
        "00000000000000af 9999999999999999999 0 {}",
        "{}",
        "{\"odds_version\":}",
        "{\"odds_version\":x,\"said\":\"00000000000000af 7\"}",
        "{\"odds_version\":1,\"said\":\"00000000000000af\"}",
        "{\"odds_version\":1,\"said\":\"00000000000000af 7",
        "{\"odds_version\":1,\"said\":\"00000000000000af 7 \"}",
        "{\"odds_version\":1,\"said\":\"00000000000000af 0\"}",
        "{\"odds_version\":1,\"said\":\"00000000000000af 9999999999999999999\"}",
        "{\"odds_version\":1,\"said\":\"- 0\"}",
        "{\"odds_version\":1,\"said\":\"af 7\"}",
        "00000000000000af 7 lease",
        "00000000000000af 7 lease {}",
        "00000000000000af 7 lease {\"provider\":\"\",\"valid_for_us\":1}",
        "00000000000000af 7 lease {\"provider\":\"b\"}",
        "00000000000000af 7 lease {\"provider\":\"b\",\"valid_for_us\":-1}",
        "00000000000000af 7 lease {\"provider\":\"b\",\"valid_for_us\":3600000001}",
        "00000000000000af 7 lease {\"provider\":\"123456789012345678901234567890123\","
        "\"valid_for_us\":1}",
        "00000000000000af 7 alive x",
        "00000000000000af 7 alive {}",
        "00000000000000af 7 alive {\"epoch\":1,\"sent_us\":1,\"slots\":[]}",
        "00000000000000af 7 alive {\"epoch\":1,\"sent_us\":1,\"behind_us\":2,\"slots\":[]}",
        "00000000000000af 7 alive {\"epoch\":1,\"sent_us\":1,\"behind_us\":-1,\"slots\":[]}",
        "00000000000000af 7 alive {\"epoch\":1,\"sent_us\":1,\"behind_us\":0,\"slots\":[[5,4]]}",
        "00000000000000af 7 alive {\"epoch\":1,\"sent_us\":1,\"behind_us\":0,\"slots\":[[5]]}",
        "00000000000000af 7 alive {\"epoch\":1,\"sent_us\":1,\"behind_us\":0,\"slots\":[[1,2,3]]}",
        "00000000000000af 7 alive "
        "{\"epoch\":1,\"sent_us\":1,\"behind_us\":0,\"slots\":[[0,16384]]}",
    };
    struct odds_message m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (odds_message_read(slice_text(bad[i]), &m) == 0)
            fail_msg("%s", bad[i]);
}

TEST(odds_gaps, a_hole_is_noticed_once)
{
    static struct odds_gaps gaps;
    odds_gaps_begin(&gaps);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 17, 0),
                     ODDS_HEARD_NEXT); /* it began before we listened */
    gaps.complete = true;
    assert_int_equal(odds_gaps_hear(&gaps, 1, 18, 0), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 20, 0), ODDS_HEARD_BEHIND_A_HOLE);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 21, 0), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 20, 0), ODDS_HEARD_BEFORE); /* by another way */
    assert_int_equal(odds_gaps_hear(&gaps, 1, 21, 0), ODDS_HEARD_BEFORE);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 22, 0), ODDS_HEARD_NEXT);
}

TEST(odds_gaps, a_session_that_is_new_begins_at_one)
{
    static struct odds_gaps gaps;
    odds_gaps_begin(&gaps);
    gaps.complete = true;
    assert_int_equal(odds_gaps_hear(&gaps, 1, 1, 0), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 2, 2, 0), ODDS_HEARD_BEHIND_A_HOLE);
    assert_int_equal(odds_gaps_hear(&gaps, 2, 3, 0), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 2, 0), ODDS_HEARD_NEXT);
}

TEST(odds_gaps, who_is_silent_is_forgotten_and_that_is_told)
{
    static struct odds_gaps gaps;
    odds_gaps_begin(&gaps);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 1, 1000), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 2, 1, 1500), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_forget(&gaps, 1000, 1999), 0);
    assert_int_equal(odds_gaps_forget(&gaps, 1000, 2000), 1);
    assert_int_equal(odds_gaps_forget(&gaps, 1000, 2000), 0);
    gaps.complete = true;
    assert_int_equal(odds_gaps_hear(&gaps, 2, 2, 2000), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 1, 2, 2000), ODDS_HEARD_BEHIND_A_HOLE);
}

TEST(odds_gaps, more_sessions_than_there_are_rows_forget_the_oldest)
{
    static struct odds_gaps gaps;
    odds_gaps_begin(&gaps);
    gaps.complete = true;
    for (uint64_t i = 0; i <= ODDS_SESSIONS_MAX; i++)
        assert_int_equal(odds_gaps_hear(&gaps, 100 + i, 1, (int64_t)i), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 101, 2, 1000), ODDS_HEARD_NEXT);
    assert_int_equal(odds_gaps_hear(&gaps, 100, 2, 1000), ODDS_HEARD_BEHIND_A_HOLE);
}

TEST(odds_leases, hold_for_as_long_as_was_said_from_when_it_was_heard)
{
    static struct odds_leases leases;
    struct slice provider = SLICE("betfair");
    leases = (struct odds_leases){.count = 0};
    assert_false(odds_leases_alive(&leases, provider, 0));
    assert_null(odds_leases_find(&leases, provider));
    odds_leases_hear(&leases, provider, 5000, 100);
    assert_true(odds_leases_alive(&leases, provider, 5099));
    assert_false(odds_leases_alive(&leases, provider, 5100));
    assert_true(odds_leases_changed(&leases, 200));
    assert_false(odds_leases_changed(&leases, 5099));
    assert_true(odds_leases_changed(&leases, 5100));
    assert_false(odds_leases_changed(&leases, 5101));
    odds_leases_hear(&leases, provider, 0, 6000);
    assert_false(odds_leases_alive(&leases, provider, 6000));
    assert_int_equal(odds_leases_find(&leases, provider)->heard_us, 6000);
}

TEST(odds_leases, a_provider_too_many_is_never_alive)
{
    static struct odds_leases leases;
    leases = (struct odds_leases){.count = 0};
    for (int i = 0; i <= ODDS_LEASES_MAX; i++) {
        char name[] = {'p', (char)('0' + i % 64), (char)('0' + i / 64)};
        odds_leases_hear(&leases, slice_of(name, sizeof name), 1000, 0);
        assert_int_equal(odds_leases_alive(&leases, slice_of(name, sizeof name), 1),
                         i < ODDS_LEASES_MAX);
    }
    odds_leases_hear(&leases, SLICE("123456789012345678901234567890123"), 1000, 0);
    odds_leases_hear(&leases, SLICE_NONE, 1000, 0);
    assert_int_equal(leases.count, ODDS_LEASES_MAX);
}
