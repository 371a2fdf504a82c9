/* maker.c - contract in maker.h. */
#include "maker.h"

#include "test.h"

#include "base/buf.h"
#include "base/error.h"
#include "core/market_chances.h"
#include "core/referral.h"
#include "ledger/adjustment.h"
#include "ledger/cash_out_record.h"
#include "ledger/money_move.h"
#include "ledger/shard_state_internal.h"

void maker_empty(struct maker *maker, const struct shard_limits *limits)
{
    maker->time_us = MAKER_TIME_US;
    assert_int_equal(shard_state_new(limits, &maker->state), 0);
}

void maker_begin(struct maker *maker)
{
    maker_empty(maker, &MAKER_LIMITS);
    struct parts genesis = parts_genesis(maker);
    maker_accept(maker, &genesis);
    struct parts opened = parts_opened(maker);
    maker_accept(maker, &opened);
}

void maker_open(struct maker *maker)
{
    static const char *const users[] = {"ada", "bob"};
    static const char *const markets[] = {"1.23", "1.24"};
    maker_begin(maker);
    for (uint32_t i = 0; i < 2; i++) {
        struct parts account = parts_account(maker, users[i]);
        maker_accept(maker, &account);
        struct parts deposit = parts_deposit(maker, i + 1, 10000, "first");
        maker_accept(maker, &deposit);
        struct parts market = parts_market(maker, markets[i], 3);
        maker_accept(maker, &market);
    }
}

void maker_done(struct maker *maker)
{
    shard_state_free(maker->state);
}

void maker_encode(struct maker *maker, const struct parts *parts)
{
    struct buf out = buf_over(maker->memory, sizeof maker->memory);
    struct record_draft draft = parts->draft;
    draft.body = &parts->body;
    draft.items = &parts->items;
    draft.postings = parts->postings;
    draft.texts = parts->texts;
    draft.before_crc = shard_state_record_crc(maker->state) ^ parts->draft.before_crc;
    const struct record_head *head = record_encode(&out, &draft);
    assert_non_null(head);
    assert_int_equal(record_view_of(head, head->bytes, &maker->view), 0);
}

int maker_apply(struct maker *maker, const struct parts *parts)
{
    maker_encode(maker, parts);
    return shard_state_apply(maker->state, &maker->view);
}

void maker_accept(struct maker *maker, const struct parts *parts)
{
    int error = maker_apply(maker, parts);
    if (error != 0)
        fail_msg("seq %llu: error %d: %s", (unsigned long long)parts->draft.seq, error,
                 shard_state_reason(maker->state));
    assert_string_equal(shard_state_reason(maker->state), "");
    assert_int_equal(shard_state_seq(maker->state), parts->draft.seq);
    maker->time_us = parts->draft.time_us + 1000;
}

static void apply_without_trace(struct maker *maker, const struct parts *parts, int error)
{
    uint8_t before[32], after[32];
    assert_int_equal(shard_state_hash(maker->state, before), 0);
    assert_int_equal(maker_apply(maker, parts), error);
    assert_int_equal(shard_state_hash(maker->state, after), 0);
    if (memcmp(before, after, sizeof before) != 0)
        fail_msg("a refused record left a trace: %s", shard_state_reason(maker->state));
}

void maker_refuse(struct maker *maker, const struct parts *parts, const char *reason)
{
    apply_without_trace(maker, parts, -ERR_CORRUPT);
    assert_string_equal(shard_state_reason(maker->state), reason);
}

void maker_limited(struct maker *maker, const struct parts *parts)
{
    apply_without_trace(maker, parts, -ERR_LIMIT);
}

static struct parts begin(const struct maker *maker, enum record_type type, uint32_t account)
{
    return (struct parts){.draft = {.type = type,
                                    .seq = shard_state_seq(maker->state) + 1,
                                    .time_us = maker->time_us,
                                    .account = account}};
}

static uint16_t add_text(struct parts *parts, const char *text)
{
    assert_true(parts->draft.texts_count < MAKER_TEXTS_MAX);
    struct slice slice = slice_text(text);
    parts->texts[parts->draft.texts_count++] = slice;
    return (uint16_t)slice.bytes;
}

