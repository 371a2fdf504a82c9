/* bet_decode.h - bodies of bets and money movements: strict JSON to typed requests, and the hash
 * by which "the same body" is told (CONTRACT, "Idempotency": the same decoded request, not the
 * same bytes).
 *
 * Every member must be known, of its kind and there once: a member that we would silently pass
 * over could be the one that the customer means (a limit on the price, a free bet). Amounts and
 * prices are read exactly; digits that the currency does not have are refused, never rounded.
 * Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/book_request.h"
#include "app/cash_out_offer.h"
#include "base/slice.h"
#include "core/bet.h"
#include "core/ids.h"
#include "core/money.h"
#include "roles/shared/json_fields.h"

#define BET_BODY_BYTES_MAX (64 * 1024)

struct bet_scratch {
    char strings[BET_BODY_BYTES_MAX];     /* unescaped texts; slices of the result point here */
    char leg_strings[BET_BODY_BYTES_MAX]; /* those of legs */
    struct ticket_leg legs[BET_LEGS_MAX];
    struct leg_names names[BET_LEGS_MAX];
    char canonical[BET_BODY_BYTES_MAX]; /* what is hashed */
};

/* What the body is read against. */
struct decode_context {
    struct slice header_key;          /* Idempotency-Key, or empty */
    struct currency account_currency; /* CURRENCY_NONE: the account has none yet */
    struct bet_scratch *scratch;      /* borrowed until the result is no longer used */
};

struct bet_decoded {
    struct slice key;
    struct ticket ticket; /* its legs are in the scratch */
    const struct leg_names *names;
    bool accept_alternative;
    uint64_t request_hash[2];
};

/* True, or false with *ret_refusal. Slices of *ret point into body, header_key or scratch. */
bool bet_decode(struct slice body, const struct decode_context *context, struct bet_decoded *ret,
                struct request_refusal *ret_refusal);

struct money_decoded {
    struct slice key;
    struct money amount;
    uint64_t request_hash[2];
};

/* The same for a deposit or a withdrawal. */
bool money_decode(struct slice body, const struct decode_context *context,
                  struct money_decoded *ret, struct request_refusal *ret_refusal);

struct cash_out_decoded {
    struct slice key;
    struct slice offer;           /* <= CASH_OUT_OFFER_BYTES */
    int64_t amount;               /* in the account's currency */
    int64_t stake;                /* 0: the fraction says it */
    uint32_t fraction, tolerance; /* hundredths of a percent */
    uint64_t request_hash[2];
};

/* The same for buying back the bet with this id. The account has a currency. */
bool cash_out_decode(struct slice body, const struct decode_context *context, struct bet_id bet,
                     struct cash_out_decoded *ret, struct request_refusal *ret_refusal);
