/* ledger_reader.h - reading the segments of one shard's log: the one place that knows in which
 * directory a segment lies and in which form.
 *
 * Whoever reads the log (recovery, replay, cursor, lookup, audits) owns a reader, opens one segment
 * after another with it and sees the bytes of the segment file as docs/LEDGER.md describes them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_format.h"

#define LEDGER_VOLUMES_MAX       2
#define LEDGER_REPORT_TEXT_BYTES 192
#define LEDGER_WHERE_BYTES       144

/* The directories of one shard's log. Its owner is the store; what it says never changes while the
 * store is open. Thread: any. */
struct ledger_volumes {
    uint32_t shard;
    struct disk *disks[LEDGER_VOLUMES_MAX]; /* borrowed; the first always, the others may be NULL */
    struct disk *archive;                   /* borrowed; NULL: there is none now */
};

/* One segment as the table in memory knows it; entry n is segment n. */
struct ledger_segment {
    struct ledger_place before; /* the log before its first group */
    uint64_t bytes;
    uint64_t volume;       /* number of its directory, for ever */
    uint64_t previous_end; /* byte of the segment before at which the log ended; 0: at its end */
};

/* In which form a segment lies now, and the bytes of its file there. */
struct ledger_form {
    bool is_packed;
    bool is_archived;
    uint64_t file_bytes;
};

/* For reports: "" for the first directory, " in the second directory". */
const char *ledger_volume_text(uint64_t volume);

/* Thread: one at a time. */
struct ledger_reader;

/* 0 or -ERR_MEMORY. The caller owns *ret_reader. `text` (borrowed until free,
 * LEDGER_REPORT_TEXT_BYTES) is where an answer of -ERR_CORRUPT is explained (file, byte, problem)
 * and one of -ERR_ARCHIVED (which file is to be brought back). */
int ledger_reader_new(char *text, struct ledger_reader **ret_reader);
void ledger_reader_free(struct ledger_reader *reader); /* accepts NULL; closes */

/* Opens segment `segment` of that volume, closing what was open: the plain file, or else the packed
 * one, or else, where its slip is, its file in the archive. 0; -ERR_CORRUPT (it is missing or
 * damaged); -ERR_ARCHIVED (its file in the archive is not there); or the disk's error. Nothing is
 * open then. The volumes are borrowed until it is closed. */
int ledger_reader_open(struct ledger_reader *reader, const struct ledger_volumes *volumes,
                       uint64_t segment, uint64_t volume);
void ledger_reader_close(struct ledger_reader *reader); /* nothing open: does nothing */
bool ledger_reader_is_open(const struct ledger_reader *reader);
/* Is there a file of it in that directory, plain or packed? */
bool ledger_reader_is_here(const struct ledger_volumes *volumes, uint64_t segment, uint64_t volume);
/* Of what is open. */
struct ledger_form ledger_reader_form(const struct ledger_reader *reader);
/* Of a segment that is opened for it or, where the archive is not there, as its slip says. Errors
 * as for open, but -ERR_ARCHIVED. What was open is closed. */
int ledger_reader_look(struct ledger_reader *reader, const struct ledger_volumes *volumes,
                       uint64_t segment, uint64_t volume, struct ledger_form *ret_form);
/* What is cached of the open file is dropped: what is read comes from where it lies. */
void ledger_reader_forget(struct ledger_reader *reader);
/* Bytes of the segment that is open, unpacked. */
uint64_t ledger_reader_bytes(const struct ledger_reader *reader);
/* Reads up to `bytes` at `offset` of the open segment; *ret_bytes is less only at its end. */
int ledger_reader_read(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes,
                       size_t *ret_bytes);
/* The same; -ERR_CORRUPT when there are not so many. */
int ledger_reader_fill(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes);
/* "FILE at byte N" of the segment opened last into LEDGER_WHERE_BYTES; where it is packed, N
 * counts the segment's bytes, and the text says so. */
void ledger_reader_where(const struct ledger_reader *reader, uint64_t offset, char *ret_text);
/* Explains a problem at this byte of the segment opened last in `text`: -ERR_CORRUPT. */
int ledger_reader_corrupt(struct ledger_reader *reader, uint64_t offset, const char *problem);
