/* test_shard_snapshot.c - shard_snapshot.h: what is written is what is read, and nothing else is
 * taken: no flipped bit, no missing byte, no number that the fold could trip over. */
#include <stdlib.h>

#include "test.h"

#include "base/error.h"
#include "base/hash.h"
#include "every_type.h"
#include "ledger/shard_snapshot_format.h"
#include "ledger/shard_state_internal.h"
#include "maker.h"

#define BYTES_MAX 65536

/* A snapshot in memory, written and read in pieces. */
struct image {
    char bytes[BYTES_MAX];
    size_t size, at;
    size_t fail_at; /* the byte at which the medium fails; 0: never */
};

static int image_write(void *owner, const void *from, size_t bytes)
{
    struct image *image = owner;
    assert_true(bytes <= SHARD_SNAPSHOT_PIECE_BYTES);
    assert_true(image->size + bytes <= sizeof image->bytes);
    if (image->fail_at != 0 && image->size + bytes >= image->fail_at)
        return -ERR_NO_SPACE;
    memcpy(image->bytes + image->size, from, bytes);
    image->size += bytes;
    return 0;
}

static int image_read(void *owner, void *to, size_t bytes)
{
    struct image *image = owner;
    if (image->fail_at != 0 && image->at + bytes >= image->fail_at)
        return -ERR_IO;
    if (image->size - image->at < bytes)
        return -ERR_FORMAT;
    memcpy(to, image->bytes + image->at, bytes);
    image->at += bytes;
    return 0;
}

static void encode(const struct shard_state *state, struct image *image)
{
    struct shard_snapshot_sink sink = {image_write, image};
    uint8_t hash[32], live[32];
    image->size = image->at = image->fail_at = 0;
    assert_int_equal(shard_snapshot_encode(state, &sink, hash), 0);
    assert_int_equal(shard_state_hash(state, live), 0);
    assert_memory_equal(hash, live, sizeof hash);
}

/* The answer; the state, or NULL, is the caller's. */
static int decode(struct image *image, const struct shard_limits *limits,
                  struct shard_state **ret_state, const char **ret_reason)
{
    struct shard_snapshot_source source = {image_read, image, NULL};
    struct shard_state *state;
    assert_int_equal(shard_state_new(limits, &state), 0);
    image->at = 0;
    int error = shard_snapshot_decode(&source, state);
    if (ret_reason != NULL)
        *ret_reason = shard_state_reason(state);
    if (error == 0 && ret_state != NULL) {
        *ret_state = state;
        return 0;
    }
    shard_state_free(state);
    return error;
}

static void nothing(struct maker *m, const struct parts *parts)
{
    (void)m, (void)parts;
}

/* Bets 0 settled, 1 open, 2 pending, 3 not accepted; of two accounts in two currencies. */
static void open_with_bets(struct maker *m)
{
    maker_open(m);
    for (uint32_t i = 0; i < 4; i++) {
        char key[2] = {(char)('a' + i), 0};
        struct parts bet =
            i < 2 ? parts_bet(m, 2 - i % 2, 1 + i, key) : parts_pending(m, 2 - i % 2, 2, key);
        parts_stake(m, &bet, 1000 + i, (struct odds){21, 10});
        maker_accept(m, &bet);
    }
    struct parts release = parts_release(m, 3, BET_ODDS_CHANGED);
    maker_accept(m, &release);
    struct parts result = parts_result(m, 1, LEG_WON);
    maker_accept(m, &result);
    struct parts settle = parts_settle(m, 0);
    maker_accept(m, &settle);
    struct parts account = parts_account(m, "cy");
    maker_accept(m, &account);
    struct parts deposit = parts_deposit(m, 3, 500, "e");
    deposit.body.money.currency = EUR;
    deposit.postings[0].currency = deposit.postings[1].currency = EUR;
    maker_accept(m, &deposit);
}

static void hashes_are_equal(const struct shard_state *a, const struct shard_state *b)
{
    uint8_t hash_a[32], hash_b[32];
    assert_int_equal(shard_state_hash(a, hash_a), 0);
    assert_int_equal(shard_state_hash(b, hash_b), 0);
    assert_memory_equal(hash_a, hash_b, sizeof hash_a);
}

