/* test_bet_shard.c - roles/bet/bet_shard.h: which shard a question is for. Of two shards "ann" is
 * of the second and "bob" of the first (docs/LEDGER.md, "Shards"). */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "roles/bet/bet_shard.h"

#define ANY (BET_SHARD_NONE - 1) /* each may answer */

static struct jwt_claims claims_of(const char *user)
{
    struct jwt_claims claims = {.sub_bytes = (uint32_t)strlen(user)};
    memcpy(claims.sub, user, claims.sub_bytes);
    return claims;
}

static uint32_t asked(enum bet_call call, const char *user, const char *words)
{
    const struct jwt_claims claims = claims_of(user);
    const struct bet_question question = {
        .call = call, .claims = &claims, .words = slice_text(words)};
    uint32_t shard = 77;
    return bet_question_shard(&question, 2, &shard) ? shard : ANY;
}

TEST(bet_shard, of_what_a_customer_asks_is_the_customers)
{
    static const enum bet_call calls[] = {
        BET_CALL_PLACE,    BET_CALL_DEPOSIT,    BET_CALL_WITHDRAW,
        BET_CALL_ACCOUNT,  BET_CALL_LIST,       BET_CALL_OFFER,
        BET_CALL_CASH_OUT, BET_CALL_TAKE_OFFER, BET_CALL_DECLINE_OFFER};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        assert_int_equal(asked(calls[i], "ann", ""), 1);
        assert_int_equal(asked(calls[i], "bob", ""), 0);
    }
}

TEST(bet_shard, of_a_bet_is_the_one_that_its_id_names)
{
    char id[32];
    for (unsigned shard = 0; shard < 2; shard++) {
        struct bet_id bet =
            bet_id_next((struct bet_id){0}, (struct instant){INT64_C(1) << 50}, shard);
        (void)snprintf(id, sizeof id, "%llu", (unsigned long long)bet.n);
        assert_int_equal(asked(BET_CALL_READ, "ann", id), shard);
        assert_int_equal(asked(BET_CALL_PROOF, "bob", id), shard);
    }
    /* No such shard, or no id: the asker's own, where there is no such bet. */
    struct bet_id bet = bet_id_next((struct bet_id){0}, (struct instant){INT64_C(1) << 50}, 2);
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)bet.n);
    assert_int_equal(asked(BET_CALL_READ, "ann", id), 1);
    assert_int_equal(asked(BET_CALL_READ, "bob", "x"), 0);
}

TEST(bet_shard, of_a_list_of_somebodys_bets_is_theirs)
{
    assert_int_equal(asked(BET_CALL_LIST, "ann", "limit=5&user_id=bob"), 0);
    assert_int_equal(asked(BET_CALL_LIST, "bob", "user_id=%61nn"), 1);
    assert_int_equal(asked(BET_CALL_LIST, "bob", "user_id="), 0);
    assert_int_equal(asked(BET_CALL_LIST, "bob", "user_id=%zz"), 0); /* 400 there */
}

TEST(bet_shard, of_a_ledgers_head_and_keys_is_the_named_one_or_any)
{
    for (int i = 0; i < 2; i++) {
        enum bet_call call = i == 0 ? BET_CALL_HEAD : BET_CALL_KEYS;
        assert_int_equal(asked(call, "ann", ""), ANY);
        assert_int_equal(asked(call, "ann", "from=3"), ANY);
        assert_int_equal(asked(call, "ann", "shard=0"), 0);
        assert_int_equal(asked(call, "ann", "from=3&shard=1"), 1);
        assert_int_equal(asked(call, "ann", "shard=2"), BET_SHARD_NONE);
        assert_int_equal(asked(call, "ann", "shard="), BET_SHARD_NONE);
        assert_int_equal(asked(call, "ann", "shard=1x"), BET_SHARD_NONE);
        assert_int_equal(asked(call, "ann", "shard=4294967297"), BET_SHARD_NONE);
    }
}
