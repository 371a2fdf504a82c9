/* shard_state_internal.h - the fold's memory, shared by the files shard_*.c of this folder only. */
#pragma once

#include "base/symbols.h"
#include "base/table.h"
#include "ledger/shard_state.h"

/* A verdict key hashed ahead of its record's turn, see shard_state_prefetch. */
struct verdict_hint {
    uint64_t seq;
    uint32_t crc; /* of the record: another one may come at this place after all */
    uint32_t reserved;
    struct hash128 hash;
};

#define VERDICT_HINTS 64

struct shard_state {
    struct shard_limits limits;
    uint64_t seq;
    int64_t time_us;
    uint64_t epoch;
    uint64_t hash_key[2];
    uint8_t book_id[16];
    uint32_t shard;
    uint32_t record_crc; /* of the last record: no part of the state, but of its place */
    struct bet_id last_bet_id;
    const char *reason;

    struct symbols *users;         /* owns; ref = account ref */
    struct symbols *market_ids;    /* owns; ref = market ref */
    struct symbols *texts;         /* owns; names, event ids, selection ids */
    struct table *verdicts_by_key; /* owns */

    struct shard_account *accounts;     /* owns; [ref], 0 unused */
    struct shard_market *markets;       /* owns; [ref], 0 unused */
    struct shard_selection *selections; /* owns */
    struct shard_bet *bets;             /* owns; in order of bet id */
    struct shard_verdict *verdicts;     /* owns; in order of seq */
    uint32_t accounts_count, markets_count, selections_count, bets_count, verdicts_count;

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

/* The key of (account, operation, idempotency key) in the table of verdicts. */
struct hash128 shard_verdict_key(const struct shard_state *state, uint32_t account,
                                 enum operation operation, struct slice key);

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

/* Every number within its bounds: for a state that came from outside. 0, or -ERR_CORRUPT. */
int shard_check_bounds(struct shard_state *state);

/* Which request has which verdict: the keys of verdicts_by_key in the order of the verdicts, of
 * which there is at least one. 0 or -ERR_MEMORY; ended by shard_verdict_keys_free. */
int shard_verdict_keys_new(const struct shard_state *state, struct hash128 **ret_keys);
void shard_verdict_keys_free(const struct shard_state *state, struct hash128 *keys);
/* The begin of the state hash: whose log, and where in it. */
struct sha256;
void shard_hash_place(const struct shard_state *state, struct sha256 *sha);

/* By type; contract of shard_state_apply. */
int shard_apply_book(struct shard_state *state, const struct record_view *record);
int shard_apply_market(struct shard_state *state, const struct record_view *record);
int shard_apply_selections(struct shard_state *state, const struct record_view *record);
int shard_apply_fence(struct shard_state *state, const struct record_view *record);
int shard_apply_result(struct shard_state *state, const struct record_view *record);
int shard_apply_money(struct shard_state *state, const struct record_view *record);
int shard_apply_bet(struct shard_state *state, const struct record_view *record);
int shard_apply_release(struct shard_state *state, const struct record_view *record);
int shard_apply_settle(struct shard_state *state, const struct record_view *record);
int shard_apply_reverse(struct shard_state *state, const struct record_view *record);
