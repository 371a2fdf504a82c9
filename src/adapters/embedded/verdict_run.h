/* verdict_run.h - one sorted, immutable file of old verdict keys: which record answers which key.
 *
 * A run covers the records seq_first to seq_last of one log and has the key of every verdict among
 * them. Keys are hashes (ledger/shard_verdicts.h), so each has a home page, key.high * home_pages
 * / 2^64, and stands there or, when that is full, in the pages right behind: no index is needed in
 * memory or on disk, and a look-up reads one page, rarely two. Pages are filled to four fifths on
 * average. Format byte by byte: docs/LEDGER.md, "Old verdict keys".
 *
 * All of it is derived from the log. What is damaged is found (every page has its checksum) and
 * made again. Thread: a writer or a scan one; finding in one run: any number. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "base/hash.h"

#define VERDICT_RUN_MAGIC  "OVRVRUN1"
#define VERDICT_RUN_FORMAT 1
#define VERDICT_PAGE_BYTES 4096
#define VERDICT_PAGE_KEYS  170
#define VERDICT_PAGE_FILL  136          /* keys of a page on average */
#define VERDICT_STEP_PAGES 64           /* written or read at a time */
#define VERDICT_SYNC_BYTES (8u << 20)   /* one sync of gigabytes would stall the ledger's */
#define VERDICT_KEYS_MAX   (1ull << 38) /* of one run: 2^31 pages and more are beyond all use */

struct verdict_entry {
    struct hash128 key;
    uint64_t seq;
};
_Static_assert(sizeof(struct verdict_entry) == 24, "no padding");

/* < 0, 0, > 0 as keys stand in a run: by high, then low. */
int verdict_key_compare(struct hash128 a, struct hash128 b);

/* The first page of the file. Little-endian; written and read by memcpy. */
struct verdict_run_head {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint8_t book_id[16];
    uint64_t serial; /* in the name too; a later run has a higher one */
    uint64_t seq_first, seq_last;
    uint64_t keys;
    uint64_t home_pages;
    uint64_t pages;      /* with those behind the last home page */
    uint32_t record_crc; /* of the record seq_last: the run belongs to the log that has it */
    char zeros[4096 - 88];
    uint32_t crc; /* of the 4,092 bytes before */
};
_Static_assert(sizeof(struct verdict_run_head) == VERDICT_PAGE_BYTES, "one page");

struct verdict_page {
    uint32_t crc; /* of the 4,092 bytes behind it */
    uint16_t count;
    uint16_t zero;
    uint32_t page;                                   /* its number, from 0 */
    uint32_t serial;                                 /* low half of the run's */
    struct verdict_entry entries[VERDICT_PAGE_KEYS]; /* zeros behind count */
};
_Static_assert(sizeof(struct verdict_page) == VERDICT_PAGE_BYTES, "one page");

/* Where the next key of an ascending sequence stands. Begins as zeros. */
struct verdict_place {
    uint64_t page;
    uint32_t used; /* keys in it */
};

/* "verdicts-SSSS-NNNNNNNNNN.run". False: the name is none. */
void verdict_run_name(uint32_t shard, uint64_t serial, char ret_name[DISK_NAME_BYTES_MAX + 1]);
bool verdict_run_name_parse(const char *name, uint32_t shard, uint64_t *ret_serial);
#define VERDICT_RUN_FRESH ".new" /* behind the name of what is not finished */

/* ---- writing ---- */

struct verdict_run_writer {
    struct disk *disk; /* borrowed */
    int file;          /* -1: none */
    struct verdict_run_head head;
    struct verdict_place place;
    struct hash128 last;
    uint64_t put;            /* keys so far */
    uint64_t written;        /* pages, those in the buffer not */
    uint64_t synced;         /* pages */
    uint32_t held;           /* pages in the buffer; the last may be open */
    struct verdict_page *at; /* owns; VERDICT_STEP_PAGES */
};

/* The buffer: 0 or -ERR_MEMORY; ended by verdict_run_writer_done, which abandons what is open. */
int verdict_run_writer_new(struct disk *disk, struct verdict_run_writer *writer);
void verdict_run_writer_done(struct verdict_run_writer *writer);

/* Begins a file. Of `what` shard, book_id, serial, seqs, record_crc and keys (exact) are taken. */
int verdict_run_begin(struct verdict_run_writer *writer, const struct verdict_run_head *what);
/* Ascending. -ERR_CORRUPT: the key before it was the same. */
int verdict_run_put(struct verdict_run_writer *writer, const struct verdict_entry *entry);
/* Durable under its name when it answers 0. As many keys as begin was told. */
int verdict_run_end(struct verdict_run_writer *writer);
/* Closes and deletes what is unfinished; after any error of the above. */
void verdict_run_abandon(struct verdict_run_writer *writer);

/* ---- reading ---- */

struct verdict_run {
    struct verdict_run_head head;
    int file;
    uint32_t users; /* verdict_runs.c: who reads it */
    bool damaged;   /* verdict_runs.c: a page did not check */
    char name[DISK_NAME_BYTES_MAX + 1];
};

/* Checks the head and the size. 0; -ERR_CORRUPT: it is no whole run of this shard; -ERR_MEMORY;
 * the disk's error. The caller owns *ret_run and ends it with verdict_run_close. */
int verdict_run_open(struct disk *disk, uint32_t shard, uint64_t serial,
                     struct verdict_run **ret_run);
void verdict_run_close(struct disk *disk, struct verdict_run *run); /* accepts NULL */

/* Who looks for keys: one at a time. */
struct verdict_finder {
    struct disk *disk;        /* borrowed */
    uint64_t pages;           /* read so far */
    struct verdict_page page; /* the one looked at */
};
/* 0; -ERR_NOT_FOUND; -ERR_CORRUPT: a page is damaged; or the disk's error. */
int verdict_run_find(struct verdict_finder *finder, const struct verdict_run *run,
                     struct hash128 key, uint64_t *ret_seq);

/* All keys in order, each checked to stand where it would be looked for. */
struct verdict_scan {
    struct disk *disk;             /* borrowed */
    const struct verdict_run *run; /* borrowed */
    struct verdict_place place;
    struct hash128 last;
    uint64_t got;            /* keys */
    uint64_t page;           /* the next to be read */
    uint32_t held, current;  /* pages in the buffer; the one looked at */
    uint32_t index;          /* in it */
    struct verdict_page *at; /* owns; VERDICT_STEP_PAGES */
};
int verdict_scan_new(struct disk *disk, const struct verdict_run *run, struct verdict_scan *scan);
void verdict_scan_done(struct verdict_scan *scan);
/* 1 and the next; 0: that was all; -ERR_CORRUPT or the disk's error. */
int verdict_scan_next(struct verdict_scan *scan, struct verdict_entry *ret_entry);
