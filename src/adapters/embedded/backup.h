/* backup.h - a copy of a server's log, heads and odds that is good at every moment, taken while the
 * server runs or not (docs/LEDGER.md, "Backups").
 *
 * It takes no lock that the server would meet: the log is only ever added to, so what stands below
 * a durable group stays as it is. Up to which group that is: all, when no server has the log open;
 * else up to the newest that a kept head covers, or to the last but one, for a group is written
 * only when the one before it is durable. Each file is checked while it is copied (every sector,
 * the chain of groups, the tree against every kept head), written beside, synced and renamed; last
 * the manifest is replaced. What was interrupted has left the manifest before it, all of whose
 * bytes are still there, and files that the next attempt checks and keeps.
 *
 * Not in it: keys (who has them may open what was erased), and what the log makes anew: the tree's
 * tiles, snapshots. Thread: one at a time; blocking. */
#pragma once

#include "adapters/embedded/backup_manifest.h"

/* Where the folders of a server's data or of a backup are. All borrowed. */
struct backup_disks {
    struct disk *root; /* of a backup: the manifest */
    struct disk *folders[BACKUP_FOLDERS];
};

struct backup_options {
    struct disk *second;      /* of the ledger, where it has two; or NULL */
    struct backup_disks from; /* opened to be read; root is not looked at, tree and odds may be
                               * NULL */
    struct backup_disks to;
    uint32_t shard;
    int64_t now_us;
    bool recheck; /* what is there already is read and checked again */
    /* Beside a server: not without this record; UINT64_MAX: not without the newest; 0: the newest
     * group may be left out when nobody can say yet whether it is durable. */
    uint64_t seq_wanted;
};

struct backup_report {
    uint64_t seq_seen; /* the newest record there was */
    uint64_t seq;
    int64_t time_us;
    struct merkle_hash root;
    uint64_t segments_copied, segments_kept;
    uint64_t odds_copied, odds_kept;
    uint64_t heads;               /* in the backup */
    uint64_t bytes_copied;        /* of all of them */
    char text[BACKUP_TEXT_BYTES]; /* why it refused, with file and byte; or "" */
};

/* 0; -ERR_CORRUPT with report->text: the log is damaged, or, beside a server, was being written
 * just there (the caller asks again: damage stays); -ERR_CONFIG with report->text: `to` is no place
 * for this backup (another book's, a server's own folder, or a ledger that lost what the backup
 * has); -ERR_BUSY: another backup is under way;
 * -ERR_STOPPED: seq_wanted is not known to be durable yet: ask again; -ERR_NOT_FOUND: there is no
 * log; -ERR_MEMORY, -ERR_CRYPTO or a disk's error. */
int backup_run(const struct backup_options *options, struct backup_report *report);
