/* node_check.h - the part of a start's check that the fold behind a snapshot does not do: every
 * checksum and the chain of all groups below it, on a thread of its own, while the snapshot is
 * read. A start that has waited for it has read the whole log, so damage anywhere refuses it,
 * with or without a snapshot. Thread: the main one, but for the thread itself. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "ports/ledger_log.h"

struct node_check {
    struct ledger_cursor *cursor; /* owned; NULL: there is nothing to check */
    uint64_t seq_last;
    uint64_t seq; /* checked up to here */
    uint32_t stop;
    bool running;
    pthread_t thread;
    int result;
};

/* Begins to check the records from number 1 (from behind what is in the archive, which a start does
 * not read) to that of the newest snapshot in `disk`, used or not;
 * the fold reads those behind it. `log` is a ledger_file and outlives node_check_end. 0 or an
 * error. */
int node_check_begin(struct node_check *check, uint32_t shard, struct disk *disk,
                     struct ledger_log *log);
/* For book_ports: waits for the end. 0, or the error with file and byte in *ret_reason, which is
 * borrowed until node_check_end. */
int node_check_wait(void *check, const char **ret_reason);
/* Ends the thread; may be called without a begin. */
void node_check_end(struct node_check *check);
