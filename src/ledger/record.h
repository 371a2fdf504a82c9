/* record.h - the records of a shard's log, byte by byte (docs/LEDGER.md, "Records").
 *
 * A record is: head, one fixed body by type, items, postings, texts, zero padding to 8 bytes.
 * All numbers are little-endian; structs are laid out without padding (asserted below) so that
 * they are read and written by memcpy. A record names accounts, markets and selections by refs
 * that earlier records of the same log defined, so it is complete within its log. Numbers of
 * types, outcomes and accounts are never reused; formats only grow at the end of a body.
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/settle.h"

#define RECORD_FORMAT         1
#define RECORD_BYTES_MAX      (256 * 1024)
#define RECORD_POSTINGS_MAX   8
#define RECORD_SELECTION_NONE 0xFFFFu

/* X(name, number, body struct suffix, item struct suffix or "none") */
enum record_type {
    RECORD_GENESIS = 1,    /* the first record of a shard */
    RECORD_OPENED = 2,     /* a writer took the log over: epoch and program (G-04) */
    RECORD_ACCOUNT = 3,    /* gives a user an account ref */
    RECORD_MARKET = 4,     /* gives a market a ref, and its selections their numbers */
    RECORD_SELECTIONS = 5, /* more selections of a known market */
    RECORD_MONEY = 6,      /* verdict on a deposit or a withdrawal */
    RECORD_BET = 7,        /* verdict on a bet: placed, pending or refused */
    RECORD_RELEASE = 8,    /* a pending bet is accepted or not */
    RECORD_FENCE = 9,      /* what stops betting, or lets it go on */
    RECORD_RESULT = 10,    /* results of a market; a fence too */
    RECORD_SETTLE = 11,    /* one bet paid */
    RECORD_REVERSE = 12,   /* one settlement taken back, before a corrected one */
};

struct record_head {
    uint32_t bytes;  /* of the whole record, a multiple of 8 */
    uint32_t crc;    /* CRC-32C of everything after this field */
    uint64_t seq;    /* dense per shard, from 1 (L1) */
    int64_t time_us; /* record time, never falls (L1) */
    uint16_t type;
    uint16_t format;
    uint16_t items_count;
    uint16_t postings_count;
    uint32_t account;  /* whose record it is; 0: nobody's */
    uint32_t reserved; /* 0 */
};

/* Accounts of the double entry (L4). Customer accounts are per account ref, house accounts per
 * shard; amounts are minor units, a positive amount raises the account. */
enum ledger_account {
    LEDGER_AVAILABLE = 1,    /* customer: may be staked or withdrawn */
    LEDGER_HELD = 2,         /* customer: stakes of pending bets */
    LEDGER_HOUSE_CASH = 3,   /* the outside world: minus what customers brought in */
    LEDGER_HOUSE_STAKES = 4, /* stakes of open bets */
    LEDGER_HOUSE_RESULT = 5, /* what the house won (plus) or lost */
};

struct record_posting {
    uint32_t account; /* 0 for house accounts */
    uint16_t kind;    /* enum ledger_account */
    uint16_t currency;
    int64_t amount;
};

struct record_genesis {
    uint8_t book_id[16];
    uint64_t hash_key[2]; /* of the idempotency and id tables */
    uint32_t shard;
    uint32_t reserved;
};

struct record_opened {
    uint64_t epoch;
    uint8_t binary_sha256[32];
    uint16_t version_bytes; /* texts: program version */
    uint16_t reserved[3];
};

struct record_account {
    uint16_t user_bytes; /* texts: user id */
    uint16_t reserved[3];
};

struct record_market {
    uint32_t market;       /* the ref given */
    uint8_t status;        /* enum market_status at this moment */
    uint8_t holds;         /* enum market_hold bits */
    uint16_t market_bytes; /* texts in this order: market id, event id, provider, sport, */
    uint16_t event_bytes;  /* event name, market name, kind, then each selection's id, name */
    uint16_t provider_bytes;
    uint16_t sport_bytes;
    uint16_t event_name_bytes;
    uint16_t name_bytes;
    uint16_t kind_bytes;
    uint16_t reserved[2];
};

