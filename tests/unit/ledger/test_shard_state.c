/* test_shard_state.c - limits, look-ups, and the state's hash (L5). */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "every_type.h"
#include "ledger/shard_verdicts.h"

static void hash_of(const struct maker *m, uint8_t ret[32])
{
    assert_int_equal(shard_state_hash(m->state, ret), 0);
}

/* ---- limits: refused as such, and nothing of the record is kept ---- */

static const struct shard_verdict *find(const struct maker *m, struct account_ref account,
                                        enum operation operation, const char *key)
{
    const uint64_t *hash_key = shard_state_hash_key(m->state);
    return shard_state_verdict(m->state,
                               shard_verdict_key(hash_key, account, operation, slice_text(key)));
}

TEST(shard_limits, one_account_too_many)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.accounts_max = 1;
    maker_empty(&m, &limits);
    struct parts genesis = parts_genesis(&m);
    maker_accept(&m, &genesis);
    assert_null(shard_state_room(m.state));
    struct parts ada = parts_account(&m, "ada");
    maker_accept(&m, &ada);
    assert_string_equal(shard_state_room(m.state), "accounts_max");
    struct parts bob = parts_account(&m, "bob");
    maker_limited(&m, &bob);
    assert_string_equal(shard_state_reason(m.state), "");
    maker_done(&m);
}

TEST(shard_limits, one_market_too_many)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.markets_max = 1;
    maker_empty(&m, &limits);
    struct parts genesis = parts_genesis(&m);
    maker_accept(&m, &genesis);
    struct parts one = parts_market(&m, "1", 2);
    maker_accept(&m, &one);
    assert_string_equal(shard_state_room(m.state), "markets_max");
    struct parts two = parts_market(&m, "2", 2);
    maker_limited(&m, &two);
    maker_done(&m);
}

/* Selections that move count again: their old places are not used a second time. */
TEST(shard_limits, too_many_selections_of_all_markets)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.selections_max = 10;
    maker_empty(&m, &limits);
    struct parts genesis = parts_genesis(&m);
    maker_accept(&m, &genesis);
    struct parts eleven = parts_market(&m, "1", 11);
    maker_limited(&m, &eleven);
    struct parts four = parts_market(&m, "1", 4);
    maker_accept(&m, &four);
    struct parts three = parts_selections(&m, 1, 3); /* 4 + 7 places */
    maker_limited(&m, &three);
    struct parts two = parts_selections(&m, 1, 2);
    maker_accept(&m, &two);
    assert_string_equal(shard_state_room(m.state), "selections_max");
    struct parts one = parts_market(&m, "2", 1);
    maker_limited(&m, &one);
    struct parts none = parts_market(&m, "2", 0);
    maker_accept(&m, &none);
    maker_done(&m);
}

static const char *distinct(char memory[16], const char *prefix, unsigned n)
{
    struct buf text = buf_over(memory, 16);
    buf_printf(&text, "%s%u%c", prefix, n, 0);
    return memory;
}

/* A market whose six texts are its own; the memory is used until the next call. */
static struct parts verbose_market(const struct maker *m, unsigned n)
{
    static char id[16], texts[6][16];
    struct parts market = parts_market(m, distinct(id, "m", n), 0);
    uint16_t *bytes[] = {&market.body.market.event_bytes, &market.body.market.provider_bytes,
                         &market.body.market.sport_bytes, &market.body.market.event_name_bytes,
                         &market.body.market.name_bytes,  &market.body.market.kind_bytes};
    for (unsigned i = 0; i < 6; i++) {
        market.texts[1 + i] = slice_text(distinct(texts[i], "text", n * 6 + i));
        *bytes[i] = (uint16_t)market.texts[1 + i].bytes;
    }
    return market;
}

/* There is room for 2 texts a market and a selection, because they are shared. */
TEST(shard_limits, too_many_texts)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.markets_max = limits.selections_max = 600;
    maker_empty(&m, &limits);
    struct parts genesis = parts_genesis(&m);
    maker_accept(&m, &genesis);
    unsigned made = 0;
    for (; shard_state_room(m.state) == NULL; made++) {
        struct parts market = verbose_market(&m, made);
        maker_accept(&m, &market);
    }
    assert_string_equal(shard_state_room(m.state), "texts_max");
    assert_in_range(made, 100, 300);
    for (; made < 399; made++) { /* who does not ask for room still finds some: 399 * 6 + 1 */
        struct parts market = verbose_market(&m, made);
        maker_accept(&m, &market);
    }
    struct parts more = parts_selections(&m, 1, 3);
    maker_limited(&m, &more);
    struct parts market = verbose_market(&m, made);
    maker_limited(&m, &market);
    maker_done(&m);
}

