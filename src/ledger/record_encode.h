/* record_encode.h - writes one record from its parts. Thread: any. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "ledger/record.h"

/* The parts of a record, all borrowed for the call. */
struct record_draft {
    enum record_type type;
    uint64_t seq;
    int64_t time_us;
    uint32_t account;
    uint32_t before_crc;
    const void *body; /* record_body_bytes(type) of it */
    const void *items;
    size_t items_count;
    const struct record_posting *postings;
    size_t postings_count;
    const struct slice *texts; /* in the order that record.h names */
    size_t texts_count;
};

/* Appends the record to out, whose end must be 8-byte aligned. Returns the record, or NULL when
 * it does not fit: then out is unchanged. Counts within the format are the caller's duty (ASSERT),
 * and so is that the lengths in the body are those of the texts: record_view_of refuses others. */
const struct record_head *record_encode(struct buf *out, const struct record_draft *draft);