static void add_posting(struct parts *parts, uint32_t account, enum ledger_account kind,
                        uint16_t currency, int64_t amount)
{
    parts->postings[parts->draft.postings_count++] =
        (struct record_posting){account, (uint16_t)kind, currency, amount};
}

struct parts parts_genesis(const struct maker *maker)
{
    struct parts parts = begin(maker, RECORD_GENESIS, 0);
    parts.body.genesis = (struct record_genesis){.book_id = "a book of tests", .hash_key = {1, 2}};
    return parts;
}

struct parts parts_opened(const struct maker *maker)
{
    struct parts parts = begin(maker, RECORD_OPENED, 0);
    parts.body.opened.epoch = shard_state_epoch(maker->state) + 1;
    parts.body.opened.binary_sha256[31] = 0xAB;
    parts.body.opened.version_bytes = add_text(&parts, "0.1.0");
    return parts;
}

struct parts parts_account(const struct maker *maker, const char *user)
{
    struct parts parts = begin(maker, RECORD_ACCOUNT, shard_state_accounts_count(maker->state) + 1);
    parts.body.account.user_bytes = add_text(&parts, user);
    return parts;
}

static void add_selections(struct parts *parts, unsigned first, uint16_t count)
{
    static char ids[MAKER_ITEMS_MAX * 2][8];
    assert_true(first + count <= sizeof ids / sizeof *ids && count <= MAKER_ITEMS_MAX);
    for (uint16_t i = 0; i < count; i++) {
        struct buf id = buf_over(ids[first + i], sizeof ids[0]);
        buf_printf(&id, "s%u", first + i);
        ids[first + i][id.bytes] = 0;
        parts->items.selections[i].id_bytes = add_text(parts, ids[first + i]);
        parts->items.selections[i].name_bytes = add_text(parts, "Selection");
    }
    parts->draft.items_count = count;
}

struct parts parts_market(const struct maker *maker, const char *id, uint16_t selections)
{
    struct parts parts = begin(maker, RECORD_MARKET, 0);
    struct record_market *body = &parts.body.market;
    body->market = shard_state_markets_count(maker->state) + 1;
    body->status = MARKET_ACTIVE;
    body->market_bytes = add_text(&parts, id);
    body->event_bytes = add_text(&parts, "event-9");
    body->provider_bytes = add_text(&parts, "betfair");
    body->sport_bytes = add_text(&parts, "football");
    body->event_name_bytes = add_text(&parts, "Home v Away");
    body->name_bytes = add_text(&parts, "Match Odds");
    body->kind_bytes = add_text(&parts, "match_odds");
    add_selections(&parts, 0, selections);
    return parts;
}

struct parts parts_selections(const struct maker *maker, uint32_t market, uint16_t count)
{
    struct parts parts = begin(maker, RECORD_SELECTIONS, 0);
    parts.body.selections.market = market;
    parts.body.selections.first =
        shard_state_market(maker->state, (struct market_ref){market})->selections_count;
    add_selections(&parts, parts.body.selections.first, count);
    return parts;
}

static const struct shard_account *account_of(const struct maker *maker, uint32_t ref)
{
    const struct shard_account *account =
        shard_state_account(maker->state, (struct account_ref){ref});
    assert_non_null(account);
    return account;
}

static struct parts movement(const struct maker *maker, uint32_t account, enum money_kind kind,
                             int64_t amount)
{
    struct parts parts = begin(maker, RECORD_MONEY, account);
    struct money_move move;
    struct record_posting postings[MONEY_POSTINGS];
    assert_true(money_move_of(kind, &move));
    int64_t change = money_move_available(&move, amount);
    parts.body.money = (struct record_money){
        .request_hash = {11, 12},
        .amount = amount,
        .balance_after = account_of(maker, account)->available + change,
        .kind = (uint16_t)kind,
        .outcome = BET_PLACED,
        .currency = GBP,
    };
    money_move_postings(&move, account, money_of(amount, (struct currency){GBP}), postings);
    for (size_t i = 0; i < MONEY_POSTINGS; i++)
        add_posting(&parts, postings[i].account, postings[i].kind, GBP, postings[i].amount);
    return parts;
}