/* The longest texts that are allowed fit wherever their number does. */
TEST(shard_limits, the_longest_texts_fit)
{
    struct maker m;
    struct shard_limits limits = {.accounts_max = 1,
                                  .markets_max = 10,
                                  .selections_max = 10,
                                  .bets_max = 10,
                                  .verdicts_max = 10};
    char texts[8][NAME_BYTES_MAX];
    maker_empty(&m, &limits);
    struct parts genesis = parts_genesis(&m);
    maker_accept(&m, &genesis);
    struct parts market = parts_market(&m, "1", 1);
    uint16_t *bytes[] = {
        &market.body.market.event_bytes,      &market.body.market.provider_bytes,
        &market.body.market.sport_bytes,      &market.body.market.event_name_bytes,
        &market.body.market.name_bytes,       &market.body.market.kind_bytes,
        &market.items.selections[0].id_bytes, &market.items.selections[0].name_bytes};
    for (size_t i = 0; i < 8; i++) {
        size_t length = i == 6 ? SELECTION_ID_BYTES_MAX : NAME_BYTES_MAX;
        memset(texts[i], (int)('a' + i), sizeof texts[i]);
        market.texts[1 + i] = slice_of(texts[i], length);
        *bytes[i] = (uint16_t)length;
    }
    maker_accept(&m, &market);
    maker_done(&m);
}

TEST(shard_limits, one_bet_too_many)
{
    struct maker small;
    struct shard_limits limits = MAKER_LIMITS;
    limits.bets_max = 1;
    maker_empty(&small, &limits);
    struct parts genesis = parts_genesis(&small);
    maker_accept(&small, &genesis);
    struct parts account = parts_account(&small, "ada");
    maker_accept(&small, &account);
    struct parts deposit = parts_deposit(&small, 1, 10000, "d");
    maker_accept(&small, &deposit);
    struct parts market = parts_market(&small, "1", 2);
    maker_accept(&small, &market);
    struct parts bet = parts_bet(&small, 1, 1, "a");
    maker_accept(&small, &bet);
    assert_string_equal(shard_state_room(small.state), "bets_max");
    struct parts second = parts_bet(&small, 1, 1, "b");
    maker_limited(&small, &second);
    maker_done(&small);
}

TEST(shard_limits, one_verdict_too_many)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.verdicts_max = 2;
    maker_empty(&m, &limits);
    struct parts genesis = parts_genesis(&m);
    maker_accept(&m, &genesis);
    struct parts account = parts_account(&m, "ada");
    maker_accept(&m, &account);
    struct parts market = parts_market(&m, "1", 2);
    maker_accept(&m, &market);
    struct parts deposit = parts_deposit(&m, 1, 10000, "d");
    maker_accept(&m, &deposit);
    struct parts refused = parts_money_refused(&m, 1, "e");
    maker_accept(&m, &refused);
    assert_string_equal(shard_state_room(m.state), "verdicts_max");
    struct parts third = parts_deposit(&m, 1, 5, "f");
    maker_limited(&m, &third);
    struct parts bet = parts_bet(&m, 1, 1, "b");
    maker_limited(&m, &bet);
    bet = parts_refused(&m, 1, 1, "b");
    maker_limited(&m, &bet);
    maker_done(&m);
}

#ifndef __SANITIZE_ADDRESS__ /* which needs the address space itself */
static size_t address_space(void)
{
    char text[64] = {0};
    int file = open("/proc/self/statm", O_RDONLY);
    assert_true(file >= 0 && read(file, text, sizeof text - 1) > 0);
    (void)close(file);
    return (size_t)strtoull(text, NULL, 10) * 4096;
}

/* Whichever piece of its memory is refused, what was taken before is given back. */
TEST(shard_limits, a_state_gets_all_its_memory_or_none)
{
    struct rlimit before, limit;
    struct shard_state *made;
    unsigned refused = 0;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    const size_t used = address_space();
    for (size_t more = 0;; more += 65536) {
        limit = before;
        limit.rlim_cur = used + more;
        assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
        int error = shard_state_new(&MAKER_LIMITS, &made);
        assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
        if (error == 0)
            break;
        assert_int_equal(error, -ERR_MEMORY);
        assert_in_range(address_space(), 0, used + 65536);
        refused++;
    }
    assert_true(refused > 20);
    shard_state_free(made);
    shard_state_free(NULL);
}
#endif

