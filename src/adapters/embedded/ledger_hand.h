/* ledger_hand.h - what writes one shard's log in one directory: the segment that takes groups, the
 * next one that is being prepared, and the reserve.
 *
 * A hand touches nothing that anybody else looks at: what it has done becomes the log's when the
 * store settles it (ledger_store.h). So one that hangs in an operation of its disk can be given
 * up: it does no operation more, and what it comes back with is thrown away.
 *
 * The reserve is files of the size of a segment, their space really taken. When the disk is full
 * one of them becomes the next segment, by its name alone, so that nobody else can take its place.
 * It is filled up again when there is space.
 *
 * Thread: one at a time; ledger_hand_give_up: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_format.h"
#include "adapters/embedded/ledger_reader.h"
#include "ports/ledger_log.h"

#define LEDGER_PREPARE_BYTES        (UINT64_C(512) << 10) /* zeros written and synced per step */
#define LEDGER_PREPARE_RETRY_GROUPS 256
#define LEDGER_RESERVE_FILES_MAX    64

struct ledger_prepare {
    int file;             /* -1: not begun */
    uint64_t done;        /* zeros written and synced */
    bool ready;           /* all of it, and the name */
    uint64_t retry_group; /* after a failure: no step before the log has this group */
};

/* Where a log ends, and what its next group must say. */
struct ledger_tail {
    struct ledger_place place;
    uint64_t segments_count;
    uint64_t offset; /* in the newest segment: where the next group goes */
    uint64_t bytes;  /* of the newest segment */
    uint64_t epoch;  /* that groups are written with */
};

/* Counters since open. */
struct ledger_store_stats {
    uint64_t groups;
    uint64_t refused;       /* appends for which no segment could be prepared */
    uint64_t prepare_waits; /* appends that had to prepare a segment themselves */
    uint64_t prepare_failures;
    uint64_t failovers;
    uint64_t reserve_used; /* segments that were made of the reserve for want of space */
};

struct ledger_hand {
    struct disk *disk; /* borrowed; NULL: there is no such directory */
    uint32_t shard;
    uint32_t volume;
    uint64_t creation;
    uint64_t segment_bytes;  /* of new segments */
    uint32_t reserve_wanted; /* files */
    uint64_t free_bytes_min; /* below it no reserve is filled up, and the disk counts as full */

    struct ledger_tail tail; /* as this hand left it */
    struct ledger_segment begun;
    bool has_begun;                  /* `begun` is not in the table yet */
    int file;                        /* of the newest segment */
    int direct_file;                 /* the same, past the cache; -1: unsupported */
    struct ledger_prepare prepare;   /* of segment number tail.segments_count */
    struct ledger_sector *sectors;   /* owns; room for the largest group */
    struct ledger_place laid;        /* behind the group in `sectors`, */
    size_t laid_bytes;               /* and how many these are, */
    int64_t laid_until_us;           /* to be written by then, or not; 0: whenever */
    uint32_t reserve;                /* files there are */
    uint64_t free_bytes;             /* when last looked */
    bool full;                       /* when last looked: no space for bets */
    bool failed;                     /* an operation failed: not used again before a restart */
    int error;                       /* behind the last REFUSED or UNKNOWN */
    bool hangs;                      /* given up and not back yet */
    uint32_t given_up;               /* atomic */
    struct ledger_store_stats stats; /* not settled yet */
};

/* In the caller's memory, with nothing open. 0 or -ERR_MEMORY. */
int ledger_hand_init(struct ledger_hand *hand, struct disk *disk, uint32_t volume);
void ledger_hand_done(struct ledger_hand *hand);
/* Closes its files; a segment that was being prepared is left behind (recovery takes it). */
void ledger_hand_rest(struct ledger_hand *hand);
void ledger_hand_give_up(struct ledger_hand *hand);

/* Lays a group over sectors, to be written next: the append is not looked at any more. */
void ledger_hand_lay(struct ledger_hand *hand, const struct ledger_append *append);
/* Blocks for the commit. REFUSED: no segment could be prepared, nothing was written. LATE: its time
 * (until_us) had passed when the disk would have been asked for it, and nothing of it was written;
 * a disk that was asked in time and takes long is not late. UNKNOWN: a write or sync failed and so
 * has the hand, or it was given up. `error` says why. */
enum append_outcome ledger_hand_write(struct ledger_hand *hand);
/* Both. */
enum append_outcome ledger_hand_append(struct ledger_hand *hand,
                                       const struct ledger_append *append);
/* There is one, and it neither failed nor hangs. */
static inline bool ledger_hand_is_well(const struct ledger_hand *hand)
{
    return hand->disk != NULL && !hand->failed && !hand->hangs;
}
/* One small step of preparing the next segment. True when there is more to do now. */
bool ledger_hand_prepare_step(struct ledger_hand *hand);
/* Is the next segment prepared less far than this one is used? Then a step is due even though
 * appends are waiting. */
bool ledger_hand_prepare_late(const struct ledger_hand *hand);
/* Looks how much space there is and fills the reserve up by one file. To be called about once a
 * second. */
void ledger_hand_look(struct ledger_hand *hand);
/* Counts the reserve and makes it whole; for opening. */
void ledger_hand_open_reserve(struct ledger_hand *hand);

/* Goes on here behind `tail`, whose segment stands in the other directory: takes tail.epoch + 1,
 * durably, and begins a segment that says so. 0 or the disk's error; the hand is then failed. */
int ledger_hand_take_over(struct ledger_hand *hand, const struct ledger_tail *tail);

/* Shared with recovery. */
int ledger_hand_write_epoch(struct ledger_hand *hand, uint64_t epoch);
int ledger_hand_prepare_all(struct ledger_hand *hand);
/* The prepared segment gets its head and becomes the newest; 0: no failover. */
int ledger_hand_begin_segment(struct ledger_hand *hand, uint64_t failover_epoch);
/* Opens the newest segment, as recovery found it. */
int ledger_hand_open_newest(struct ledger_hand *hand);
int ledger_hand_open_direct(struct ledger_hand *hand);