TEST(shard_snapshot, what_is_read_is_what_was_written_under_any_limits)
{
    static const struct shard_limits other = {.accounts_max = 11,
                                              .markets_max = 12,
                                              .selections_max = 1300,
                                              .bets_max = 14,
                                              .verdicts_max = 16};
    static struct image image, again;
    struct shard_state *read = NULL;
    struct shard_snapshot_place place;
    struct maker m;
    every_type(&m, nothing);
    encode(m.state, &image);
    assert_null(shard_snapshot_head_wrong(image.bytes, &place));
    assert_int_equal(place.seq, EVERY_TYPE_COUNT);
    assert_int_equal(place.bytes, image.size);
    assert_int_equal(decode(&image, &other, &read, NULL), 0);
    assert_int_equal(image.at, image.size);
    hashes_are_equal(m.state, read);
    assert_int_equal(shard_state_record_crc(read), m.view.head->crc);
    encode(read, &again);
    assert_int_equal(again.size, image.size);
    assert_memory_equal(again.bytes, image.bytes, image.size);
    shard_state_free(read);
    maker_done(&m);
}

/* The same records, applied to the state that was folded and to the one that was read. */
TEST(shard_snapshot, what_the_desk_moves_is_counted_too)
{
    static const enum money_kind kinds[] = {MONEY_GRANT_FREE, MONEY_GRANT_BONUS, MONEY_FORFEIT_FREE,
                                            MONEY_BONUS_TO_CASH, MONEY_FORFEIT_BONUS};
    static struct image image;
    struct shard_state *again;
    struct maker m;
    maker_open(&m);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char key[] = {'p', (char)('0' + i), '\0'};
        struct parts moved = parts_promotion(&m, 1, kinds[i], kinds[i] < 5 ? 100 : 50, key);
        maker_accept(&m, &moved);
    }
    encode(m.state, &image);
    assert_int_equal(decode(&image, shard_state_limits(m.state), &again, NULL), 0);
    assert_int_equal(shard_state_counts(again)->promotions, 5);
    shard_state_free(again);
    maker_done(&m);
}

TEST(shard_snapshot, a_state_that_was_read_goes_on_as_the_one_that_was_written)
{
    static struct image image;
    struct shard_state *read = NULL;
    struct maker m;
    open_with_bets(&m);
    encode(m.state, &image);
    assert_int_equal(decode(&image, &MAKER_LIMITS, &read, NULL), 0);
    struct shard_state *folded = m.state;
    struct parts next[] = {
        parts_release(&m, 2, BET_PLACED), parts_result(&m, 2, LEG_LOST),   parts_account(&m, "dan"),
        parts_market(&m, "m3", 4),        parts_deposit(&m, 1, 77, "new"),
    };
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        next[i].draft.seq = shard_state_seq(folded) + 1;
        m.state = folded;
        maker_encode(&m, &next[i]);
        assert_int_equal(shard_state_apply(folded, &m.view), 0);
        assert_int_equal(shard_state_apply(read, &m.view), 0);
        m.time_us++;
    }
    hashes_are_equal(folded, read);
    /* And what it has seen before stays seen (L3). */
    struct parts twice = parts_deposit(&m, 1, 77, "a-key");
    maker_accept(&m, &twice);
    assert_int_equal(shard_state_apply(read, &m.view), 0);
    m.state = read;
    twice = parts_deposit(&m, 1, 77, "new");
    maker_refuse(&m, &twice, "L3: one key, one verdict");
    shard_state_free(folded);
    maker_done(&m);
}

TEST(shard_snapshot, no_flipped_bit_is_taken)
{
    static struct image image;
    struct maker m;
    const char *reason = "";
    every_type(&m, nothing);
    encode(m.state, &image);
    for (size_t bit = 0; bit < image.size * 8; bit += bit < 4096 ? 1 : 11) {
        image.bytes[bit / 8] ^= (char)(1 << bit % 8);
        int error = decode(&image, &MAKER_LIMITS, NULL, &reason);
        image.bytes[bit / 8] ^= (char)(1 << bit % 8);
        if (error == 0)
            fail_msg("bit %zu of %zu went unseen", bit, image.size * 8);
    }
    assert_int_equal(decode(&image, &MAKER_LIMITS, NULL, NULL), 0);
    maker_done(&m);
}