/* RECORD_SELECTIONS: texts are each selection's id and name. */
struct record_selections {
    uint32_t market;
    uint16_t first; /* number of the first new selection */
    uint16_t reserved;
};

struct record_selection { /* item of MARKET and SELECTIONS */
    uint16_t id_bytes;
    uint16_t name_bytes;
    uint32_t reserved;
};

enum money_kind { MONEY_DEPOSIT = 1, MONEY_WITHDRAWAL = 2 };

struct record_money {
    uint64_t request_hash[2];
    int64_t amount; /* > 0 */
    int64_t balance_after;
    uint16_t kind;    /* enum money_kind */
    uint16_t outcome; /* BET_PLACED: done; or a refusal */
    uint16_t currency;
    uint16_t key_bytes; /* texts: idempotency key */
};

enum record_transport { TRANSPORT_HTTP = 1, TRANSPORT_WEBSOCKET = 2, TRANSPORT_OTHER = 3 };

struct record_bet {
    uint64_t bet_id;          /* 0 when refused */
    uint64_t request_hash[2]; /* of the decoded request: the same body means the same request */
    int64_t stake;
    int64_t potential_return;
    int64_t balance_after; /* available after this record */
    int64_t decide_at_us;  /* PENDING: when it is released */
    int64_t stake_max;     /* STAKE_LIMIT: what would pass */
    int64_t promo_stake;   /* G-10: the part of the stake that is bonus money; 0 so far */
    int64_t fees;          /* G-10: taken from the stake; 0 so far */
    uint16_t outcome;      /* enum bet_outcome */
    uint16_t currency;
    uint8_t policy;    /* enum price_policy */
    uint8_t rounding;  /* enum rounding, of the settlement */
    uint8_t transport; /* enum record_transport */
    uint8_t reserved;
    uint16_t key_bytes;       /* texts: idempotency key, */
    uint16_t personal_bytes;  /* sealed personal fields (address, device), */
    uint16_t asked_bytes;     /* "market\nselection" as asked, when a ref is missing */
    uint16_t redemption_days; /* G-10 */
};

enum leg_flag { LEG_IN_PLAY = 1, LEG_PROVIDER_ALIVE = 2 };

struct record_leg {          /* item of BET and RELEASE: the evidence of L6 */
    uint32_t market;         /* 0: unknown */
    uint16_t selection;      /* RECORD_SELECTION_NONE: unknown */
    uint8_t market_status;   /* enum market_status as seen */
    uint8_t flags;           /* enum leg_flag */
    uint32_t odds_numerator; /* the price taken, or the current one of a refusal; 0/0 none */
    uint32_t odds_denominator;
    uint32_t asked_numerator;
    uint32_t asked_denominator;
    uint64_t odds_version;  /* of the price taken */
    uint64_t asked_version; /* what the customer saw; 0 not stated */
    uint64_t odds_position; /* of that version in the odds log; 0 unknown */
    int64_t price_age_us;   /* since the feed's message was received */
};

struct record_release {
    uint64_t bet_id;
    uint64_t previous_seq; /* the bet's record before this one */
    int64_t balance_after;
    uint16_t outcome; /* BET_PLACED, or why it was not accepted */
    uint16_t reserved[3];
};

enum fence_cause { FENCE_FEED = 1, FENCE_TRADER = 2 };
enum market_hold { HOLD_TRADER = 1 };

struct record_fence {
    uint64_t odds_position;
    uint16_t cause;
    uint16_t actor_bytes;  /* texts: who, */
    uint16_t reason_bytes; /* and why */
    uint16_t reserved;
};

struct record_fenced { /* item of FENCE */
    uint32_t market;
    uint8_t status; /* enum market_status: the feed's word from now on */
    uint8_t holds;  /* enum market_hold bits from now on */
    uint16_t reserved;
};

