/* ledger_slip.h - what stays in the log's directory of a segment that went into the archive: a
 * small file that says which file it is there and all that a start must know of it
 * (docs/LEDGER.md, "The archive"). Thread: any. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_format.h"

#define LEDGER_SLIP_FORMAT 1
#define LEDGER_SLIP_MAGIC  "OVRLAWAY"

enum ledger_slip_form { LEDGER_SLIP_PLAIN = 1, LEDGER_SLIP_PACKED = 2 };

struct ledger_slip {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t segment;
    uint64_t creation;   /* id of the log */
    uint64_t file_bytes; /* of the file in the archive */
    uint32_t form;       /* of it: enum ledger_slip_form */
    uint32_t reserved;
    unsigned char sha256[32]; /* of it */
    char zeros[428];
    uint32_t crc;                    /* of the 508 bytes before and of `head` */
    struct ledger_segment_head head; /* of the segment, as it is there */
};
static_assert(sizeof(struct ledger_slip) == 2 * DISK_SECTOR, "two sectors");
static_assert(offsetof(struct ledger_slip, sha256) == 48, "no padding");
static_assert(offsetof(struct ledger_slip, crc) == 508, "end of the first sector");

/* "ledger-SSSS-NNNNNNNNNN.away" into DISK_NAME_BYTES_MAX + 1 bytes. */
void ledger_slip_name(uint32_t shard, uint64_t segment, char *ret_name);
/* The name that its file has in the archive: that of the form. */
void ledger_slip_file_name(const struct ledger_slip *slip, char *ret_name);
/* Fills in magic, format, zeros and the checksum. */
void ledger_slip_seal(struct ledger_slip *slip);
/* 0; -ERR_NOT_FOUND: there is none; -ERR_CORRUPT, with *ret_wrong (static): it is damaged or of
 * another segment; or the disk's error. */
int ledger_slip_read(struct disk *disk, uint32_t shard, uint64_t segment,
                     struct ledger_slip *ret_slip, const char **ret_wrong);