struct parts parts_promotion(const struct maker *maker, uint32_t account, enum money_kind kind,
                             int64_t amount, const char *key)
{
    struct parts parts = movement(maker, account, kind, amount);
    parts.body.money.key_bytes = add_text(&parts, key);
    parts.body.money.actor_bytes = add_text(&parts, "trader-1");
    parts.body.money.reason_bytes = add_text(&parts, "welcome");
    return parts;
}

struct parts parts_deposit(const struct maker *maker, uint32_t account, int64_t amount,
                           const char *key)
{
    struct parts parts = movement(maker, account, MONEY_DEPOSIT, amount);
    parts.body.money.key_bytes = add_text(&parts, key);
    return parts;
}

struct parts parts_withdrawal(const struct maker *maker, uint32_t account, int64_t amount,
                              const char *key)
{
    struct parts parts = movement(maker, account, MONEY_WITHDRAWAL, amount);
    parts.body.money.key_bytes = add_text(&parts, key);
    return parts;
}

struct parts parts_money_refused(const struct maker *maker, uint32_t account, const char *key)
{
    struct parts parts = movement(maker, account, MONEY_WITHDRAWAL, MONEY_MINOR_MAX);
    parts.body.money.outcome = BET_INSUFFICIENT_BALANCE;
    parts.body.money.balance_after = account_of(maker, account)->available;
    parts.body.money.key_bytes = add_text(&parts, key);
    parts.draft.postings_count = 0;
    return parts;
}

static int64_t won(int64_t stake, struct odds odds, enum rounding rounding)
{
    return settle_single(money_of(stake, (struct currency){GBP}), odds, LEG_WON, rounding).minor;
}

void parts_stake(const struct maker *maker, struct parts *parts, int64_t stake, struct odds odds)
{
    struct record_bet *body = &parts->body.bet;
    struct record_leg *leg = &parts->items.legs[0];
    body->stake = stake;
    leg->odds_numerator = leg->asked_numerator = odds.numerator;
    leg->odds_denominator = leg->asked_denominator = odds.denominator;
    body->balance_after = account_of(maker, parts->draft.account)->available;
    if (parts->draft.postings_count == 0)
        return;
    body->potential_return = won(stake, odds, (enum rounding)body->rounding);
    body->balance_after -= stake;
    parts->postings[0].amount = -stake;
    parts->postings[1].amount = stake;
}

struct parts parts_bet(const struct maker *maker, uint32_t account, uint32_t market,
                       const char *key)
{
    struct parts parts = begin(maker, RECORD_BET, account);
    parts.body.bet = (struct record_bet){
        .bet_id = bet_id_next(shard_state_last_bet_id(maker->state),
                              (struct instant){maker->time_us}, shard_state_shard(maker->state))
                      .n,
        .request_hash = {21, 22},
        .outcome = BET_PLACED,
        .currency = GBP,
        .policy = PRICE_BETTER,
        .rounding = ROUND_DOWN,
        .transport = TRANSPORT_HTTP,
        .redemption_days = 365,
    };
    parts.items.legs[0] = (struct record_leg){
        .market = market,
        .selection = 1,
        .market_status = MARKET_ACTIVE,
        .flags = LEG_PROVIDER_ALIVE | LEG_BANKER,
        .odds_version = 17,
        .asked_version = 17,
        .odds_position = 99,
        .price_age_us = 1500,
    };
    parts.draft.items_count = 1;
    parts.body.bet.key_bytes = add_text(&parts, key);
    add_posting(&parts, account, LEDGER_AVAILABLE, GBP, 0);
    add_posting(&parts, 0, LEDGER_HOUSE_STAKES, GBP, 0);
    parts_stake(maker, &parts, 5000, (struct odds){21, 10});
    return parts;
}

struct parts parts_pending(const struct maker *maker, uint32_t account, uint32_t market,
                           const char *key)
{
    struct parts parts = parts_bet(maker, account, market, key);
    parts.body.bet.outcome = BET_PENDING;
    parts.body.bet.decide_at_us = maker->time_us + 5000000;
    parts.items.legs[0].flags |= LEG_IN_PLAY;
    parts.postings[1].account = account;
    parts.postings[1].kind = LEDGER_HELD;
    return parts;
}