/* ---- look-ups ---- */

TEST(shard, an_empty_state_knows_nothing)
{
    struct maker m;
    maker_empty(&m, &MAKER_LIMITS);
    const struct account_ref account = {1};
    const struct market_ref market = {1};
    assert_string_equal(shard_state_reason(m.state), "");
    assert_int_equal(shard_state_seq(m.state), 0);
    assert_int_equal(shard_state_find_account(m.state, SLICE("ada")).n, 0);
    assert_int_equal(shard_state_find_account(m.state, SLICE("")).n, 0);
    assert_null(shard_state_account(m.state, account));
    assert_null(shard_state_account(m.state, (struct account_ref){0}));
    assert_int_equal(shard_state_user_id(m.state, (struct account_ref){0}).bytes, 0);
    assert_null(shard_state_market(m.state, market));
    assert_null(shard_state_market(m.state, (struct market_ref){0}));
    assert_int_equal(shard_state_market_id(m.state, (struct market_ref){0}).bytes, 0);
    assert_null(shard_state_selection(m.state, market, 0));
    assert_int_equal(shard_state_find_selection(m.state, market, SLICE("s0")),
                     RECORD_SELECTION_NONE);
    assert_int_equal(shard_state_find_bet(m.state, (struct bet_id){0}), BET_NONE);
    assert_int_equal(shard_state_bets_count(m.state), 0);
    assert_null(find(&m, account, OPERATION_BET, "k"));
    assert_null(find(&m, account, OPERATION_BET, ""));
    assert_null(shard_state_house(m.state, 0));
    assert_int_equal(shard_state_limits(m.state)->accounts_max, 100);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

TEST(shard, names_and_refs_find_each_other)
{
    struct maker m;
    maker_open(&m);
    assert_int_equal(shard_state_find_account(m.state, SLICE("bob")).n, 2);
    assert_true(slice_is(shard_state_user_id(m.state, (struct account_ref){2}), "bob"));
    struct market_ref market = shard_state_find_market(m.state, SLICE("1.24"));
    assert_int_equal(market.n, 2);
    assert_true(slice_is(shard_state_market_id(m.state, market), "1.24"));
    assert_int_equal(shard_state_find_selection(m.state, market, SLICE("s2")), 2);
    assert_int_equal(shard_state_find_selection(m.state, market, SLICE("s3")),
                     RECORD_SELECTION_NONE);
    assert_int_equal(shard_state_find_selection(m.state, market, SLICE("betfair")),
                     RECORD_SELECTION_NONE); /* a text, but of no selection */
    assert_null(shard_state_selection(m.state, market, 3));
    const struct shard_selection *selection = shard_state_selection(m.state, market, 2);
    assert_true(slice_is(shard_state_text(m.state, selection->name), "Selection"));
    assert_int_equal(shard_state_accounts_count(m.state), 2);
    assert_int_equal(shard_state_markets_count(m.state), 2);
    assert_int_equal(shard_state_time_us(m.state), m.time_us - 1000);
    assert_int_equal(shard_state_epoch(m.state), 1);
    maker_done(&m);
}

/* More than 4,096 bets in one millisecond: ids run ahead of the clock and stay in order. */
TEST(shard, bets_are_found_by_their_ids)
{
    struct maker m;
    maker_open(&m);
    const int64_t now = m.time_us;
    const uint32_t count = 5000;
    for (uint32_t i = 0; i < count; i++) {
        char key[16];
        struct parts bet = parts_bet(&m, 1 + i % 2, 1 + i / 2 % 2, distinct(key, "k", i));
        parts_stake(&m, &bet, 1, (struct odds){2, 1});
        maker_accept(&m, &bet);
        m.time_us = now;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bet_id id = {shard_state_bet(m.state, i)->bet_id};
        assert_int_equal(shard_state_find_bet(m.state, id), i);
        if (i > 0)
            assert_true(id.n > shard_state_bet(m.state, i - 1)->bet_id);
    }
    const uint64_t first = shard_state_bet(m.state, 0)->bet_id;
    const uint64_t last = shard_state_last_bet_id(m.state).n;
    assert_int_equal(last, shard_state_bet(m.state, count - 1)->bet_id);
    assert_true(last >> 22 > first >> 22); /* a later millisecond than the clock's */
    assert_int_equal(shard_state_find_bet(m.state, (struct bet_id){first - 1}), BET_NONE);
    assert_int_equal(shard_state_find_bet(m.state, (struct bet_id){last + 1}), BET_NONE);
    assert_int_equal(shard_state_find_bet(m.state, (struct bet_id){UINT64_MAX}), BET_NONE);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

TEST(shard, a_key_is_one_per_user_and_operation)
{
    struct maker m;
    maker_open(&m);
    const struct account_ref ada = {1}, bob = {2};
    struct parts deposit = parts_deposit(&m, 1, 100, "k");
    maker_accept(&m, &deposit);
    assert_null(find(&m, ada, OPERATION_WITHDRAWAL, "k"));
    assert_null(find(&m, ada, OPERATION_BET, "k"));
    assert_null(find(&m, bob, OPERATION_DEPOSIT, "k"));
    assert_null(find(&m, ada, OPERATION_DEPOSIT, "K"));
    struct parts withdrawal = parts_withdrawal(&m, 1, 100, "k");
    maker_accept(&m, &withdrawal);
    struct parts bet = parts_bet(&m, 1, 1, "k");
    maker_accept(&m, &bet);
    struct parts other = parts_deposit(&m, 2, 100, "k");
    maker_accept(&m, &other);
    const struct shard_verdict *verdict = find(&m, ada, OPERATION_BET, "k");
    assert_int_equal(verdict->seq, bet.draft.seq);
    assert_int_equal(verdict->bet, 0);
    assert_int_equal(verdict->account, 1);
    assert_int_equal(verdict->request_hash[1], 22);
    verdict = find(&m, ada, OPERATION_DEPOSIT, "k");
    assert_int_equal(verdict->seq, deposit.draft.seq);
    assert_int_equal(verdict->bet, BET_NONE);
    verdict = find(&m, bob, OPERATION_DEPOSIT, "k");
    assert_int_equal(verdict->seq, other.draft.seq);
    maker_done(&m);
}

TEST(shard, the_verdict_of_a_pending_bet_becomes_its_release)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_pending(&m, 1, 1, "k");
    maker_accept(&m, &bet);
    struct parts release = parts_release(&m, 0, BET_PLACED);
    maker_accept(&m, &release);
    const struct shard_verdict *verdict = find(&m, (struct account_ref){1}, OPERATION_BET, "k");
    assert_int_equal(verdict->seq, bet.draft.seq);
    assert_int_equal(shard_state_verdict_seq(m.state, verdict), release.draft.seq);
    assert_int_equal(verdict->bet, 0);
    maker_done(&m);
}

/* shard_state.h: the newest record that moved its money. */
TEST(shard, a_refusal_is_not_the_newest_record_of_a_balance)
{
    struct maker m;
    maker_open(&m);
    const struct shard_account *ada = shard_state_account(m.state, (struct account_ref){1});
    const uint64_t moved = ada->seq_last;
    struct parts refused = parts_refused(&m, 1, 1, "a");
    maker_accept(&m, &refused);
    assert_int_equal(ada->seq_last, moved);
    refused = parts_money_refused(&m, 1, "b");
    maker_accept(&m, &refused);
    assert_int_equal(ada->seq_last, moved);
    struct parts bet = parts_bet(&m, 1, 1, "c");
    maker_accept(&m, &bet);
    assert_int_equal(ada->seq_last, bet.draft.seq);
    maker_done(&m);
}

TEST(shard, the_effective_status_is_the_feed_s_under_the_holds)
{
    struct shard_market market = {.status = MARKET_ACTIVE};
    assert_int_equal(shard_market_effective(&market), MARKET_ACTIVE);
    market.holds = HOLD_TRADER;
    assert_int_equal(shard_market_effective(&market), MARKET_SUSPENDED_STATUS);
    market.status = MARKET_CLOSED_STATUS;
    assert_int_equal(shard_market_effective(&market), MARKET_CLOSED_STATUS);
}

/* ---- looking ahead ---- */

static void looks_ahead(struct maker *m, const struct parts *parts)
{
    maker_encode(m, parts);
    shard_state_prefetch(m->state, &m->view);
}

static void looks_not(struct maker *m, const struct parts *parts)
{
    (void)m;
    (void)parts;
}

TEST(shard_prefetch, looking_ahead_changes_nothing)
{
    struct maker with, without;
    uint8_t hash_with[32], hash_without[32];
    every_type(&with, looks_ahead);
    every_type(&without, looks_not);
    hash_of(&with, hash_with);
    hash_of(&without, hash_without);
    assert_memory_equal(hash_with, hash_without, 32);
    maker_done(&with);
    maker_done(&without);
}

/* What was seen at a place need not be what is applied there in the end. */
TEST(shard_prefetch, another_record_at_the_same_place_has_its_own_key)
{
    struct maker m;
    maker_open(&m);
    struct parts seen = parts_deposit(&m, 1, 5, "seen");
    maker_encode(&m, &seen);
    shard_state_prefetch(m.state, &m.view);
    struct parts applied = parts_deposit(&m, 1, 5, "applied");
    maker_accept(&m, &applied);
    const struct account_ref ada = {1};
    assert_non_null(find(&m, ada, OPERATION_DEPOSIT, "applied"));
    assert_null(find(&m, ada, OPERATION_DEPOSIT, "seen"));
    maker_done(&m);
}

TEST(shard_prefetch, any_record_may_be_looked_at)
{
    struct maker m, empty;
    maker_open(&m);
    maker_empty(&empty, &MAKER_LIMITS);
    shard_state_prefetch(empty.state, &m.view); /* of a market */
    struct parts deposit = parts_deposit(&m, 1, 5, "k");
    maker_encode(&m, &deposit);
    shard_state_prefetch(empty.state, &m.view);
    maker_done(&empty);
    static char long_key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    struct parts parts = parts_deposit(&m, 1, 5, "k");
    parts.texts[0] = slice_of(long_key, sizeof long_key);
    parts.body.money.key_bytes = sizeof long_key;
    maker_encode(&m, &parts);
    shard_state_prefetch(m.state, &m.view);
    maker_refuse(&m, &parts, "L3: a key has 1 to 64 bytes");
    parts = parts_deposit(&m, 1, 5, "k");
    parts.draft.account = UINT32_MAX;
    maker_encode(&m, &parts);
    shard_state_prefetch(m.state, &m.view);
    maker_refuse(&m, &parts, "the account is unknown");
    maker_done(&m);
}

/* ---- the hash ---- */

TEST(shard_hash, equal_logs_have_equal_hashes)
{
    struct maker a, b;
    uint8_t hash_a[32], hash_b[32];
    maker_open(&a);
    maker_open(&b);
    hash_of(&a, hash_a);
    hash_of(&b, hash_b);
    assert_memory_equal(hash_a, hash_b, 32);
    struct parts bet = parts_bet(&a, 1, 1, "k");
    maker_accept(&a, &bet);
    hash_of(&a, hash_a);
    assert_memory_not_equal(hash_a, hash_b, 32);
    maker_accept(&b, &bet);
    hash_of(&b, hash_b);
    assert_memory_equal(hash_a, hash_b, 32);
    maker_done(&a);
    maker_done(&b);
}

/* The limits are of the machine and not of the log. */
TEST(shard_hash, the_limits_do_not_show)
{
    struct maker a, b;
    uint8_t hash_a[32], hash_b[32];
    maker_open(&a);
    maker_empty(&b, &(struct shard_limits){.accounts_max = 3,
                                           .markets_max = 3,
                                           .selections_max = 1000,
                                           .bets_max = 5,
                                           .verdicts_max = 7});
    b.time_us = MAKER_TIME_US;
    struct parts genesis = parts_genesis(&b);
    maker_accept(&b, &genesis);
    struct parts opened = parts_opened(&b);
    maker_accept(&b, &opened);
    static const char *const users[] = {"ada", "bob"}, *const markets[] = {"1.23", "1.24"};
    for (uint32_t i = 0; i < 2; i++) {
        struct parts account = parts_account(&b, users[i]);
        maker_accept(&b, &account);
        struct parts deposit = parts_deposit(&b, i + 1, 10000, "first");
        maker_accept(&b, &deposit);
        struct parts market = parts_market(&b, markets[i], 3);
        maker_accept(&b, &market);
    }
    hash_of(&a, hash_a);
    hash_of(&b, hash_b);
    assert_memory_equal(hash_a, hash_b, 32);
    maker_done(&a);
    maker_done(&b);
}

/* The same log, but the last record is another one. */
static void another(struct parts p, const struct parts *last)
{
    struct maker a, b;
    uint8_t hash_a[32], hash_b[32];
    maker_open(&a);
    maker_open(&b);
    maker_accept(&a, last);
    maker_accept(&b, &p);
    hash_of(&a, hash_a);
    hash_of(&b, hash_b);
    if (memcmp(hash_a, hash_b, 32) == 0)
        fail_msg("another record of type %d has the same hash", (int)last->draft.type);
    maker_done(&a);
    maker_done(&b);
}

#define ANOTHER(good, ...)                                                                         \
    do {                                                                                           \
        struct parts p = (good);                                                                   \
        __VA_ARGS__;                                                                               \
        another(p, &(good));                                                                       \
    } while (0)

TEST(shard_hash, any_change_of_the_log_s_meaning_shows)
{
    struct maker m;
    maker_open(&m);
    struct parts account = parts_account(&m, "cy");
    ANOTHER(account, p.texts[0] = SLICE("di"));
    ANOTHER(account, p.draft.time_us++);
    struct parts market = parts_market(&m, "1.25", 2);
    for (size_t i = 0; i < 11; i++) /* the ids and all the names */
        ANOTHER(market, char text[32] = {0};
                memcpy(text, market.texts[i].at, market.texts[i].bytes); text[0] = '#';
                p.texts[i].at = text);
    ANOTHER(market, p.body.market.status = MARKET_CLOSED_STATUS);
    ANOTHER(market, p.body.market.holds = HOLD_TRADER);
    struct parts deposit = parts_deposit(&m, 1, 100, "k");
    ANOTHER(deposit, p = parts_deposit(&m, 1, 101, "k"));
    ANOTHER(deposit, p = parts_deposit(&m, 2, 100, "k"));
    ANOTHER(deposit, p.texts[0] = SLICE("K"));
    ANOTHER(deposit, p.body.money.request_hash[0]++);
    ANOTHER(deposit, p = parts_withdrawal(&m, 1, 100, "k"));
    struct parts fence = parts_fence(&m, 1, MARKET_CLOSED_STATUS);
    ANOTHER(fence, p.items.fenced[0].status = MARKET_CANCELLED);
    struct parts result = parts_result(&m, 1, LEG_WON);
    ANOTHER(result, p.body.result.result_version++);
    ANOTHER(result, p.items.results[2].win.won = 0);
    maker_done(&m);
}

TEST(shard_hash, any_change_of_a_bet_shows)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_bet(&m, 1, 1, "k");
    ANOTHER(bet, p.body.bet.bet_id++);
    ANOTHER(bet, p.body.bet.request_hash[1]++);
    ANOTHER(bet, p.texts[0] = SLICE("K"));
    ANOTHER(bet, p.items.legs[0].selection = 0);
    ANOTHER(bet, p.items.legs[0].market = 2);
    ANOTHER(bet, p.items.legs[0].asked_version++);
    ANOTHER(bet, p.items.legs[0].asked_numerator--);
    ANOTHER(bet, p.body.bet.policy = PRICE_EXACT);
    ANOTHER(bet, p.body.bet.rounding = ROUND_HALF_UP);
    ANOTHER(bet, parts_stake(&m, &p, 4999, (struct odds){21, 10}));
    ANOTHER(bet, parts_stake(&m, &p, 5000, (struct odds){22, 10}));
    ANOTHER(bet, p = parts_pending(&m, 1, 1, "k"));
    ANOTHER(bet, p = parts_refused(&m, 1, 1, "k"));
    maker_done(&m);
}

/* Who the book is, and which keys its tables have. */
TEST(shard_hash, another_book_shows)
{
    struct maker a, b;
    uint8_t hash_a[32], hash_b[32];
    maker_empty(&a, &MAKER_LIMITS);
    struct parts genesis = parts_genesis(&a);
    maker_accept(&a, &genesis);
    hash_of(&a, hash_a);
    for (int i = 0; i < 4; i++) {
        struct parts p = genesis;
        p.body.genesis.shard += i == 0;
        p.body.genesis.shards = i == 0 || i == 3 ? 2 : 0;
        p.body.genesis.book_id[15] ^= (uint8_t)(i == 1);
        p.body.genesis.hash_key[1] += i == 2;
        maker_empty(&b, &MAKER_LIMITS);
        maker_accept(&b, &p);
        hash_of(&b, hash_b);
        assert_memory_not_equal(hash_a, hash_b, 32);
        maker_done(&b);
    }
    maker_done(&a);
}
