/* ledger_format.h - the log on disk, byte by byte (docs/LEDGER.md, "The log on disk").
 *
 * A segment file is sectors of 512 bytes: the segment head, then groups one after another, then
 * prepared zeros. A group is its head and its records, laid over the payloads of consecutive
 * sectors. Every sector carries its own checksum and place, so that a torn write (zeros remain)
 * can be told from damage (anything else). Numbers are little-endian; structs are read and
 * written by memcpy. Thread: any. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "ports/ledger_log.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is memcpy of the structs");

#define LEDGER_FORMAT          1
#define LEDGER_FORMAT_FAILOVER 2 /* of a segment head: the log went on here after a failover */
#define LEDGER_SEGMENT_MAGIC   "OVRLSEG1"
#define LEDGER_EPOCH_MAGIC     "OVRLEPO1"
#define LEDGER_VOLUME_MAGIC    "OVRLVOL1"
#define LEDGER_GROUP_MAGIC     UINT32_C(0x5052474F) /* "OGRP" */
#define LEDGER_PAYLOAD_BYTES   496                  /* of one sector */
#define LEDGER_USED_LAST       0x8000u              /* flag in `used`: last sector of its group */
#define LEDGER_SEGMENTS_MAX    65536                /* 4 TiB at 64 MiB */
#define LEDGER_GROUP_SECTORS_MAX                                                                   \
    ((sizeof(struct ledger_group_head) + LEDGER_APPEND_BYTES_MAX + LEDGER_PAYLOAD_BYTES - 1) /     \
     LEDGER_PAYLOAD_BYTES)

struct ledger_sector {
    uint32_t crc;   /* CRC-32C of the 508 bytes after it */
    uint32_t group; /* low half of the group's number */
    uint16_t index; /* in the group, from 0 */
    uint16_t used;  /* payload bytes used, 1 .. 496; LEDGER_USED_LAST */
    uint32_t log;   /* low half of the log's creation id */
    char payload[LEDGER_PAYLOAD_BYTES];
};
static_assert(sizeof(struct ledger_sector) == DISK_SECTOR, "one sector");
static_assert(offsetof(struct ledger_sector, payload) == 16, "sector head");

/* The first bytes of the first sector's payload. The crc of that sector is what the next group
 * names as `previous`: it covers this head, which covers the crcs of all other sectors. */
struct ledger_group_head {
    uint32_t magic;
    uint32_t count;     /* of records, >= 1 */
    uint64_t group;     /* dense from 1 */
    uint64_t seq_first; /* of the first record */
    uint64_t epoch;     /* of the writer; never falls */
    uint32_t bytes;     /* of the records */
    uint32_t previous;  /* crc of the previous group's first sector; 0 for group 1 */
    uint32_t body;      /* CRC-32C over the crcs of the sectors after the first */
    uint32_t crc;       /* of the 44 bytes before */
};
static_assert(sizeof(struct ledger_group_head) == 48, "group head");
static_assert(offsetof(struct ledger_group_head, bytes) == 32, "no padding");
static_assert(offsetof(struct ledger_group_head, crc) == 44, "crc is last");

struct ledger_segment_head {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t segment;
    uint64_t group_first; /* number of the first group that will stand in it */
    uint64_t seq_first;   /* of the first record */
    uint64_t epoch;       /* of the last group or failover before it */
    uint64_t creation;    /* id of the log, the same in every file */
    uint64_t bytes;       /* of the whole file */
    uint32_t previous;    /* as in the group head: the chain over segments */
    uint32_t reserved;
    /* Of a failover head, else 0. What stands at previous_end of the segment before, of an older
     * epoch, is superseded. */
    uint64_t failover_epoch; /* taken for the failover; above `epoch` */
    uint64_t previous_end;   /* byte of the segment before at which the log had ended */
    char zeros[420];
    uint32_t crc; /* of the 508 bytes before */
};
static_assert(sizeof(struct ledger_segment_head) == DISK_SECTOR, "one sector");
static_assert(offsetof(struct ledger_segment_head, previous) == 64, "no padding");
static_assert(offsetof(struct ledger_segment_head, failover_epoch) == 72, "no padding");
static_assert(offsetof(struct ledger_segment_head, crc) == 508, "crc is last");