struct parts parts_refused(const struct maker *maker, uint32_t account, uint32_t market,
                           const char *key)
{
    struct parts parts = parts_bet(maker, account, market, key);
    parts.body.bet.outcome = BET_ODDS_CHANGED;
    parts.body.bet.bet_id = 0;
    parts.body.bet.potential_return = 0;
    parts.draft.postings_count = 0;
    parts_stake(maker, &parts, 5000, (struct odds){21, 10});
    return parts;
}

struct parts parts_release(const struct maker *maker, uint32_t bet, enum bet_outcome outcome)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    const struct shard_leg *leg = shard_state_leg(maker->state, b->legs_first);
    struct parts parts = begin(maker, RECORD_RELEASE, b->account);
    bool placed = outcome == BET_PLACED, waits_on = outcome == BET_PENDING;
    parts.body.release = (struct record_release){
        .bet_id = b->bet_id,
        .previous_seq = b->seq_last,
        .balance_after =
            account_of(maker, b->account)->available + (placed || waits_on ? 0 : b->stake),
        .outcome = (uint16_t)outcome,
    };
    parts.items.legs[0] = (struct record_leg){
        .market = leg->market,
        .selection = leg->selection,
        .market_status = MARKET_ACTIVE,
        .flags =
            (uint8_t)(LEG_PROVIDER_ALIVE | LEG_IN_PLAY | LEG_BANKER | (leg->flags & LEG_OFFERED)),
        .odds_numerator = leg->odds.numerator,
        .odds_denominator = leg->odds.denominator,
        .asked_numerator = leg->asked.numerator,
        .asked_denominator = leg->asked.denominator,
        .odds_version = 18,
    };
    parts.draft.items_count = 1;
    add_posting(&parts, b->account, LEDGER_HELD, GBP, -b->stake);
    add_posting(&parts, placed ? 0 : b->account,
                placed     ? LEDGER_HOUSE_STAKES
                : waits_on ? LEDGER_HELD
                           : LEDGER_AVAILABLE,
                GBP, b->stake);
    return parts;
}

struct parts parts_fence(const struct maker *maker, uint32_t market, enum market_status status)
{
    struct parts parts = begin(maker, RECORD_FENCE, 0);
    parts.body.fence = (struct record_fence){.odds_position = 100, .cause = FENCE_TRADER};
    parts.body.fence.actor_bytes = add_text(&parts, "tess");
    parts.body.fence.reason_bytes = add_text(&parts, "goal?");
    parts.items.fenced[0] = (struct record_fenced){.market = market, .status = (uint8_t)status};
    parts.draft.items_count = 1;
    return parts;
}

static uint64_t seq_of_limits(const struct maker *maker, enum limit_scope scope, uint32_t ref,
                              const char *id)
{
    if (ref == 0)
        ref = shard_state_find_text(maker->state, slice_text(id));
    const struct shard_stake_limits *row = shard_state_stake_limits(maker->state, scope, ref);
    return row == NULL ? 0 : row->seq;
}

static struct parts limits_of(const struct maker *maker, enum limit_scope scope, uint32_t ref,
                              const char *id)
{
    struct parts parts = begin(maker, RECORD_LIMITS, scope == LIMIT_OF_PLAYER ? ref : 0);
    const struct stake_limits none = STAKE_LIMITS_NONE;
    parts.body.limits = (struct record_limits){
        .previous_seq = seq_of_limits(maker, scope, ref, id),
        .stake_minor_max = none.stake_minor_max,
        .payout_minor_max = none.payout_minor_max,
        .liability_minor_max = none.liability_minor_max,
        .factor_permyriad = LIMIT_FACTOR_WHOLE,
        .refer_minor_above = none.refer_minor_above,
        .payout_day_minor_max = none.payout_day_minor_max,
        .market = scope == LIMIT_OF_MARKET ? ref : 0,
        .scope = (uint8_t)scope,
    };
    parts.body.limits.id_bytes = add_text(&parts, id);
    parts.body.limits.actor_bytes = add_text(&parts, "tess");
    parts.body.limits.reason_bytes = add_text(&parts, "sharp");
    return parts;
}

