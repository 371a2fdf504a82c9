/* odds_log_file.h - the odds_log port on files of our own: `odds-NNNNNNNNNN.log`, append-only.
 *
 * append() encodes into a ring of ODDS_LOG_RING_BYTES and never waits; a background thread
 * writes, and syncs every second (an option) and at close. A position is a byte position that rises
 * over all segments. A process always begins a new segment, ODDS_LOG_POSITION_GAP further on, so
 * that a position is never given to two changes even when a crash took the end of the log.
 *
 * Format (docs/LEDGER.md, "The odds log on disk"): a segment is a head of 64 bytes, then records
 * {crc32c of what follows, 4; bytes of the body, 2; body}. In the body numbers are LEB128; a text
 * is written out at its first mention in a segment and is a number afterwards.
 *
 * Recovery: in the newest segment everything from the first bad record on is cut, and the report
 * says so; it can be at most what was not synced. A bad record in an older segment is found by
 * replay: -ERR_CORRUPT.
 *
 * Read only (an option) the log is taken as it is found: nothing is created, cut, deleted or
 * synced; a torn tail is reported and taken as not there. The lock is shared on a disk that was
 * opened to be read (disk.h). There is no background thread then, append() answers 0 and
 * take_epoch() -ERR_UNSUPPORTED.
 *
 * Thread: the owner's; one background thread inside, unless the log is stepped: for the simulator.
 */
#pragma once

#include "adapters/embedded/disk.h"
#include "ports/odds_log.h"

#define ODDS_LOG_RING_BYTES (UINT64_C(64) << 20)
/* With so much waiting it syncs before the second is over. */
#define ODDS_LOG_WAKE_BYTES            (ODDS_LOG_RING_BYTES / 4)
#define ODDS_LOG_POSITION_GAP          (UINT64_C(256) << 20) /* > what can be unsynced */
#define ODDS_LOG_ROLLS_MAX             64 /* segments begun in the ring and not yet on disk */
#define ODDS_LOG_RECORD_BYTES_MAX      65535
#define ODDS_LOG_SEGMENT_BYTES_DEFAULT (UINT64_C(256) << 20)
#define ODDS_LOG_SEGMENT_BYTES_MIN     (UINT64_C(64) << 10)
#define ODDS_LOG_TEXTS_MAX             262144 /* different texts of one segment */
#define ODDS_LOG_TEXT_BYTES_MAX        (UINT64_C(16) << 20)

struct odds_log_file_options {
    uint64_t segment_bytes; /* a segment ends with the record that reaches this; 0: default */
    uint64_t bytes_max;     /* oldest segments go beyond this, never the newest two; 0: keep */
    uint64_t hash_key[2];   /* secret, for the table of texts */
    int64_t sync_us_max;    /* what was appended is durable after about so long; 0: a second */
    uint32_t epoch_min;     /* of the next epoch taken, and */
    uint64_t position_min;  /* of what is appended: another log, which this one goes on from, has
                             * given out all below; 0: none has */
    bool read_only;         /* then the rest is not looked at */
    bool stepped;           /* no thread: the caller writes (odds_log_file_step) */
};

struct odds_log_report {
    uint64_t segments;
    uint64_t cut_segment;
    uint64_t cut_offset;
    uint64_t cut_bytes; /* > 0: the newest segment had a torn tail; read only, it still has */
    char text[128];     /* why it refused, or "" */
};

struct odds_log_file_stats {
    uint64_t changes;
    uint64_t refused;      /* answered 0: ring full, or the disk failed */
    uint64_t texts_rolled; /* segments ended early because ODDS_LOG_TEXTS_MAX was reached */
    uint64_t segments_deleted;
    uint64_t ring_bytes; /* waiting to be written now */
    bool failed;         /* a write or sync failed: nothing is logged any more */
};

/* 0; -ERR_CORRUPT (a damaged head, or a segment missing in the middle); -ERR_BUSY (another
 * process); -ERR_CONFIG; -ERR_MEMORY; -ERR_NOT_FOUND (no log, read only); or the disk's error. The
 * disk is borrowed until free(). *ret_report may be NULL. */
int odds_log_file_open(const struct odds_log_file_options *options, struct disk *disk,
                       struct odds_log_report *ret_report, struct odds_log **ret_log);
/* The epoch file of a folder, for backups of it: *ret_epoch is 0 when there is none. -ERR_CORRUPT
 * or the disk's error. put replaces it, durably. */
int odds_log_file_epoch(struct disk *disk, uint32_t *ret_epoch);
int odds_log_file_put_epoch(struct disk *disk, uint32_t epoch);
/* Of a stepped log: what the thread does once a second. Writes and syncs all that was appended. */
void odds_log_file_step(struct odds_log *log);
/* Ends a stepped log as a crash does: what was not written is gone. */
void odds_log_file_abandon(struct odds_log *log);
void odds_log_file_stats(struct odds_log *log, struct odds_log_file_stats *ret_stats);
/* For odds_cursor_file.h. Everything below the first is durable; the second is where this process
 * began; the disk is the one given at open. Thread: any. */
uint64_t odds_log_file_durable(struct odds_log *log);
uint64_t odds_log_file_begun(struct odds_log *log);
struct disk *odds_log_file_disk(struct odds_log *log);
/* Blocks until everything appended so far is durable. 0, or -ERR_STOPPED after a failure. */
int odds_log_file_flush(struct odds_log *log);
