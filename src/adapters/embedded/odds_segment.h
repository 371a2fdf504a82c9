/* odds_segment.h - one segment file of the odds log: its head, and reading its records.
 * Thread: any. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/odds_codec.h"

#define ODDS_SEGMENT_FORMAT 2 /* with chances */
#define ODDS_SEGMENT_MAGIC  "OVRODDS1"

struct odds_segment_head {
    char magic[8];
    uint32_t format; /* ODDS_SEGMENT_FORMAT */
    uint32_t reserved;
    uint64_t segment;
    uint64_t base; /* position of the first record's first byte */
    char zeros[28];
    uint32_t crc; /* of the 60 bytes before */
};
static_assert(sizeof(struct odds_segment_head) == 64, "segment head");
static_assert(offsetof(struct odds_segment_head, crc) == 60, "crc is last");

/* "odds-NNNNNNNNNN.log" into DISK_NAME_BYTES_MAX + 1 bytes. */
void odds_segment_name(uint64_t segment, char *ret_name);
bool odds_segment_name_parse(const char *name, uint64_t *ret_segment);

/* Creates the file with its head, durable with its name. */
int odds_segment_create(struct disk *disk, uint64_t segment, uint64_t base, int *ret_file);
/* Writes the bytes from `from` to `to` as they are once more. 0 or the disk's error. */
int odds_segment_rewrite(struct disk *disk, int file, uint64_t from, uint64_t to);
/* 0 and the head; -ERR_NOT_FOUND when the file ends before it or holds zeros there (a crash while
 * it was created); -ERR_CORRUPT. */
int odds_segment_read_head(struct disk *disk, int file, uint64_t segment,
                           struct odds_segment_head *ret_head);
struct odds_segment_walk {
    struct disk *disk;
    int file;
    uint64_t base;        /* of its head */
    odds_log_visit visit; /* may be NULL */
    void *owner;
};
/* Visits the records from the head on. 0 and, in *ret_end, the offset behind the last good one;
 * the visitor's negative answer; -ERR_CORRUPT for a record that is whole and means nothing;
 * -ERR_MEMORY or the disk's error. */
int odds_segment_read(const struct odds_segment_walk *walk, uint64_t *ret_end);