struct parts parts_limits(const struct maker *maker, enum limit_scope scope, uint32_t ref,
                          const char *id)
{
    struct parts parts = limits_of(maker, scope, ref, id);
    parts.body.limits.stake_minor_max = 500;
    return parts;
}

struct parts parts_no_limits(const struct maker *maker, enum limit_scope scope, uint32_t ref,
                             const char *id)
{
    struct parts parts = limits_of(maker, scope, ref, id);
    parts.body.limits.removed = 1;
    return parts;
}

struct parts parts_adjustment(const struct maker *maker, uint32_t account, enum ledger_account kind)
{
    struct parts parts = begin(maker, RECORD_ADJUSTMENT, account);
    parts.body.adjustment =
        shard_adjustment_of(maker->state, (struct account_ref){account}, kind, parts.postings);
    parts.draft.postings_count = ADJUSTMENT_POSTINGS;
    return parts;
}

struct parts parts_relayed(const struct maker *maker, unsigned word)
{
    struct parts parts = begin(maker, RECORD_RELAYED, 0);
    parts.body.relayed = (struct record_relayed){
        .desk_book_id = "the desk's book",
        .desk_seq = shard_state_desk(maker->state)->seq + 10,
        .word_seq = word == 0 ? 0 : shard_state_seq(maker->state),
        .word = (uint16_t)word,
    };
    return parts;
}

struct parts parts_result(const struct maker *maker, uint32_t market, struct leg_result result)
{
    const struct shard_market *m = shard_state_market(maker->state, (struct market_ref){market});
    struct parts parts = begin(maker, RECORD_RESULT, 0);
    assert_true(m->selections_count <= 16);
    parts.body.result = (struct record_result){
        .result_version = m->result_version + 1,
        .previous_seq = m->seq_result,
        .market = market,
        .cause = FENCE_FEED,
        .kind = RESULT_SET,
    };
    parts.body.result.actor_bytes = add_text(&parts, "betfair");
    parts.body.result.reason_bytes = add_text(&parts, "");
    for (uint16_t i = 0; i < m->selections_count; i++)
        parts.items.results[i] = (struct record_selection_result){.win = record_factors_of(result)};
    parts.draft.items_count = m->selections_count;
    return parts;
}

struct parts parts_proposal(const struct maker *maker, uint32_t market, uint64_t version)
{
    struct parts parts = begin(maker, RECORD_PROPOSAL, 0);
    parts.body.proposal = (struct record_proposal){
        .result = {.result_version = version,
                   .market = market,
                   .cause = FENCE_TRADER,
                   .kind = RESULT_SET},
        .needs_approval = 1,
    };
    parts.body.proposal.result.actor_bytes = add_text(&parts, "tom");
    parts.body.proposal.result.reason_bytes = add_text(&parts, "seen");
    parts.items.proposed[0] =
        (struct record_proposed){.result = {.win = record_factors_of(LEG_WON)}, .selection = 0};
    parts.items.proposed[0].result.reason_bytes = add_text(&parts, "by a nose");
    parts.draft.items_count = 1;
    return parts;
}

struct parts parts_decision(const struct maker *maker, uint64_t proposal_seq, const char *actor,
                            enum decision_kind decision)
{
    struct parts parts = begin(maker, RECORD_DECISION, 0);
    parts.body.decision =
        (struct record_decision){.proposal_seq = proposal_seq, .decision = (uint16_t)decision};
    parts.body.decision.actor_bytes = add_text(&parts, actor);
    parts.body.decision.reason_bytes = add_text(&parts, "agreed");
    return parts;
}

