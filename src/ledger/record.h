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
#include "ledger/record_adjustment.h"
#include "ledger/record_bets.h"
#include "ledger/record_cash_out.h"
#include "ledger/record_limits.h"
#include "ledger/record_money.h"
#include "ledger/record_referral.h"
#include "ledger/record_relayed.h"
#include "ledger/record_results.h"

#define RECORD_FORMAT         3 /* of all types; a record of another one is told, not guessed at */
#define RECORD_BYTES_MAX      (256 * 1024)
#define RECORD_POSTINGS_MAX   8
#define RECORD_SELECTION_NONE 0xFFFFu

enum record_type {
    RECORD_GENESIS = 1,     /* the first record of a shard */
    RECORD_OPENED = 2,      /* a writer took the log over: epoch and program (G-04) */
    RECORD_ACCOUNT = 3,     /* gives a user an account ref */
    RECORD_MARKET = 4,      /* gives a market a ref, and its selections their numbers */
    RECORD_SELECTIONS = 5,  /* more selections of a known market */
    RECORD_MONEY = 6,       /* verdict on a movement of money that is no bet */
    RECORD_BET = 7,         /* verdict on a bet: placed, pending or refused */
    RECORD_RELEASE = 8,     /* a pending bet is accepted or not */
    RECORD_FENCE = 9,       /* what stops betting, or lets it go on */
    RECORD_RESULT = 10,     /* results of a market, their rollback, voids by time; a fence too */
    RECORD_SETTLE = 11,     /* one bet paid */
    RECORD_REVERSE = 12,    /* one settlement taken back, before a corrected one */
    RECORD_CASH_OUT = 13,   /* verdict on buying back a bet, or a part of its stake */
    RECORD_PROPOSAL = 14,   /* a word on a market's results that waits; nothing follows from it */
    RECORD_DECISION = 15,   /* a proposal is approved or rejected */
    RECORD_LIMITS = 16,     /* what a customer, a market, an event or a sport may be staked with */
    RECORD_REFERRAL = 17,   /* a word on a bet that was referred to the desk */
    RECORD_ADJUSTMENT = 18, /* what a correction took below zero is written off by the book */
    RECORD_RELAYED = 19,    /* a word of the desk has come, from another shard's log */
    RECORD_TYPE_LAST = RECORD_RELAYED,
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
    uint32_t account;    /* whose record it is; 0: nobody's */
    uint32_t before_crc; /* `crc` of the record before; 0 of the first. So two logs that part are
                            not alike behind that either, whatever is written in them */
};

/* Accounts of the double entry (L4). Customer accounts are per account ref, house accounts per
 * shard; amounts are minor units, a positive amount raises the account. */
enum ledger_account {
    LEDGER_AVAILABLE = 1,    /* customer: may be staked or withdrawn */
    LEDGER_HELD = 2,         /* customer: stakes of pending bets */
    LEDGER_HOUSE_CASH = 3,   /* the outside world: minus what customers brought in */
    LEDGER_HOUSE_STAKES = 4, /* stakes of open bets */
    LEDGER_HOUSE_RESULT = 5, /* what the house won (plus) or lost */
    LEDGER_FREE = 6,         /* customer: free bets, whose stake is not returned */
    LEDGER_BONUS = 7,        /* customer: bonus money, may be staked but not withdrawn */
    LEDGER_HOUSE_PROMO = 8,  /* what free bets and bonus money cost the house (minus) */
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
    uint32_t shards; /* of the book; 0: it has one */
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

_Static_assert(sizeof(struct record_head) == 40, "format");
_Static_assert(sizeof(struct record_posting) == 16, "format");
_Static_assert(sizeof(struct record_genesis) == 40, "format");
_Static_assert(sizeof(struct record_opened) == 48, "format");
_Static_assert(sizeof(struct record_account) == 8, "format");
_Static_assert(sizeof(struct record_market) == 24, "format");
_Static_assert(sizeof(struct record_selections) == 8, "format");
_Static_assert(sizeof(struct record_selection) == 8, "format");
_Static_assert(sizeof(struct record_fence) == 16, "format");
_Static_assert(sizeof(struct record_fenced) == 8, "format");

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

/* Takes the record at `at` apart. 0; -ERR_UNSUPPORTED: it is whole, and of another format; or
 * -ERR_CORRUPT: sizes, counts, checksum, text lengths, reserved bytes or padding are impossible.
 * Only the record's own shape is checked here; what it means is for shard_state_apply. `at` must be
 * 8-byte aligned. */
int record_view_of(const void *at, size_t bytes, struct record_view *ret);

/* The view of a copy of the record, made by the caller at `to` (8-byte aligned). */
struct record_view record_view_moved(const struct record_view *view, const void *to);

/* The next `bytes` of the texts, in the order of the body's lengths; the view was checked. */
struct slice record_text(struct slice *texts, uint16_t bytes);
/* The bet whose record it is; 0: it is none's. A cash-out that was refused at once is none of the
 * bet's records. */
uint64_t record_bet_id(const struct record_view *record);

/* Factors of a selection between the record's form and the rules' form (core/settle.h). */
struct leg_result record_factors(struct record_leg_result factors);
struct record_leg_result record_factors_of(struct leg_result result);