TEST(shard_snapshot, what_is_too_short_or_cannot_be_read_is_not_taken)
{
    static struct image image;
    struct maker m;
    every_type(&m, nothing);
    encode(m.state, &image);
    size_t whole = image.size;
    for (image.size = 0; image.size < whole; image.size += 3)
        assert_int_equal(decode(&image, &MAKER_LIMITS, NULL, NULL), -ERR_FORMAT);
    image.size = whole;
    for (image.fail_at = 1; image.fail_at <= whole; image.fail_at += 97)
        assert_int_equal(decode(&image, &MAKER_LIMITS, NULL, NULL), -ERR_IO);
    struct shard_snapshot_sink sink = {image_write, &image};
    uint8_t hash[32];
    for (size_t at = 1; at <= whole; at += 97) {
        image.size = 0;
        image.fail_at = at;
        assert_int_equal(shard_snapshot_encode(m.state, &sink, hash), -ERR_NO_SPACE);
    }
    maker_done(&m);
}

TEST(shard_snapshot, more_than_the_limits_is_refused_by_name)
{
    static struct image image;
    struct maker m;
    open_with_bets(&m);
    encode(m.state, &image);
    const struct shard_limits fit = {3, 2, 6, 4, 4, 1, 1, 1, 1, 1, 1, 9};
    assert_int_equal(shard_state_verdicts_count(m.state), 7);
    assert_int_equal(decode(&image, &fit, NULL, NULL), 0);
    for (size_t i = 0; i < 5; i++) {
        struct shard_limits limits = {3, 2, 6, 4, 4, 1, 1, 1, 1, 1, 1, 7};
        const char *reason = NULL;
        (&limits.accounts_max)[i]--;
        assert_int_equal(decode(&image, &limits, NULL, &reason), -ERR_LIMIT);
        assert_string_equal(reason, "the snapshot holds more than the limits allow");
    }
    maker_done(&m);
}

/* A head that is changed and sealed again: its sections must not fit it. */
TEST(shard_snapshot, a_head_that_lies_is_found)
{
    static struct image image, lie;
    struct maker m;
    open_with_bets(&m);
    encode(m.state, &image);
    for (size_t at = 8; at < offsetof(struct snapshot_head, crc); at++) {
        if (at >= offsetof(struct snapshot_head, record_crc) &&
            at < offsetof(struct snapshot_head, accounts))
            continue; /* the log says which record is its last */
        lie = image;
        lie.bytes[at] ^= 1;
        uint32_t crc = crc32c(0, lie.bytes, offsetof(struct snapshot_head, crc));
        memcpy(lie.bytes + offsetof(struct snapshot_head, crc), &crc, sizeof crc);
        if (decode(&lie, &MAKER_LIMITS, NULL, NULL) == 0)
            fail_msg("byte %zu of the head is not checked", at);
    }
    maker_done(&m);
}

/* Written from a state that no log leads to, with every checksum and the hash as they must be. */
#define REFUSES_STATE(reason_expected, change, back)                                               \
    do {                                                                                           \
        const char *reason_got = NULL;                                                             \
        change;                                                                                    \
        encode(m.state, &image);                                                                   \
        back;                                                                                      \
        assert_int_equal(decode(&image, &MAKER_LIMITS, NULL, &reason_got), -ERR_CORRUPT);          \
        assert_string_equal(reason_got, reason_expected);                                          \
    } while (0)
#define REFUSES_FIELD(reason_expected, field, value)                                               \
    do {                                                                                           \
        __typeof__(field) before = (field);                                                        \
        REFUSES_STATE(reason_expected, (field) = (value), (field) = before);                       \
    } while (0)

#define BEYOND "L1: a number is beyond the last record"
#define MONEY  "L4: a balance is beyond all limits"