struct parts parts_settle(const struct maker *maker, uint32_t bet)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    struct parts parts = begin(maker, RECORD_SETTLE, b->account);
    struct settlement settlement;
    struct record_posting postings[SETTLEMENT_POSTINGS_MAX];
    shard_settlement_of(maker->state, b, &settlement);
    static uint16_t deductions[SETTLEMENT_DEDUCTIONS_MAX]; /* until the next one is made */
    memcpy(deductions, settlement.deductions, settlement.deductions_count * sizeof *deductions);
    parts.texts[0] = slice_of(deductions, settlement.deductions_count * sizeof *deductions);
    parts.draft.texts_count = 1;
    size_t count = shard_settlement_postings(
        maker->state, b, (struct settled_money){settlement.payout, settlement.token_back, 1},
        postings);
    parts.body.settle = (struct record_settle){
        .bet_id = b->bet_id,
        .result_seq = settlement.result_seq,
        .result_version = settlement.result_version,
        .previous_seq = b->seq_last,
        .stake = b->stake,
        .payout = settlement.payout,
        .balance_after = shard_available_after(maker->state, b->account, postings, count),
        .sizes = b->sizes,
        .settlement = (uint16_t)(b->settlement + 1),
        .currency = GBP,
        .rounding = b->rounding,
        .flags = b->flags,
        .token_back = settlement.token_back,
    };
    for (uint32_t i = 0; i < b->legs_count; i++)
        parts.items.settled[i] = settlement.legs[i];
    parts.draft.items_count = b->legs_count;
    for (size_t i = 0; i < count; i++)
        add_posting(&parts, postings[i].account, (enum ledger_account)postings[i].kind,
                    postings[i].currency, postings[i].amount);
    return parts;
}

struct parts parts_reverse(const struct maker *maker, uint32_t bet)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    struct parts parts = begin(maker, RECORD_REVERSE, b->account);
    struct settlement settlement;
    struct record_posting postings[SETTLEMENT_POSTINGS_MAX];
    shard_settlement_of(maker->state, b, &settlement);
    const struct settled_money money = {b->payout, shard_token_is_back(maker->state, b), -1};
    size_t count = shard_settlement_postings(maker->state, b, money, postings);
    parts.body.reverse = (struct record_reverse){
        .bet_id = b->bet_id,
        .reverses_seq = b->seq_settled,
        .previous_seq = b->seq_last,
        .result_seq = settlement.result_seq,
        .result_version = settlement.result_version,
        .payout = b->payout,
        .balance_after = shard_available_after(maker->state, b->account, postings, count),
        .currency = GBP,
    };
    for (size_t i = 0; i < count; i++)
        add_posting(&parts, postings[i].account, (enum ledger_account)postings[i].kind,
                    postings[i].currency, postings[i].amount);
    return parts;
}

/* ---- cash-outs ---- */

#define CASH_OUT_BOOK (CHANCES_BOOK_WHOLE / 100 * 105)

static const struct shard_bet *bet_of_parts(const struct maker *maker, const struct parts *parts)
{
    return shard_state_bet(
        maker->state,
        shard_state_find_bet(maker->state, (struct bet_id){parts->body.cash_out.bet_id}));
}

static void put_cash_out_legs(const struct maker *maker, struct parts *parts,
                              const struct shard_bet *bet)
{
    struct settlement now;
    shard_settlement_of(maker->state, bet, &now);
    static uint16_t deductions[SETTLEMENT_DEDUCTIONS_MAX]; /* until the next one is made */
    memcpy(deductions, now.deductions, now.deductions_count * sizeof *deductions);
    parts->texts[parts->draft.texts_count++] =
        slice_of(deductions, now.deductions_count * sizeof *deductions);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        parts->items.cash_out[i] = (struct record_cash_out_leg){.settled = now.legs[i]};
        if (now.legs[i].win.known == 1)
            continue;
        struct record_cash_out_leg *leg = &parts->items.cash_out[i];
        leg->now_numerator = 2;
        leg->now_denominator = 1;
        leg->book = CASH_OUT_BOOK;
        leg->odds_version = 9;
        leg->odds_position = 7;
        leg->chances.win = chances_of((struct odds){2, 1}, CASH_OUT_BOOK);
        leg->market_status = MARKET_ACTIVE;
        leg->flags = LEG_PROVIDER_ALIVE;
    }
    parts->draft.items_count = bet->legs_count;
}