struct record_result {
    uint64_t result_version; /* rises per market (L7) */
    uint64_t previous_seq;   /* the RESULT that this one corrects; 0: the first */
    uint32_t market;
    uint16_t cause;        /* enum fence_cause: who said it */
    uint16_t actor_bytes;  /* texts: who, */
    uint16_t reason_bytes; /* and why */
    uint16_t reserved[3];
};

struct record_leg_result { /* item of RESULT, one per selection of the market, in order */
    uint8_t known;         /* 0: this result does not say; bets on it stay open */
    uint8_t won;
    uint8_t void_halves;
    uint8_t reserved;
    uint16_t dead_heat_numerator;
    uint16_t dead_heat_denominator;
};

struct record_settle {
    uint64_t bet_id;
    uint64_t result_seq;     /* the RESULT it follows from */
    uint64_t result_version; /* of that RESULT */
    uint64_t previous_seq;   /* the bet's record before this one */
    int64_t stake;
    int64_t payout; /* the whole return */
    int64_t balance_after;
    uint32_t odds_numerator; /* as taken: the explanation reads this record alone */
    uint32_t odds_denominator;
    struct record_leg_result factors;
    uint16_t settlement; /* 1, 2, ... */
    uint16_t currency;
    uint8_t rounding;
    uint8_t reserved[3];
};

struct record_reverse {
    uint64_t bet_id;
    uint64_t reverses_seq; /* the SETTLE taken back */
    uint64_t previous_seq;
    uint64_t result_seq;     /* the RESULT that made it wrong */
    uint64_t result_version; /* of that RESULT */
    int64_t payout;          /* that was paid */
    int64_t balance_after;   /* may be negative (L4) */
    uint16_t currency;
    uint16_t reserved[3];
};

_Static_assert(sizeof(struct record_head) == 40, "format");
_Static_assert(sizeof(struct record_posting) == 16, "format");
_Static_assert(sizeof(struct record_genesis) == 40, "format");
_Static_assert(sizeof(struct record_opened) == 48, "format");
_Static_assert(sizeof(struct record_account) == 8, "format");
_Static_assert(sizeof(struct record_market) == 24, "format");
_Static_assert(sizeof(struct record_selections) == 8, "format");
_Static_assert(sizeof(struct record_selection) == 8, "format");
_Static_assert(sizeof(struct record_money) == 40, "format");
_Static_assert(sizeof(struct record_bet) == 96, "format");
_Static_assert(sizeof(struct record_leg) == 56, "format");
_Static_assert(sizeof(struct record_release) == 32, "format");
_Static_assert(sizeof(struct record_fence) == 16, "format");
_Static_assert(sizeof(struct record_fenced) == 8, "format");
_Static_assert(sizeof(struct record_result) == 32, "format");
_Static_assert(sizeof(struct record_leg_result) == 8, "format");
_Static_assert(sizeof(struct record_settle) == 80, "format");
_Static_assert(sizeof(struct record_reverse) == 64, "format");

/* A record taken apart: pointers into its bytes, which are borrowed and 8-byte aligned. */
struct record_view {
    const struct record_head *head;
    const void *body;
    const void *items;
    const struct record_posting *postings;
    struct slice texts; /* with the padding */
};

/* Size of the body and of an item of a type; 0 for an unknown type (and for no items). */
size_t record_body_bytes(enum record_type type);
size_t record_item_bytes(enum record_type type);

/* Takes the record at `at` apart. 0, or -ERR_CORRUPT: sizes, counts, checksum, text lengths,
 * reserved bytes or padding are impossible. Only the record's own shape is checked here; what it
 * means is for shard_state_apply. `at` must be 8-byte aligned. */
int record_view_of(const void *at, size_t bytes, struct record_view *ret);

/* The view of a copy of the record, made by the caller at `to` (8-byte aligned). */
struct record_view record_view_moved(const struct record_view *view, const void *to);

/* The next `bytes` of the texts, in the order of the body's lengths; the view was checked. */
struct slice record_text(struct slice *texts, uint16_t bytes);

/* Factors of a selection between the record's form and the rules' form (core/settle.h). */
struct leg_result record_factors(struct record_leg_result factors);
struct record_leg_result record_factors_of(struct leg_result result);
