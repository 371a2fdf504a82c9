/* cash_out_offer.h - the ids of offers: what was offered, for which bet as it was, until when,
 * under a code of the process that made it. So an offer is kept by the customer alone, and nothing
 * grows by asking for one (S2); one from before a restart has ended. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/buf.h"
#include "core/ids.h"

struct cash_out_terms {
    struct bet_id bet;
    uint64_t bet_seq; /* the bet's newest record: when it has another one, the offer has ended */
    int64_t until_us; /* record time */
    int64_t stake;    /* what was offered for, and how much */
    int64_t amount;
};

#define CASH_OUT_OFFER_BYTES BASE64_URL_BYTES(5 * 8 + 16)

void cash_out_offer_write(struct buf *out, const uint64_t key[2],
                          const struct cash_out_terms *terms);
/* False: it is none of ours. Any text. */
bool cash_out_offer_read(struct slice text, const uint64_t key[2], struct cash_out_terms *ret);