static void set_amounts(const struct maker *maker, struct parts *parts, int64_t bound)
{
    const struct shard_bet *bet = bet_of_parts(maker, parts);
    struct record_cash_out *body = &parts->body.cash_out;
    struct record_posting postings[SETTLEMENT_POSTINGS_MAX];
    struct shard_bet part = *bet;
    part.stake = body->stake;
    parts->draft.postings_count = 0;
    body->paid = 0;
    body->stake_left = bet->stake;
    body->balance_after =
        shard_state_account(maker->state, (struct account_ref){bet->account})->available;
    if (body->outcome != BET_PLACED)
        return;
    body->paid = body->value < bound ? body->value : bound;
    body->stake_left = bet->stake - body->stake;
    size_t count = shard_settlement_postings(
        maker->state, &part, (struct settled_money){.payout = body->paid, .sign = 1}, postings);
    body->balance_after = shard_available_after(maker->state, bet->account, postings, count);
    for (size_t i = 0; i < count; i++)
        add_posting(parts, postings[i].account, (enum ledger_account)postings[i].kind,
                    postings[i].currency, postings[i].amount);
}

void parts_cash_out_value(const struct maker *maker, struct parts *parts, int64_t bound)
{
    struct record_cash_out *body = &parts->body.cash_out;
    const struct cash_out_parts value_of = {body, parts->items.cash_out, parts->draft.items_count,
                                            parts->texts[parts->draft.texts_count - 1]};
    assert_true(cash_out_record_value(&value_of, &body->fair, &body->value));
    set_amounts(maker, parts, bound);
}

static struct parts begin_cash_out(const struct maker *maker, uint32_t bet,
                                   enum bet_outcome outcome)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    struct parts parts = begin(maker, RECORD_CASH_OUT, b->account);
    parts.body.cash_out = (struct record_cash_out){
        .bet_id = b->bet_id,
        .stake = b->stake,
        .accepted = 1,
        .sizes = b->sizes,
        .outcome = (uint16_t)outcome,
        .currency = GBP,
        .flags = b->flags,
    };
    return parts;
}

static struct parts asked_cash_out(const struct maker *maker, uint32_t bet,
                                   enum bet_outcome outcome, const char *key)
{
    struct parts parts = begin_cash_out(maker, bet, outcome);
    struct record_cash_out *body = &parts.body.cash_out;
    body->request_hash[0] = 5;
    body->request_hash[1] = 6;
    body->previous_seq = shard_state_bet(maker->state, bet)->seq_last;
    body->offer_until_us = maker->time_us + 5000000;
    body->transport = TRANSPORT_HTTP;
    body->key_bytes = add_text(&parts, key);
    return parts;
}

struct parts parts_cash_out(const struct maker *maker, uint32_t bet, int64_t stake, const char *key)
{
    struct parts parts = asked_cash_out(maker, bet, BET_PLACED, key);
    parts.body.cash_out.stake = stake;
    parts.body.cash_out.margin = 500;
    put_cash_out_legs(maker, &parts, shard_state_bet(maker->state, bet));
    parts_cash_out_value(maker, &parts, MONEY_MINOR_MAX);
    parts.body.cash_out.accepted = parts.body.cash_out.value;
    return parts;
}

struct parts parts_cash_out_waiting(const struct maker *maker, uint32_t bet, int64_t stake,
                                    const char *key)
{
    struct parts parts = parts_cash_out(maker, bet, stake, key);
    parts.body.cash_out.outcome = BET_PENDING;
    parts.body.cash_out.decide_at_us = maker->time_us + 5000000;
    for (size_t i = 0; i < parts.draft.items_count; i++)
        parts.items.cash_out[i].flags |= LEG_IN_PLAY;
    parts_cash_out_value(maker, &parts, MONEY_MINOR_MAX);
    return parts;
}

