/* ledger_packed.h - a sealed segment in its packed form, byte by byte (docs/LEDGER.md, "Packed
 * segments"), and reading it.
 *
 * A packed file is a head, a table and one zstd frame for each LEDGER_CHUNK_BYTES of the segment,
 * so that a read unpacks what it needs. Every byte of it is under a CRC, and what comes out is the
 * segment as it was, sectors with their own checksums: whoever reads it checks those as ever. A
 * file may be damaged or hostile: nothing in it decides how much memory is taken. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"

#define LEDGER_PACKED_FORMAT   1
#define LEDGER_PACKED_MAGIC    "OVRLPAK1"
#define LEDGER_CHUNK_BYTES     (256u << 10)
#define LEDGER_CHUNKS_MAX      4096 /* of the largest segment, 1 GiB */
#define LEDGER_PACK_LEVEL      1    /* docs/LEDGER.md: higher ones cost more and gain nothing */
#define LEDGER_FRAME_BYTES_MAX (LEDGER_CHUNK_BYTES + (LEDGER_CHUNK_BYTES >> 8) + 64)

struct ledger_packed_head {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t segment;
    uint64_t creation;    /* id of the log */
    uint64_t bytes;       /* of the segment, unpacked */
    uint64_t file_bytes;  /* of this file */
    uint32_t chunk_bytes; /* LEDGER_CHUNK_BYTES */
    uint32_t chunks;      /* bytes / chunk_bytes, rounded up */
    uint32_t table_crc;   /* CRC-32C of the table */
    char zeros[448];
    uint32_t crc; /* of the 508 bytes before */
};
static_assert(sizeof(struct ledger_packed_head) == DISK_SECTOR, "one sector");
static_assert(offsetof(struct ledger_packed_head, table_crc) == 56, "no padding");
static_assert(offsetof(struct ledger_packed_head, crc) == 508, "crc is last");

/* An entry of the table, which stands behind the head; the frames follow one after the other. */
struct ledger_packed_chunk {
    uint64_t offset; /* of the frame in the file */
    uint32_t bytes;  /* of the frame */
    uint32_t crc;    /* CRC-32C of the frame */
};
static_assert(sizeof(struct ledger_packed_chunk) == 16, "no padding");

/* The chunks of a segment of so many bytes. */
uint32_t ledger_packed_chunks(uint64_t segment_bytes);
/* Bytes of chunk n of a segment of so many bytes: all but the last are of one size. */
size_t ledger_packed_chunk_bytes(uint64_t segment_bytes, uint32_t chunk);
/* Fills in magic, format, chunk size, zeros and the checksums of head and table. */
void ledger_packed_head_seal(struct ledger_packed_head *head,
                             const struct ledger_packed_chunk *table);

/* What is wrong, and at which byte of the packed file. */
struct ledger_packed_problem {
    const char *text; /* static */
    uint64_t offset;
};

/* Reads packed files, one after the other. Thread: one at a time. */
struct ledger_packed;

/* 0 or -ERR_MEMORY: about 900 KiB, whatever the files say. The caller owns *ret_packed. */
int ledger_packed_new(struct ledger_packed **ret_packed);
void ledger_packed_free(struct ledger_packed *packed); /* accepts NULL */
/* Takes this file, borrowed until the next is opened. 0; -ERR_CORRUPT, with *ret_problem: head or
 * table are damaged, or are another segment's; or the disk's error. */
int ledger_packed_open(struct ledger_packed *packed, struct disk *disk, int file,
                       struct ledger_packed_problem *ret_problem);
/* The head of the file that is open. */
const struct ledger_packed_head *ledger_packed_head(const struct ledger_packed *packed);
/* Unpacks up to piece.bytes at piece.offset of the segment (piece.file is not looked at);
 * *ret_bytes is less only at its end. Errors as for open. The chunk read last costs no second
 * unpacking. */
int ledger_packed_read(struct ledger_packed *packed, struct disk_piece piece, size_t *ret_bytes,
                       struct ledger_packed_problem *ret_problem);