TEST(shard_snapshot, impossible_money_is_refused)
{
    static struct image image;
    struct maker m;
    open_with_bets(&m);
    struct shard_account *a = m.state->accounts;
    struct shard_house *h = m.state->houses;
    REFUSES_FIELD("account 0 is nobody", a[0].available, 1);
    REFUSES_FIELD("an account has a known currency or none", a[1].currency.iso, 1);
    REFUSES_FIELD("an account has a known currency or none", a[1].reserved[2], 1);
    REFUSES_FIELD(MONEY, a[1].available, SHARD_BALANCE_MAX + 1);
    REFUSES_FIELD(MONEY, a[1].held, INT64_MIN);
    REFUSES_FIELD(BEYOND, a[1].seq_last, m.state->seq + 1);
    REFUSES_FIELD("a house account has a known currency", h[0].currency.iso, 1);
    REFUSES_FIELD("a house account has a known currency", h[0].reserved[0], 1);
    REFUSES_FIELD("L4: a currency has its house accounts once", h[1].currency.iso, GBP);
    REFUSES_FIELD(MONEY, h[0].cash, INT64_MIN);
    REFUSES_FIELD(MONEY, h[0].stakes, INT64_MAX);
    REFUSES_FIELD(MONEY, h[0].result, SHARD_BALANCE_MAX + 1);
    REFUSES_FIELD("L4: the currency of an account has its house accounts", a[3].currency.iso, 840);
    REFUSES_FIELD("L4: all accounts of a currency sum to zero", a[1].available, 0);
    maker_done(&m);
}

TEST(shard_snapshot, impossible_markets_are_refused)
{
    static struct image image;
    struct maker m;
    open_with_bets(&m);
    struct shard_market *k = m.state->markets;
    struct shard_selection *s = m.state->selections;
    uint32_t texts = (uint32_t)symbols_count(m.state->texts);
    REFUSES_FIELD("market 0 is none", k[0].holds, 1);
    REFUSES_FIELD("a market's texts are known", k[1].event_id, texts);
    REFUSES_FIELD("a market's texts are known", k[1].kind, texts);
    REFUSES_FIELD("a market's selections are within their table", k[2].selections_count, 4);
    REFUSES_FIELD("a market's selections are within their table", k[2].selections_first, 4);
    REFUSES_FIELD("a market's selections are within their table", k[2].selections_first,
                  UINT32_MAX);
    REFUSES_FIELD("no such market status", k[1].status, 0);
    REFUSES_FIELD("no such market status", k[1].status, 9);
    REFUSES_FIELD(MONEY, k[1].stakes_open, INT64_MIN);
    REFUSES_FIELD(MONEY, k[1].returns_open, INT64_MIN);
    REFUSES_FIELD(BEYOND, k[1].seq_result, m.state->seq + 1);
    REFUSES_FIELD("a selection's texts are known", s[0].id, texts);
    REFUSES_FIELD("a selection's texts are known", s[5].name, UINT32_MAX);
    REFUSES_FIELD("the factors are impossible", s[0].result.win.dead_heat_denominator, 0);
    REFUSES_FIELD("the factors are impossible", s[5].result.win.won, 1);
    maker_done(&m);
}