/* The whole content of the epoch file. */
struct ledger_epoch_head {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t creation;
    uint64_t epoch;    /* the newest taken; 0: none yet */
    uint64_t seq_tail; /* the log had this tail then: a shorter log has lost files */
    char zeros[468];
    uint32_t crc; /* of the 508 bytes before */
};
static_assert(sizeof(struct ledger_epoch_head) == DISK_SECTOR, "one sector");
static_assert(offsetof(struct ledger_epoch_head, crc) == 508, "crc is last");

enum ledger_role { LEDGER_ROLE_FIRST = 1, LEDGER_ROLE_SECOND = 2 };

/* The whole content of the volume file: which directory of which log this is. */
struct ledger_volume_head {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t creation;
    uint64_t pairing; /* random, the same in both directories; 0 when there is one */
    uint32_t role;    /* enum ledger_role */
    uint32_t of;      /* directories of this log: 1 or 2 */
    char zeros[468];
    uint32_t crc; /* of the 508 bytes before */
};
static_assert(sizeof(struct ledger_volume_head) == DISK_SECTOR, "one sector");
static_assert(offsetof(struct ledger_volume_head, crc) == 508, "crc is last");

/* Where the log stands before a group: all that the next group must agree with. */
struct ledger_place {
    uint64_t group;    /* number of the last group; 0: none */
    uint64_t seq;      /* of the last record; 0: none */
    uint64_t epoch;    /* of the last group or failover */
    uint32_t previous; /* crc of its first sector */
    uint32_t log;      /* low half of the creation id */
};

/* Sectors that a group of so many record bytes takes. */
size_t ledger_group_sectors(size_t record_bytes);
/* Lays a group over `sectors`, which has room for ledger_group_sectors(bytes), and advances
 * *place to it. The records are checked: whole, `count` of them, dense from place->seq + 1; a
 * wrong one is a programmer error (L1). */
void ledger_group_fill(struct ledger_sector *sectors, const struct ledger_append *append,
                       struct ledger_place *place);
/* Are these whole records, `count` of them, numbered from seq_first on? */
bool ledger_records_whole(const char *records, size_t bytes, uint32_t count, uint64_t seq_first);
uint32_t ledger_sector_crc(const struct ledger_sector *sector);
bool ledger_all_zero(const void *at, size_t bytes);

void ledger_segment_head_seal(struct ledger_segment_head *head);
/* NULL when good, else what is wrong. Checks the head alone, not its place in the log. */
const char *ledger_segment_head_wrong(const struct ledger_segment_head *head);
void ledger_epoch_head_seal(struct ledger_epoch_head *head);
const char *ledger_epoch_head_wrong(const struct ledger_epoch_head *head);
void ledger_volume_head_seal(struct ledger_volume_head *head);
const char *ledger_volume_head_wrong(const struct ledger_volume_head *head);

/* "ledger-SSSS-NNNNNNNNNN.seg", the same with ".segz", "epoch-SSSS", "ledger-SSSS.lock",
 * "volume-SSSS" and "reserve-SSSS-NNN" into DISK_NAME_BYTES_MAX + 1 bytes. */
void ledger_segment_name(uint32_t shard, uint64_t segment, char *ret_name);
void ledger_packed_name(uint32_t shard, uint64_t segment, char *ret_name);
void ledger_epoch_name(uint32_t shard, char *ret_name);
void ledger_lock_name(uint32_t shard, char *ret_name);
void ledger_volume_name(uint32_t shard, char *ret_name);
void ledger_reserve_name(uint32_t shard, uint32_t number, char *ret_name);
/* The segment's number when the name is one of this shard's: plain, packed, or the slip of one that
 * is in the archive. */
bool ledger_segment_name_parse(const char *name, uint32_t shard, uint64_t *ret_segment);
