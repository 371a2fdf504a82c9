/* backup_internal.h - a backup under way, shared by the files backup*.c only. */
#pragma once

#include "adapters/embedded/backup.h"
#include "adapters/embedded/backup_walk.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"

struct backup {
    const struct backup_options *options;
    struct backup_report *report;
    struct backup_manifest *before, *made; /* own, as all below */
    bool has_before;
    struct backup_memory *memory;
    struct backup_records records;
    struct ledger_reader *reader;
    char reader_text[LEDGER_REPORT_TEXT_BYTES];
    struct ledger_store *store;
    struct ledger_view view; /* up to where it is copied */
    bool beside_writer;
    struct tree_heads heads; /* of the source */
    uint64_t heads_first;    /* the first that the backup has not */
};

/* Keeps the sentence and answers `error`. */
__attribute__((format(printf, 3, 4))) int backup_refuse(struct backup *backup, int error,
                                                        const char *format, ...);

/* A file that is written beside, and then takes its name. */
struct backup_copy {
    struct disk *disk;
    const char *name;
    char fresh[DISK_NAME_BYTES_MAX + 1];
    int file; /* -1: not begun */
    uint64_t bytes, counted;
};
int backup_copy_begin(struct backup_copy *copy);
/* With `error` 0 it is made durable under its name; else it is dropped. The error, or its own. */
int backup_copy_end(struct backup *backup, struct backup_copy *copy, int error);

/* SHA-256 of the first bytes of a file; -ERR_CORRUPT when there are not so many. */
struct backup_hashing {
    struct disk *disk;
    int file;
    uint64_t bytes;
    struct backup_memory *memory;
};
int backup_hash_file(const struct backup_hashing *hashing, uint8_t ret_sha256[SHA256_BYTES]);
/* The same while copying them to `to`. */
int backup_hash_copy(const struct backup_hashing *hashing, const struct backup_copy *to,
                     uint8_t ret_sha256[SHA256_BYTES]);

/* Copies what is there of the odds log. */
int backup_take_odds(struct backup *backup);
/* Behind the manifest: segments that it does not name. */
int backup_drop_odds(struct backup *backup);
