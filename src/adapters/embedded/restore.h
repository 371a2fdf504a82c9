/* restore.h - a server's folders made from a backup (backup.h), up to a record or a time.
 *
 * First everything that the manifest names is read and checked, then it is written; nothing is
 * written from a backup that is damaged anywhere. Up to a record means: also in the middle of a
 * group, which is written anew with the records that are left. Here, and nowhere else, what was
 * acknowledged is cut away, because somebody asked for it; every record that is left has its bytes,
 * its number and its leaf in the tree. Kept heads of more records are set aside: whoever holds one
 * can prove that the book went on (L8). The epoch file comes last, and no log opens without it, so
 * what was interrupted is never taken for a book. Thread: one at a time; blocking. */
#pragma once

#include "adapters/embedded/backup.h"

/* No price is given a version that the lost server may have shown (P1): more starts than it can
 * have had since the backup. */
#define RESTORE_ODDS_EPOCHS 1024

struct restore_until {
    uint64_t seq;    /* the last record; 0: by time */
    int64_t time_us; /* the last record not after it; INT64_MAX: all */
};

struct restore_report {
    uint64_t seq; /* of the last record there will be */
    int64_t time_us;
    uint64_t seq_backup; /* of the last record in the backup */
    uint64_t accounts;
    struct merkle_hash root;
    uint64_t heads, heads_aside;         /* kept; of more records than there are now */
    uint64_t bytes;                      /* written */
    char aside[DISK_NAME_BYTES_MAX + 1]; /* file in the folder of the tree; or "" */
    char text[BACKUP_TEXT_BYTES];        /* what is wrong, with file and byte; or "" */
};

struct restore;

/* Reads and checks the whole backup, whose disks were opened to be read and are borrowed until
 * free. 0 and where it will end in *report; -ERR_CORRUPT: the backup is damaged; -ERR_NOT_FOUND:
 * there is no manifest, or no record up to there; -ERR_MEMORY, -ERR_CRYPTO or a disk's error. The
 * report is borrowed until free. */
int restore_new(const struct backup_disks *from, struct restore_until until,
                struct restore_report *report, struct restore **ret_restore);
/* Writes the folders, which are empty. Once. Errors as above. */
int restore_write(struct restore *restore, const struct backup_disks *to);
void restore_free(struct restore *restore); /* accepts NULL */
