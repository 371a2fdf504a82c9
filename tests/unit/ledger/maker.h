/* maker.h - makes the next record of a log from parts that a test can change before it is
 * encoded, always with a right checksum. A parts_* function gives parts that apply, by the
 * state as it is; what a test makes of them need not. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "core/odds.h"
#include "ledger/record.h"
#include "ledger/record_encode.h"
#include "ledger/shard_settlement.h"
#include "ledger/shard_state.h"

#define GBP 826
#define EUR 978

#define MAKER_TIME_US   INT64_C(1790000000000000) /* of the first record: September 2026 */
#define MAKER_ITEMS_MAX (SELECTIONS_MAX + 1)
#define MAKER_TEXTS_MAX (8 + 2 * MAKER_ITEMS_MAX)
#define MAKER_LIMITS                                                                               \
    ((struct shard_limits){.accounts_max = 100,                                                    \
                           .markets_max = 100,                                                     \
                           .selections_max = 2000,                                                 \
                           .bets_max = 30000,                                                      \
                           .verdicts_max = 60000})

/* A record to be. The pointers of the draft are set when it is encoded. */
struct parts {
    struct record_draft draft;
    union {
        struct record_genesis genesis;
        struct record_opened opened;
        struct record_account account;
        struct record_market market;
        struct record_selections selections;
        struct record_money money;
        struct record_bet bet;
        struct record_release release;
        struct record_fence fence;
        struct record_limits limits;
        struct record_adjustment adjustment;
        struct record_result result;
        struct record_settle settle;
        struct record_reverse reverse;
        struct record_proposal proposal;
        struct record_decision decision;
        struct record_cash_out cash_out;
        struct record_referral referral;
        struct record_relayed relayed;
    } body;
    union {
        struct record_selection selections[MAKER_ITEMS_MAX];
        struct record_leg legs[4];
        struct record_fenced fenced[8];
        struct record_selection_result results[16];
        struct record_settled_leg settled[4];
        struct record_proposed proposed[4];
        struct record_cash_out_leg cash_out[4];
    } items;
    struct record_posting postings[RECORD_POSTINGS_MAX];
    struct slice texts[MAKER_TEXTS_MAX];
};

struct maker {
    struct shard_state *state; /* owned */
    int64_t time_us;           /* of the next record */
    struct record_view view;   /* of the record made last */
    _Alignas(8) char memory[RECORD_BYTES_MAX];
};

/* An empty state, or one with the records GENESIS and OPENED. */
void maker_empty(struct maker *maker, const struct shard_limits *limits);
void maker_begin(struct maker *maker);
void maker_done(struct maker *maker);

/* Encodes and takes apart (which must work), then applies: its answer. */
int maker_apply(struct maker *maker, const struct parts *parts);
/* Applies what must apply; the next record is a millisecond later. */
void maker_accept(struct maker *maker, const struct parts *parts);
/* Applies what must be refused for this reason and leave the state as it was. */
void maker_refuse(struct maker *maker, const struct parts *parts, const char *reason);
/* Refused for a limit, and the state is as it was. */
void maker_limited(struct maker *maker, const struct parts *parts);
void maker_encode(struct maker *maker, const struct parts *parts);

struct parts parts_genesis(const struct maker *maker);
struct parts parts_opened(const struct maker *maker);
struct parts parts_account(const struct maker *maker, const char *user);
/* With selections "s0", "s1", ... */
struct parts parts_market(const struct maker *maker, const char *id, uint16_t selections);
struct parts parts_selections(const struct maker *maker, uint32_t market, uint16_t count);
struct parts parts_deposit(const struct maker *maker, uint32_t account, int64_t amount,
                           const char *key);
struct parts parts_promotion(const struct maker *maker, uint32_t account, enum money_kind kind,
                             int64_t amount, const char *key);
struct parts parts_withdrawal(const struct maker *maker, uint32_t account, int64_t amount,
                              const char *key);
