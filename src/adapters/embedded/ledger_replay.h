/* ledger_replay.h - every durable record of one shard from a sequence number on, fast.
 *
 * A second thread reads ahead, checks all checksums and hands over megabytes of whole groups;
 * the caller's thread only visits. Thread: any; the log below `end` must not change. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/ledger_format.h"
#include "adapters/embedded/ledger_reader.h"
#include "adapters/embedded/ledger_store.h"

/* The durable log at one moment. */
struct ledger_view {
    const struct ledger_volumes *volumes;  /* borrowed */
    const struct ledger_segment *segments; /* borrowed; entries below the count never change */
    uint64_t segments_count;
    struct ledger_place end; /* after the last durable group */
    uint64_t end_offset;     /* in the newest segment */
};

struct ledger_view ledger_store_view(const struct ledger_store *store);
/* The segment in which the record `seq` stands; 0 < seq <= view->end.seq. */
uint64_t ledger_view_segment(const struct ledger_view *view, uint64_t seq);
/* Opens segment n of the view. Errors as ledger_reader_open(). */
int ledger_view_open(const struct ledger_view *view, uint64_t segment,
                     struct ledger_reader *reader);
/* Where the durable log ends in segment n: its file offset and its place. */
uint64_t ledger_view_end(const struct ledger_view *view, uint64_t segment,
                         struct ledger_place *ret_place);

/* Segments of a log by the form in which they lie there, and the bytes of their files. */
struct ledger_sizes {
    uint64_t plain, plain_bytes;
    uint64_t packed, packed_bytes;
    uint64_t archived, archived_bytes;
    uint64_t log_bytes; /* of all of them as they are when unpacked */
};
/* 0; -ERR_CORRUPT (a file is missing or its head damaged), with ret_text; or the disk's error. The
 * archive need not be there. */
int ledger_view_sizes(const struct ledger_view *view, struct ledger_sizes *ret_sizes,
                      char ret_text[LEDGER_REPORT_TEXT_BYTES]);

/* 0; the visitor's negative answer; -ERR_CORRUPT, with the file and byte in ret_text;
 * -ERR_MEMORY or the disk's error. */
int ledger_replay(const struct ledger_view *view, uint64_t seq_first, ledger_visit visit,
                  void *owner, char ret_text[LEDGER_REPORT_TEXT_BYTES]);
