/* referral_decode.h - the bodies of a trader's word on a bet that waits (docs/PROTOCOL.md):
 *
 *   accept  {"reason":"…","lift_stake":true,"lift_liability":false}
 *   reject  {"reason":"…"}
 *   offer   the members of accept and {"stake":20.00,"odds":[1.80,null],"valid_ms":30000}
 *
 * All but the reason may be left out. Strict, pure. Thread: any. */
#pragma once

#include "app/book_referral.h"
#include "core/money.h"
#include "roles/shared/json_fields.h"

#define REFERRAL_BODY_BYTES_MAX 8192

/* Points into itself and into the body. */
struct referral_decoded {
    struct referral_request request; /* its bet is the caller's to fill in */
    struct slice reason;
    struct odds prices[BET_LEGS_MAX];
    char scratch[REFERRAL_BODY_BYTES_MAX];
};

/* `currency` is the bet's. False with *ret_refusal; *ret is then of no use. */
bool referral_decode(struct slice body, enum referral_word word, struct currency currency,
                     struct referral_decoded *ret, struct request_refusal *ret_refusal);
