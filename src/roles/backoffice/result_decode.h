/* result_decode.h - the body of POST /v1/admin/events/{event_id}/results (CONTRACT): strict JSON to
 * results of markets. Pure; thread: any. */
#pragma once

#include <stdbool.h>

#include "ports/feed_sink.h"
#include "roles/backoffice/result_selection.h"
#include "roles/shared/json_fields.h"

#define RESULT_MARKETS_MAX    64   /* of one request: 400 INVALID_FIELD beyond */
#define RESULT_SELECTIONS_MAX 1024 /* of all of them together: the same */
#define RESULT_BODY_BYTES_MAX (256 * 1024)

struct result_decoded {
    struct slice reason; /* of the whole request; may be empty */
    struct feed_result markets[RESULT_MARKETS_MAX];
    size_t markets_count;
    struct feed_selection_result selections[RESULT_SELECTIONS_MAX]; /* of all markets */
    size_t selections_count;
    char scratch[RESULT_BODY_BYTES_MAX]; /* unescaped texts */
    char inner_scratch[RESULT_BODY_BYTES_MAX];
};

/* True, or false with *ret_refusal. Slices point into the body or into *ret. */
bool result_decode(struct slice body, const struct result_policy *policy,
                   struct result_decoded *ret, struct request_refusal *ret_refusal);

/* {"reason":"..."} of 1 to REASON_BYTES_MAX bytes: who holds a market says why (G-16). */
bool reason_decode(struct slice body, char *scratch, size_t scratch_bytes, struct slice *ret_reason,
                   struct request_refusal *ret_refusal);