TEST(shard_snapshot, impossible_bets_are_refused)
{
    static struct image image;
    static const char known[] = "a bet's state, policy, rounding and flags are known";
    struct maker m;
    open_with_bets(&m);
    struct shard_bet *b = m.state->bets;
    struct shard_leg *l = m.state->legs;
    REFUSES_FIELD("L6: the selection is unknown", l[1].market, 3);
    REFUSES_FIELD("L6: the selection is unknown", l[1].market, 0);
    REFUSES_FIELD("L6: the selection is unknown", l[1].selection, 3);
    REFUSES_FIELD("L7: a leg is its bet's", l[1].bet, 2);
    REFUSES_FIELD("L7: a bet has its legs", b[1].legs_first, 2);
    REFUSES_FIELD("L7: a bet has its legs", b[1].legs_count, 0);
    REFUSES_FIELD("L7: a bet has its legs", b[1].legs_count, 101);
    REFUSES_FIELD("L7: a bet has its legs", b[3].legs_count, 2);
    REFUSES_FIELD("a leg's flags are known", l[0].flags, 255);
    REFUSES_FIELD("a leg's flags are known", l[0].reserved, 1);
    REFUSES_FIELD("bet ids rise", b[1].bet_id, b[0].bet_id);
    REFUSES_FIELD("bet ids rise", b[3].bet_id, b[3].bet_id + 1);
    REFUSES_FIELD("bet ids rise", m.state->last_bet_id.n, m.state->last_bet_id.n + 1);
    REFUSES_FIELD(BEYOND, b[0].seq_placed, 0);
    REFUSES_FIELD(BEYOND, b[0].seq_placed, b[0].seq_last + 1);
    REFUSES_FIELD(BEYOND, b[0].seq_last, UINT64_MAX);
    REFUSES_FIELD(BEYOND, b[0].seq_settled, UINT64_MAX);
    REFUSES_FIELD(BEYOND, b[0].seq_result, UINT64_MAX);
    REFUSES_FIELD(known, b[0].state, 0);
    REFUSES_FIELD(known, b[0].state, BET_STATES);
    REFUSES_FIELD(known, b[0].policy, 0);
    REFUSES_FIELD(known, b[0].rounding, 4);
    REFUSES_FIELD(known, b[0].flags, 8);
    REFUSES_FIELD("L6: there was a price", l[1].odds.denominator, 0);
    REFUSES_FIELD("L6: there was a price", l[1].odds.numerator, 0);
    REFUSES_FIELD("the factors are impossible", l[0].win.void_halves, 3);
    REFUSES_FIELD(MONEY, b[0].payout, -1);
    REFUSES_FIELD(MONEY, b[0].returns, -1);
    REFUSES_FIELD("L4: the potential return is stake times odds", b[1].returns, 1);
    REFUSES_FIELD("L3: a bet's verdict is among its records", b[0].seq_verdict,
                  b[0].seq_placed - 1);
    REFUSES_FIELD("L3: a bet's verdict is among its records", b[0].seq_verdict, b[0].seq_last + 1);
    REFUSES_FIELD("L4: a stake is within its limit", b[3].stake, 0);
    REFUSES_FIELD("L7: an account's counts are those of its bets", b[1].next_of_account, 1);
    REFUSES_FIELD("L7: a market's counts are those of its bets", l[1].next_of_market, 0);
    maker_done(&m);
}

TEST(shard_snapshot, impossible_cash_outs_are_refused)
{
    static struct image image;
    static const char known[] = "L7: a bet knows the cash-out that waits";
    static const char verdict[] = "L3: a cash-out has its bet and its verdict";
    static const struct shard_limits small = {3, 2, 6, 4, 4, 1, 1, 1, 1, 1, 1, 32};
    const char *reason = NULL;
    struct maker m;
    open_with_bets(&m);
    for (int i = 0; i < 2; i++) { /* one that was decided, and one that waits */
        struct parts waits = parts_cash_out_waiting(&m, 1, 10, i == 0 ? "c0" : "c1");
        maker_accept(&m, &waits);
        if (i > 0)
            continue;
        struct parts decided = parts_cash_out_decided(&m, 1, BET_PLACED);
        maker_accept(&m, &decided);
    }
    encode(m.state, &image);
    assert_int_equal(decode(&image, &MAKER_LIMITS, NULL, NULL), 0);
    assert_int_equal(decode(&image, &small, NULL, &reason), -ERR_LIMIT);
    struct shard_cash_out *c = m.state->cash_outs;
    struct shard_bet *b = m.state->bets;
    REFUSES_FIELD(verdict, c[1].seq, c[0].seq);
    REFUSES_FIELD(verdict, c[0].seq_verdict, c[0].seq - 1);
    REFUSES_FIELD(verdict, c[0].seq_verdict, m.state->seq + 1);
    REFUSES_FIELD(verdict, c[0].bet, 4);
    REFUSES_FIELD(MONEY, c[0].stake, 0);
    REFUSES_FIELD(MONEY, c[0].accepted, -1);
    REFUSES_FIELD(MONEY, c[0].bound, MONEY_MINOR_MAX + 1);
    REFUSES_FIELD(MONEY, c[0].tolerance, 10001);
    REFUSES_FIELD(MONEY, c[0].reserved, 1);
    REFUSES_FIELD(known, c[0].seq_verdict, c[0].seq);
    REFUSES_FIELD(known, c[1].bet, 2);
    REFUSES_FIELD(known, b[2].cash_out_waits, 1);
    REFUSES_FIELD("L7: a bet's cash-outs are within their table", b[1].cash_out_waits, 2);
    REFUSES_FIELD("L7: a bet's cash-outs are within their table", b[1].cash_outs, 21);
    REFUSES_FIELD("L3: every request decided has a verdict", m.state->counts.cash_outs_asked, 1);
    maker_done(&m);
}

