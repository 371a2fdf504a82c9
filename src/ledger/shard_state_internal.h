/* shard_state_internal.h - the fold's memory, shared by the files shard_*.c of this folder only. */
#pragma once

#include "base/symbols.h"
#include "base/table.h"
#include "ledger/shard_proposals.h"
#include "ledger/shard_state.h"
#include "ledger/shard_verdicts.h"

/* A verdict key hashed ahead of its record's turn, see shard_state_prefetch. */
struct verdict_hint {
    uint64_t seq;
    uint32_t crc; /* of the record: another one may come at this place after all */
    uint32_t reserved;
    struct hash128 hash;
};

#define VERDICT_HINTS 64

struct verdict_link {
    uint8_t hash[32];
};

/* Verdict number n (from 0, in order of seq) stands at at[n % slots] while first <= n < total. */
struct verdict_ring {
    struct shard_verdict *at;   /* owns; slots of them, a multiple of SHARD_VERDICTS_BLOCK */
    struct verdict_link *links; /* owns; of each block in memory, the chain before it */
    struct table *by_key;       /* owns; key -> place in at */
    struct sha256 *sha;         /* owns */
    uint32_t slots;
    uint64_t first;           /* the oldest in memory, the begin of a block */
    uint64_t total;           /* as many as ever were */
    uint64_t floor;           /* seq of the last one forgotten; 0: none was */
    struct verdict_link link; /* the chain over all whole blocks */
};

struct shard_state {
    struct shard_limits limits;
    uint64_t seq;
    int64_t time_us;
    uint64_t epoch;
    uint64_t hash_key[2];
    uint8_t book_id[16];
    uint32_t shard, shards;
    uint32_t record_crc; /* of the last record: no part of the state, but of its place */
    struct bet_id last_bet_id;
    struct shard_desk desk;
    const char *reason;

    struct symbols *users;      /* owns; ref = account ref */
    struct symbols *market_ids; /* owns; ref = market ref */
    struct symbols *texts;      /* owns; names, event ids, selection ids */

    struct shard_account *accounts;          /* owns; [ref], 0 unused */
    struct shard_market *markets;            /* owns; [ref], 0 unused */
    struct shard_selection *selections;      /* owns */
    struct shard_leg *legs;                  /* owns; in the order of the bets */
    struct shard_window *windows;            /* owns */
    struct shard_stake_limits *stake_limits; /* owns */
    struct table *stake_limits_by_scope;     /* owns; (scope, ref) -> place */
    uint32_t stake_limits_count;
    struct shard_proposal *proposals; /* owns; in order of seq */
    struct shard_proposed *proposed;  /* owns; in the order of the proposals */
    struct shard_bet *bets;           /* owns; in order of bet id */
    struct shard_cash_out *cash_outs; /* owns; in order of seq */
    struct shard_referral *referrals; /* owns; in order of bets */
    uint32_t accounts_count, markets_count, selections_count, legs_count, windows_count, bets_count;
    uint32_t proposals_count, proposed_count, cash_outs_count, referrals_count;
    struct verdict_ring verdicts;

    struct shard_house houses[CURRENCIES_MAX];
    size_t houses_count;
    struct shard_counts counts;
    struct verdict_hint hints[VERDICT_HINTS]; /* [seq % VERDICT_HINTS] */
};

/* What any account of a log holds or owes at most, so that nothing overflows when an amount is
 * added. A thousand times MONEY_MINOR_MAX: only a forged log comes near. */
#define SHARD_BALANCE_MAX (INT64_C(1) << 60)

/* Keeps the reason and answers -ERR_CORRUPT. */
int shard_corrupt(struct shard_state *state, const char *reason);

#define REQUIRE(condition, reason)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return shard_corrupt(state, reason);                                                   \
    } while (0)

/* Room for so many more texts of markets and selections. */
bool shard_texts_room(const struct shard_state *state, size_t count);
/* The text's number, 0 when it has none. */
uint32_t shard_symbol(const struct symbols *symbols, struct slice text);

/* NULL when the ref is unknown. */
struct shard_account *shard_account_at(struct shard_state *state, uint32_t ref);
struct shard_market *shard_market_at(struct shard_state *state, uint32_t ref);
/* Of a currency that is known; added at first use. */
struct shard_house *shard_house_of(struct shard_state *state, struct currency currency);
/* NULL when there is no such bet. */
struct shard_bet *shard_bet_of(struct shard_state *state, uint64_t bet_id);

/* The bet that a record is about; it is the account's, and the record before is its last one. 0, or
 * -ERR_CORRUPT. */
int shard_find_bet(struct shard_state *state, const struct record_view *record, uint64_t bet_id,
                   uint64_t previous_seq, struct shard_bet **ret);

