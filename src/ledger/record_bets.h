/* record_bets.h - the bodies and items of the records about one bet: BET, RELEASE, SETTLE, REVERSE.
 * Part of record.h, which says how records lie. Thread: any. */
#pragma once

#include <stdint.h>

/* The longest record about a bet, of BET_LEGS_MAX legs; record.c adds up. */
#define RECORD_BET_BYTES_MAX 13312

enum record_transport { TRANSPORT_HTTP = 1, TRANSPORT_WEBSOCKET = 2, TRANSPORT_OTHER = 3 };

/* What a bet is beside its legs. Of FREE and BONUS at most one: else the stake is cash. */
enum bet_flag { BET_EACH_WAY = 1, BET_FREE = 2, BET_BONUS = 4 };
#define BET_FLAGS_ALL ((unsigned)(BET_EACH_WAY | BET_FREE | BET_BONUS))

struct record_bet {
    uint64_t bet_id;          /* 0 when refused */
    uint64_t request_hash[2]; /* of the decoded request: the same body means the same request */
    int64_t stake;            /* of all lines and both ways together */
    int64_t potential_return;
    int64_t balance_after; /* available after this record */
    int64_t decide_at_us;  /* PENDING: when it is released; referred: the end of waiting */
    int64_t stake_max;     /* STAKE_LIMIT, or referred for one: what would pass */
    int64_t promo_stake;   /* G-10: the part of the stake that is no cash: all of it or nothing */
    int64_t fees;          /* G-10: taken from the stake; 0 so far */
    int64_t stake_asked; /* an alternative was accepted: what was asked, above the stake; else 0 */
    uint16_t outcome;    /* enum bet_outcome */
    uint16_t currency;
    uint8_t policy;           /* enum price_policy */
    uint8_t rounding;         /* enum rounding, of the settlement */
    uint8_t transport;        /* enum record_transport */
    uint8_t flags;            /* enum bet_flag */
    uint16_t key_bytes;       /* texts: idempotency key, */
    uint16_t personal_bytes;  /* sealed personal fields (address, device), */
    uint16_t asked_bytes;     /* "market\nselection" as asked, of the leg that was refused */
    uint16_t redemption_days; /* G-10 */
    uint32_t sizes;           /* of the system (core/system.h); 0: every leg is in the one line */
    uint16_t refused_leg;     /* the leg that the outcome is about, from 1; 0: none or all */
    uint8_t limit_scope;      /* enum limit_scope: whose limit refused or referred it; else 0 */
    uint8_t referred;         /* PENDING: enum referral_cause, it waits for the desk; else 0 */
};

enum leg_flag {
    LEG_IN_PLAY = 1,
    LEG_PROVIDER_ALIVE = 2,
    LEG_BANKER = 4,    /* stands in every line; without sizes every leg does */
    LEG_ANTE_POST = 8, /* a non-runner loses, and nothing is deducted for others */
    LEG_OFFERED = 16,  /* at a price that a trader named (record_referral.h), whatever it is now */
};
#define LEG_FLAGS_ALL                                                                              \
    ((unsigned)(LEG_IN_PLAY | LEG_PROVIDER_ALIVE | LEG_BANKER | LEG_ANTE_POST | LEG_OFFERED))

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
    uint8_t places;         /* terms of an each-way bet, frozen here; 0: to win only */
    uint8_t place_numerator;
    uint8_t place_denominator;
    uint8_t reserved;
    uint8_t score[2];     /* in play: home, away as the book had it; 0 when it has none */
    uint8_t red_cards[2]; /* the same */
};

struct record_release {
    uint64_t bet_id;
    uint64_t previous_seq; /* the bet's record before this one */
    int64_t balance_after;
    uint16_t outcome; /* BET_PLACED, or why it was not accepted */
    uint16_t reserved[3];
};

struct record_leg_result { /* a selection's factors */
    uint8_t known;         /* 0: this result does not say; bets on it stay open */
    uint8_t won;
    uint8_t void_halves;
    uint8_t reserved;
    uint16_t dead_heat_numerator;
    uint16_t dead_heat_denominator;
};

enum settled_flag {
    SETTLED_BANKER = 1,
    SETTLED_CANCELLED = 2, /* void because of when the bet was placed */
    SETTLED_ANTE_POST = 4,
};

/* Item of SETTLE: a leg, all that its factor is made of. */
struct record_settled_leg {
    uint32_t market;
    uint16_t selection;
    uint8_t flags;           /* enum settled_flag */
    uint8_t deducted_from;   /* enum deducted_from */
    uint32_t odds_numerator; /* as taken */
    uint32_t odds_denominator;
    struct record_leg_result win;
    struct record_leg_result place; /* each-way */
    uint8_t places;                 /* its terms */
    uint8_t place_numerator;
    uint8_t place_denominator;
    uint8_t deductions_count; /* texts: so many of 2 bytes each, hundredths of a percent */
    uint16_t position;
    uint16_t tied;
};

/* A leg whose result is not known stays open in it: the bet was lost without it. */
struct record_settle {
    uint64_t bet_id;
    uint64_t result_seq;     /* the newest RESULT of its legs' markets */
    uint64_t result_version; /* of that RESULT */
    uint64_t previous_seq;   /* the bet's record before this one */
    int64_t stake;
    int64_t payout; /* the whole return */
    int64_t balance_after;
    uint32_t sizes;      /* as in the BET */
    uint16_t settlement; /* 1, 2, ... */
    uint16_t currency;
    uint8_t rounding;
    uint8_t flags;      /* enum bet_flag */
    uint8_t token_back; /* a free bet all of whose legs are void: the token is there again */
    uint8_t reserved[5];
};

struct record_reverse {
    uint64_t bet_id;
    uint64_t reverses_seq; /* the SETTLE taken back */
    uint64_t previous_seq;
    uint64_t result_seq;     /* the newest RESULT of its legs' markets, which made it wrong */
    uint64_t result_version; /* of that RESULT */
    int64_t payout;          /* that was paid */
    int64_t balance_after;   /* may be negative (L4) */
    uint16_t currency;
    uint16_t reserved[3];
};

_Static_assert(sizeof(struct record_bet) == 112, "format");
_Static_assert(sizeof(struct record_leg) == 64, "format");
_Static_assert(sizeof(struct record_release) == 32, "format");
_Static_assert(sizeof(struct record_leg_result) == 8, "format");
_Static_assert(sizeof(struct record_settled_leg) == 40, "format");
_Static_assert(sizeof(struct record_settle) == 72, "format");
_Static_assert(sizeof(struct record_reverse) == 64, "format");
