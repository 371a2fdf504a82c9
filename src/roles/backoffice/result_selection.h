/* result_selection.h - one selection of a result by hand: from JSON to factors (CONTRACT). Pure;
 * thread: any. */
#pragma once

#include "ports/feed_sink.h"
#include "roles/backoffice/result_policy.h"
#include "roles/shared/json_fields.h"

/* What a selection is read by: its market's kind, and how that deducts and pays. */
struct result_rules {
    enum result_kind kind; /* SET or ROLLBACK */
    enum deduction_model model;
    enum rule4_table table;
    uint32_t places; /* the first so many are paid */
};

/* Reads the object that is next. False with the refusal. Slices point into the reader's text or
 * scratch. */
bool result_selection_read(struct json_reader *reader, const struct result_rules *rules,
                           struct feed_selection_result *ret, struct request_refusal *refusal);