struct parts parts_cash_out_decided(const struct maker *maker, uint32_t bet,
                                    enum bet_outcome outcome)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    const struct shard_cash_out *row = shard_state_cash_out(maker->state, b->cash_out_waits);
    struct parts parts = begin_cash_out(maker, bet, outcome);
    struct record_cash_out *body = &parts.body.cash_out;
    body->previous_seq = b->seq_last;
    body->asked_seq = row->seq;
    body->stake = row->stake;
    body->accepted = row->accepted;
    body->tolerance = row->tolerance;
    if (outcome == BET_PLACED || outcome == BET_CASH_OUT_CHANGED) {
        body->margin = 500;
        put_cash_out_legs(maker, &parts, b);
        parts_cash_out_value(maker, &parts, row->bound);
    } else {
        set_amounts(maker, &parts, 0);
    }
    return parts;
}

struct parts parts_cash_out_refused(const struct maker *maker, uint32_t bet,
                                    enum bet_outcome outcome, const char *key)
{
    struct parts parts = asked_cash_out(maker, bet, outcome, key);
    parts.body.cash_out.previous_seq = 0;
    set_amounts(maker, &parts, 0);
    return parts;
}

struct parts parts_referred(const struct maker *maker, uint32_t account, uint32_t market,
                            const char *key)
{
    struct parts parts = parts_pending(maker, account, market, key);
    parts.body.bet.referred = REFERRED_STAKE_LIMIT;
    parts.body.bet.limit_scope = LIMIT_OF_PLATFORM;
    parts.body.bet.stake_max = 1000;
    return parts;
}

struct parts parts_referral(const struct maker *maker, uint32_t bet, enum referral_word word)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    const struct shard_referral *row =
        shard_state_referral(maker->state, shard_state_find_referral(maker->state, bet));
    struct parts parts = begin(maker, RECORD_REFERRAL, b->account);
    struct record_referral *body = &parts.body.referral;
    bool traders = word == REFERRAL_ACCEPTED || word == REFERRAL_REJECTED;
    int64_t rest = word == REFERRAL_TAKEN ? b->stake - row->stake : 0;
    *body = (struct record_referral){
        .bet_id = b->bet_id,
        .previous_seq = b->seq_last,
        .offer_seq = traders ? 0 : row->seq_bound,
        .until_us = word == REFERRAL_ACCEPTED || word == REFERRAL_TAKEN ? maker->time_us : 0,
        .balance_after = account_of(maker, b->account)->available + rest,
        .word = (uint16_t)word,
        .currency = GBP,
        .lifted = word == REFERRAL_ACCEPTED ? LIFT_STAKE : 0,
        .transport = traders ? 0 : TRANSPORT_HTTP,
    };
    if (traders) {
        body->actor_bytes = add_text(&parts, "tess");
        body->reason_bytes = add_text(&parts, "known well");
    }
    if (word == REFERRAL_TAKEN) {
        struct shard_bet taken = *b;
        taken.stake = body->stake = row->stake;
        body->potential_return = shard_returns_of(maker->state, &taken);
    }
    if (rest > 0) {
        add_posting(&parts, b->account, LEDGER_HELD, GBP, -rest);
        add_posting(&parts, b->account, shard_stake_account(b->flags), GBP, rest);
    }
    return parts;
}

struct parts parts_offer(const struct maker *maker, uint32_t bet, int64_t stake, struct odds odds)
{
    const struct shard_bet *b = shard_state_bet(maker->state, bet);
    struct parts parts = parts_referral(maker, bet, REFERRAL_ACCEPTED);
    struct parts legs = parts_release(maker, bet, BET_PLACED);
    struct record_referral *body = &parts.body.referral;
    memcpy(&parts.items, &legs.items, sizeof parts.items);
    parts.draft.items_count = b->legs_count;
    body->word = REFERRAL_OFFERED;
    body->stake = stake;
    body->until_us = maker->time_us + 30000000;
    if (odds_present(odds)) {
        parts.items.legs[0].odds_numerator = odds.numerator;
        parts.items.legs[0].odds_denominator = odds.denominator;
        parts.items.legs[0].flags |= LEG_OFFERED;
    }
    const struct bet_terms terms = {money_of(stake, (struct currency){GBP}), b->sizes, b->flags,
                                    (enum rounding)b->rounding};
    assert_true(
        shard_potential_return(&terms, parts.items.legs, b->legs_count, &body->potential_return));
    return parts;
}
