/* tree_log.h - the durable log as the tree reads it again: for tree_keeper, which reads back what
 * it missed, and for tree_audit. Whoever hosts the log says how: ledger_file for the program, the
 * simulator's log over the same store. Thread: what the host allows; ledger_file: any. */
#pragma once

#include "ports/ledger_log.h"

struct tree_log {
    uint64_t creation; /* the log's id */
    /* As ledger_replay(), up to the newest record that is durable now; ret_text has
     * LEDGER_REPORT_TEXT_BYTES. */
    int (*replay)(void *owner, uint64_t seq_first, ledger_visit visit, void *visitor,
                  char *ret_text);
    void *owner; /* outlives whoever was given this */
};

/* Of an open ledger_file. */
struct tree_log tree_log_of_file(struct ledger_log *log);
