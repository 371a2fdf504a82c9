/* ledger_scan.h - reads the sectors of one segment, in order, and tells groups, the torn end and
 * damage apart (docs/LEDGER.md, "Recovery").
 *
 * Pure: bytes in, events out; the same scanner serves recovery, replay, reads and the fuzzer.
 * What may stand at the end of a log after a crash is exactly: sectors of the one group that
 * was being written, each whole and in its place, with prepared zeros between and after them.
 * Anything else is damage. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/ledger_format.h"

enum ledger_scan_event {
    LEDGER_SCAN_MORE = 0, /* give the next sector */
    LEDGER_SCAN_GROUP,    /* a whole group stands in `records`; then give the next sector */
    LEDGER_SCAN_DAMAGE,   /* `problem` at `offset`; the scan is over */
};

struct ledger_scan {
    struct ledger_place place;      /* after the last whole group */
    struct ledger_group_head group; /* the last whole group, or the one being gathered */
    uint64_t offset;                /* of the sector given last or, at first, next: in the file */
    uint64_t group_offset;          /* where the group after `place` begins */
    uint64_t next;                  /* offset of the next sector */
    char *records;                  /* borrowed: where the group being gathered goes */
    size_t capacity;                /* of it: >= LEDGER_APPEND_BYTES_MAX to take any group */
    size_t gathered;
    uint32_t body; /* running, as in the group head */
    uint32_t first_crc;
    uint64_t extent; /* sectors of the open group up to its last non-zero one */
    bool hole;       /* a zero sector was seen where the open group stands */
    bool ended;      /* its last sector was seen */
    const char *problem;
};

/* Begins before the group after `place`, at `offset` of the file. */
void ledger_scan_begin(struct ledger_scan *scan, const struct ledger_place *place, uint64_t offset);
/* Where the next group's records go; may be changed between groups. Borrowed until then. */
void ledger_scan_into(struct ledger_scan *scan, char *records, size_t capacity);
enum ledger_scan_event ledger_scan_sector(struct ledger_scan *scan,
                                          const struct ledger_sector *sector);
/* At the end of the file: MORE when it ended well, cleanly or torn (`extent` > 0: that many
 * sectors from group_offset on are to be cut), or DAMAGE. */
enum ledger_scan_event ledger_scan_end(struct ledger_scan *scan);