TEST(shard_snapshot, impossible_referrals_are_refused)
{
    static struct image image;
    static const char referred[] = "L7: a bet that waits for the desk is referred";
    static const char known[] = "why a bet is referred is known";
    struct shard_limits small = MAKER_LIMITS;
    const char *reason = NULL;
    struct maker m;
    open_with_bets(&m);
    uint32_t first = shard_state_bets_count(m.state);
    for (uint32_t i = 0; i < 2; i++) { /* one that waits, and one that was let pass */
        struct parts waits = parts_referred(&m, 2, 2, i == 0 ? "r0" : "r1");
        parts_stake(&m, &waits, 100, (struct odds){21, 10});
        maker_accept(&m, &waits);
    }
    struct parts accepted = parts_referral(&m, first + 1, REFERRAL_ACCEPTED);
    maker_accept(&m, &accepted);
    encode(m.state, &image);
    assert_int_equal(decode(&image, &MAKER_LIMITS, NULL, NULL), 0);
    small.referrals_max = 1;
    assert_int_equal(decode(&image, &small, NULL, &reason), -ERR_LIMIT);
    struct shard_referral *r = m.state->referrals;
    REFUSES_FIELD(referred, r[0].bet, first + 2);
    REFUSES_FIELD(referred, r[0].bet, first + 1);
    REFUSES_FIELD(referred, r[0].bet, 0);
    REFUSES_FIELD(referred, r[0].stage, 0);
    REFUSES_FIELD(referred, r[0].stage, REFERRAL_IS_DECLINED + 1);
    REFUSES_FIELD(referred, r[0].stage, REFERRAL_IS_ACCEPTED);
    REFUSES_FIELD(referred, r[1].stage, REFERRAL_WAITS);
    REFUSES_FIELD("L7: a referred bet is bound by one of its records", r[0].seq_bound, 0);
    REFUSES_FIELD("L7: a referred bet is bound by one of its records", r[0].seq_bound,
                  m.state->seq + 1);
    REFUSES_FIELD(known, r[0].cause, 0);
    REFUSES_FIELD(known, r[0].scope, LIMIT_SCOPES);
    REFUSES_FIELD(known, r[0].lifted, 4);
    REFUSES_FIELD(known, r[0].offers, REFERRAL_OFFERS_MAX + 1);
    REFUSES_FIELD(known, r[0].reserved[6], 1);
    REFUSES_FIELD("L4: no more is offered than is held", r[0].stake, 101);
    REFUSES_FIELD("L4: no more is offered than is held", r[0].stake_max, -1);
    maker_done(&m);
}

TEST(shard_snapshot, impossible_verdicts_are_refused)
{
    static struct image image;
    struct maker m;
    open_with_bets(&m);
    struct shard_verdict *v = m.state->verdicts.at;
    REFUSES_FIELD(BEYOND, v[0].seq, 0);
    REFUSES_FIELD(BEYOND, v[0].seq, m.state->seq + 1);
    REFUSES_FIELD("L3: a verdict is somebody's", v[0].account, 0);
    REFUSES_FIELD("L3: a verdict is somebody's", v[0].account, 4);
    REFUSES_FIELD("L3: a verdict has its bet", v[0].bet, 0);
    REFUSES_FIELD("L3: a verdict has its bet", v[0].bet, 4);
    REFUSES_FIELD("L3: a verdict has its bet", v[2].account, 3 - v[2].account);
    REFUSES_FIELD("L3: a verdict has its bet", v[2].seq, v[2].seq + 1);
    REFUSES_FIELD(BEYOND, v[1].seq, v[0].seq);
    REFUSES_FIELD("L3: one key, one verdict", v[1].key, v[0].key);
    REFUSES_FIELD("L3: every request decided has a verdict", m.state->counts.deposits,
                  m.state->counts.deposits + 1);
    REFUSES_FIELD("L3: every request decided has a verdict", m.state->counts.deposits, UINT64_MAX);
    maker_done(&m);
}