struct parts parts_money_refused(const struct maker *maker, uint32_t account, const char *key);
/* A single on selection `selection` of a market, in pounds, at 21/10. */
struct parts parts_bet(const struct maker *maker, uint32_t account, uint32_t market,
                       const char *key);
struct parts parts_pending(const struct maker *maker, uint32_t account, uint32_t market,
                           const char *key);
struct parts parts_refused(const struct maker *maker, uint32_t account, uint32_t market,
                           const char *key);
/* Changes stake and price of a bet, with what follows from them. */
void parts_stake(const struct maker *maker, struct parts *parts, int64_t stake, struct odds odds);
struct parts parts_release(const struct maker *maker, uint32_t bet, enum bet_outcome outcome);
struct parts parts_fence(const struct maker *maker, uint32_t market, enum market_status status);
/* Of a scope that is named by the ref, or by the id: at most 5.00 a bet. Removal: parts_no_limits.
 */
struct parts parts_limits(const struct maker *maker, enum limit_scope scope, uint32_t ref,
                          const char *id);
struct parts parts_no_limits(const struct maker *maker, enum limit_scope scope, uint32_t ref,
                             const char *id);
/* All that the balance is below zero. */
struct parts parts_adjustment(const struct maker *maker, uint32_t account,
                              enum ledger_account kind);
/* The record before is a word of this type, from the desk's log; 0: there is no word. */
struct parts parts_relayed(const struct maker *maker, unsigned word);
/* Every selection has this result; selections of a market: at most 16. */
struct parts parts_result(const struct maker *maker, uint32_t market, struct leg_result result);
/* Selection s0 won: "tom" proposes that, and another has to approve it. */
struct parts parts_proposal(const struct maker *maker, uint32_t market, uint64_t version);
struct parts parts_decision(const struct maker *maker, uint64_t proposal_seq, const char *actor,
                            enum decision_kind decision);
struct parts parts_settle(const struct maker *maker, uint32_t bet);
struct parts parts_reverse(const struct maker *maker, uint32_t bet);

/* `stake` of the bet is bought back at the price of the book: each open leg is at 2.00 in a book of
 * 105 %, the margin is 5 %, and the customer takes what it is worth. */
struct parts parts_cash_out(const struct maker *maker, uint32_t bet, int64_t stake,
                            const char *key);
/* The same, which waits for a delay; and what becomes of the bet's one that waits. */
struct parts parts_cash_out_waiting(const struct maker *maker, uint32_t bet, int64_t stake,
                                    const char *key);
struct parts parts_cash_out_decided(const struct maker *maker, uint32_t bet,
                                    enum bet_outcome outcome);
/* Refused without a value. */
struct parts parts_cash_out_refused(const struct maker *maker, uint32_t bet,
                                    enum bet_outcome outcome, const char *key);
/* What follows from the items, stake, margin and outcome of such parts, after they were changed;
 * `bound`: no more is paid. */
void parts_cash_out_value(const struct maker *maker, struct parts *parts, int64_t bound);

/* As parts_pending, of a bet that a limit of the platform referred to the desk. */
struct parts parts_referred(const struct maker *maker, uint32_t account, uint32_t market,
                            const char *key);
/* A word on a referred bet, but an offer; of one that is taken its rest is given back. */
struct parts parts_referral(const struct maker *maker, uint32_t bet, enum referral_word word);
/* An offer: this stake, and the first leg at this price (ODDS_NONE: as it is bound). */
struct parts parts_offer(const struct maker *maker, uint32_t bet, int64_t stake, struct odds odds);

/* A state with all that bets need: account 1 "ada" and 2 "bob" with 100.00 GBP each, markets 1
 * and 2 with 3 selections. */
void maker_open(struct maker *maker);

/* Tries the change on a copy `p` of `good` parts, which must then be refused for `reason`. */
#define REFUSES(maker, good, reason, ...)                                                          \
    do {                                                                                           \
        struct parts p = (good);                                                                   \
        __VA_ARGS__;                                                                               \
        maker_refuse(maker, &p, reason);                                                           \
    } while (0)
