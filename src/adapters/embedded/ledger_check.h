/* ledger_check.h - reads one segment of the durable log to its end, in small steps, and checks all
 * that a replay checks: every checksum, and that it continues what is before it and leads to what
 * is behind it. Past the kernel's cache, as far as that goes. Thread: one at a time. */
#pragma once

#include "adapters/embedded/ledger_replay.h"

#define LEDGER_CHECK_STEP_BYTES (256u << 10)

struct ledger_check;

/* 0 or -ERR_MEMORY. `text` as for ledger_reader_new(). The caller owns *ret_check. */
int ledger_check_new(char *text, struct ledger_check **ret_check);
void ledger_check_free(struct ledger_check *check); /* accepts NULL */
/* Opens this segment of the view, which is copied; what it points to is borrowed until the end. 0
 * or an error as ledger_view_open(). */
int ledger_check_begin(struct ledger_check *check, const struct ledger_view *view,
                       uint64_t segment);
/* Reads at most LEDGER_CHECK_STEP_BYTES of the segment, *ret_bytes of them. 1: there is more; 0:
 * all of it is good; -ERR_CORRUPT, with text; or the disk's error. Then nothing is open. */
int ledger_check_step(struct ledger_check *check, uint64_t *ret_bytes);
/* Every file of the view that is in the archive against its slip, by SHA-256; *ret_files of them.
 * 0; -ERR_CORRUPT or -ERR_ARCHIVED, with ret_text (LEDGER_REPORT_TEXT_BYTES); -ERR_MEMORY,
 * -ERR_CRYPTO or the disk's error. */
int ledger_check_archive(const struct ledger_view *view, uint64_t *ret_files, char *ret_text);
/* In which form it lay when it was begun. */
struct ledger_form ledger_check_form(const struct ledger_check *check);