/* An outcome, and not "wait"; an amount that may be moved. */
bool shard_verdict_final(unsigned outcome);
bool shard_amount_valid(int64_t amount);
/* The record is BET or MONEY, and its idempotency key well formed. */
bool shard_verdict_is_new(struct shard_state *state, const struct record_view *record,
                          struct hash128 *ret_hash);

/* What open and pending bets may cost has room for one more, whose legs are given; and it begins
 * (sign 1) or ends (-1) to be one of them. */
bool shard_liability_fits(const struct shard_state *state, const struct shard_bet *bet,
                          const struct shard_leg *legs);
void shard_add_liability(struct shard_state *state, const struct shard_bet *bet, int sign);
/* What the bet pays when every leg wins, from its rows; -1 when they are no bet. */
int64_t shard_returns_of(const struct shard_state *state, const struct shard_bet *bet);

/* The bet was open and is not any more (sign -1), or the other way round: what its markets and its
 * account count of it. */
void shard_count_unsettled(struct shard_state *state, const struct shard_bet *bet, int sign);

/* L4: exactly these postings, in this order, summing to zero. */
bool shard_postings_are(const struct record_view *record, const struct record_posting *expected,
                        size_t count);
/* No account that the postings name leaves +-SHARD_BALANCE_MAX. They are those expected, of known
 * accounts and one known currency. */
bool shard_postings_fit(const struct shard_state *state, const struct record_view *record);
void shard_post(struct shard_state *state, const struct record_view *record);

bool shard_status_valid(unsigned status);
/* What is not known is all zero, so that the same result has one form. */
bool shard_factors_valid(struct record_leg_result factors);
bool shard_result_valid(const struct record_selection_result *result);
/* The result without its reason, which a state does not keep. */
struct record_selection_result shard_result_bare(const struct record_selection_result *item);
/* WINDOW_NONE when the market has no such window. */
uint32_t shard_find_window(const struct shard_state *state, const struct shard_market *market,
                           int64_t from_us, int64_t until_us);
uint32_t shard_count_windows(const struct shard_state *state, const struct shard_market *market);

/* What holds over the whole state (shard_state_check), with the bets piece by piece from the first:
 * then, over all. begin: 0 or -ERR_MEMORY; the others also -ERR_CORRUPT. */
struct shard_tallies {
    struct account_tally *accounts; /* own; [ref] */
    struct market_tally *markets;   /* own; [ref] */
    int64_t *costs;                 /* own; [selection] */
    uint32_t accounts_count, markets_count;
    size_t selections_count;
    bool settled_alike; /* a bet is settled when it has a settlement */
};
int shard_tallies_begin(const struct shard_state *state, struct shard_tallies *tallies);
int shard_tallies_bets(struct shard_state *state, struct shard_tallies *tallies, uint32_t first,
                       uint32_t count);
int shard_tallies_check(struct shard_state *state, struct shard_tallies *tallies);
void shard_tallies_end(struct shard_tallies *tallies); /* of zeros, too */

/* Every number within its bounds: for a state that came from outside. 0, or -ERR_CORRUPT. In this
 * order: accounts, markets and selections; bets, piece by piece from the first; the rest of them
 * and the house accounts; each verdict, behind the record of the one before it; how many there are.
 */
/* With the rows: it makes their index, too. */
int shard_check_stake_limits(struct shard_state *state);
int shard_check_rows(struct shard_state *state);
int shard_check_bets(struct shard_state *state, uint32_t first, uint32_t count);
int shard_check_rest(struct shard_state *state);
int shard_check_verdicts(struct shard_state *state);
int shard_check_verdict(struct shard_state *state, const struct shard_verdict *verdict,
                        uint64_t seq_before);

/* shard_verdicts.c. The ring's memory: 0, -ERR_MEMORY or -ERR_CRYPTO; done also after a failure. */
int shard_verdicts_new(struct shard_state *state);
void shard_verdicts_done(struct shard_state *state);
/* Begins to load what adding this key will touch. */
void shard_verdict_prefetch(const struct shard_state *state, struct hash128 key);
bool shard_verdict_known(const struct shard_state *state, struct hash128 key);
bool shard_verdicts_full(const struct shard_state *state);
/* The key is new and the ring is not full. */
void shard_verdict_add(struct shard_state *state, const struct shard_verdict *verdict);
/* The chain before the oldest verdict in memory. */
struct verdict_link shard_verdicts_link(const struct shard_state *state);
/* What the state hash has of the verdicts: how many, the chain, and the block begun. */
struct sha256;
void shard_verdicts_hash(const struct shard_state *state, struct sha256 *sha);

/* The begin of the state hash: whose log, and where in it. */
void shard_hash_place(const struct shard_state *state, struct sha256 *sha);
